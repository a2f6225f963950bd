//! Friends of both kinds find each other, over onion paths of the unmodified library, of `toxnet`, and of both.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // A test may panic, and sockets need the clock.

use std::time::{Duration, Instant};

use c_toxcore::{C, Peer};
use tox::Event as CEvent;
use toxnet::UdpNode;

/// C takes 7 to 8 seconds to come online, and searches in steps of seconds; machines under load are slower.
const DEADLINE: Duration = Duration::from_secs(120);

/// A network with one of each kind.
struct World {
    nodes_c: Vec<C>,
    nodes_r: Vec<Peer>,
    c: C,
    r: Peer,
}

impl World {
    /// So many nodes of each kind; all know the first alone.
    fn new(c: usize, r: usize) -> Self {
        let nodes_c: Vec<C> = (0..c).map(|_| C::start()).collect();
        let nodes_r: Vec<Peer> = (0..r).map(|_| Peer::node()).collect();
        let mut world = Self { nodes_c, nodes_r, c: C::start(), r: Peer::start() };
        let first = world.first();
        for node in world.nodes_c.iter().chain([&world.c]).filter(|node| node.dht_key() != first.key) {
            node.join(&first);
        }
        for node in world.nodes_r.iter_mut().chain([&mut world.r]).filter(|node| node.node.key() != first.key)
        {
            node.join(first);
        }
        world
    }

    fn first(&self) -> UdpNode {
        let c = self.nodes_c.first().map(C::contact);
        c.or(self.nodes_r.first().map(Peer::contact)).unwrap()
    }

    fn turn(&mut self) {
        self.nodes_r.iter_mut().chain([&mut self.r]).for_each(Peer::turn);
    }

    /// Lets the nodes run until something is so; gives how long that took.
    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) -> Duration {
        let begin = Instant::now();
        while !done(self) {
            assert!(
                begin.elapsed() < DEADLINE,
                "this did not happen: {what}; R was told {:?}",
                self.r.events
            );
            self.turn();
            std::thread::park_timeout(Duration::from_millis(2));
        }
        begin.elapsed()
    }

    fn both_online(&mut self, kind: &str) {
        let (r, c) = (self.r.id().key, self.c.key());
        let took =
            self.until("both are online", |world| world.c.is_online(&r) && world.r.online.contains(&c));
        println!("{kind}: online {took:?} after the request was accepted");
    }

    fn r_asks_c(mut self, kind: &str) {
        let took = self.until("R is online", |world| world.r.node.is_online(world.r.now()));
        println!("{kind}: R online after {took:?}");
        let (r, c) = (self.r.id().key, self.c.id());
        self.r.request(&c, "from R");
        let took = self.until("the request comes", |world| {
            world.c.events().iter().any(|event| {
                matches!(event, CEvent::FriendRequest { key, message } if key.0 == r.0 && message == "from R")
            })
        });
        println!("{kind}: request to C after {took:?}");
        self.c.befriend(&r);
        self.both_online(kind);
    }

    fn c_asks_r(mut self, kind: &str) {
        let (r, c) = (self.r.id(), self.c.key());
        self.c.request(&r, "from C");
        let took = self.until("the request comes", |world| world.r.was_asked(&c, "from C"));
        println!("{kind}: request of C after {took:?} from its start");
        self.r.befriend(c);
        self.both_online(kind);
    }
}

#[test]
fn r_asks_c_over_paths_of_c() {
    World::new(5, 0).r_asks_c("paths of C");
}

#[test]
fn r_asks_c_over_paths_of_r() {
    World::new(0, 5).r_asks_c("paths of R");
}

#[test]
fn r_asks_c_over_mixed_paths() {
    World::new(3, 3).r_asks_c("mixed paths");
}

#[test]
fn c_asks_r_over_paths_of_c() {
    World::new(5, 0).c_asks_r("paths of C");
}

#[test]
fn c_asks_r_over_paths_of_r() {
    World::new(0, 5).c_asks_r("paths of R");
}

#[test]
fn c_asks_r_over_mixed_paths() {
    World::new(3, 3).c_asks_r("mixed paths");
}

/// Takes 20 minutes: `cargo test -p c-toxcore --test onion -- --ignored`.
#[test]
#[ignore = "takes 20 minutes"]
fn c_stays_announced_at_nodes_of_r_for_twenty_minutes() {
    let mut world = World::new(0, 6);
    let (began, mut asked) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(20 * 60) {
        // Somebody new asks, who has nothing but what the nodes of R keep.
        world.r = Peer::start();
        world.r.join(world.first());
        let (text, c) = (format!("number {asked}"), world.c.id());
        world.r.request(&c, &text);
        let took = world.until("the request comes", |world| {
            let events = world.c.events();
            events
                .iter()
                .any(|event| matches!(event, CEvent::FriendRequest { message, .. } if *message == text))
        });
        println!("after {:?}: found in {took:?}", began.elapsed());
        // The first has to wait until C has started.
        assert!(asked == 0 || took < Duration::from_secs(20), "{took:?}");
        asked += 1;
        let pause = Instant::now();
        world.until("two minutes pass", |_| pause.elapsed() > Duration::from_secs(110));
    }
    assert!(asked >= 10);
}
