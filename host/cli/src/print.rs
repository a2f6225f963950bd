//! Answers as people read them.

use std::fmt::Write as _;

use api::dto::{self, Timestamp};
use mail::AccountName;

use crate::args::Id;
use crate::table::{Table, printable};

/// Digits of a SHA-256 or key that are enough for a person to tell two apart.
const SHORT: usize = 16;

pub(crate) fn status(status: &dto::Status) -> String {
    let connection = match (status.tox.online, status.tox.connection) {
        (false, _) if status.tox.nodes == 0 => {
            "no node to start from: restart with --bootstrap HOST:PORT:KEY, or without --no-public-bootstrap"
        }
        (false, _) => "not connected yet; this takes some seconds after the start",
        (true, dto::Connection::Udp) => "online",
        (true, _) => "online, through Tox TCP relays",
    };
    let mut text = format!("account  {}\n", status.account);
    lines(&mut text, &[("Tox", connection.to_owned()), ("outbox", waiting(status.outbox.queued))]);
    if status.attention.discarded > 0 {
        let line =
            format!("{} by filters; `toxmail quarantine release` restores them", status.attention.discarded);
        lines(&mut text, &[("thrown away", line)]);
    }
    for line in attention(&status.attention) {
        lines(&mut text, &[("to do", line)]);
    }
    unreadable(&mut text, &status.unreadable);
    for line in &status.faults {
        lines(&mut text, &[("fault", printable(line))]);
    }
    for line in status.tasks.iter().filter_map(dto::TaskStatus::fault) {
        lines(&mut text, &[("fault", printable(&line))]);
    }
    let mut contacts = Table::new(["CONTACT", "ADDRESS", "ONLINE"]);
    for contact in &status.contacts {
        contacts.row([contact.alias.to_string(), contact.address.clone(), yes_no(contact.online)]);
    }
    text + "\n"
        + &contacts.or("no contacts yet; add one with `toxmail contact add NAME TOX-ID`")
        + "\n"
        + &slots(&status.slots)
}

/// Lists the rows of the store that cannot be read.
fn unreadable(text: &mut String, unreadable: &dto::Unreadable) {
    let rows = match unreadable.rows {
        0 => return,
        1 => "1 row of the store cannot be read. It is kept unchanged; everything else works".to_owned(),
        rows => {
            format!("{rows} rows of the store cannot be read. They are kept unchanged; everything else works")
        }
    };
    lines(text, &[("damaged", rows)]);
    for row in &unreadable.first {
        lines(text, &[("", format!("{}: {} ({})", row.table, row.key, row.why))]);
    }
    let left = unreadable.rows.saturating_sub(unreadable.first.len() as u64);
    if left > 0 {
        lines(text, &[("", format!("and {left} more"))]);
    }
}

fn waiting(count: u64) -> String {
    match count {
        0 => "empty".to_owned(),
        1 => "1 mail waits".to_owned(),
        count => format!("{count} mails wait"),
    }
}

