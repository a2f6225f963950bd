//! The clockwork: keys, slots, visits, strangers, and what is forgotten.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use drops::record::MailboxRecord;
use drops::schedule::Slots;
use drops::token::Sightings;
use drops::{cell::Name, message::Receipt, ttl::Ttl};
use mail::{AccountName, MailId, Monotonic, PublicKey, Wall};

use crate::acknowledge;
use crate::answers::Answers;
use crate::documents::{self, BOARDS, GIVEN, ISSUING_KEYS, OWN_RECORDS, RECORDS, Rows, STORIES, TOKENS};
use crate::incoming;
use crate::keys;
use crate::limits::{CLOCK_JUMP, LOOK, STEADY};
use crate::outgoing;
use crate::parts;
use crate::ports::Failure;
use crate::readers;
use crate::records;
use crate::shared::{AccountState, Shared};
use crate::story::Story;
use crate::strangers;
use crate::tokens;

/// Runs until it is stopped.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut clocks = Clocks::default();
    let mut forget_at = Monotonic::default();
    while !shared.stopping.is_cancelled() {
        let now = shared.monotonic();
        clocks.observe(now, shared.wall());
        let mut next = Monotonic(now.0 + LOOK);
        let is_steady = clocks.is_steady(now);
        shared.is_clock_steady.store(is_steady, Ordering::Relaxed);
        let is_sweep = now >= forget_at && is_steady;
        if is_sweep {
            forget_at = Monotonic(now.0 + STEADY);
            let wall = shared.wall();
            shared.state().audits.expire(wall);
        }
        for account in shared.ports.core.accounts() {
            match look_after(&shared, &account, is_sweep).await {
                Ok(slot) => next = next.min(slot),
                Err(error) => {
                    tracing::warn!(%account, %error, "offline mail has trouble; it is tried again in a minute")
                }
            }
        }
        if let Some(visit) = readers::look(&shared) {
            next = next.min(visit);
        }
        tokio::select! {
            biased;
            () = shared.stopping.cancelled() => {}
            () = shared.changed.notified() => {}
            () = shared.ports.clock.sleep(next.since(shared.monotonic())) => {}
        }
    }
}

/// Everything about one account that is due. Returns when its next slot is.
async fn look_after(
    shared: &Arc<Shared>,
    account: &AccountName,
    is_sweep: bool,
) -> Result<Monotonic, Failure> {
    let _turn = shared.looking.lock().await;
    if !shared.ports.core.accounts().contains(account) {
        // It was removed meanwhile.
        return Ok(Monotonic(shared.monotonic().0 + LOOK));
    }
    if shared.with(account, |_| ()).is_none() {
        load(shared, account).await?;
    }
    keys::renew(shared, account).await?;
    records::own(shared, account).await?;
    if is_sweep {
        keys::erase(shared, account).await?;
        incoming::forget(shared, account).await?;
        strangers::forget(shared, account).await?;
        acknowledge::forget(shared, account).await?;
        tokens::forget(shared, account).await?;
        records::forget(shared, account).await?;
    }
    let fetch = tokens::look(shared, account);
    let rested = tokens::look_after_resting(shared, account);
    strangers::look_after(shared, account).await?;
    let now = shared.monotonic();
    let slot = shared.with(account, |state| shared.roll(|dice| state.answers.slot(now, dice)));
    let (is_due, next) = slot.unwrap_or((false, Monotonic(now.0 + LOOK)));
    if is_due {
        acknowledge::slot(shared, account).await?;
    }
    Ok([fetch, rested].into_iter().flatten().fold(next, Monotonic::min))
}

/// Whether the clocks agree.
#[derive(Default)]
struct Clocks {
    last: Option<(Monotonic, Wall)>,
    since: Monotonic,
}

impl Clocks {
    fn observe(&mut self, now: Monotonic, wall: Wall) {
        if let Some((last, last_wall)) = self.last.replace((now, wall)) {
            let expected = last_wall.plus(now.since(last));
            if u128::from(wall.0.abs_diff(expected.0)) > CLOCK_JUMP.as_millis() {
                self.since = now;
            }
        } else {
            self.since = now;
        }
    }

    fn is_steady(&self, now: Monotonic) -> bool {
        now.since(self.since) >= STEADY
    }
}

/// Reads what belongs to the gateway as a whole, at the start.
pub(crate) async fn load_boards(shared: &Shared) -> Result<(), Failure> {
    let documents = &*shared.ports.documents;
    let mut rows = Rows::all(documents, BOARDS);
    while let Some(page) = rows.next().await? {
        for row in page {
            if let Some((key, history)) =
                rows.readable(&row, row.name().zip(documents::decode_grown(&row.bytes)))
            {
                shared.state().board(PublicKey(key)).history = history;
            }
        }
    }
    let mut rows = Rows::all(documents, ISSUING_KEYS);
    while let Some(page) = rows.next().await? {
        for row in page {
            let read = row.name().zip(Sightings::from_bytes(&row.bytes));
            if let Some((key, seen)) = rows.readable(&row, read) {
                shared.state().board(PublicKey(key)).sightings = seen;
            }
        }
    }
    let mut rows = Rows::all(documents, STORIES);
    while let Some(page) = rows.next().await? {
        for row in page {
            let read = row.name().zip(documents::decode_grown(&row.bytes));
            if let Some((id, story)) = rows.readable(&row, read) {
                load_story(shared, MailId(id), story);
            }
        }
    }
    let audited = shared.state().audits.boards();
    for board in audited {
        shared.plan_audit(board);
    }
    Ok(())
}

