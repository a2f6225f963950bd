//! Tox TCP relays: the library over a relay of `toxnet`, and clients of `toxnet` over one of the library.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // A test may panic, and sockets need the clock.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use c_toxcore::{C, Relay, RelayGuest, TcpPeer};
use rand_core::OsRng;
use tox::Event as CEvent;
use toxnet::node::Event;
use toxnet::packet::onion::announce::{AnnounceRequest, SealedResponse, Stored};
use toxnet::packet::onion::path::RelayPath;
use toxnet::relay::ClientEvent;
use toxnet::session::Urgency;
use toxnet::{FreshNonce, KeyPair, PublicKey, UdpNode};

/// The library takes steps of seconds; machines under load are slower.
const DEADLINE: Duration = Duration::from_secs(120);

fn until(what: &str, mut done: impl FnMut() -> bool) -> Duration {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < DEADLINE, "this did not happen: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
    begin.elapsed()
}

/// Two instances of the library know nothing but three relays of ours, and reach them over TCP alone.
fn over_our_relays() -> (Vec<Relay>, [C; 2]) {
    let mut relays: Vec<Relay> = (0..3).map(|_| Relay::start()).collect();
    let first = relays[0].peer.contact();
    relays.iter_mut().skip(1).for_each(|relay| relay.peer.join(first));
    let instances = [C::start_without_udp(), C::start_without_udp()];
    for instance in &instances {
        for relay in &relays {
            instance.join_relay(&relay.peer.contact(), Some(relay.port()));
        }
    }
    (relays, instances)
}

#[test]
fn the_library_meets_itself_over_our_relays_alone() {
    let (mut relays, [one, other]) = over_our_relays();
    one.request(&other.id(), "over TCP");
    let mut turn = || relays.iter_mut().for_each(Relay::turn);
    let took = until("the request comes", || {
        turn();
        let is_it =
            |event: &CEvent| matches!(event, CEvent::FriendRequest { message, .. } if message == "over TCP");
        other.events().iter().any(is_it)
    });
    println!("request over the onion of our relays after {took:?} from the start");
    other.befriend(&one.key());
    let took = until("both are online", || {
        turn();
        one.is_online_over_tcp(&other.key()) && other.is_online_over_tcp(&one.key())
    });
    println!("online over our relays after {took:?}");
    // Data of full size, in order.
    let packet = |number: u32| {
        let mut packet = vec![160; 1373];
        packet[1..5].copy_from_slice(&number.to_be_bytes());
        packet
    };
    let begin = Instant::now();
    one.send_all(&other.key(), (0..2000).map(packet));
    let mut came = Vec::new();
    until("all packets come", || {
        turn();
        came.extend(other.events().into_iter().filter_map(|event| match event {
            CEvent::Packet { bytes, .. } => Some(bytes),
            _ => None,
        }));
        came.len() >= 2000
    });
    println!("2.7 MB in {:?}", begin.elapsed());
    assert!(came.into_iter().eq((0..2000).map(packet)));
}

#[test]
fn our_clients_meet_over_a_relay_of_the_library() {
    let c = C::start_relay();
    let mut guests = [0, 1].map(|_| RelayGuest::connect(c.relay_address(), &c.dht_key()));
    let keys = guests.each_ref().map(RelayGuest::key);
    guests[0].client.open_route(keys[1]);
    guests[1].client.open_route(keys[0]);
    let has = |guest: &RelayGuest, event: &ClientEvent| guest.events.contains(event);
    until("both are there", || {
        guests.iter_mut().for_each(RelayGuest::turn);
        has(&guests[0], &ClientEvent::Connected(keys[1])) && has(&guests[1], &ClientEvent::Connected(keys[0]))
    });
    let longest = vec![9; 2031];
    guests[0].client.send(&keys[1], &longest).unwrap();
    guests[1].client.send_blind(keys[0], b"blind").unwrap();
    let (data, blind) = (
        ClientEvent::Data { from: keys[0], data: longest },
        ClientEvent::Blind { from: keys[1], data: b"blind".to_vec() },
    );
    until("data comes", || {
        guests.iter_mut().for_each(RelayGuest::turn);
        has(&guests[1], &data) && has(&guests[0], &blind)
    });
    // A route given up before the relay has named it, and one given up after: the connection stays.
    guests[0].client.open_route(PublicKey([5; 32]));
    guests[0].client.close_route(&PublicKey([5; 32]));
    guests[0].client.close_route(&keys[1]);
    until("the end is told", || {
        guests.iter_mut().for_each(RelayGuest::turn);
        has(&guests[1], &ClientEvent::Disconnected(keys[0]))
    });
    guests[0].client.open_route(keys[1]);
    let connected = ClientEvent::Connected(keys[0]);
    until("it is there again", || {
        guests.iter_mut().for_each(RelayGuest::turn);
        guests[1].events.iter().filter(|event| **event == connected).count() == 2
    });
    assert!(guests.iter().all(|guest| guest.client.is_open()));
}

#[test]
fn our_client_stays_with_a_relay_of_the_library_beyond_its_pings() {
    let c = C::start_relay();
    let mut guest = RelayGuest::connect(c.relay_address(), &c.dht_key());
    let begin = Instant::now();
    until("45 seconds pass", || {
        guest.turn();
        begin.elapsed() > Duration::from_secs(45)
    });
    assert_eq!(guest.events, [ClientEvent::Open]);
}

/// One of each kind, which reach three relays over TCP alone.
struct OverTcp {
    ours: Vec<Relay>,
    /// The library's relays run by themselves.
    _theirs: Vec<C>,
    c: C,
    r: TcpPeer,
}

