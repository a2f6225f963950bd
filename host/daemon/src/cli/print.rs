//! Answers as people read them.

use std::fmt::Write as _;

use admin::dto::{self, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Error, Value};

use super::args::{
    Account, Component, Contact, Id, MailVerb, Outbox, Pin, PolicySet, Quarantine, Relay, SlotVerb, Verb,
};
use super::table::{Table, printable};
use super::trials;

/// Digits of a SHA-256 or key that are enough for a person to tell two apart.
const SHORT: usize = 16;

/// The answer to a verb as text, ending with a line end.
pub fn to_text(verb: &Verb, answer: Value) -> Result<String, Error> {
    Ok(match verb {
        Verb::Status => status(&read(answer)?),
        Verb::Id(how) => identity(*how, &read(answer)?),
        Verb::Reload => reloaded(&read(answer)?),
        Verb::Contact(verb) => contact(verb, answer)?,
        Verb::Outbox(verb) => match verb {
            Outbox::List => outbox(&read::<Vec<_>>(answer)?),
            Outbox::Show { .. } => outbox_entry(&read(answer)?),
            Outbox::Retry { id } => format!("{id} is tried now\n"),
            Outbox::Cancel { id } => format!("{id} is taken back\n"),
        },
        Verb::Quarantine(verb) => match verb {
            Quarantine::List => quarantine(&read::<Vec<_>>(answer)?),
            Quarantine::Release { id } => format!("{id} is released\n"),
            Quarantine::Delete { id } => format!("{id} is deleted\n"),
        },
        Verb::Mail(MailVerb::Spam { id }) => format!("filters that learn know that {id} is spam\n"),
        Verb::Mail(MailVerb::Ham { id }) => format!("filters that learn know that {id} is no spam\n"),
        Verb::Account(verb) => match verb {
            Account::List => accounts(&read::<Vec<_>>(answer)?),
            Account::Add { .. } | Account::Password { .. } => credentials(&read(answer)?),
            Account::Remove { name, .. } => format!("{name} is removed\n"),
            Account::Disable { name } => format!("{name} is switched off\n"),
            Account::Enable { name } => format!("{name} is switched on\n"),
        },
        Verb::Component(verb) => match verb {
            Component::List => components(&read::<Vec<_>>(answer)?),
            Component::Add { .. } => component(&read(answer)?),
            Component::Remove { component } => format!("{component} is removed\n"),
            Component::Replay { .. } => trials::replay(&read(answer)?),
            // These print for themselves.
            Component::Bench(_) => String::new(),
        },
        Verb::Slot(verb) => match verb {
            SlotVerb::Settings { .. } => super::tuning::tuned(&read(answer)?),
            SlotVerb::Shadow { off, .. } => trials::shadow(&read(answer)?, *off),
            _ => slots(&read::<Vec<_>>(answer)?),
        },
        Verb::PolicySet(PolicySet::Use { .. }) => slots(&read::<Vec<_>>(answer)?),
        Verb::Relay(verb) => match verb {
            Relay::List => relays(&read::<Vec<_>>(answer)?),
            Relay::Invite => invitation(&read(answer)?),
            Relay::Invitations => invitations(&read::<Vec<_>>(answer)?),
            Relay::Uninvite { invitation } => {
                format!("{} gives no more tokens; those it gave end with next week\n", invitation.0)
            }
            Relay::Add { .. } => {
                let relay: dto::Relay = read(answer)?;
                format!("{} is used from now on\n", printable(&relay.address))
            }
            Relay::Remove { address } => format!("{} is forgotten\n", address.key),
            // It prints for itself.
            Relay::Serve(_) => String::new(),
        },
        Verb::Pin(verb) => match verb {
            Pin::List => pins(&read::<Vec<_>>(answer)?),
            Pin::Accept { .. } => {
                let pin: dto::Pin = read(answer)?;
                format!("{} now means {}\n", pin.address, pin.key)
            }
        },
    })
}

fn read<T: DeserializeOwned>(answer: Value) -> Result<T, Error> {
    serde_json::from_value(answer)
}

