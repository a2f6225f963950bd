//! Acknowledgements of mails that came over boards. They go out in slots that were drawn before
//! anything was read, after a rest, and only for mails that a second throwaway was shown too; while
//! the sender is online, the sender's outbox offers the mail directly and gets the answer there.

use std::sync::Arc;

use drops::parcel::{Key, Kind, Parcel, Parts};
use drops::rand_core::RngCore as _;
use drops::ttl::Ttl;
use mail::{AccountName, MailId, PublicKey};

use crate::answers::{Debt, Owed};
use crate::content::{self, Word};
use crate::documents::{self, OWED, Row, Rows};
use crate::incoming::Shown;
use crate::limits::ACKNOWLEDGE_AGAIN;
use crate::outgoing::{self, Job};
use crate::ports::{Failure, WaitingMail};
use crate::records;
use crate::shared::{AccountState, Shared};

fn name(sender: PublicKey, id: MailId) -> Vec<u8> {
    [&sender.0[..], &id.0].concat()
}

/// Reads the name of a document.
pub(crate) fn parse_name(bytes: &[u8]) -> Option<(PublicKey, MailId)> {
    let (sender, id) = bytes.split_first_chunk::<32>()?;
    Some((PublicKey(*sender), MailId(id.try_into().ok()?)))
}

/// Reads the acknowledgements that were owed; past the bound the oldest goes.
pub(crate) async fn restore(
    shared: &Shared,
    account: &AccountName,
    state: &mut AccountState,
) -> Result<(), Failure> {
    let mut rows = Rows::of(&*shared.ports.documents, OWED, account);
    while let Some(page) = rows.next().await? {
        let read = |row: &Row| {
            let read = parse_name(&row.key).zip(documents::decode::<Owed>(&row.bytes));
            rows.readable(row, read.filter(|((_, id), owed)| owed.id == *id))
        };
        for ((sender, _), owed) in page.iter().filter_map(read) {
            for debt in state.answers.owe(sender, owed) {
                erase(shared, account, debt).await?;
            }
        }
    }
    Ok(())
}

async fn erase(shared: &Shared, account: &AccountName, (sender, id): Debt) -> Result<(), Failure> {
    shared.ports.documents.put(OWED, account.as_str(), name(sender, id), None).await
}

/// Notes that the sender of a mail that was taken has to be told. The same mail, posted again, is
/// acknowledged again.
pub(crate) async fn owe(shared: &Shared, account: &AccountName, key: Key, owed: Owed) -> Result<(), Failure> {
    let document = documents::encode(&owed)?;
    let place = name(key.sender, key.mail);
    shared.ports.documents.put(OWED, account.as_str(), place, Some(document)).await?;
    let gone = shared.with(account, |state| state.answers.owe(key.sender, owed));
    for debt in gone.unwrap_or_default() {
        erase(shared, account, debt).await?;
    }
    Ok(())
}

/// Takes note of a cell of a parcel that was taken. If the cell is new, long after the parcel was
/// acknowledged, the acknowledgement was lost and the sender posted again. It is owed again, only
/// in memory (after a restart the cell is new again). As for any mail, a second throwaway has to be
/// shown this very cell first.
pub(crate) fn reposted(shared: &Shared, account: &AccountName, key: Key, shown: Shown) {
    let now = shared.wall();
    let is_lost = |sent| shared.has_passed(sent, ACKNOWLEDGE_AGAIN);
    let is_owed = shared.with(account, |state| state.answers.reposted(key, shown, now, is_lost));
    if is_owed == Some(true) {
        tracing::info!(%account, sender = %key.sender, mail = %key.mail, "a mail was posted again: it is acknowledged again");
    }
}

/// A second throwaway was shown a cell of this mail.
pub(crate) async fn confirmed(shared: &Shared, account: &AccountName, key: Key, shown: Shown) {
    let owed = shared.with(account, |state| state.answers.confirmed(key, shown));
    if let Some(owed) = owed.flatten() {
        store(shared, account, key.sender, &owed).await;
    }
}