impl OverTcp {
    fn relays_of_ours() -> Self {
        let mut ours: Vec<Relay> = (0..3).map(|_| Relay::start()).collect();
        let first = ours[0].peer.contact();
        ours.iter_mut().skip(1).for_each(|relay| relay.peer.join(first));
        let at = |relay: &Relay| (relay.peer.contact(), ([127, 0, 0, 1], relay.port()).into());
        let known: Vec<(UdpNode, SocketAddr)> = ours.iter().map(at).collect();
        Self::start(ours, Vec::new(), &known)
    }

    fn relays_of_the_library() -> Self {
        let theirs: Vec<C> = (0..3).map(|_| C::start_relay()).collect();
        theirs.iter().skip(1).for_each(|relay| relay.join(&theirs[0].contact()));
        let at = |relay: &C| (relay.contact(), relay.relay_address());
        let known: Vec<(UdpNode, SocketAddr)> = theirs.iter().map(at).collect();
        Self::start(Vec::new(), theirs, &known)
    }

    fn start(ours: Vec<Relay>, theirs: Vec<C>, known: &[(UdpNode, SocketAddr)]) -> Self {
        let c = C::start_without_udp();
        known.iter().for_each(|(node, at)| c.join_relay(node, Some(at.port())));
        Self { ours, _theirs: theirs, c, r: TcpPeer::start(known) }
    }

    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) -> Duration {
        until(what, || {
            self.ours.iter_mut().for_each(Relay::turn);
            self.r.turn();
            done(self)
        })
    }

    /// Each asks the other, and a session over relays is established.
    fn ask_each_other(mut self, kind: &str) -> Self {
        let took = self.until("R is announced", |world| world.r.node.is_online(world.r.now()));
        println!("{kind}: R announced after {took:?}");
        let (c, r) = (self.c.id(), self.r.id());
        self.r.request(&c, "from R");
        let took = self.until("the request of R comes", |world| {
            let is_it = |event: &CEvent| matches!(event, CEvent::FriendRequest { message, .. } if message == "from R");
            world.c.events().iter().any(is_it)
        });
        println!("{kind}: request to C after {took:?}");
        self.r.node.remove_friend(&c.key);
        self.c.request(&r, "from C");
        let asked = Event::FriendRequest { from: c.key, text: b"from C".to_vec() };
        let took = self.until("the request of C comes", |world| world.r.events.contains(&asked));
        println!("{kind}: request of C after {took:?}");
        self.r.befriend(c.key);
        let took = self.until("both are online", |world| {
            world.c.is_online_over_tcp(&r.key) && world.r.online.contains(&c.key)
        });
        println!("{kind}: online after {took:?}");
        self
    }

    /// Packets of full size both ways, in order.
    fn talk(mut self) {
        let (c, r) = (&self.c.key(), &self.r.id().key);
        let packet = |number: u32| {
            let mut packet = vec![160; 1373];
            packet[1..5].copy_from_slice(&number.to_be_bytes());
            packet
        };
        self.c.send_all(r, (0..300).map(packet));
        let (mut next, mut came) = (0, Vec::new());
        self.until("all packets come", |world| {
            while next < 300 && world.r.sessions.send(c, Urgency::Bulk, packet(next)).is_ok() {
                next += 1;
            }
            came.extend(world.c.events().into_iter().filter_map(|event| match event {
                CEvent::Packet { bytes, .. } => Some(bytes),
                _ => None,
            }));
            came.len() >= 300 && world.r.packets.len() >= 300
        });
        assert!(came.into_iter().eq((0..300).map(packet)));
        assert!(self.r.packets.drain(..).eq((0..300).map(packet)));
    }
}

#[test]
fn friends_over_tcp_alone_and_relays_of_ours() {
    OverTcp::relays_of_ours().ask_each_other("relays of ours").talk();
}

#[test]
fn friends_over_tcp_alone_and_relays_of_the_library() {
    OverTcp::relays_of_the_library().ask_each_other("relays of the library");
}

/// An announcement over a relay of the library, which is the first node of the path.
#[test]
fn our_client_uses_the_onion_over_a_relay_of_the_library() {
    let (c, nodes) = (C::start_relay(), [C::start(), C::start()]);
    let mut guest = RelayGuest::connect(c.relay_address(), &c.dht_key());
    until("the relay answers", || {
        guest.turn();
        guest.client.is_open()
    });
    let path = RelayPath::new(nodes.each_ref().map(C::contact), &mut OsRng).unwrap();
    let (real, to) = (KeyPair::generate(&mut OsRng), c.contact());
    let key = real.secret().shared_with(&to.key).unwrap();
    let mut announce = |ping_id| {
        let data_key = PublicKey([3; 32]);
        let request = AnnounceRequest { ping_id, searched: real.public(), data_key, sendback: [1; 8] };
        let packet = request.seal(&real.public(), &key, FreshNonce::random(&mut OsRng));
        let content = path.seal(&to.address, &packet, FreshNonce::random(&mut OsRng)).unwrap();
        guest.client.send_onion(&content).unwrap();
        guest.events.clear();
        until("an answer comes", || {
            guest.turn();
            !guest.events.is_empty()
        });
        let Some(ClientEvent::Onion(mut answer)) = guest.events.pop() else { panic!("no answer") };
        SealedResponse::parse(&mut answer).unwrap().open(&key).unwrap().stored
    };
    let Stored::No(ping_id) = announce([0; 32]) else { panic!("announced without a ping id") };
    assert!(matches!(announce(ping_id), Stored::Own(_)));
}
