//! Mailbox records: the own one, handed to contacts in every hello, mail and acknowledgement, and those of contacts.
//!
//! What a record says of keys and boards is the same for everybody; the tokens in it are for one contact alone, and each contact's
//! are remembered until they are used up or over.

use std::collections::{BTreeMap, BTreeSet};

use drops::cell::BoardKey;
use drops::limits::RECORD_BOARDS;
use drops::mailbox::Period;
use drops::point::Point;
use drops::record::{MailboxRecord, OwnerMark, RecordError};
use drops::token::Token;
use drops::wallet::Source;
use mail::{AccountName, PublicKey, ToxId, Wall};

use crate::documents::{self, GIVEN, OWN_RECORDS, RECORDS};
use crate::given::{Given, OwnRecord, is_good, token};
use crate::limits::TOKENS_PASSED_WEEK;
use crate::ports::Failure;
use crate::shared::{AccountState, Shared};
use crate::tokens;

/// The content of a record besides time and tokens.
struct Facts {
    owner: ToxId,
    keys: Vec<(Period, Point)>,
    boards: Vec<BoardKey>,
    owners: Vec<(BoardKey, OwnerMark)>,
}

impl Facts {
    fn encode(&self, made: Wall, tokens: Vec<(BoardKey, Token)>) -> Result<Vec<u8>, Failure> {
        let Self { owner, keys, boards, owners } = self;
        let (keys, boards, owners) = (keys.clone(), boards.clone(), owners.clone());
        let record = MailboxRecord { made, owner: *owner, keys, boards, tokens, owners };
        record.encode().map_err(|error| Failure(error.to_string()))
    }
}

/// The facts as they are now; None while there is nothing to tell.
async fn facts(shared: &Shared, account: &AccountName) -> Option<Facts> {
    let identity = shared.ports.core.identity(account).await?;
    let (now, known) = (shared.wall(), shared.ports.boards.known());
    let mut boards: Vec<BoardKey> = shared.read_by(account);
    boards.truncate(RECORD_BOARDS);
    shared.with(account, |state| {
        let owner = |board: &BoardKey| Some((*board, state.owner(&known, *board, None)?));
        let owners = boards.iter().filter_map(owner).collect();
        let keys = state.public_keys(now);
        (!keys.is_empty()).then_some(Facts { owner: identity.tox_id, keys, boards, owners })
    })?
}

/// The account's own record as it is now, without tokens, encoded; None while there is nothing to tell.
pub(crate) async fn own(shared: &Shared, account: &AccountName) -> Result<Option<Vec<u8>>, Failure> {
    let Some(facts) = facts(shared, account).await else { return Ok(None) };
    Ok(Some(renew_own(shared, account, &facts).await?.bytes))
}

async fn renew_own(shared: &Shared, account: &AccountName, facts: &Facts) -> Result<OwnRecord, Failure> {
    let last = shared.with(account, |state| state.own.clone()).unwrap_or_default();
    if facts.encode(last.made, vec![])? == last.bytes && !shared.is_from_the_future(last.made) {
        return Ok(last);
    }
    let made = newer_than(shared, last.made);
    let own = OwnRecord { made, bytes: facts.encode(made, vec![])? };
    documents::put(&*shared.ports.documents, OWN_RECORDS, account.as_str(), vec![], &own).await?;
    shared.with(account, |state| state.own = own.clone());
    shared.ports.core.record_changed(account);
    Ok(own)
}

/// When a record is made that replaces one of this time: never older than that, whatever the clock did. Only one that was made while
/// the clock was ahead does not count: contacts refuse it, and they would refuse all others for as long as that was.
fn newer_than(shared: &Shared, last: Wall) -> Wall {
    let now = shared.wall();
    if shared.is_from_the_future(last) { now } else { now.max(Wall(last.0.saturating_add(1))) }
}

/// The account's record for a contact: with tokens for their deposits, as far as there are some. For strangers, without.
pub(crate) async fn for_contact(
    shared: &Shared,
    account: &AccountName,
    contact: PublicKey,
) -> Result<Option<Vec<u8>>, Failure> {
    let Some(facts) = facts(shared, account).await else { return Ok(None) };
    let own = renew_own(shared, account, &facts).await?;
    if shared.ports.core.contact(account, contact).is_none() {
        return Ok(Some(own.bytes));
    }
    let _turn = shared.tokens.lock().await;
    let last = shared.with(account, |state| state.given.get(&contact).cloned()).flatten().unwrap_or_default();
    let mut given = last.clone();
    top_up(shared, account, &facts, &mut given).await?;
    let encode = |given: &Given| {
        let tokens = given.tokens.iter().filter_map(|(board, bytes)| Some((*board, token(bytes)?)));
        facts.encode(given.made, tokens.collect())
    };
    if shared.is_from_the_future(last.made) {
        given.made = own.made;
    }
    if encode(&given)? != given.bytes {
        given.made = newer_than(shared, given.made.max(own.made));
        given.bytes = encode(&given)?;
    }
    given.base = own.made;
    if given != last {
        let key = contact.0.to_vec();
        documents::put(&*shared.ports.documents, GIVEN, account.as_str(), key, &given).await?;
        shared.with(account, |state| state.given.insert(contact, given.clone()));
    }
    Ok(Some(given.bytes))
}

