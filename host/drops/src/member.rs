//! Fetching tokens: one session of a member with the board, under a throwaway of its own.
//!
//! `info`, then as many token requests as it takes. The issuing key must be one that was trusted before
//! ([`crate::token::Sightings`]): a board that shows this session another one would mark the member's tokens.

use bytes::Bytes;
use mail::Monotonic;
use rand_core::{CryptoRng, RngCore};

use crate::cell::BoardKey;
use crate::limits::{ANSWER_TIME, ISSUE_TOKENS, VERSION};
use crate::mailbox::Period;
use crate::message::{Answer, BoardInfo, InvitationCode, Refusal, Request, RequestId};
use crate::reader::Violation;
use crate::token::{Element, Token, TokenRequest};

/// The right by which tokens are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// As an invited user: only with one of these issuing keys, which were trusted before.
    Invited(InvitationCode, Vec<(Period, Element)>),
    /// As the board's owner, within its process: nobody could be deceived.
    Owner,
}

/// What happened in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenEvent {
    /// Send this message.
    Send(Vec<u8>),
    /// Tokens, checked.
    Tokens(Vec<Token>),
    /// The board's key of this period was not seen often enough yet: come back another day.
    NotYetTrusted,
    /// All open sessions are taken: answer with [`TokenSession::enter`].
    NoSeat,
    /// The board said no; the session is over.
    Refused(Refusal),
    /// All is here: end the session.
    Done,
    /// The board broke the rules: end the session.
    Broken(Violation),
}

#[derive(Debug)]
enum Phase {
    Info,
    /// No seat, and no token shown yet.
    Outside,
    /// A token was shown for a seat.
    Entering,
    /// Asked, with the key the answer must fit.
    Asked(Box<TokenRequest>, Element),
    Over,
}

const INFO: RequestId = 1;

/// One session of a member.
#[derive(Debug)]
pub struct TokenSession {
    board: BoardKey,
    membership: Membership,
    wanted: usize,
    phase: Phase,
    /// A seat was asked for, with a token or the invitation.
    has_tried: bool,
    request: RequestId,
    heard: Monotonic,
}

impl TokenSession {
    /// A session on `board` for `wanted` tokens; begin it with [`TokenSession::start`] when the connection is there.
    #[must_use]
    pub fn new(board: BoardKey, membership: Membership, wanted: usize, now: Monotonic) -> Self {
        Self { board, membership, wanted, phase: Phase::Info, has_tried: false, request: INFO, heard: now }
    }

    /// The first message.
    pub fn start(&mut self, now: Monotonic) -> TokenEvent {
        self.heard = now;
        TokenEvent::Send(Request::Info.encode(INFO))
    }

    /// Whether the session is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// Call now and then: notices a board that went silent.
    pub fn tick(&mut self, now: Monotonic) -> Option<TokenEvent> {
        let waits = !matches!(self.phase, Phase::Over | Phase::Outside);
        let is_silent = waits && now.since(self.heard) >= ANSWER_TIME;
        is_silent.then(|| self.broken(Violation::Silent))
    }

    /// A whole message came from the board.
    pub fn receive<R: RngCore + CryptoRng>(
        &mut self,
        message: &Bytes,
        now: Monotonic,
        rng: &mut R,
    ) -> Vec<TokenEvent> {
        if self.is_over() {
            return vec![];
        }
        self.heard = now;
        let result = match Answer::decode(message) {
            Ok((id, answer)) if id == self.request => self.handle(answer, rng),
            Ok(_) => Err(Violation::OutOfPlace),
            Err(error) => Err(Violation::Message(error.to_string())),
        };
        result.unwrap_or_else(|violation| vec![self.broken(violation)])
    }

    /// A token for a seat, spent on disk already; none: the invitation has to be worth one. Only
    /// after [`TokenEvent::NoSeat`], which comes once at most.
    pub fn enter(&mut self, token: Option<Token>, now: Monotonic) -> TokenEvent {
        (self.heard, self.has_tried) = (now, true);
        self.request += 1;
        let (phase, request) = match token {
            Some(token) => (Phase::Entering, Request::Enter { token }),
            // The board says once more what it says of itself, and a token request takes a seat.
            None if matches!(self.membership, Membership::Invited(..)) => (Phase::Info, Request::Info),
            None => {
                self.phase = Phase::Over;
                return TokenEvent::Refused(Refusal::Sessions);
            }
        };
        self.phase = phase;
        TokenEvent::Send(request.encode(self.request))
    }

    fn handle<R: RngCore + CryptoRng>(
        &mut self,
        answer: Answer,
        rng: &mut R,
    ) -> Result<Vec<TokenEvent>, Violation> {
        match (std::mem::replace(&mut self.phase, Phase::Over), answer) {
            (Phase::Info, Answer::Info(info)) => self.informed(&info, rng),
            (Phase::Asked(request, key), Answer::Issued { evaluated, proof }) => {
                let period = request.period();
                let tokens = request.finish(&evaluated, &proof, &key).map_err(|_| Violation::Tokens)?;
                self.wanted = self.wanted.saturating_sub(tokens.len());
                let mut events = vec![TokenEvent::Tokens(tokens)];
                events.push(self.ask(period, key, rng)?);
                Ok(events)
            }
            (Phase::Info, Answer::Refused(Refusal::Sessions)) if !self.has_tried => {
                self.phase = Phase::Outside;
                Ok(vec![TokenEvent::NoSeat])
            }
            (Phase::Entering, Answer::Entered) => {
                self.phase = Phase::Info;
                self.request += 1;
                Ok(vec![TokenEvent::Send(Request::Info.encode(self.request))])
            }
            (_, Answer::Refused(refusal)) => Ok(vec![TokenEvent::Refused(refusal)]),
            _ => Err(Violation::OutOfPlace),
        }
    }

    fn informed<R: RngCore + CryptoRng>(
        &mut self,
        info: &BoardInfo,
        rng: &mut R,
    ) -> Result<Vec<TokenEvent>, Violation> {
        if info.version != VERSION {
            return Err(Violation::Info);
        }
        let [(period, key), _] = info.keys;
        if let Membership::Invited(_, trusted) = &self.membership {
            match trusted.iter().find(|(known, _)| *known == period) {
                None => return Ok(vec![TokenEvent::NotYetTrusted]),
                Some((_, known)) if *known != key => return Err(Violation::Keys),
                Some(_) => {}
            }
        }
        Ok(vec![self.ask(period, key, rng)?])
    }

    fn ask<R: RngCore + CryptoRng>(
        &mut self,
        period: Period,
        key: Element,
        rng: &mut R,
    ) -> Result<TokenEvent, Violation> {
        let count = self.wanted.min(ISSUE_TOKENS);
        if count == 0 {
            return Ok(TokenEvent::Done);
        }
        // It fails for a count out of bounds only.
        let request = TokenRequest::new(&self.board, period, count, rng).map_err(|_| Violation::Tokens)?;
        let invitation = match &self.membership {
            Membership::Invited(code, _) => *code,
            Membership::Owner => InvitationCode::default(),
        };
        self.request += 1;
        let blinded = request.blinded().to_vec();
        self.phase = Phase::Asked(Box::new(request), key);
        Ok(TokenEvent::Send(Request::Issue { period, invitation, blinded }.encode(self.request)))
    }

    fn broken(&mut self, violation: Violation) -> TokenEvent {
        self.phase = Phase::Over;
        TokenEvent::Broken(violation)
    }
}

#[cfg(test)]
mod tests;
