//! Handing mails over to boards: asks the selector, plans, holds the sessions at their times, and keeps the story.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use drops::cell::BoardKey;
use drops::handover::{Choice, Handover};
use drops::limits::PARCEL_BYTES;
use drops::parcel::{Kind, Parcel, Parts};
use drops::point::{Point, Secret};
use drops::record::SealTo;
use drops::ttl::Ttl;
use mail::record::{OutboxEntry, Route};
use mail::{AccountName, MailId, Monotonic, PublicKey};
use tokio_util::sync::CancellationToken;

use crate::content::MailContent;
use crate::deposit;
use crate::documents::{self, STORIES};
use crate::limits::ONLINE_PAUSE;
use crate::ports::{BoardFacts, Failure, Plan, SessionIdentity, WaitingMail};
use crate::records;
use crate::shared::{AccountState, Shared};
use crate::story::Story;
use crate::tokens;

/// The mail to hand over.
pub(crate) struct Job {
    pub account: AccountName,
    pub recipient: PublicKey,
    /// The mail; None: acknowledgements.
    pub mail: Option<MailId>,
    pub handover: Handover,
    /// Boards on which cells are deposited within this process.
    pub own: BTreeSet<BoardKey>,
    pub secret: Secret,
    pub ttl: Ttl,
    pub stop: CancellationToken,
}

/// The recipient of a mail is offline: sees to its copies. Returns at once where there is nothing to do.
pub(crate) async fn leave_copies(shared: &Arc<Shared>, entry: &OutboxEntry) -> Result<(), Failure> {
    let Route::Remote(destination) = &entry.route else { return Ok(()) };
    let now = shared.wall();
    let is_repost = {
        let state = shared.state();
        if state.running.contains_key(&entry.id) {
            return Ok(());
        }
        match state.stories.get(&entry.id) {
            Some(story) if story.is_silent(now) => true,
            Some(story) if story.handed_over.is_some() => return Ok(()),
            _ => false,
        }
    };
    let recipient = destination.key();
    let mut boards = shared.candidates(&entry.account, recipient);
    if let Some(story) = shared.state().stories.get(&entry.id) {
        boards.retain(|board| !story.has_lost(&board.key));
    }
    if boards.is_empty() {
        return note(shared, entry, "no drop relay is known that they read").await;
    }
    let Some((parts, secret)) = parts(shared, entry, recipient).await? else {
        let text =
            format!("it is too large for drop relays ({} bytes): it waits for the direct way", entry.size);
        return note(shared, entry, &text).await;
    };
    let has_record = shared.with(&entry.account, |state| state.records.contains_key(&recipient));
    let mail = WaitingMail {
        size: entry.size,
        cells: u32::try_from(parts.cells()).unwrap_or(u32::MAX),
        remaining: entry.created.plus(mail::limits::EXPIRY_LONGEST).since(now),
        recipient_is_contact: shared.ports.core.contact(&entry.account, recipient).is_some(),
        reposted: is_repost,
        attributes: vec![record_fact(has_record == Some(true)), (MAIL_ID.to_owned(), entry.id.to_string())],
    };
    let remaining = mail.remaining;
    let plan = shared.ports.selector.select(&entry.account, now, mail, boards.clone()).await?;
    let own = own_boards(&plan, &boards)?;
    if plan.choices.is_empty() {
        return note(shared, entry, "the relay-selector chose no drop relay").await;
    }
    let Some(ttl) = plan.ttl(remaining) else {
        return note(shared, entry, "it is given up in less than a day: no copy would be found in time")
            .await;
    };
    let handover = plan_handover(shared, &entry.account, recipient, &plan, ttl, parts);
    let stop = shared.stopping.child_token();
    let (account, mail) = (entry.account.clone(), Some(entry.id));
    let job = Job { account, recipient, mail, handover, own, secret, ttl, stop };
    begin(shared, entry, job, &plan, is_repost).await
}

/// The boards on which the plan wants the own identity: only the one served here may see it.
pub(crate) fn own_boards(plan: &Plan, offered: &[BoardFacts]) -> Result<BTreeSet<BoardKey>, Failure> {
    let own = plan.choices.iter().filter(|choice| choice.identity == SessionIdentity::Own);
    own.map(|choice| {
        let is_ours = offered.iter().any(|board| board.key == choice.key && board.served_here);
        let refused = || {
            let text =
                "the relay-selector wants to show the account's identity to a drop relay of somebody else";
            Failure(format!("{text} ({}): no copy was made", choice.key))
        };
        is_ours.then_some(choice.key).ok_or_else(refused)
    })
    .collect()
}

/// The attribute with a mail's id, the same in every slot.
const MAIL_ID: &str = "mail-id";

/// Whether we already know the recipient's boards or this is first contact.
pub(crate) fn record_fact(is_known: bool) -> (String, String) {
    ("mailbox-record".to_owned(), if is_known { "known" } else { "none" }.to_owned())
}