fn status(status: &dto::Status) -> String {
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
    for line in attention(&status.attention) {
        lines(&mut text, &[("to do", line)]);
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
        line(attention.changed_pins, "DNS names with another key than before", "pin list"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn reloaded(reloaded: &dto::Reloaded) -> String {
    let mut text = String::new();
    if !reloaded.changed.is_empty() {
        lines(&mut text, &[("now", reloaded.changed.join(", "))]);
    }
    if !reloaded.after_restart.is_empty() {
        lines(&mut text, &[("later", format!("{} (restart toxmail)", reloaded.after_restart.join(", ")))]);
    }
    if text.is_empty() { "nothing changed\n".to_owned() } else { text }
}

fn identity(how: Id, identity: &dto::Identity) -> String {
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

fn contact(verb: &Contact, answer: Value) -> Result<String, Error> {
    Ok(match verb {
        Contact::List => contacts(&read::<Vec<_>>(answer)?),
        Contact::Requests => requests(&read::<Vec<_>>(answer)?),
        Contact::Add { .. } => {
            let added: dto::Contact = read(answer)?;
            match added.state {
                dto::ContactState::Requested => format!(
                    "{} is asked; mail to {} waits until they accept\n",
                    added.alias,
                    printable(&added.address)
                ),
                dto::ContactState::Confirmed => format!("write to {}\n", printable(&added.address)),
            }
        }
        Contact::Accept { .. } => {
            let added: dto::Contact = read(answer)?;
            format!("accepted; write to {}\n", printable(&added.address))
        }
        Contact::Remove { alias } => format!("{alias} is removed\n"),
    })
}

fn contacts(contacts: &[dto::Contact]) -> String {
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

fn requests(requests: &[dto::ContactRequest]) -> String {
    let mut table = Table::new(["KEY", "CAME", "MESSAGE"]);
    for request in requests {
        table.row([request.key.to_string(), request.received.to_text(), request.message.clone()]);
    }
    table.or("nobody asks")
}

fn outbox(entries: &[dto::OutboxEntry]) -> String {
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

fn outbox_entry(entry: &dto::OutboxEntry) -> String {
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

fn quarantine(entries: &[dto::QuarantineEntry]) -> String {
    let mut table = Table::new(["ID", "WAY", "FROM", "TO", "SIZE", "REASON"]);
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
            entry.reason.clone(),
        ]);
    }
    table.or("the quarantine is empty")
}

fn accounts(accounts: &[dto::Account]) -> String {
    let mut table = Table::new(["ACCOUNT", "OWNER", "TOX ID"]);
    for account in accounts {
        let without = if account.enabled { "starting" } else { "switched off" };
        let id = account.tox_id.map_or_else(|| without.to_owned(), |id| id.to_string());
        table.row([account.name.to_string(), yes_no(account.owner), id]);
    }
    table.or("no accounts")
}

fn credentials(credentials: &dto::Credentials) -> String {
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

fn components(components: &[dto::Component]) -> String {
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

fn component(component: &dto::Component) -> String {
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

fn slots(entries: &[dto::SlotEntry]) -> String {
    let mut table =
        Table::new(["SLOT", "ENTRY", "COMPONENT", "SHA256", "HEALTH", "CALLS", "FAILED", "LAST FAILURE"]);
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
            entry.failures.to_string(),
            entry.last_failure.clone().unwrap_or_default(),
        ]);
    }
    table.or("nothing is live")
}

fn relays(relays: &[dto::Relay]) -> String {
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
            dto::Hiding::Relays => "no, Tox TCP relays do",
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

/// What there is of tokens; empty where there is nothing.
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

fn invitation(invitation: &dto::Invitation) -> String {
    format!(
        "{}\n\nGive this to one person, over a way nobody else reads: it is a secret. They enter\n  toxmail relay add ADDRESS\nTo take it back: toxmail relay uninvite {}\n",
        printable(&invitation.address),
        printable(&invitation.name)
    )
}

fn invitations(invitations: &[dto::InvitationGiven]) -> String {
    let mut table = Table::new(["NAME", "TOKENS THIS WEEK"]);
    for invitation in invitations {
        table.row([invitation.name.clone(), invitation.issued.to_string()]);
    }
    table.or("nobody is invited; `toxmail relay invite` makes an invitation")
}

fn pins(pins: &[dto::Pin]) -> String {
    let mut table = Table::new(["NAME", "KEY BEFORE", "TOX ID NOW"]);
    for pin in pins {
        let now = pin.changed_to.map_or_else(|| "the same".to_owned(), |id| id.to_string());
        table.row([pin.address.to_string(), pin.key.to_string(), now]);
    }
    let text = table.or("no name has another key than before");
    if pins.is_empty() {
        return text;
    }
    text + "\nAsk the person, not by mail to that name, whether the key is new; then `toxmail pin accept NAME`.\n"
}

/// Adds lines of a word and what it is.
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
