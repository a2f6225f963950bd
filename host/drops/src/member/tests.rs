use std::time::Duration;

use mail::{PublicKey, Wall};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::board::{Board, MemoryShelf, Now, Quotas, SessionId, Shelf as _};
use crate::limits::INVITATION_TOKENS;
use crate::token::Issuer;

const BOARD: BoardKey = PublicKey([9; 32]);
const CODE: InvitationCode = [7; 16];
const NOW: Now = Now { wall: Wall(1_795_349_568_000), monotonic: Monotonic(Duration::from_secs(1000)) };

#[test]
fn a_member_without_a_seat_enters_once_with_a_token_or_goes() {
    let token = Token { period: Period(1), random: [1; 32], output: [1; 64] };
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let no_seat = |id: RequestId| Bytes::from(Answer::Refused(Refusal::Sessions).encode(id));
    for pays in [true, false] {
        let mut session = TokenSession::new(BOARD, Membership::Owner, 3, NOW.monotonic);
        session.start(NOW.monotonic);
        let events = session.receive(&no_seat(1), NOW.monotonic, &mut rng);
        assert_eq!(events, [TokenEvent::NoSeat]);
        let event = session.enter(pays.then(|| token.clone()), NOW.monotonic);
        if !pays {
            assert_eq!(event, TokenEvent::Refused(Refusal::Sessions));
            let mut session = TokenSession::new(BOARD, Membership::Invited(CODE, vec![]), 3, NOW.monotonic);
            session.start(NOW.monotonic);
            session.receive(&no_seat(1), NOW.monotonic, &mut rng);
            let event = session.enter(None, NOW.monotonic);
            assert_eq!(
                event,
                TokenEvent::Send(Request::Info.encode(2)),
                "the invitation may be worth a seat"
            );
            let events = session.receive(&no_seat(2), NOW.monotonic, &mut rng);
            let refused = [TokenEvent::Refused(Refusal::Sessions)];
            assert_eq!(events, refused, "not on a board of an older program");
            continue;
        }
        assert_eq!(event, TokenEvent::Send(Request::Enter { token: token.clone() }.encode(2)));
        let entered = Bytes::from(Answer::Entered.encode(2));
        let events = session.receive(&entered, NOW.monotonic, &mut rng);
        assert_eq!(events, [TokenEvent::Send(Request::Info.encode(3))]);
        let events = session.receive(&no_seat(3), NOW.monotonic, &mut rng);
        assert_eq!(events, [TokenEvent::Refused(Refusal::Sessions)]);
    }
}

#[test]
fn who_was_invited_gets_tokens_on_a_board_without_a_free_seat() {
    let mut host = Host::new(6);
    host.board.invite(&CODE).unwrap();
    let keys = host.keys();
    let taken = Quotas::default().sessions * 2 / 3;
    for _ in 0..taken {
        host.board.connect(NOW);
    }
    let id = host.board.connect(NOW);
    let events = host.hold(id, Membership::Invited(CODE, keys.clone()), 70);
    assert_eq!((tokens(&events), events.last()), (70, Some(&TokenEvent::Done)));
    let id = host.board.connect(NOW);
    let events = host.hold(id, Membership::Invited([8; 16], keys), 70);
    assert_eq!(events, [TokenEvent::Refused(Refusal::Invitation)]);
    assert!(host.board.tick(NOW).contains(&id));
}

struct Host {
    board: Board,
    shelf: MemoryShelf,
    rng: ChaCha20Rng,
}

impl Host {
    fn new(seed: u64) -> Self {
        let (shelf, rng) = (MemoryShelf::default(), ChaCha20Rng::seed_from_u64(seed));
        let board = Board::open(BOARD, Issuer::new(&BOARD.0), Quotas::default(), &shelf, NOW).unwrap();
        Self { board, shelf, rng }
    }

    fn settle(&mut self) {
        while let Some(batch) = self.board.next_batch(&self.shelf, NOW).unwrap() {
            let result = self.shelf.commit(&batch);
            self.board.committed(result, NOW);
        }
    }

    fn keys(&mut self) -> Vec<(Period, Element)> {
        let session = self.board.connect(NOW);
        let message = Bytes::from(Request::Info.encode(1));
        self.board.receive(&self.shelf, session, &message, NOW, &mut self.rng);
        let answer = self.board.next_answer(&self.shelf, session, NOW).unwrap();
        let Ok((_, Answer::Info(info))) = Answer::decode(&answer) else { panic!("no info") };
        info.keys.to_vec()
    }

    /// Holds a session to its end; what happened, without what was sent.
    fn hold(&mut self, id: SessionId, membership: Membership, wanted: usize) -> Vec<TokenEvent> {
        let mut session = TokenSession::new(BOARD, membership, wanted, NOW.monotonic);
        let mut events = vec![session.start(NOW.monotonic)];
        let mut seen = vec![];
        while !events.is_empty() {
            for event in std::mem::take(&mut events) {
                match event {
                    TokenEvent::Send(message) => {
                        let message = Bytes::from(message);
                        self.board.receive(&self.shelf, id, &message, NOW, &mut self.rng);
                        self.settle();
                        let answer = self.board.next_answer(&self.shelf, id, NOW).unwrap();
                        events.extend(session.receive(&answer, NOW.monotonic, &mut self.rng));
                    }
                    TokenEvent::NoSeat => events.push(session.enter(None, NOW.monotonic)),
                    other => seen.push(other),
                }
            }
        }
        assert!(session.is_over());
        seen
    }
}