pub(crate) fn plan_handover(
    shared: &Shared,
    account: &AccountName,
    recipient: PublicKey,
    plan: &Plan,
    ttl: Ttl,
    parts: Parts,
) -> Handover {
    let choices: Vec<Choice> =
        plan.choices.iter().map(|chosen| Choice { board: chosen.key, within: chosen.within }).collect();
    let mailbox = seal_to(shared, account, recipient);
    let enough = usize::try_from(plan.enough).unwrap_or(usize::MAX);
    let now = shared.monotonic();
    shared.roll(|dice| Handover::plan(parts, mailbox, ttl, &choices, enough, now, dice))
}

fn seal_to(shared: &Shared, account: &AccountName, recipient: PublicKey) -> Point {
    let now = shared.wall();
    let known = |state: &mut AccountState| SealTo::choose(&recipient, state.records.get(&recipient), now);
    let stranger = || SealTo::choose(&recipient, None, now);
    shared.with(account, known).unwrap_or_else(stranger).point()
}

/// The mail as a parcel in parts; None if it is too large.
async fn parts(
    shared: &Shared,
    entry: &OutboxEntry,
    recipient: PublicKey,
) -> Result<Option<(Parts, Secret)>, Failure> {
    if entry.size > PARCEL_BYTES as u64 {
        return Ok(None);
    }
    let identity = shared.ports.core.identity(&entry.account).await;
    let identity = identity.ok_or_else(|| Failure("the account's identity does not run yet".to_owned()))?;
    let outgoing = shared.ports.core.outgoing(entry.id, PARCEL_BYTES).await?;
    let Some((wire, body)) = outgoing else { return Err(Failure("the mail has left the outbox".to_owned())) };
    let Some(body) = body else { return Ok(None) };
    let content = MailContent { envelope: wire.envelope, body }.encode();
    let content = content.ok_or_else(|| Failure("the envelope does not fit a parcel".to_owned()))?;
    let record = records::for_contact(shared, &entry.account, recipient).await?.unwrap_or_default();
    let parcel = Parcel { kind: Kind::Mail, record, content };
    Ok(Parts::new(entry.id, &parcel).ok().map(|parts| (parts, identity.secret)))
}

/// Notes why no board is used, for the outbox page.
async fn note(shared: &Shared, entry: &OutboxEntry, text: &str) -> Result<(), Failure> {
    let is_known = {
        let mut state = shared.state();
        let story = state.stories.entry(entry.id);
        let story = story.or_insert_with(|| Story::new(entry.account.clone(), entry.created));
        story.note.replace(text.to_owned()).as_deref() == Some(text)
    };
    if !is_known {
        shared.ports.core.outbox_changed(&entry.account, entry.id, text);
    }
    Ok(())
}

async fn begin(
    shared: &Arc<Shared>,
    entry: &OutboxEntry,
    job: Job,
    plan: &Plan,
    is_repost: bool,
) -> Result<(), Failure> {
    let cells = job.handover.cells();
    {
        let now = shared.wall();
        let mut state = shared.state();
        // Somebody else planned in the meantime.
        if state.running.contains_key(&entry.id) {
            return Ok(());
        }
        state.running.insert(entry.id, job.stop.clone());
        let story = state.stories.entry(entry.id);
        let story = story.or_insert_with(|| Story::new(entry.account.clone(), entry.created));
        story.enough = plan.enough;
        story.note = None;
        if is_repost {
            story.reposts += 1;
            story.handed_over = None;
        }
        for chosen in &plan.choices {
            story.plan(chosen.key, u32::try_from(cells).unwrap_or(u32::MAX), job.ttl, now);
        }
    }
    store_story(shared, entry.id).await;
    let (working, id) = (Arc::clone(shared), entry.id);
    shared.spawn_for(&entry.account, async move {
        let _done = supervisor::attempt("copies", hand_over(&working, job)).await;
        working.state().running.remove(&id);
    });
    Ok(())
}

/// Holds all sessions of a handover. True if enough boards have everything in the end.
pub(crate) async fn hand_over(shared: &Arc<Shared>, mut job: Job) -> bool {
    while let Some(at) = job.handover.next_session_at() {
        let wait = at.since(shared.monotonic());
        tokio::select! {
            biased;
            () = job.stop.cancelled() => return false,
            () = shared.ports.clock.sleep(wait) => {}
        }
        if shared.ports.core.is_online(&job.account, job.recipient) {
            tokio::select! {
                biased;
                () = job.stop.cancelled() => return false,
                () = shared.ports.clock.sleep(ONLINE_PAUSE) => continue,
            }
        }
        let Some(session) = job.handover.due_session(shared.monotonic()) else { continue };
        let is_named = shared.is_named(session.board);
        let Some(_permit) = shared.deposits.take(is_named).await else { return false };
        let deposits = shared.roll(|dice| job.handover.deposits(&session, &job.secret, dice));
        let mut deposits = match deposits {
            Ok(deposits) => deposits,
            Err(error) => {
                tracing::warn!(account = %job.account, %error, "a mail cannot be sealed for drop relays");
                return false;
            }
        };
        let board = session.board;
        let tokens = tokens::take(shared, &job.account, job.recipient, board, deposits.len()).await;
        for (deposit, token) in deposits.iter_mut().zip(tokens) {
            deposit.token = Some(token);
        }
        let is_own = job.own.contains(&board);
        let identity = if is_own { SessionIdentity::Own } else { SessionIdentity::Throwaway };
        let is_first = note_sending(shared, &job, board).await;
        let mut deposited = deposit::deposit(shared, board, identity, deposits, &job.stop).await;
        if is_first && !deposited.was_sent {
            sent_nothing(shared, &job, board);
        }
        let unspent = std::mem::take(&mut deposited.unspent);
        tokens::put_back(shared, &job.account, job.recipient, board, unspent).await;
        account_for(shared, &mut job, session.board, deposited).await;
    }
    job.handover.status().is_handed_over()
}

