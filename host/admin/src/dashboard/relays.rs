//! Drop relays: the gateway's own and those of others, what they said, and invitations.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mail::PublicKey;

use super::form::Submitted;
use super::frame::Frame;
use super::page::{PageError, html};
use super::text::{Moment, bytes, plural, shortened};
use super::visitor::Visitor;
use crate::dto::{self, Board, Hiding, NewRelay, TokenSupply};
use crate::limits::{REQUEST_TIME, ROWS};
use crate::problem::Refused;
use crate::shared::{Shared, run};

#[derive(Template)]
#[template(path = "relays.html")]
struct Relays {
    frame: Frame,
    relays: Vec<Relay>,
    /// Whether this gateway serves one.
    is_serving: bool,
    /// Invitations to it, and how many more there are.
    invitations: Vec<Given>,
    more_invitations: usize,
    more: usize,
}

struct Relay {
    address: String,
    key: String,
    origin: &'static str,
    /// Known facts about it, a sentence each.
    facts: Vec<String>,
    problem: Option<String>,
    problem_time: Option<Moment>,
    is_own: bool,
}

/// An invitation that was made.
struct Given {
    name: String,
    used: String,
}

/// The page.
pub(super) async fn page(State(shared): State<Shared>, visitor: Visitor) -> Result<Response, PageError> {
    visitor.caller.must_be_owner()?;
    let (frame, _) = Frame::new(&shared, &visitor, "/relays").await?;
    let (management, now) = (shared.management.clone(), shared.clock.wall());
    let verbs = async move {
        let relays = management.relays().await?;
        let is_serving = relays.iter().any(|relay| relay.serving.is_some());
        let invitations = if is_serving { management.invitations().await? } else { Vec::new() };
        Ok((relays, is_serving, invitations))
    };
    let (relays, is_serving, invitations) = run(REQUEST_TIME, verbs).await?;
    let page = Relays {
        is_serving,
        more_invitations: invitations.len().saturating_sub(ROWS),
        invitations: invitations.into_iter().take(ROWS).map(given).collect(),
        more: relays.len().saturating_sub(ROWS),
        relays: relays.into_iter().take(ROWS).map(|relay| shown(relay, now)).collect(),
        frame,
    };
    Ok(html(StatusCode::OK, &page))
}

fn shown(relay: dto::Relay, now: mail::Wall) -> Relay {
    let is_own = relay.serving.is_some();
    let mut facts = relay.serving.as_ref().map(board).unwrap_or_default();
    let receipts = plural(relay.receipts, "receipt");
    facts.push(format!("{receipts} for copies left there, {}.", plural(relay.failures, "failure")));
    facts.extend(relay.fill.map(|fill| format!("It says that it is {fill} % full.")));
    facts.push(tokens(&relay.tokens, is_own));
    if !is_own {
        facts.push(hiding(relay.address_hidden).to_owned());
    }
    Relay {
        address: shortened(&relay.address),
        key: relay.key.to_string(),
        origin: match (is_own, relay.chosen_by_user, relay.invited) {
            (true, ..) => "served here",
            (_, true, true) => "named by you, with an invitation",
            (_, true, false) => "named by you",
            (_, false, _) => "a contact reads it",
        },
        facts,
        problem: relay.last_problem.as_deref().map(shortened),
        problem_time: relay.last_failure.map(|time| Moment::new(time, now)),
        is_own,
    }
}

/// Who learns the address of this machine.
const fn hiding(hiding: Hiding) -> &'static str {
    match hiding {
        Hiding::Proxy => "A proxy hides the address of this machine from everybody.",
        Hiding::Relays => "It does not learn the address of this machine. The Tox TCP relays in between do.",
        Hiding::Visible => "It can learn the address of this machine.",
    }
}

/// What pays for deposits.
fn tokens(supply: &TokenSupply, is_own: bool) -> String {
    let TokenSupply { own, own_resting, from_contacts, with_contacts, .. } = *supply;
    let mut text = match own + own_resting + from_contacts {
        0 if is_own => "No tokens for it yet".to_owned(),
        0 => "No tokens for it: each deposit costs some seconds of work".to_owned(),
        _ => format!("Tokens for deposits: {own} of yours, {from_contacts} from contacts"),
    };
    if own_resting > 0 {
        text.push_str(&format!(", {own_resting} that rest for a day"));
    }
    if with_contacts > 0 {
        text.push_str(&format!("; contacts hold {with_contacts} of yours"));
    }
    text + "."
}

fn given(invitation: dto::InvitationGiven) -> Given {
    let used = match invitation.issued {
        0 => "not used this week".to_owned(),
        tokens => format!("{} fetched this week", plural(tokens.into(), "token")),
    };
    Given { name: invitation.name, used }
}

fn board(board: &Board) -> Vec<String> {
    let state = if board.online { "It is online" } else { "It is not connected yet" };
    vec![
        format!(
            "{state}, with {} and {} given.",
            plural(board.sessions, "session"),
            plural(board.invitations, "invitation")
        ),
        format!(
            "It holds {} in {} of {}; {} of at most {} taken today.",
            plural(board.cells, "cell"),
            bytes(board.bytes),
            bytes(board.capacity_bytes),
            board.today,
            board.day_cells
        ),
    ]
}

/// Names a relay to use.
pub(super) async fn add(State(shared): State<Shared>, submitted: Submitted) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let relay = NewRelay { address: submitted.fields.text("address").to_owned() };
    let management = shared.management.clone();
    let result = run(REQUEST_TIME, async move { management.add_relay(relay).await }).await;
    let done = |_: &dto::Relay| "The drop relay is used from now on.".to_owned();
    Ok(submitted.answer("/relays", result, done))
}

/// Forgets a relay.
pub(super) async fn remove(
    State(shared): State<Shared>,
    submitted: Submitted,
) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let result = try_remove(&shared, &submitted).await;
    Ok(submitted.answer("/relays", result, |()| "The drop relay is no longer used.".to_owned()))
}

async fn try_remove(shared: &Shared, submitted: &Submitted) -> Result<(), Refused> {
    let key: PublicKey = submitted.fields.parse("key")?;
    let management = shared.management.clone();
    run(REQUEST_TIME, async move { management.remove_relay(key).await }).await
}

/// Creates an invitation to the gateway's own relay. Its address is shown once.
pub(super) async fn invite(
    State(shared): State<Shared>,
    submitted: Submitted,
) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let management = shared.management.clone();
    let result = run(REQUEST_TIME, async move { management.invite_to_relay().await }).await;
    Ok(submitted.answer("/relays", result, |invitation| {
        format!("Give this to one person, in secret. It is shown only once: {}", invitation.address)
    }))
}

/// Takes an invitation back.
pub(super) async fn uninvite(
    State(shared): State<Shared>,
    submitted: Submitted,
) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let (management, name) = (shared.management.clone(), submitted.fields.text("name").to_owned());
    let result = run(REQUEST_TIME, async move { management.uninvite_from_relay(&name).await }).await;
    Ok(submitted.answer("/relays", result, |()| "The invitation was taken back.".to_owned()))
}