fn tokens(events: &[TokenEvent]) -> usize {
    let count = |event: &TokenEvent| if let TokenEvent::Tokens(tokens) = event { tokens.len() } else { 0 };
    events.iter().map(count).sum()
}

#[test]
fn a_member_gets_its_tokens_in_several_requests_until_the_invitation_is_used_up() {
    let mut host = Host::new(1);
    host.board.invite(&CODE).unwrap();
    let keys = host.keys();
    let membership = || Membership::Invited(CODE, keys.clone());
    let id = host.board.connect(NOW);
    let events = host.hold(id, membership(), 70);
    assert_eq!((tokens(&events), events.last()), (70, Some(&TokenEvent::Done)));
    let id = host.board.connect(NOW);
    let events = host.hold(id, membership(), 2_000);
    assert_eq!(events.last(), Some(&TokenEvent::Refused(Refusal::InvitationSpent)));
    assert!(tokens(&events) + 70 > INVITATION_TOKENS as usize - ISSUE_TOKENS);
    let names = host.board.invitations(NOW.wall);
    assert_eq!(names.len(), 1);
    assert_eq!(names[0].issued as usize, 70 + tokens(&events));
    assert!(host.board.uninvite(&names[0].name));
    assert!(!host.board.uninvite(&names[0].name), "taken back once");
    let id = host.board.connect(NOW);
    let events = host.hold(id, membership(), 1);
    assert_eq!(events, [TokenEvent::Refused(Refusal::Invitation)]);
    let reopened = Board::open(BOARD, Issuer::new(&BOARD.0), Quotas::default(), &host.shelf, NOW).unwrap();
    assert!(reopened.invitations(NOW.wall).is_empty(), "durably");
}

#[test]
fn the_owner_needs_no_invitation_and_nobody_else_passes_for_them() {
    let mut host = Host::new(2);
    let id = host.board.connect_owner(NOW);
    let events = host.hold(id, Membership::Owner, 40);
    assert_eq!(tokens(&events), 40);
    let id = host.board.connect(NOW);
    assert_eq!(host.hold(id, Membership::Owner, 40), [TokenEvent::Refused(Refusal::Invitation)]);
}

#[test]
fn a_key_that_was_not_trusted_is_not_used_and_another_one_gives_the_board_away() {
    let mut host = Host::new(3);
    host.board.invite(&CODE).unwrap();
    let id = host.board.connect(NOW);
    assert_eq!(host.hold(id, Membership::Invited(CODE, vec![]), 1), [TokenEvent::NotYetTrusted]);
    let other = vec![(Period::at(NOW.wall), [1; 32])];
    let id = host.board.connect(NOW);
    let events = host.hold(id, Membership::Invited(CODE, other), 1);
    assert_eq!(events, [TokenEvent::Broken(Violation::Keys)]);
}

#[test]
fn a_board_that_lies_or_says_nothing_is_noticed() {
    let mut host = Host::new(4);
    let keys = host.keys();
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let info = |host: &mut Host| {
        let session = host.board.connect(NOW);
        let message = Bytes::from(Request::Info.encode(1));
        host.board.receive(&host.shelf, session, &message, NOW, &mut host.rng);
        host.board.next_answer(&host.shelf, session, NOW).unwrap()
    };
    let lies = [
        Answer::Issued { evaluated: vec![keys[0].1; 3], proof: [0; 64] },
        Answer::Issued { evaluated: vec![keys[0].1; 2], proof: [0; 64] },
        Answer::Entered,
    ];
    for lie in lies {
        let membership = Membership::Invited(CODE, keys.clone());
        let mut session = TokenSession::new(BOARD, membership, 2, NOW.monotonic);
        session.start(NOW.monotonic);
        assert!(matches!(
            session.receive(&info(&mut host), NOW.monotonic, &mut rng)[..],
            [TokenEvent::Send(_)]
        ));
        let events = session.receive(&Bytes::from(lie.encode(2)), NOW.monotonic, &mut rng);
        assert!(matches!(events[..], [TokenEvent::Broken(_)]), "{events:?}");
        assert!(session.is_over());
    }
    let mut session = TokenSession::new(BOARD, Membership::Owner, 2, NOW.monotonic);
    session.start(NOW.monotonic);
    assert_eq!(session.tick(NOW.monotonic), None);
    let late = Monotonic(NOW.monotonic.0 + ANSWER_TIME);
    assert_eq!(session.tick(late), Some(TokenEvent::Broken(Violation::Silent)));
    assert_eq!(session.tick(late), None, "once");
}
