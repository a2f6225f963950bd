//! Plugs drop relays into the web API.

use admin::ManagementError;
use admin::dto::{Board, Hiding, Invitation, InvitationGiven, NewRelay, Relay, TokenSupply};
use admin::management::{DropRelays, Result};
use admin::metrics::{Kind, Metric, Sample};
use async_trait::async_trait;
use drops::limits::CELL_BYTES;
use mail::PublicKey;
use offline::{BoardReport, OfflineMail};
use relay::{BoardAddress, InvitationName, Serving};

use super::GatewayManagement;
use super::errors::storage;
use crate::relays::{KnownError, KnownRelay, Relays};

fn known_error(error: KnownError) -> ManagementError {
    let text = error.to_string();
    match error {
        KnownError::TooMany => ManagementError::TooLarge(text),
        KnownError::Store(error) => storage(error),
        KnownError::Write(_) => ManagementError::Internal(text),
    }
}

fn stopped(error: relay::Stopped) -> ManagementError {
    ManagementError::Unavailable(error.to_string())
}

/// The gateway's own relay, then those that its user added, then those of contacts.
pub async fn list(relays: &Relays, offline: Option<&OfflineMail>) -> Result<Vec<Relay>> {
    let mut shown = named(relays).await?;
    for report in offline.map(OfflineMail::boards).unwrap_or_default() {
        let known = shown.iter_mut().find(|relay| relay.key == report.key);
        let is_used = report.is_read || report.receipts + report.failures > 0;
        if let Some(relay) = known {
            tell(relay, report);
        } else if is_used || report.tokens != offline::TokenSupply::default() {
            let address = BoardAddress { key: report.key, invitation: None, owner: report.owner };
            let mut of_contacts = relay(relays, KnownRelay { address, is_chosen: false });
            tell(&mut of_contacts, report);
            shown.push(of_contacts);
        }
    }
    Ok(shown)
}

async fn named(relays: &Relays) -> Result<Vec<Relay>> {
    let mut shown = Vec::new();
    if let Some(serving) = relays.serving() {
        let own = relays.known.get(&serving.key());
        let own = own.unwrap_or_else(|| KnownRelay { address: serving.address(), is_chosen: true });
        shown.push(Relay { serving: Some(board(serving).await?), ..relay(relays, own) });
    }
    let is_other = |known: &KnownRelay| relays.serving().is_none_or(|own| own.key() != known.address.key);
    shown.extend(relays.known.list().into_iter().filter(is_other).map(|known| relay(relays, known)));
    Ok(shown)
}

/// Adds how a relay behaved, and the tokens for it.
fn tell(relay: &mut Relay, report: BoardReport) {
    relay.tokens = supply(&report);
    relay.receipts = report.receipts;
    relay.failures = report.failures;
    relay.last_failure = report.last_failure.map(Into::into);
    relay.last_problem = report.problem;
    // It says so first of all in a session.
    relay.fill = report.last_read.map(|_| report.fill);
}

fn supply(report: &BoardReport) -> TokenSupply {
    let offline::TokenSupply { own, own_resting, own_gone, from_contacts, from_contacts_gone, with_contacts } =
        report.tokens;
    TokenSupply {
        own: own as u64,
        own_resting: own_resting as u64,
        own_gone: own_gone as u64,
        from_contacts: from_contacts as u64,
        from_contacts_gone: from_contacts_gone as u64,
        with_contacts: with_contacts as u64,
    }
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

/// A relay of which only the address is known.
fn relay(relays: &Relays, known: KnownRelay) -> Relay {
    let KnownRelay { address, is_chosen } = known;
    Relay {
        // Without the invitation, which is a secret.
        address: BoardAddress { invitation: None, ..address }.to_string(),
        key: address.key,
        chosen_by_user: is_chosen,
        invited: address.invitation.is_some(),
        receipts: 0,
        failures: 0,
        last_failure: None,
        last_problem: None,
        fill: None,
        address_hidden: match relays.sessions.hiding() {
            relay::Hiding::Proxy => Hiding::Proxy,
            relay::Hiding::Relays => Hiding::Relays,
            relay::Hiding::Visible => Hiding::Visible,
        },
        tokens: TokenSupply::default(),
        serving: None,
    }
}

/// The owner names a relay.
pub async fn add(relays: &Relays, offline: Option<&OfflineMail>, new: &NewRelay) -> Result<Relay> {
    let address: BoardAddress = new
        .address
        .trim()
        .parse()
        .map_err(|error: relay::InvalidBoardAddress| ManagementError::Unprocessable(error.to_string()))?;
    let known = relays.known.choose(address).await.map_err(known_error)?;
    relays.sessions.prepare();
    let mut added = relay(relays, known);
    let reports = offline.map(OfflineMail::boards).unwrap_or_default();
    if let Some(report) = reports.into_iter().find(|report| report.key == added.key) {
        tell(&mut added, report);
    }
    Ok(added)
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
        "this drop relay is not known: `toxmail relay list` shows the known ones".to_owned(),
    ))
}

