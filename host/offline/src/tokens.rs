//! Deposit tokens: fetched for invitations and from the board served here, spent on deposits, kept over restarts.
//!
//! A token that is taken counts as spent on disk before it is shown: after a death at any moment it is either still at hand and was
//! seen by nobody, or never used again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use drops::cell::BoardKey;
use drops::limits::ANSWER_TIME;
use drops::mailbox::Period;
use drops::member::{Membership, TokenEvent, TokenSession};
use drops::message::{BoardInfo, Refusal};
use drops::reader::Violation;
use drops::session::{BoardSession, Purpose, Unreachable};
use drops::token::Token;
use drops::wallet::{PurseKey, Source};
use mail::{AccountName, Monotonic, PublicKey};

use crate::documents::{ISSUING_KEYS, TOKENS};
use crate::limits::TOKENS_AGAIN;
use crate::outgoing::from_now;
use crate::ports::{Failure, KnownBoard, SessionIdentity};
use crate::purse::Supply;
use crate::shared::Shared;
use crate::visit::VisitError;

/// Why no (more) tokens were fetched.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error(transparent)]
    Refused(Refusal),
    #[error(transparent)]
    Broken(Violation),
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error("the gateway is stopping")]
    Stopping,
}

const OWN: [u8; 32] = [0; 32];

/// The name of a purse's document: source (zeros: own), board.
fn name((source, board): &PurseKey) -> Vec<u8> {
    let source = match source {
        Source::Own => OWN,
        Source::Contact(key) => key.0,
    };
    [source, board.0].concat()
}

/// Reads the name of a document.
pub(crate) fn parse_name(bytes: &[u8]) -> Option<PurseKey> {
    let (source, board) = bytes.split_first_chunk::<32>()?;
    let source = if *source == OWN { Source::Own } else { Source::Contact(PublicKey(*source)) };
    Some((source, PublicKey(board.try_into().ok()?)))
}

/// Writes a purse as it is now. Hold `Shared::tokens` since it was changed.
pub(crate) async fn keep(shared: &Shared, account: &AccountName, key: &PurseKey) -> Result<(), Failure> {
    let bytes = shared.with(account, |state| state.purse.document(key)).flatten();
    shared.ports.documents.put(TOKENS, account.as_str(), name(key), bytes).await
}

/// Takes up to `count` tokens for cells to `recipient` on a board: those they passed on first, then own ones. Spent on disk when
/// this returns them.
pub(crate) async fn take(
    shared: &Shared,
    account: &AccountName,
    recipient: PublicKey,
    board: BoardKey,
    count: usize,
) -> Vec<Token> {
    let _turn = shared.tokens.lock().await;
    let now = shared.wall();
    let mut taken = vec![];
    for source in [Source::Contact(recipient), Source::Own] {
        let (key, missing) = ((source, board), count - taken.len());
        let tokens = shared.with(account, |state| state.purse.take(&key, missing, now)).unwrap_or_default();
        if tokens.is_empty() {
            continue;
        }
        match keep(shared, account, &key).await {
            Ok(()) => taken.extend(tokens),
            Err(error) => {
                tracing::warn!(%account, %board, %error, "tokens are not used: that they are spent was not stored");
                shared.with(account, |state| state.purse.put_back(&key, tokens, now));
            }
        }
    }
    taken
}

/// A token for a seat on a board whose open sessions are all taken, from the account among
/// `accounts` that has most. Only own tokens are used: a contact knows the tokens it passed on, and
/// together with the board would know whose session that is. The token is spent on disk when this
/// returns it.
pub(crate) async fn for_a_seat(
    shared: &Shared,
    board: BoardKey,
    mut accounts: Vec<AccountName>,
) -> Option<Token> {
    let _turn = shared.tokens.lock().await;
    let (now, key) = (shared.wall(), (Source::Own, board));
    let count = |account: &AccountName| shared.with(account, |state| state.purse.own(board, now));
    accounts.sort_by_cached_key(|account| std::cmp::Reverse(count(account)));
    for account in accounts {
        let token = shared.with(&account, |state| state.purse.take(&key, 1, now).pop()).flatten();
        let Some(token) = token else { continue };
        match keep(shared, &account, &key).await {
            Ok(()) => return Some(token),
            Err(error) => {
                tracing::warn!(%account, %board, %error, "no token is shown for a seat: that it is spent was not stored");
                shared.with(&account, |state| state.purse.put_back(&key, vec![token], now));
            }
        }
    }
    None
}