/// Stores that cells of a mail are about to be sent to a board, where that is new.
async fn note_sending(shared: &Shared, job: &Job, board: BoardKey) -> bool {
    let Some(id) = job.mail else { return false };
    let is_new = shared.state().stories.get_mut(&id).is_some_and(|story| story.sends_to(board));
    if is_new {
        store_story(shared, id).await;
    }
    is_new
}

/// The board was not reached. Stored with the next change; until then a restart takes the mail for one that may have arrived.
fn sent_nothing(shared: &Shared, job: &Job, board: BoardKey) {
    let Some(id) = job.mail else { return };
    if let Some(story) = shared.state().stories.get_mut(&id) {
        story.sent_to.retain(|sent| *sent != board);
    }
}

/// Receipts and failures of a session go into handover, story, history and audits.
async fn account_for(shared: &Shared, job: &mut Job, board: BoardKey, deposited: deposit::Deposited) {
    let (now, wall) = (shared.monotonic(), shared.wall());
    // A mail that needs no copies any more ends its session: that is no failure of the board.
    let is_refused = !deposited.not_taken.is_empty() && !job.stop.is_cancelled();
    let has_failed = deposited.is_broken || is_refused;
    if deposited.receipts.is_empty() && !has_failed {
        return;
    }
    for (tag, receipt) in &deposited.receipts {
        job.handover.receipted(&board, *tag, *receipt);
    }
    for (tag, reseal) in &deposited.not_taken {
        shared.roll(|dice| job.handover.not_taken(&board, *tag, *reseal, now, dice));
    }
    if deposited.is_broken {
        job.handover.fail(&board);
    }
    let problem = deposited.problem.clone().filter(|_| has_failed);
    let change = {
        let mut state = shared.state();
        for (_, receipt) in &deposited.receipts {
            state.audits.expect(board, *receipt, job.ttl, wall);
        }
        job.mail.and_then(|id| state.stories.get_mut(&id)).map(|story| {
            let before = story.handed_over;
            for (_, receipt) in &deposited.receipts {
                story.receipted(&board, *receipt, wall);
            }
            if let Some(copies) = story.board(&board).filter(|_| has_failed) {
                copies.problem.clone_from(&problem);
            }
            (before.is_none() && story.handed_over.is_some(), story.complete(wall))
        })
    };
    let receipts = deposited.receipts.len() as u64;
    shared
        .remember(board, |history| {
            history.receipts += receipts;
            if has_failed {
                history.failed(wall, problem.as_deref().unwrap_or("cells were not taken"));
            }
        })
        .await;
    if receipts > 0 {
        shared.plan_audit(board);
    }
    if let (Some(id), Some((handed_over, complete))) = (job.mail, change) {
        store_story(shared, id).await;
        if handed_over {
            let text = format!("copies wait on {complete} drop relays");
            shared.ports.core.outbox_changed(&job.account, id, &text);
        }
    }
}

/// Writes the story of a mail. If the disk refuses, the story in memory goes on, and a restart
/// plans it again.
pub(crate) async fn store_story(shared: &Shared, id: MailId) {
    let Some(story) = shared.state().stories.get(&id).cloned() else { return };
    let stored = match documents::encode_grown(&story) {
        Ok(bytes) => {
            let documents = &shared.ports.documents;
            documents.put(STORIES, story.account.as_str(), id.0.to_vec(), Some(bytes)).await
        }
        Err(error) => Err(error),
    };
    if let Err(error) = stored {
        tracing::warn!(%id, %error, "where copies of a mail wait was not stored");
    }
}

/// The mail has left the outbox: its handover stops, its story ends.
pub(crate) async fn ended(shared: &Shared, id: MailId) {
    let story = {
        let mut state = shared.state();
        if let Some(stop) = state.running.remove(&id) {
            stop.cancel();
        }
        state.stories.remove(&id)
    };
    let Some(story) = story else { return };
    let removed = shared.ports.documents.put(STORIES, story.account.as_str(), id.0.to_vec(), None).await;
    if let Err(error) = removed {
        tracing::debug!(%id, %error, "a story was not removed; it is after the next start");
    }
}

/// A moment `after` now.
pub(crate) fn from_now(shared: &Shared, after: Duration) -> Monotonic {
    Monotonic(shared.monotonic().0.saturating_add(after))
}