fn attention(attention: &dto::Attention) -> Vec<String> {
    let line = |count: u64, what: &str, verb: &str| {
        (count > 0).then(|| format!("{what}: {count}, see `toxmail {verb}`"))
    };
    [
        line(attention.contact_requests, "friend requests", "contact requests"),
        line(attention.quarantined, "mails in quarantine", "quarantine list"),
        line(attention.changed_pins, "names whose key changed or cannot be read", "pin list"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(crate) fn reloaded(reloaded: &dto::Reloaded) -> String {
    let mut text = String::new();
    if !reloaded.changed.is_empty() {
        lines(&mut text, &[("now", reloaded.changed.join(", "))]);
    }
    if !reloaded.after_restart.is_empty() {
        lines(&mut text, &[("later", format!("{} (restart toxmail)", reloaded.after_restart.join(", ")))]);
    }
    if text.is_empty() { "nothing changed\n".to_owned() } else { text }
}

pub(crate) fn identity(how: Id, identity: &dto::Identity) -> String {
    if how.link {
        return identity.link() + "\n";
    }
    if how.vcard {
        return identity.vcard();
    }
    let mut text = String::new();
    lines(&mut text, &[("Tox ID", identity.tox_id.to_string())]);
    for address in &identity.addresses {
        lines(&mut text, &[("address", address.to_string())]);
    }
    text
}

pub(crate) fn added_contact(added: &dto::Contact) -> String {
    let address = printable(&added.address);
    match added.state {
        dto::ContactState::Requested => {
            format!("{} is asked; mail to {address} waits until they accept\n", added.alias)
        }
        dto::ContactState::Confirmed => format!("write to {address}\n"),
    }
}

pub(crate) fn accepted_contact(added: &dto::Contact) -> String {
    format!("accepted; write to {}\n", printable(&added.address))
}

pub(crate) fn confirmed_name(alias: &AccountName, name: &dto::ToldName) -> String {
    format!("{} is {alias}'s\n", printable(&name.address.to_string()))
}

pub(crate) fn added_relay(relay: &dto::Relay) -> String {
    format!("the drop relay {} is used from now on\n", printable(&relay.address))
}

pub(crate) fn names(names: &[dto::ToldName]) -> String {
    let mut table = Table::new(["NAME", "COUNTS"]);
    for name in names {
        let counts = match name.claim {
            dto::Claim::Counts => "yes",
            dto::Claim::Unconfirmed => "no: neither DNS nor you confirmed it (toxmail contact confirm)",
            dto::Claim::Foreign => "no: it belongs to somebody else",
        };
        table.row([name.address.to_string(), counts.to_owned()]);
    }
    table.or("this contact claims no names")
}

pub(crate) fn contacts(contacts: &[dto::Contact]) -> String {
    let mut table = Table::new(["CONTACT", "ADDRESS", "STATE", "ONLINE", "KEY"]);
    for contact in contacts {
        let state = match contact.state {
            dto::ContactState::Requested => "asked",
            dto::ContactState::Confirmed => "confirmed",
        };
        table.row([
            contact.alias.to_string(),
            contact.address.clone(),
            state.to_owned(),
            yes_no(contact.online),
            contact.key.to_string(),
        ]);
    }
    table.or("no contacts yet; add one with `toxmail contact add NAME TOX-ID`")
}

pub(crate) fn requests(requests: &[dto::ContactRequest]) -> String {
    let mut table = Table::new(["KEY", "CAME", "MESSAGE"]);
    for request in requests {
        table.row([request.key.to_string(), request.received.to_text(), request.message.clone()]);
    }
    table.or("no friend requests")
}

pub(crate) fn outbox(entries: &[dto::OutboxEntry]) -> String {
    let mut table = Table::new(["ID", "TO", "SIZE", "TRIED", "NEXT TRY", "WHY"]);
    for entry in entries {
        table.row([
            entry.id.to_string(),
            entry.recipient.to_string(),
            size(entry.size),
            entry.attempts.to_string(),
            next_try(entry),
            entry.last_problem.as_ref().map(|problem| problem.text().to_owned()).unwrap_or_default(),
        ]);
    }
    table.or("the outbox is empty")
}

fn next_try(entry: &dto::OutboxEntry) -> String {
    entry.next_attempt.map_or_else(|| "now".to_owned(), dto::Timestamp::to_text)
}

pub(crate) fn outbox_entry(entry: &dto::OutboxEntry) -> String {
    let mut text = String::new();
    let sender = entry.sender.as_ref().map_or_else(|| "<>".to_owned(), ToString::to_string);
    let recipient = match (&entry.account, &entry.key) {
        (Some(account), _) => format!("account {account} of this gateway"),
        (None, Some(key)) => format!("Tox key {key}"),
        (None, None) => "unknown".to_owned(),
    };
    let problem = entry.last_problem.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
    lines(
        &mut text,
        &[
            ("id", entry.id.to_string()),
            ("from", sender),
            ("to", entry.recipient.to_string()),
            ("that is", recipient),
            ("size", size(entry.size)),
            ("sent", entry.created.to_text()),
            ("tried", format!("{} times", entry.attempts)),
            ("next try", next_try(entry)),
            ("ends", entry.expires.to_text()),
            ("problem", problem),
        ],
    );
    if let Some(copies) = &entry.copies {
        outbox_copies(&mut text, copies);
    }
    text
}

fn outbox_copies(text: &mut String, copies: &dto::Copies) {
    let time = |time: &Option<Timestamp>| time.map_or_else(|| "no".to_owned(), Timestamp::to_text);
    let (complete, enough) = (copies.complete, copies.enough);
    let mut all = vec![
        ("copies", format!("{complete} drop relays have the whole mail, {enough} are enough")),
        ("handed over", time(&copies.handed_over)),
        ("answer until", time(&copies.answer_until)),
    ];
    all.extend(copies.note.iter().map(|note| ("no relay", note.clone())));
    for relay in &copies.relays {
        let mut line = format!("{}  {} of {} receipts", relay.key, relay.receipts, relay.cells);
        if let Some(until) = &relay.until {
            line.push_str(&format!(", held until {}", until.to_text()));
        }
        if let Some(problem) = &relay.problem {
            line.push_str(&format!(", {problem}"));
        }
        all.push(("relay", line));
    }
    lines(text, &all);
}

pub(crate) fn quarantine(entries: &[dto::QuarantineEntry]) -> String {
    let mut table = Table::new(["ID", "WAY", "FROM", "TO", "SIZE", "DELETED", "REASON"]);
    for entry in entries {
        let way = match entry.direction {
            dto::Direction::Incoming => "in",
            dto::Direction::Outgoing => "out",
        };
        table.row([
            entry.id.to_string(),
            way.to_owned(),
            entry.sender.as_ref().map_or_else(|| "<>".to_owned(), ToString::to_string),
            entry.recipient.to_string(),
            size(entry.size),
            entry.delete_at.map_or_else(|| "-".to_owned(), |time| time.to_text()),
            entry.reason.clone(),
        ]);
    }
    table.or("the quarantine is empty")
}

pub(crate) fn accounts(accounts: &[dto::Account]) -> String {
    let mut table = Table::new(["ACCOUNT", "OWNER", "TOX ID"]);
    for account in accounts {
        let without = if account.enabled { "starting" } else { "switched off" };
        let id = account.tox_id.map_or_else(|| without.to_owned(), |id| id.to_string());
        table.row([account.name.to_string(), yes_no(account.owner), id]);
    }
    table.or("no accounts")
}

pub(crate) fn credentials(credentials: &dto::Credentials) -> String {
    let mut text = String::new();
    lines(&mut text, &[("account", credentials.account.to_string())]);
    match &credentials.password {
        Some(password) => lines(&mut text, &[("password", password.reveal().to_owned())]),
        None => lines(&mut text, &[("password", "as chosen".to_owned())]),
    }
    if let Some(id) = credentials.tox_id {
        lines(&mut text, &[("Tox ID", id.to_string())]);
    }
    text
}

pub(crate) fn components(components: &[dto::Component]) -> String {
    let mut table = Table::new(["COMPONENT", "SLOTS", "SIZE", "FROM", "SHA256"]);
    for component in components {
        let from = component.added.map_or_else(|| "built in".to_owned(), dto::Timestamp::to_text);
        table.row([
            component.name.to_string(),
            slot_names(component),
            size(component.size),
            from,
            component.sha256.to_string(),
        ]);
    }
    table.or("no components")
}

pub(crate) fn component_state(spaces: &[dto::ComponentState]) -> String {
    let mut table = Table::new(["SLOT/ENTRY/COMPONENT", "ACCOUNT", "SIZE", "IN USE"]);
    for space in spaces {
        let account = space.account.to_string();
        table.row([space.space.clone(), account, size(space.bytes), yes_no(space.live)]);
    }
    table.or("no component remembers anything")
}

pub(crate) fn component(component: &dto::Component) -> String {
    let mut text = String::new();
    lines(
        &mut text,
        &[
            ("name", component.name.to_string()),
            ("SHA-256", component.sha256.to_string()),
            ("fits", slot_names(component)),
        ],
    );
    if let Some(key) = &component.signed_by {
        lines(&mut text, &[("signed", format!("with key {key}"))]);
    }
    if let Some(slot) = component.slots.first() {
        lines(&mut text, &[("use it", format!("toxmail slot use {slot} {}", component.name))]);
    }
    text
}

fn slot_names(component: &dto::Component) -> String {
    component.slots.iter().map(|slot| slot.as_str()).collect::<Vec<_>>().join(", ")
}

pub(crate) fn slots(entries: &[dto::SlotEntry]) -> String {
    let mut table = Table::new([
        "SLOT",
        "ENTRY",
        "COMPONENT",
        "SHA256",
        "HEALTH",
        "CALLS",
        "FAILED",
        "NOT MADE",
        "LAST FAILURE",
    ]);
    for entry in entries {
        let health = match entry.health {
            dto::Health::Ok => "ok",
            dto::Health::Failing => "failing",
        };
        table.row([
            entry.slot.to_string(),
            entry.entry.clone(),
            entry.name.to_string(),
            entry.sha256.to_string().chars().take(SHORT).collect(),
            health.to_owned(),
            entry.calls.to_string(),
            (entry.failures + entry.gateway_failures).to_string(),
            entry.not_asked.to_string(),
            entry.last_failure.clone().unwrap_or_default(),
        ]);
    }
    let mut text = table.or("nothing is live");
    text.push_str(&fallbacks(entries));
    text
}

/// What failed and was replaced, a line each, until somebody says that they have seen it.
fn fallbacks(entries: &[dto::SlotEntry]) -> String {
    let line = |entry: &dto::SlotEntry| {
        let fallback = entry.fallback.as_ref()?;
        let (failed, why, name) = (printable(&fallback.name), printable(&fallback.why), &entry.name);
        let (slot, of) = (entry.slot, printable(&entry.entry));
        Some(format!(
            "{failed} failed in {slot}, entry {of}: {why}\n  {name} decides now; `toxmail slot seen {slot} --entry {of}` ends this notice\n"
        ))
    };
    entries.iter().filter_map(line).collect()
}

pub(crate) fn relays(relays: &[dto::Relay]) -> String {
    let mut text = String::new();
    for (relay, board) in relays.iter().filter_map(|relay| Some((relay, relay.serving.as_ref()?))) {
        let held = format!("{} cells, {} of {}", board.cells, size(board.bytes), size(board.capacity_bytes));
        lines(
            &mut text,
            &[
                ("served", relay.address.clone()),
                ("online", yes_no(board.online)),
                ("holds", held),
                ("today", format!("{} of {} cells", board.today, board.day_cells)),
                ("sessions", board.sessions.to_string()),
                ("invited", board.invitations.to_string()),
            ],
        );
        let tokens = tokens(&relay.tokens);
        if !tokens.is_empty() {
            lines(&mut text, &[("tokens", tokens)]);
        }
    }
    let mut table = Table::new([
        "ADDRESS",
        "NAMED BY",
        "RECEIPTS",
        "FAILED",
        "FULL",
        "TOKENS",
        "SEES MY ADDRESS",
        "LAST PROBLEM",
    ]);
    for relay in relays.iter().filter(|relay| relay.serving.is_none()) {
        let sees = match relay.address_hidden {
            dto::Hiding::Visible => "it can",
            dto::Hiding::Relays => "no, only Tox TCP relays do",
            dto::Hiding::Proxy => "no",
        };
        table.row([
            relay.address.clone(),
            if relay.chosen_by_user { "you" } else { "contacts" }.to_owned(),
            relay.receipts.to_string(),
            relay.failures.to_string(),
            relay.fill.map_or_else(String::new, |fill| format!("{fill} %")),
            tokens(&relay.tokens),
            sees.to_owned(),
            relay.last_problem.clone().unwrap_or_default(),
        ]);
    }
    let nothing = if text.is_empty() { "no drop relay is known" } else { "no other drop relay is known" };
    text + &table.or(&format!("{nothing}; name one to use with `toxmail relay add ADDRESS`"))
}

/// The numbers of tokens; empty if there are none.
fn tokens(supply: &dto::TokenSupply) -> String {
    let dto::TokenSupply { own, own_resting, from_contacts, with_contacts, .. } = *supply;
    let parts = [
        (own, "own"),
        (own_resting, "resting"),
        (from_contacts, "from contacts"),
        (with_contacts, "with contacts"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    parts.collect::<Vec<_>>().join(", ")
}

pub(crate) fn invitation(invitation: &dto::Invitation) -> String {
    format!(
        "{}\n\nThis is a secret. Give it to one person, over a channel that nobody else reads. They enter\n  toxmail relay add ADDRESS\nTo take it back: toxmail relay uninvite {}\n",
        printable(&invitation.address),
        printable(&invitation.name)
    )
}

pub(crate) fn invitations(invitations: &[dto::InvitationGiven]) -> String {
    let mut table = Table::new(["NAME", "TOKENS THIS WEEK"]);
    for invitation in invitations {
        table.row([invitation.name.clone(), invitation.issued.to_string()]);
    }
    table.or("nobody is invited; `toxmail relay invite` creates an invitation")
}

pub(crate) fn renamed_contact(renamed: &dto::Contact) -> String {
    format!("renamed; write to {}\n", printable(&renamed.address))
}

pub(crate) fn accepted_pin(pin: &dto::Pin) -> String {
    let key = pin.key.map(|key| key.to_string()).unwrap_or_default();
    format!("{} now means {key}\n", pin.address)
}

pub(crate) fn pins(pins: &[dto::Pin]) -> String {
    let mut table = Table::new(["NAME", "KEY BEFORE", "TOX ID OR KEY NOW"]);
    for pin in pins {
        let before = pin.key.map_or_else(|| "can no longer be read".to_owned(), |key| key.to_string());
        let now = pin.changed_to.map(|id| id.to_string()).or(pin.leads_to.map(|key| key.to_string()));
        let now = now.unwrap_or_else(|| "not known: write to it once".to_owned());
        table.row([pin.address.to_string(), before, now]);
    }
    let text = table.or("no name has changed its key");
    if pins.is_empty() {
        return text;
    }
    text + "\nAsk the person whether the key is new, but not by mail to that name. Then: toxmail pin accept NAME\n"
}

/// Adds lines, each with a word and its value.
fn lines(text: &mut String, pairs: &[(&str, String)]) {
    for (word, value) in pairs {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{word:8} {}", printable(value));
    }
}

fn yes_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

/// Bytes with three digits or fewer before the unit.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests;
