//! The clockwork: keys, slots, visits, strangers, and what is forgotten.

use std::sync::Arc;
use std::time::Duration;

use drops::parcel::{Assembly, Key};
use drops::record::MailboxRecord;
use drops::schedule::Slots;
use drops::token::Sightings;
use drops::wallet::Wallet;
use drops::{cell::Name, message::Receipt, ttl::Ttl};
use mail::{AccountName, MailId, Monotonic, PublicKey, Wall};

use crate::acknowledge;
use crate::documents::{
    self, BOARDS, GIVEN, ISSUING_KEYS, OWED, OWN_RECORDS, PARTS, RECORDS, STORIES, STRANGERS, TAKEN, TOKENS,
};
use crate::incoming;
use crate::keys;
use crate::limits::{CLOCK_JUMP, LOOK, STEADY};
use crate::outgoing;
use crate::ports::{Document, Failure};
use crate::readers;
use crate::records;
use crate::shared::{AccountState, Shared};
use crate::tokens;

/// Runs until it is stopped.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut clocks = Clocks::default();
    let mut forget_at = Monotonic::default();
    while !shared.stopping.is_cancelled() {
        let now = shared.monotonic();
        clocks.observe(now, shared.wall());
        let mut next = Monotonic(now.0 + LOOK);
        let is_sweep = now >= forget_at && clocks.is_steady(now);
        if is_sweep {
            forget_at = Monotonic(now.0 + STEADY);
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
    if shared.with(account, |_| ()).is_none() {
        load(shared, account).await?;
    }
    keys::renew(shared, account).await?;
    records::own(shared, account).await?;
    if is_sweep {
        keys::erase(shared, account).await?;
        incoming::forget(shared, account).await?;
        acknowledge::forget(shared, account).await?;
        tokens::forget(shared, account).await?;
        records::forget(shared, account).await?;
    }
    let fetch = tokens::look(shared, account);
    let rested = tokens::look_after_resting(shared, account);
    incoming::look_after_strangers(shared, account).await?;
    let now = shared.monotonic();
    let slot = shared.with(account, |state| {
        let is_due = shared.roll(|dice| state.slots.due(now, dice));
        (is_due, state.slots.next())
    });
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
    for (_, key, bytes) in shared.ports.documents.all(BOARDS).await? {
        if let (Ok(key), Some(history)) = (key.try_into(), documents::decode(&bytes)) {
            shared.state().board(PublicKey(key)).history = history;
        }
    }
    for (_, key, bytes) in shared.ports.documents.all(ISSUING_KEYS).await? {
        if let (Ok(key), Some(seen)) = (key.try_into(), Sightings::from_bytes(&bytes)) {
            shared.state().board(PublicKey(key)).sightings = seen;
        }
    }
    let mut audited = std::collections::BTreeSet::new();
    for (_, key, bytes) in shared.ports.documents.all(STORIES).await? {
        let (Ok(id), Some(story)) = (key.try_into(), documents::decode_story(&bytes)) else { continue };
        let mut state = shared.state();
        for copies in &story.boards {
            let Some(ttl) = Ttl::from_days(copies.ttl_days).filter(|_| !copies.missing) else { continue };
            for receipt in &copies.receipts {
                let name = Name(receipt.name);
                let receipt = Receipt { name, segment: receipt.segment, until: receipt.until };
                state.audits.expect(copies.board, receipt, ttl);
                audited.insert(copies.board);
            }
        }
        state.stories.insert(MailId(id), story);
    }
    for board in audited {
        shared.plan_audit(board);
    }
    Ok(())
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
        ring,
        own: Default::default(),
        records: Default::default(),
        wallet: Wallet::default(),
        rests_until: None,
        fetches: Default::default(),
        given: Default::default(),
        assembly: Assembly::default(),
        loose: vec![],
        parts: Default::default(),
        taken: Default::default(),
        strangers: Default::default(),
        owed: Default::default(),
        slots,
    };
    let now = shared.wall();
    for (key, bytes) in of(shared, TOKENS, account).await? {
        let Some(key) = tokens::parse_name(&key) else { continue };
        if let Err(error) = state.wallet.restore(key, &bytes) {
            tracing::warn!(%account, %error, "tokens for a drop relay are lost; others are fetched");
        }
    }
    for (key, bytes) in of(shared, GIVEN, account).await? {
        let contact = <[u8; 32]>::try_from(key).ok().map(PublicKey);
        state.given.extend(contact.zip(documents::decode(&bytes)));
    }
    for (_, bytes) in of(shared, OWN_RECORDS, account).await? {
        state.own = documents::decode(&bytes).unwrap_or_default();
    }
    for (key, bytes) in of(shared, RECORDS, account).await? {
        let Ok(key) = <[u8; 32]>::try_from(key) else { continue };
        if let Ok(record) = MailboxRecord::decode(&bytes) {
            state.records.insert(PublicKey(key), record);
        }
    }
    for (key, bytes) in of(shared, TAKEN, account).await? {
        let known: Option<(Key, Wall)> = incoming::parse_key(&key).zip(documents::decode(&bytes));
        state.taken.extend(known);
    }
    for (key, bytes) in of(shared, STRANGERS, account).await? {
        if let Some((key, when, size)) = incoming::restore_stranger(&key, &bytes) {
            state.strangers.insert(key, (when, size));
        }
    }
    for (key, bytes) in of(shared, OWED, account).await? {
        state.owed.extend(acknowledge::parse_name(&key).zip(documents::decode(&bytes)));
    }
    for (key, bytes) in of(shared, PARTS, account).await? {
        let Some((key, opened)) = incoming::restore_part(&key, &bytes) else { continue };
        state.parts.entry(key).or_default().insert(opened.place.index);
        // What completes a mail was never stored: the last part comes from a board.
        let _waiting = state.assembly.take(opened, now);
    }
    shared.state().accounts.insert(account.clone(), state);
    Ok(())
}

async fn of(
    shared: &Shared,
    kind: &'static str,
    account: &AccountName,
) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Failure> {
    let all: Vec<Document> = shared.ports.documents.all(kind).await?;
    let own = all.into_iter().filter(|(owner, ..)| owner == account.as_str());
    Ok(own.map(|(_, key, bytes)| (key, bytes)).collect())
}

/// How long a stop waits for the clockwork to end.
pub(crate) const STOP_WAIT: Duration = Duration::from_secs(1);