/// An account is being removed: what runs for it ends, and nothing of it stays in memory or in files of mailbox keys. Its documents go
/// with its other rows.
pub(crate) async fn forget(shared: &Shared, account: &AccountName) -> Result<(), Failure> {
    let _turn = shared.looking.lock().await;
    let stories: Vec<MailId> = {
        let mut state = shared.state();
        if let Some(forgotten) = state.accounts.remove(account) {
            forgotten.life.cancel();
        }
        state.assembly.forget(account);
        state.erasing.retain(|(of, _)| of != account);
        let of_account = state.stories.iter().filter(|(_, story)| story.account == *account);
        of_account.map(|(id, _)| *id).collect()
    };
    for id in stories {
        outgoing::ended(shared, id).await;
    }
    shared.ports.keys.forget(account).await
}

fn load_story(shared: &Shared, id: MailId, story: Story) {
    let now = shared.wall();
    let mut state = shared.state();
    for copies in &story.boards {
        let Some(ttl) = Ttl::from_days(copies.ttl_days).filter(|_| !copies.missing) else { continue };
        for receipt in &copies.receipts {
            let name = Name(receipt.name);
            let receipt = Receipt { name, segment: receipt.segment, until: receipt.until };
            state.audits.expect(copies.board, receipt, ttl, now);
        }
    }
    state.stories.insert(id, story);
}

/// Ends the stories of mails that left the outbox while nobody listened.
pub(crate) async fn forget_ended(shared: &Shared) -> Result<(), Failure> {
    let ids: Vec<MailId> = shared.state().stories.keys().copied().collect();
    for id in ids {
        if shared.ports.core.outgoing(id, 0).await?.is_none() {
            outgoing::ended(shared, id).await;
        }
    }
    Ok(())
}

/// Reads an account.
pub(crate) async fn load(shared: &Shared, account: &AccountName) -> Result<(), Failure> {
    let ring = keys::load(shared, account).await?;
    let apart = shared.settings.acknowledge_every;
    let slots = shared.roll(|dice| Slots::every(apart, shared.monotonic(), dice));
    let mut state = AccountState {
        life: shared.stopping.child_token(),
        ring,
        public: None,
        own: Default::default(),
        records: Default::default(),
        given: Default::default(),
        purse: Default::default(),
        letterbox: Default::default(),
        answers: Answers::new(slots),
    };
    load_tokens(shared, account, &mut state).await?;
    load_records(shared, account, &mut state).await?;
    incoming::restore_taken(shared, account, &mut state).await?;
    strangers::restore(shared, account, &mut state).await?;
    acknowledge::restore(shared, account, &mut state).await?;
    shared.state().accounts.insert(account.clone(), state);
    parts::restore(shared, account).await
}

async fn load_tokens(
    shared: &Shared,
    account: &AccountName,
    state: &mut AccountState,
) -> Result<(), Failure> {
    let mut rows = Rows::of(&*shared.ports.documents, TOKENS, account);
    while let Some(page) = rows.next().await? {
        for row in page {
            let Some(key) = rows.readable(&row, tokens::parse_name(&row.key)) else { continue };
            if let Err(error) = state.purse.restore(key, &row.bytes) {
                let _told: Option<()> = rows.readable(&row, None);
                tracing::warn!(%account, %error, "tokens for a drop relay are lost; others are fetched");
            }
        }
    }
    Ok(())
}

async fn load_records(
    shared: &Shared,
    account: &AccountName,
    state: &mut AccountState,
) -> Result<(), Failure> {
    let documents = &*shared.ports.documents;
    let mut rows = Rows::of(documents, GIVEN, account);
    while let Some(page) = rows.next().await? {
        for row in page {
            let read = row.name().map(PublicKey).zip(documents::decode(&row.bytes));
            state.given.extend(rows.readable(&row, read));
        }
    }
    if let Some(bytes) = documents::get(documents, OWN_RECORDS, account, &[]).await? {
        let read = documents::decode(&bytes);
        if read.is_none() {
            documents.unreadable(OWN_RECORDS, account.as_str(), &[], &bytes);
        }
        state.own = read.unwrap_or_default();
    }
    let mut rows = Rows::of(documents, RECORDS, account);
    while let Some(page) = rows.next().await? {
        for row in page {
            let read = row.name().map(PublicKey).zip(MailboxRecord::decode(&row.bytes).ok());
            state.records.extend(rows.readable(&row, read));
        }
    }
    Ok(())
}
