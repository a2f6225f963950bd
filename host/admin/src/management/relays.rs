//! Drop relays: a part of [`Management`](super::Management).

use async_trait::async_trait;
use mail::PublicKey;

use super::Result;
use crate::dto::{Invitation, InvitationGiven, NewRelay, Relay};

/// The own drop relay, and those that are used.
#[async_trait]
pub trait DropRelays: Send + Sync + 'static {
    /// Drop relays that are known, the own one first (a bounded number by nature).
    async fn relays(&self) -> Result<Vec<Relay>>;
    /// Names a relay to use. `Unprocessable` where the address is not that of a relay.
    async fn add_relay(&self, relay: NewRelay) -> Result<Relay>;
    /// Forgets a relay. `Conflict` for the one that is served here.
    async fn remove_relay(&self, key: PublicKey) -> Result<()>;
    /// Creates an invitation to the gateway's own relay. `Conflict` where no relay is served.
    async fn invite_to_relay(&self) -> Result<Invitation>;
    /// Invitations to the own relay (a bounded number). `Conflict` where no relay is served.
    async fn invitations(&self) -> Result<Vec<InvitationGiven>>;
    /// Takes the invitation of this name back (or the one with this address or code). `NotFound` if there is none, `Conflict` where no relay is served.
    async fn uninvite_from_relay(&self, name: &str) -> Result<()>;
}
