//! Seats: who has a session of the board, who waits outside for one, and who gives it to somebody
//! else.

use super::deposit::Job;
use super::session::{Session, Standing};
use super::{Board, Now, SessionId, Shelf};
use crate::limits::SEAT_TIME;
use crate::message::{Refusal, Request, RequestId};
use crate::token::Token;

impl Board {
    /// A client connected. Where all open sessions are taken and none gives way, it may only enter
    /// with a token.
    pub fn connect(&mut self, now: Now) -> SessionId {
        let has_seat = self.count(Standing::Open) < self.quotas.sessions - self.kept()
            || self.make_room(&[Standing::Open], now);
        self.admit(if has_seat { Standing::Open } else { Standing::Lobby }, now)
    }

    /// Sessions kept for token holders.
    fn kept(&self) -> usize {
        self.quotas.sessions / 3
    }

    /// Ends the session that has to give its seat to somebody else, if there is one among these:
    /// sessions without a token before those with one, followers before those that have been there
    /// for [`SEAT_TIME`], and of these the longest there.
    fn make_room(&mut self, among: &[Standing], now: Now) -> bool {
        let rank = |session: &Session| {
            let standing = among.iter().position(|standing| *standing == session.standing)?;
            let is_old = now.monotonic.since(session.begun) >= SEAT_TIME;
            (session.following.is_some() || is_old).then_some((standing, session.following.is_none()))
        };
        let ranked = self.sessions.iter().filter_map(|(id, session)| Some((rank(session)?, *id)));
        let Some((_, id)) = ranked.min() else { return false };
        if let Some(session) = self.sessions.get_mut(&id) {
            session.leave(now.monotonic);
        }
        true
    }

    /// The board's owner connects, from within its process: takes no session from others, and gets
    /// tokens without an invitation.
    pub fn connect_owner(&mut self, now: Now) -> SessionId {
        self.admit(Standing::Owner, now)
    }

    fn admit(&mut self, standing: Standing, now: Now) -> SessionId {
        self.last_session += 1;
        let id = SessionId(self.last_session);
        self.sessions.insert(id, Session::new(standing, now.monotonic));
        id
    }

    /// Sessions of the lobby whose token is being spent.
    fn entering(&self) -> usize {
        let is_entering = |session: &&Session| session.standing == Standing::Lobby && session.waiting > 0;
        self.sessions.values().filter(is_entering).count()
    }

    pub(super) fn of(&self, standing: Standing) -> impl Iterator<Item = SessionId> {
        self.sessions.iter().filter(move |(_, session)| session.standing == standing).map(|(id, _)| *id)
    }

    fn count(&self, standing: Standing) -> usize {
        self.of(standing).count()
    }

    /// A token holder claims a session of those kept for them. The token is spent durably before it
    /// may go on.
    pub(super) fn enter(
        &mut self,
        shelf: &impl Shelf,
        client: (SessionId, RequestId),
        token: &Token,
        now: Now,
    ) -> Result<(), Refusal> {
        let mark = self.check_token(shelf, token, now.wall)?;
        self.claim_seat(now)?;
        self.marks.insert(mark);
        self.wait(client.0);
        self.staged.push_back(Job::Enter { client, mark });
        Ok(())
    }

    /// A session of those kept for token holders is free, or somebody gives theirs.
    fn claim_seat(&mut self, now: Now) -> Result<(), Refusal> {
        let taken = self.count(Standing::Member) + self.count(Standing::Open) + self.invited().count();
        if taken + self.entering() >= self.quotas.sessions
            && !self.make_room(&[Standing::Open, Standing::Member], now)
        {
            return Err(Refusal::Busy(60));
        }
        Ok(())
    }

    /// The invitations by which sessions are open.
    fn invited(&self) -> impl Iterator<Item = [u8; 32]> {
        self.sessions.values().filter_map(|session| match session.standing {
            Standing::Invited { invitation } => Some(invitation),
            _ => None,
        })
    }

    /// Whether a session has none of the seats that are good for everything.
    pub(super) fn is_outside(&self, session: SessionId) -> bool {
        let standing = self.sessions.get(&session).map(|client| client.standing);
        matches!(standing, Some(Standing::Lobby | Standing::Invited { .. }))
    }

    /// A client of the lobby shows a good invitation: it gets a session of those kept for token
    /// holders, one for each invitation and a quarter of them for all together. Any other client
    /// has one already.
    pub(super) fn seat_for_invitation(
        &mut self,
        session: SessionId,
        invitation: [u8; 32],
        now: Now,
    ) -> Result<(), Refusal> {
        if self.sessions.get(&session).is_none_or(|client| client.standing != Standing::Lobby) {
            return Ok(());
        }
        let most = (self.kept() / 4).max(1);
        if self.invited().count() >= most || self.invited().any(|other| other == invitation) {
            return Err(Refusal::Busy(60));
        }
        self.claim_seat(now)?;
        if let Some(client) = self.sessions.get_mut(&session) {
            client.standing = Standing::Invited { invitation };
        }
        Ok(())
    }

    /// Whether this request needs no seat that is good for everything. Outside, everybody is
    /// refused first: that sends in who holds a token. After that the board says once what it says
    /// of itself. Who asks for anything else twice has to go.
    pub(super) fn may_ask_without_a_seat(
        &mut self,
        session: SessionId,
        request: &Request,
    ) -> Result<(), Refusal> {
        let Some(client) = self.sessions.get_mut(&session) else { return Ok(()) };
        match (client.standing, request) {
            (Standing::Lobby, Request::Enter { .. } | Request::Issue { .. })
            | (Standing::Invited { .. }, Request::Info | Request::Issue { .. }) => return Ok(()),
            (Standing::Lobby, Request::Info) if client.turned_away && !client.informed => {
                client.informed = true;
                return Ok(());
            }
            (Standing::Lobby | Standing::Invited { .. }, _) => {}
            _ => return Ok(()),
        }
        client.ending |= client.turned_away;
        client.turned_away = true;
        Err(Refusal::Sessions)
    }
}
