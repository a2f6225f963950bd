//! What all parts of the core share: the ports, the settings, and what is kept in memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use mail::{AccountName, Clock, MailId, Refusal};
use tokio_util::sync::CancellationToken;

use crate::lock::lock;
use crate::moment::{Moment, millis};
use crate::outbox::memory::Outbox;
use crate::people::People;
use crate::ports::decisions::DecisionFailure;
use crate::ports::{Copies, Decisions, DropRelays, Event, Events, Network, Random, Storage, StorageError};
use crate::reception::active::Receptions;
use crate::request_schedule::RequestSchedule;
use crate::settings::Settings;

/// Ports, settings and memory of a gateway.
pub(crate) struct Core {
    pub storage: Arc<dyn Storage>,
    pub network: Arc<dyn Network>,
    pub decisions: Arc<dyn Decisions>,
    pub events: Arc<dyn Events>,
    pub random: Arc<dyn Random>,
    pub clock: Arc<dyn Clock>,
    pub settings: Settings,
    /// How long mails are tried; the user may change it meanwhile.
    pub patience: Mutex<Patience>,
    /// Largest mail, in and out, bytes; the user may change it meanwhile.
    pub max_mail_bytes: AtomicU64,
    pub people: People,
    pub outbox: Outbox,
    pub receptions: Receptions,
    pub requests: RequestSchedule,
    /// Drop relays, once they are there.
    pub relays: OnceLock<Arc<dyn DropRelays>>,
    /// Cancelled when the gateway stops: transfers end, commits under way are finished.
    pub stopping: CancellationToken,
}

/// How long mails are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    /// Until they bounce.
    pub expiry: Duration,
    /// Until the sender is told.
    pub delay_notice: Duration,
}

impl Core {
    pub fn patience(&self) -> Patience {
        *lock(&self.patience)
    }

    pub fn max_mail_bytes(&self) -> u64 {
        self.max_mail_bytes.load(Ordering::Relaxed)
    }

    pub fn now(&self) -> Moment {
        Moment { mono: millis(self.clock.monotonic().0), wall: self.clock.wall() }
    }

    /// A component failed and the failure rule of its slot is being applied.
    pub fn decision_failed(&self, account: &AccountName, slot: &'static str, failure: &DecisionFailure) {
        tracing::warn!(%account, slot, reason = %failure.reason, "a component gave no usable answer");
        self.events.publish(Event::DecisionFailed {
            account: account.clone(),
            slot,
            why: failure.reason.clone(),
        });
    }

    /// What is known of the copies of a mail on drop relays.
    pub fn copies(&self, id: MailId) -> Copies {
        self.relays.get().map(|relays| relays.copies(id)).unwrap_or_default()
    }

    /// A mail has left the outbox.
    pub fn left_outbox(&self, id: MailId) {
        if let Some(relays) = self.relays.get() {
            relays.ended(id);
        }
    }

    /// Whether drop relays reach somebody whose key alone is known.
    pub fn reaches_strangers(&self) -> bool {
        self.relays.get().is_some_and(|relays| relays.reaches_strangers())
    }

    pub fn contacts_changed(&self, account: &AccountName) {
        if let Some(relays) = self.relays.get() {
            relays.contacts_changed(account);
        }
        self.events.publish(Event::ContactsChanged { account: account.clone() });
    }
}

/// What a mail program or peer is told when the store fails; it tries again by itself.
pub(crate) fn storage_refusal(error: &StorageError) -> Refusal {
    tracing::warn!(%error, "the store refused");
    match error {
        StorageError::Full => Refusal::transient(
            3,
            1,
            "the disk of the gateway is full: free some space where its data directory is, then send again",
        ),
        StorageError::LimitReached(what) => Refusal::transient(2, 2, what),
        other => Refusal::transient(
            3,
            0,
            &format!("the gateway could not store this ({other}): try again, and see its log if it stays so"),
        ),
    }
}