fn own(relays: &Relays) -> Result<&Serving> {
    relays.serving().ok_or_else(|| {
        let how = "start with `toxmail up --serve-drops` or `toxmail relay serve`";
        let why = relays.trouble().unwrap_or(how);
        ManagementError::Conflict(format!("no drop relay is served here: {why}"))
    })
}

/// Creates an invitation to the gateway's own relay.
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
        "there is no such invitation: `toxmail relay invitations` shows all of them".to_owned(),
    ))
}

/// What `/metrics` shows of tokens, and of the own relay.
pub async fn metrics(relays: &Relays, offline: Option<&OfflineMail>) -> Vec<Metric> {
    let mut all = own_metrics(relays).await;
    all.extend(offline.map(|offline| token_metrics(&offline.boards())));
    all
}

/// The tokens for each relay for which there are some.
fn token_metrics(reports: &[BoardReport]) -> Metric {
    let kinds = |report: &BoardReport| {
        let supply = supply(report);
        [
            ("own", supply.own),
            ("own_resting", supply.own_resting),
            ("own_gone", supply.own_gone),
            ("from_contacts", supply.from_contacts),
            ("from_contacts_gone", supply.from_contacts_gone),
            ("with_contacts", supply.with_contacts),
        ]
    };
    let with_tokens = reports.iter().filter(|report| report.tokens != offline::TokenSupply::default());
    #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53")]
    let samples = with_tokens.flat_map(|report| {
        let relay = report.key.to_string();
        kinds(report).map(|(kind, value)| Sample {
            labels: vec![("relay", relay.clone()), ("kind", kind.to_owned())],
            value: value as f64,
        })
    });
    Metric {
        name: "toxmail_drop_tokens",
        help: "Tokens that pay for deposits on drop relays.",
        kind: Kind::Gauge,
        samples: samples.collect(),
    }
}

async fn own_metrics(relays: &Relays) -> Vec<Metric> {
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
        list(&self.relays, self.offline.as_deref()).await
    }

    async fn add_relay(&self, relay: NewRelay) -> Result<Relay> {
        add(&self.relays, self.offline.as_deref(), &relay).await
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_name_the_relay_and_where_its_tokens_are() {
        let report = |byte: u8, own: usize| BoardReport {
            key: PublicKey([byte; 32]),
            is_read: true,
            receipts: 0,
            failures: 0,
            last_failure: None,
            problem: None,
            fill: 0,
            last_read: None,
            is_trusted: false,
            lied: false,
            owner: None,
            tokens: offline::TokenSupply { own, ..offline::TokenSupply::default() },
        };
        let text = admin::metrics::to_text(&[token_metrics(&[report(1, 7), report(2, 0)])]);
        let relay = "01".repeat(32);
        assert!(
            text.contains(&format!("toxmail_drop_tokens{{relay=\"{relay}\",kind=\"own\"}} 7\n")),
            "{text}"
        );
        assert!(!text.contains(&"02".repeat(32)), "nothing of relays without tokens");
        assert_eq!(text.lines().filter(|line| line.starts_with("toxmail")).count(), 6);
    }
}