/// Puts tokens back that were taken for these deposits and shown to nobody.
pub(crate) async fn put_back(
    shared: &Shared,
    account: &AccountName,
    recipient: PublicKey,
    board: BoardKey,
    tokens: Vec<Token>,
) {
    if tokens.is_empty() {
        return;
    }
    let _turn = shared.tokens.lock().await;
    let now = shared.wall();
    // Each goes where it is known to come from.
    for source in [Source::Contact(recipient), Source::Own] {
        let key = (source, board);
        shared.with(account, |state| state.purse.put_back(&key, tokens.clone(), now));
        if let Err(error) = keep(shared, account, &key).await {
            tracing::debug!(%account, %board, %error, "tokens that were not shown are spent after a restart");
        }
    }
}

/// Takes note of the issuing keys that a board told in a reading session. Only keys of the present
/// time matter.
pub(crate) async fn saw_keys(
    shared: &Shared,
    board: BoardKey,
    info: &BoardInfo,
    throwaway: u64,
) -> Result<(), VisitError> {
    let wall = shared.wall();
    // The number of the day, by the rule.
    let rest = u64::try_from(shared.settings.token_rest.as_millis()).unwrap_or(u64::MAX);
    let (current, day) = (Period::at(wall), wall.0 / rest.max(1));
    let near = [current.previous(), current, current.next(), current.next().next()];
    let (differs, bytes) = {
        let mut state = shared.state();
        let sightings = &mut state.board(board).sightings;
        let before = sightings.to_bytes();
        let seen = info.keys.iter().filter(|(period, _)| near.contains(period));
        let results: Vec<bool> =
            seen.map(|(period, key)| sightings.saw(*period, *key, day, throwaway).is_err()).collect();
        let after = sightings.to_bytes();
        (results.contains(&true), (after != before).then_some(after))
    };
    if let Some(bytes) = bytes {
        shared.ports.documents.put(ISSUING_KEYS, "", board.0.to_vec(), Some(bytes)).await?;
    }
    if differs { Err(Violation::Keys.into()) } else { Ok(()) }
}

/// The right by which the account gets tokens of a board now; None if it has no right, or if the
/// board's key is not trusted yet.
fn membership(shared: &Shared, known: &KnownBoard) -> Option<Membership> {
    if known.served_here {
        return Some(Membership::Owner);
    }
    let code = known.invitation?;
    let (wall, mut state) = (shared.wall(), shared.state());
    let board = state.board(known.key);
    if board.history.is_liar(wall) {
        return None;
    }
    let current = Period::at(wall);
    // Its clock may be a day off.
    let periods = [current.previous(), current, current.next()];
    let trusted = periods.map(|period| Some(period).zip(board.sightings.trusted(period)));
    board.sightings.trusted(current)?;
    Some(Membership::Invited(code, trusted.into_iter().flatten().collect()))
}

/// Begins to fetch the tokens that are due. Returns when the next fetch is.
pub(crate) fn look(shared: &Arc<Shared>, account: &AccountName) -> Option<Monotonic> {
    let (now, wall) = (shared.monotonic(), shared.wall());
    let mut next = None;
    for known in shared.ports.boards.known() {
        let Some(membership) = membership(shared, &known) else { continue };
        let board = known.key;
        // At a time that has nothing to do with mail; on the own board nobody watches.
        let wait = if known.served_here { Default::default() } else { shared.draw_reading() };
        let supply = shared.with(account, |state| state.purse.supply(board, (now, wall), wait));
        if let Some(Supply::At(at)) = supply {
            next = Some(next.map_or(at, |next: Monotonic| next.min(at)));
        }
        if let Some(Supply::Fetch(wanted)) = supply {
            let (working, of) = (Arc::clone(shared), account.clone());
            shared.spawn_for(account, async move {
                let fetch = fetch(&working, &of, &known, membership, wanted);
                if supervisor::attempt("tokens", fetch).await.is_none() {
                    let (again, wall) = (from_now(&working, TOKENS_AGAIN), working.wall());
                    working.with(&of, |state| state.purse.fetched(known.key, again, wall));
                }
            });
        }
    }
    next
}

/// Tells when tokens have rested: from then on contacts get some in their records. Returns when the next have.
pub(crate) fn look_after_resting(shared: &Shared, account: &AccountName) -> Option<Monotonic> {
    let (now, wall) = (shared.monotonic(), shared.wall());
    let (have_rested, next) = shared.with(account, |state| state.purse.rested(wall))?;
    if have_rested {
        shared.ports.core.record_changed(account);
    }
    next.map(|at| Monotonic(now.0.saturating_add(at.since(wall))))
}

