//! Plugs drop relays into the web API.

use admin::ManagementError;
use admin::dto::{Board, Hiding, Invitation, InvitationGiven, NewRelay, Relay};
use admin::management::{DropRelays, Result};
use admin::metrics::{Kind, Metric};
use async_trait::async_trait;
use drops::limits::CELL_BYTES;
use mail::PublicKey;
use relay::{BoardAddress, InvitationName, Serving};

use super::GatewayManagement;
use super::errors::stored;
use crate::relays::{Behaviour, KnownError, KnownRelay, Relays};

fn known_error(error: KnownError) -> ManagementError {
    let text = error.to_string();
    match error {
        KnownError::TooMany => ManagementError::TooLarge(text),
        KnownError::Store(error) => stored(error),
        KnownError::Damaged => ManagementError::Internal(text),
    }
}

fn stopped(error: relay::Stopped) -> ManagementError {
    ManagementError::Unavailable(error.to_string())
}

/// The own relay, then the known ones.
pub async fn list(relays: &Relays) -> Result<Vec<Relay>> {
    let mut shown = Vec::new();
    if let Some(serving) = relays.serving() {
        let own = relays.known.get(&serving.key());
        let own = own.unwrap_or_else(|| KnownRelay {
            address: serving.address(),
            is_chosen: true,
            behaviour: Behaviour::default(),
        });
        shown.push(Relay { serving: Some(board(serving).await?), ..relay(relays, own) });
    }
    let is_other = |known: &KnownRelay| relays.serving().is_none_or(|own| own.key() != known.address.key);
    shown.extend(relays.known.list().into_iter().filter(is_other).map(|known| relay(relays, known)));
    Ok(shown)
}

async fn board(serving: &Serving) -> Result<Board> {
    let status = serving.status().await.map_err(stopped)?;
    let bytes = |cells: u64| cells.saturating_mul(CELL_BYTES as u64);
    Ok(Board {
        online: serving.connection() != tox::Connection::None,
        cells: status.cells,
        bytes: bytes(status.cells),
        capacity_bytes: bytes(status.capacity),
        today: status.today,
        day_cells: serving.quotas().day_cells,
        sessions: status.sessions as u64,
        invitations: status.invitations as u64,
    })
}

fn relay(relays: &Relays, known: KnownRelay) -> Relay {
    let KnownRelay { address, is_chosen, behaviour } = known;
    Relay {
        // Without the invitation, which is a secret.
        address: BoardAddress { invitation: None, ..address }.to_string(),
        key: address.key,
        chosen_by_user: is_chosen,
        invited: address.invitation.is_some(),
        receipts: behaviour.receipts,
        failures: behaviour.failures,
        last_failure: behaviour.last_failure.map(Into::into),
        last_problem: behaviour.last_problem,
        fill: behaviour.fill,
        address_hidden: match relays.sessions.hiding() {
            relay::Hiding::Proxy => Hiding::Proxy,
            relay::Hiding::Relays => Hiding::Relays,
            relay::Hiding::Visible => Hiding::Visible,
        },
        serving: None,
    }
}

/// The owner names a relay.
pub async fn add(relays: &Relays, new: &NewRelay) -> Result<Relay> {
    let address: BoardAddress = new
        .address
        .trim()
        .parse()
        .map_err(|error: relay::InvalidBoardAddress| ManagementError::Unprocessable(error.to_string()))?;
    let known = relays.known.choose(address).await.map_err(known_error)?;
    relays.sessions.prepare();
    Ok(relay(relays, known))
}

/// Forgets a relay.
pub async fn remove(relays: &Relays, key: PublicKey) -> Result<()> {
    if relays.known.remove(&key).await.map_err(known_error)? {
        return Ok(());
    }
    if relays.serving().is_some_and(|serving| serving.key() == key) {
        return Err(ManagementError::Conflict(
            "this drop relay is served here: to end that, start without --serve-drops".to_owned(),
        ));
    }
    Err(ManagementError::NotFound(
        "this drop relay is not known: `toxmail relay list` shows those that are".to_owned(),
    ))
}

fn own(relays: &Relays) -> Result<&Serving> {
    relays.serving().ok_or_else(|| {
        ManagementError::Conflict(
            "no drop relay is served here: start with `toxmail up --serve-drops` or `toxmail relay serve`"
                .to_owned(),
        )
    })
}

/// Makes an invitation to the own relay.
pub async fn invite(relays: &Relays) -> Result<Invitation> {
    let made = own(relays)?.invite().await.map_err(stopped)?;
    let address = made.map_err(|error| ManagementError::TooLarge(error.to_string()))?;
    let name = address.invitation.as_ref().map(InvitationName::of);
    Ok(Invitation {
        address: address.to_string(),
        name: name.map(|name| name.to_string()).unwrap_or_default(),
    })
}

/// Invitations to the own relay.
pub async fn invitations(relays: &Relays) -> Result<Vec<InvitationGiven>> {
    let all = own(relays)?.invitations().await.map_err(stopped)?;
    let given = |invitation: relay::InvitationStatus| InvitationGiven {
        name: invitation.name.to_string(),
        issued: invitation.issued,
    };
    Ok(all.into_iter().map(given).collect())
}

/// Takes an invitation to the own relay back, by its name.
pub async fn uninvite(relays: &Relays, name: &str) -> Result<()> {
    let serving = own(relays)?;
    let name: InvitationName = name.parse().map_err(|error: drops::board::InvalidInvitationName| {
        ManagementError::Unprocessable(format!("{error}: `toxmail relay invitations` shows them"))
    })?;
    if serving.uninvite(name).await.map_err(stopped)? {
        return Ok(());
    }
    Err(ManagementError::NotFound(
        "there is no such invitation: `toxmail relay invitations` shows those that are".to_owned(),
    ))
}

/// What `/metrics` shows of the own relay.
pub async fn metrics(relays: &Relays) -> Vec<Metric> {
    let Some(serving) = relays.serving() else { return Vec::new() };
    let Ok(board) = board(serving).await else { return Vec::new() };
    // Exact up to 2^53, which no count here reaches.
    #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53")]
    let gauge = |name, help, value: u64| Metric::single(name, help, Kind::Gauge, value as f64);
    vec![
        gauge("toxmail_drop_relay_cells", "Cells the own drop relay holds.", board.cells),
        gauge("toxmail_drop_relay_bytes", "Bytes of these cells.", board.bytes),
        gauge("toxmail_drop_relay_cells_today", "Cells it took today.", board.today.into()),
        gauge("toxmail_drop_relay_sessions", "Sessions with it now.", board.sessions),
        gauge(
            "toxmail_drop_relay_online",
            "Whether it is connected to the Tox network.",
            board.online.into(),
        ),
    ]
}

#[async_trait]
impl DropRelays for GatewayManagement {
    async fn relays(&self) -> Result<Vec<Relay>> {
        list(&self.relays).await
    }

    async fn add_relay(&self, relay: NewRelay) -> Result<Relay> {
        add(&self.relays, &relay).await
    }

    async fn remove_relay(&self, key: PublicKey) -> Result<()> {
        remove(&self.relays, key).await
    }

    async fn invite_to_relay(&self) -> Result<Invitation> {
        invite(&self.relays).await
    }

    async fn invitations(&self) -> Result<Vec<InvitationGiven>> {
        invitations(&self.relays).await
    }

    async fn uninvite_from_relay(&self, name: &str) -> Result<()> {
        uninvite(&self.relays, name).await
    }
}
