//! Newcomers with an invitation and no token yet, on a board whose open sessions are all taken.

use super::*;

const SESSIONS: usize = 48;

/// A board that others fill, with so many kept sessions that a quarter of them is four.
fn crowded() -> World {
    let mut world = World::new(Quotas { sessions: SESSIONS, ..quotas() });
    world.token();
    for _ in 0..SESSIONS * 2 / 3 {
        world.connect();
    }
    world
}

impl World {
    fn issue(&mut self, invitation: InvitationCode) -> Request {
        let period = Period::at(self.now.wall);
        let request = TokenRequest::new(&BOARD, period, 2, &mut self.rng).unwrap();
        Request::Issue { period, invitation, blinded: request.blinded().to_vec() }
    }

    /// A client that was told that there is no seat.
    fn outside(&mut self) -> SessionId {
        let client = self.connect();
        assert_eq!(refusal(self.one(client, &Request::Info)), Refusal::Sessions);
        client
    }

    fn is_gone(&mut self, client: SessionId) -> bool {
        self.board.tick(self.now).contains(&client)
    }

    /// How many token holders find a seat.
    fn enter_all(&mut self) -> usize {
        let mut entered = 0;
        loop {
            let (token, member) = (self.token_kept(), self.connect());
            match self.one(member, &Request::Enter { token }) {
                Answer::Entered => entered += 1,
                _ => return entered,
            }
        }
    }
}

#[test]
fn an_invitation_is_worth_a_seat_until_its_tokens_are_there() {
    let mut world = crowded();
    let guest = world.outside();
    assert!(matches!(world.one(guest, &Request::Info), Answer::Info(_)), "keys, for whoever has no token");
    for _ in 0..3 {
        let issue = world.issue(CODE);
        assert!(matches!(world.one(guest, &issue), Answer::Issued { .. }));
        world.pass(LOBBY_TIME);
        assert!(!world.is_gone(guest));
    }
    assert!(matches!(world.one(guest, &Request::Info), Answer::Info(_)));
    assert_eq!(refusal(world.one(guest, &Request::Follow)), Refusal::Sessions, "a seat for tokens alone");
    assert!(world.is_gone(guest));
    let slow = world.outside();
    let issue = world.issue(CODE);
    assert!(matches!(world.one(slow, &issue), Answer::Issued { .. }));
    world.pass(INVITED_TIME);
    assert!(world.is_gone(slow), "a minute at most, whatever it asks");
}

#[test]
fn outside_info_is_told_once_and_after_the_refusal_that_sends_token_holders_in() {
    let mut world = crowded();
    let holder = world.outside();
    let token = world.token_kept();
    assert_eq!(world.one(holder, &Request::Enter { token }), Answer::Entered, "as clients always did");
    assert!(matches!(world.one(holder, &Request::Info), Answer::Info(_)));
    let curious = world.outside();
    assert!(matches!(world.one(curious, &Request::Info), Answer::Info(_)));
    assert!(!world.is_gone(curious));
    assert_eq!(refusal(world.one(curious, &Request::Info)), Refusal::Sessions);
    assert!(world.is_gone(curious));
}

#[test]
fn a_false_or_used_up_invitation_ends_the_session_and_takes_nobodys_seat() {
    let mut world = crowded();
    let (guest, false_one) = (world.outside(), world.issue([8; 16]));
    assert_eq!(refusal(world.one(guest, &false_one)), Refusal::Invitation);
    assert!(world.is_gone(guest));
    let (guest, mut late) = (world.outside(), world.issue(CODE));
    if let Request::Issue { period, .. } = &mut late {
        *period = period.previous();
    }
    assert_eq!(refusal(world.one(guest, &late)), Refusal::Token);
    assert!(world.is_gone(guest));
    let name = hash(&[&CODE]);
    let spent = Invitation { period: Period::at(world.now.wall), issued: crate::limits::INVITATION_TOKENS };
    world.board.invitations.insert(name, spent);
    let (guest, spent) = (world.outside(), world.issue(CODE));
    assert_eq!(refusal(world.one(guest, &spent)), Refusal::InvitationSpent);
    assert!(world.is_gone(guest));
    assert_eq!(world.enter_all(), SESSIONS / 3);
}

#[test]
fn an_invitation_in_the_hands_of_a_hundred_takes_one_seat() {
    let mut world = crowded();
    let issue = world.issue(CODE);
    let mut issued = 0;
    for _ in 0..100 {
        let guest = world.outside();
        match world.one(guest, &issue) {
            Answer::Issued { .. } => issued += 1,
            other => {
                assert_eq!(refusal(other), Refusal::Busy(60));
                assert!(world.is_gone(guest));
            }
        }
    }
    assert_eq!(issued, 1);
    assert_eq!(world.enter_all(), SESSIONS / 3 - 1);
}

#[test]
fn invitations_together_take_a_quarter_of_the_seats_kept_for_token_holders() {
    let mut world = crowded();
    let mut issued = 0;
    for number in 1..=20 {
        world.board.invite(&[number; 16]).unwrap();
        let (guest, issue) = (world.outside(), world.issue([number; 16]));
        issued += usize::from(matches!(world.one(guest, &issue), Answer::Issued { .. }));
    }
    assert_eq!(issued, SESSIONS / 3 / 4);
    assert_eq!(world.enter_all(), SESSIONS / 3 - issued);
    world.pass(INVITED_TIME);
    world.board.tick(world.now);
    // Where token holders sit everywhere none gives way to an invitation before its time.
    let token = world.token_kept();
    let member = world.connect();
    assert_eq!(world.one(member, &Request::Enter { token }), Answer::Entered);
}
