//! A private Tox network, boards in it, and clients that deposit and read.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use drops::admission::{DepositFacts, Difficulty};
use drops::board::Quotas;
use drops::cell::Cell;
use drops::depositor::{Deposit, DepositEvent, DepositSession, NotTaken};
use drops::limits::{CELL_BYTES, ISSUE_TOKENS};
use drops::mailbox::Period;
use drops::message::{Answer, Receipt, Request};
use drops::point::Secret;
use drops::reader::{ReadEvent, ReadSession, Window};
use drops::token::{Token, TokenRequest};
use drops::ttl::Ttl;
use mail::Clock;
use mail::decision::policy::DepositAnswer;
use rand_core::OsRng;
use relay::{BoardSession, DepositPolicy, Identity, OwnerMark, Serving, Sessions, Settings, Setup, Upstream};
use tox::{Events, Node, Options, Tox};

/// Every wait ends here: what takes seconds on loopback must not take this long on a loaded machine.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// What `future` gives, or a failure that says what did not happen.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("within {DEADLINE:?}, this did not happen: {what}"),
    }
}

pub fn clock() -> Arc<dyn Clock> {
    Arc::new(clock::SystemClock::new())
}

/// Options of an instance that talks to loopback alone.
pub fn private() -> Options {
    Options { ipv6: false, hole_punching: false, local_discovery: false, ..Options::default() }
}

/// Nodes that are Tox TCP relays, and what keeps them running.
pub struct Network {
    pub nodes: Vec<Node>,
    _keepers: Vec<(Tox, Events)>,
}

/// A bootstrap node and Tox TCP relay.
pub async fn node(others: &[Node]) -> (Tox, Events, Node) {
    let (tox, events) = lab::network::start_node().await.unwrap();
    for other in others {
        tox.add_node(other).await.unwrap();
    }
    let (host, port) = ("127.0.0.1".to_owned(), tox.udp_port().unwrap());
    let node = Node { host, port, key: tox.dht_key(), tcp_port: tox.tcp_port() };
    (tox, events, node)
}

impl Network {
    pub async fn start(count: usize) -> Self {
        let mut network = Self { nodes: vec![], _keepers: vec![] };
        for _ in 0..count {
            let (tox, events, node) = node(&network.nodes).await;
            network.nodes.push(node);
            network._keepers.push((tox, events));
        }
        network
    }

    pub async fn sessions(&self) -> Sessions {
        let settings = Settings { nodes: self.nodes.clone(), upstream: Upstream::Direct, is_local: true };
        Sessions::start(settings, clock()).await
    }

    /// A board.
    pub async fn board(&self, directory: &tempfile::TempDir, quotas: Quotas) -> Serving {
        serve(directory, quotas, self.nodes.clone()).await
    }
}

/// A board that knows these nodes.
pub async fn serve(directory: &tempfile::TempDir, quotas: Quotas, nodes: Vec<Node>) -> Serving {
    serve_as(private(), directory, quotas, nodes).await
}

/// The same with an instance started like this.
pub async fn serve_as(
    options: Options,
    directory: &tempfile::TempDir,
    quotas: Quotas,
    nodes: Vec<Node>,
) -> Serving {
    let identity = Identity::start(options).await.unwrap();
    let setup = Setup {
        cells: directory.path().join("cells.redb"),
        quotas,
        room: Box::new(|| true),
        owner: OwnerMark([1; 8]),
        nodes,
        policy: Arc::new(Everybody),
        clock: clock(),
    };
    Serving::start(identity, setup).await.unwrap()
}

/// A policy that lets everybody deposit what is held for a day or more.
pub struct Everybody;

#[async_trait]
impl DepositPolicy for Everybody {
    async fn allow(&self, facts: DepositFacts) -> DepositAnswer {
        assert!(facts.capacity > 0);
        match facts.ttl_days {
            21 => DepositAnswer::Refuse("not for three weeks".to_owned()),
            _ => DepositAnswer::Allow,
        }
    }
}

/// Stamps that cost next to nothing.
pub fn cheap() -> Quotas {
    Quotas { difficulty: Difficulty([4; 4]), ..Quotas::default() }
}

/// A cell nobody can open, with a point of its own.
pub fn cell(number: u64) -> Cell {
    let mut secret = [7; 32];
    // Not in the first byte, of which three bits do not count.
    secret[8..16].copy_from_slice(&number.to_le_bytes());
    let mut bytes = vec![(number % 251) as u8; CELL_BYTES];
    bytes[..32].copy_from_slice(&Secret::from_bytes(secret).point().0);
    Cell::try_from(Bytes::from(bytes)).unwrap()
}