async fn fetch(
    shared: &Arc<Shared>,
    account: &AccountName,
    known: &KnownBoard,
    membership: Membership,
    wanted: usize,
) {
    let board = known.key;
    let result = match shared.deposits.take(true).await {
        Some(_permit) => hold(shared, account, known, membership, wanted).await,
        None => Err(FetchError::Stopping),
    };
    let wait = match &result {
        Ok(()) | Err(FetchError::Stopping | FetchError::Failure(_)) => shared.draw_reading(),
        Err(error) => {
            tracing::info!(%account, %board, %error, "no tokens from a drop relay");
            let (wall, text) = (shared.wall(), format!("no tokens: {error}"));
            let is_lie = matches!(error, FetchError::Broken(Violation::Keys | Violation::Tokens));
            shared
                .remember(board, |history| {
                    history.troubled(wall, &text);
                    if is_lie {
                        history.lied = Some(wall);
                    }
                })
                .await;
            match error {
                FetchError::Unreachable(_) => shared.draw_reading(),
                _ => TOKENS_AGAIN,
            }
        }
    };
    let (next, wall) = (from_now(shared, wait), shared.wall());
    shared.with(account, |state| state.purse.fetched(board, next, wall));
    if result.is_ok() {
        shared.ports.core.record_changed(account);
    }
    shared.changed.notify_one();
}

/// Runs one session for tokens. The tokens that came are durable when this returns, also if the
/// session fails.
async fn hold(
    shared: &Arc<Shared>,
    account: &AccountName,
    known: &KnownBoard,
    membership: Membership,
    wanted: usize,
) -> Result<(), FetchError> {
    let board = known.key;
    let identity = if known.served_here { SessionIdentity::Own } else { SessionIdentity::Throwaway };
    let mut session = tokio::select! {
        biased;
        () = shared.stopping.cancelled() => return Err(FetchError::Stopping),
        session = shared.ports.boards.open(board, Purpose::Tokens, identity) => session?,
    };
    let mut machine = TokenSession::new(board, membership, wanted, shared.monotonic());
    let mut waiting = VecDeque::from([machine.start(shared.monotonic())]);
    loop {
        while let Some(event) = waiting.pop_front() {
            match event {
                TokenEvent::Send(message) => session.send(&message).await?,
                TokenEvent::Tokens(tokens) => got(shared, account, known, tokens).await?,
                TokenEvent::NoSeat => {
                    let token = for_a_seat(shared, board, vec![account.clone()]).await;
                    waiting.push_back(machine.enter(token, shared.monotonic()));
                }
                TokenEvent::NotYetTrusted | TokenEvent::Done => return Ok(()),
                TokenEvent::Refused(refusal) => return Err(FetchError::Refused(refusal)),
                TokenEvent::Broken(violation) => return Err(FetchError::Broken(violation)),
            }
        }
        waiting.extend(hear(shared, &mut *session, &mut machine).await?);
    }
}

async fn hear(
    shared: &Shared,
    session: &mut dyn BoardSession,
    machine: &mut TokenSession,
) -> Result<Vec<TokenEvent>, FetchError> {
    let clock = Arc::clone(&shared.ports.clock);
    tokio::select! {
        biased;
        () = shared.stopping.cancelled() => Err(FetchError::Stopping),
        message = session.receive() => {
            let (message, now) = (message?, shared.monotonic());
            Ok(shared.roll(|dice| machine.receive(&message, now, dice)))
        }
        () = clock.sleep(ANSWER_TIME) => Ok(machine.tick(shared.monotonic()).into_iter().collect()),
    }
}

async fn got(
    shared: &Shared,
    account: &AccountName,
    known: &KnownBoard,
    tokens: Vec<Token>,
) -> Result<(), Failure> {
    let _turn = shared.tokens.lock().await;
    let now = shared.wall();
    let rest = if known.served_here { Duration::ZERO } else { shared.settings.token_rest };
    shared.with(account, |state| state.purse.issued(known.key, tokens, rest, now));
    keep(shared, account, &(Source::Own, known.key)).await
}

/// Erases purses with nothing of worth in them. To be called only while the clock can be believed.
pub(crate) async fn forget(shared: &Shared, account: &AccountName) -> Result<(), Failure> {
    let _turn = shared.tokens.lock().await;
    let now = shared.wall();
    for key in shared.with(account, |state| state.purse.expire(now)).unwrap_or_default() {
        keep(shared, account, &key).await?;
    }
    Ok(())
}