async fn store(shared: &Shared, account: &AccountName, sender: PublicKey, owed: &Owed) {
    let (documents, place) = (&*shared.ports.documents, name(sender, owed.id));
    if let Err(error) = documents::put(documents, OWED, account.as_str(), place, owed).await {
        tracing::warn!(%account, %error, "an acknowledgement was not stored; it may go out twice");
    }
}

/// The account's slot has come: what may go out does.
pub(crate) async fn slot(shared: &Arc<Shared>, account: &AccountName) -> Result<(), Failure> {
    let rest = shared.settings.acknowledge_rest;
    let due = shared.with(account, |state| state.answers.due(|read| shared.has_passed(read, rest)));
    for (recipient, owed) in due.unwrap_or_default() {
        let is_contact = shared.ports.core.contact(account, recipient).is_some();
        if is_contact && !shared.ports.core.is_online(account, recipient) {
            send(shared, account, recipient, owed).await?;
        }
    }
    Ok(())
}

async fn send(
    shared: &Arc<Shared>,
    account: &AccountName,
    recipient: PublicKey,
    owed: Vec<Owed>,
) -> Result<(), Failure> {
    let boards = shared.candidates(account, recipient);
    let Some(identity) = shared.ports.core.identity(account).await else { return Ok(()) };
    let words: Vec<Word> = owed.iter().map(Owed::word).collect();
    let Some(content) = content::encode_words(&words) else { return Ok(()) };
    let record = records::for_contact(shared, account, recipient).await?.unwrap_or_default();
    let mut id = [0; 16];
    shared.roll(|dice| dice.fill_bytes(&mut id));
    let parcel = Parcel { kind: Kind::Acknowledgement, record, content };
    let Ok(parts) = Parts::new(MailId(id), &parcel) else { return Ok(()) };
    let has_record = shared.with(account, |state| state.records.contains_key(&recipient));
    let question = WaitingMail {
        size: parcel.content.len() as u64,
        cells: 1,
        remaining: Ttl::Week.duration(),
        recipient_is_contact: true,
        reposted: false,
        attributes: vec![outgoing::record_fact(has_record == Some(true))],
    };
    let plan = shared.ports.selector.select(account, shared.wall(), question, boards.clone()).await?;
    let own = outgoing::own_boards(&plan, &boards)?;
    let ttl = plan.ttl(Ttl::Week.duration());
    let Some(ttl) = ttl.filter(|_| !plan.choices.is_empty()) else { return Ok(()) };
    let handover = outgoing::plan_handover(shared, account, recipient, &plan, ttl, parts);
    let stop = shared.stopping.child_token();
    let secret = identity.secret;
    let job = Job { account: account.clone(), recipient, mail: None, handover, own, secret, ttl, stop };
    shared.with(account, |state| state.answers.change(recipient, &owed, |owed| owed.is_running = true));
    let working = Arc::clone(shared);
    shared.spawn_for(account, async move {
        let (shared, account) = (working, job.account.clone());
        let handed_over = supervisor::attempt("acknowledgements", outgoing::hand_over(&shared, job)).await;
        let is_sent = handed_over.unwrap_or(false);
        let now = shared.wall();
        let change = |owed: &mut Owed| {
            owed.is_running = false;
            owed.sent = is_sent.then_some(now);
        };
        shared.with(&account, |state| state.answers.change(recipient, &owed, change));
        for owed in owed.into_iter().filter(|_| is_sent) {
            store(&shared, &account, recipient, &Owed { sent: Some(now), is_confirmed: true, ..owed }).await;
        }
    });
    Ok(())
}

/// Forgets what was said long ago or can be said to nobody. To be called only while the clock can be believed.
pub(crate) async fn forget(shared: &Shared, account: &AccountName) -> Result<(), Failure> {
    let now = shared.wall();
    let old = shared.with(account, |state| state.answers.outdated(now));
    for debt in old.unwrap_or_default() {
        erase(shared, account, debt).await?;
        shared.with(account, |state| state.answers.forget(&debt));
    }
    Ok(())
}