/// Adds tokens for the boards of which the contact holds few that last. They leave the own purse on disk first: a death in between
/// loses them, and nobody gets them twice.
async fn top_up(
    shared: &Shared,
    account: &AccountName,
    facts: &Facts,
    given: &mut Given,
) -> Result<(), Failure> {
    let now = shared.wall();
    let period = Period::at(now);
    if given.period != period.0 {
        (given.period, given.passed) = (period.0, 0);
    }
    given.tokens.retain(|(board, bytes)| facts.boards.contains(board) && is_good(bytes, now));
    for board in &facts.boards {
        let left = TOKENS_PASSED_WEEK.saturating_sub(given.passed) as usize;
        let lasts = |bytes: &[u8]| token(bytes).is_some_and(|token| token.period >= period);
        let of_board = given.tokens.iter().filter(|(named, _)| named == board);
        let (all, lasting) = of_board
            .fold((0, 0), |(all, lasting), (_, bytes)| (all + 1, lasting + usize::from(lasts(bytes))));
        let tokens = shared.with(account, |state| state.purse.pass_on(*board, (all, lasting), left, now));
        let tokens = tokens.unwrap_or_default();
        if tokens.is_empty() {
            continue;
        }
        tokens::keep(shared, account, &(Source::Own, *board)).await?;
        given.passed += u32::try_from(tokens.len()).unwrap_or(u32::MAX);
        given.add(*board, &tokens);
    }
    Ok(())
}

/// Takes note that a contact deposited a parcel of this many cells on boards of the record they
/// were given: as many tokens count as spent.
pub(crate) fn used(shared: &Shared, account: &AccountName, contact: PublicKey, cells: usize) {
    shared.with(account, |state| {
        let Some(given) = state.given.get_mut(&contact) else { return };
        let mut seen: BTreeMap<BoardKey, usize> = BTreeMap::new();
        given.tokens.retain(|(board, _)| {
            let number = seen.entry(*board).or_default();
            *number += 1;
            *number > cells
        });
    });
}

/// The record a contact was given last, or the own one if that is newer.
pub(crate) fn last(state: &AccountState, contact: PublicKey) -> Option<Vec<u8>> {
    let given = state.given.get(&contact).filter(|given| given.base == state.own.made);
    given.map(|given| given.bytes.clone()).filter(|bytes| !bytes.is_empty()).or_else(|| state.own.bytes())
}

/// Forgets what was given to people who are no longer contacts, and what they told.
pub(crate) async fn forget(shared: &Shared, account: &AccountName) -> Result<(), Failure> {
    let known = shared.with(account, |state| {
        state.given.keys().chain(state.records.keys()).copied().collect::<BTreeSet<PublicKey>>()
    });
    for contact in known.unwrap_or_default() {
        if shared.ports.core.contact(account, contact).is_none() {
            for kind in [GIVEN, RECORDS] {
                shared.ports.documents.put(kind, account.as_str(), contact.0.to_vec(), None).await?;
            }
            shared.with(account, |state| {
                state.given.remove(&contact);
                state.records.remove(&contact);
            });
        }
    }
    Ok(())
}

/// A record came from `sender`, over a channel that proves who they are. Keeps it if it is theirs and newer.
pub(crate) async fn received(
    shared: &Shared,
    account: &AccountName,
    sender: PublicKey,
    bytes: &[u8],
) -> Result<(), Failure> {
    let now = shared.wall();
    let read = MailboxRecord::decode(bytes);
    let known = shared.with(account, |state| state.records.get(&sender).cloned()).flatten();
    let accepted = read.and_then(|record| record.accept(&sender, known.as_ref(), now).map(|()| record));
    let record = match accepted {
        Ok(record) => record,
        Err(RecordError::Older) => return Ok(()),
        Err(error) => {
            tracing::info!(%account, %sender, %error, "a mailbox record was not taken");
            return Ok(());
        }
    };
    // Before the record: should it die in between, the record comes again, and with it no token twice.
    take_tokens(shared, account, sender, &record).await?;
    let key = sender.0.to_vec();
    shared.ports.documents.put(RECORDS, account.as_str(), key, Some(bytes.to_vec())).await?;
    shared.with(account, |state| state.records.insert(sender, record));
    shared.changed.notify_one();
    Ok(())
}

async fn take_tokens(
    shared: &Shared,
    account: &AccountName,
    sender: PublicKey,
    record: &MailboxRecord,
) -> Result<(), Failure> {
    let mut by_board: BTreeMap<BoardKey, Vec<Token>> = BTreeMap::new();
    for (board, token) in &record.tokens {
        by_board.entry(*board).or_default().push(token.clone());
    }
    let _turn = shared.tokens.lock().await;
    let now = shared.wall();
    for (board, passed) in by_board {
        let is_new = shared.with(account, |state| state.purse.passed_on(sender, board, passed, now));
        if is_new == Some(true) {
            tokens::keep(shared, account, &(Source::Contact(sender), board)).await?;
        }
    }
    Ok(())
}