pub fn deposit(tag: u32, number: u64, token: Option<Token>) -> Deposit {
    Deposit { tag, cell: cell(number), ttl: Ttl::Week, token }
}

/// Everything of one depositing session.
pub async fn bring(
    session: &mut BoardSession,
    deposits: Vec<Deposit>,
) -> (Vec<(u32, Receipt)>, Vec<(u32, NotTaken)>) {
    bring_until(session, deposits, |_| {}).await
}

/// The same, telling how many receipts there are at each one.
pub async fn bring_until(
    session: &mut BoardSession,
    deposits: Vec<Deposit>,
    mut told: impl FnMut(usize),
) -> (Vec<(u32, Receipt)>, Vec<(u32, NotTaken)>) {
    let clock = clock();
    let mut state = DepositSession::new(session.board(), deposits, clock.monotonic());
    let mut events = vec![state.start(clock.monotonic())];
    let (mut receipts, mut not_taken) = (vec![], vec![]);
    loop {
        for event in std::mem::take(&mut events) {
            match event {
                // Of a board that is gone `receive` tells.
                DepositEvent::Send(message) => drop(session.send(&message).await),
                DepositEvent::Work { challenge, bits } => {
                    let stamp = challenge.search(bits, 0, u64::MAX).unwrap();
                    events.extend(state.stamped(stamp, clock.monotonic()));
                }
                DepositEvent::Receipt { tag, receipt } => {
                    receipts.push((tag, receipt));
                    told(receipts.len());
                }
                DepositEvent::NotTaken { tag, why, .. } => not_taken.push((tag, why)),
                DepositEvent::Done => {}
                DepositEvent::Broken(violation) => panic!("{violation}"),
            }
        }
        if !events.is_empty() {
            continue;
        }
        if state.is_over() {
            return (receipts, not_taken);
        }
        events = match soon("an answer to a deposit", session.receive()).await {
            Ok(message) => state.receive(&message, clock.monotonic(), clock.wall()),
            Err(_) => state.ended(),
        };
    }
}

/// Reads until `wanted` cells were seen.
pub async fn read(session: &mut BoardSession, wanted: usize) -> Vec<Cell> {
    let cells = read_until_it_ends(session, wanted).await;
    assert!(cells.len() >= wanted, "the session ended after {} cells", cells.len());
    cells
}

/// The same; fewer where the session ends.
pub async fn read_until_it_ends(session: &mut BoardSession, wanted: usize) -> Vec<Cell> {
    let clock = clock();
    let mut state = ReadSession::new(session.board(), Window::TwoDays, clock.monotonic());
    let mut events = vec![state.start(clock.monotonic())];
    let mut cells = vec![];
    loop {
        for event in std::mem::take(&mut events) {
            match event {
                // Of a board that is gone `receive` tells.
                ReadEvent::Send(message) => drop(session.send(&message).await),
                ReadEvent::Cell { cell, .. } => cells.push(cell),
                ReadEvent::Broken(violation) => panic!("{violation}"),
                ReadEvent::Refused(refusal) => panic!("{refusal}"),
                ReadEvent::NoSeat => panic!("no seat"),
                ReadEvent::Info(_) | ReadEvent::Segment { .. } | ReadEvent::CaughtUp => {}
            }
        }
        if cells.len() >= wanted {
            return cells;
        }
        let Ok(message) = soon("a message of the board", session.receive()).await else {
            return cells;
        };
        events = state.receive(&message, clock.monotonic());
    }
}

/// One question, one answer.
pub async fn ask(session: &mut BoardSession, request: &Request) -> Answer {
    session.send(&request.encode(9)).await.unwrap();
    let message: Bytes = soon("an answer", session.receive()).await.unwrap();
    Answer::decode(&message).unwrap().1
}

/// Tokens for an invitation. (Members check the key under two throwaways first, and wait a day; a board cannot tell.)
pub async fn tokens(session: &mut BoardSession, invitation: [u8; 16]) -> Vec<Token> {
    let Answer::Info(info) = ask(session, &Request::Info).await else { panic!("no info") };
    let (period, key) = info.keys[0];
    assert_eq!(period, Period::at(clock().wall()));
    let asked = TokenRequest::new(&session.board(), period, ISSUE_TOKENS, &mut OsRng).unwrap();
    let request = Request::Issue { period, invitation, blinded: asked.blinded().to_vec() };
    match ask(session, &request).await {
        Answer::Issued { evaluated, proof } => asked.finish(&evaluated, &proof, &key).unwrap(),
        other => panic!("{other:?}"),
    }
}
