//! Hellos, frames and packets of TCP relays.

use toxnet::packet::relay::hello::Hello;
use toxnet::packet::relay::{Connection, RelayPacket, frame};
use toxnet::wire::Piece;
use toxnet::{Nonce, PublicKey};

use crate::page::Page;

fn page() -> Page {
    Page::read(include_str!("relay.txt"))
}

#[test]
fn hellos() {
    let page = page();
    let vector = page.vector("client_hello");
    let hello = Hello { temporary: vector.public("temporary"), base_nonce: vector.value("base_nonce") };
    let client = vector.public("client_public");
    let key = vector.shared("client_secret", "server_public");
    let packet = vector.bytes("packet");
    assert_eq!(hello.seal_client(&client, &key, vector.nonce("nonce")), packet);
    assert_eq!(Hello::client(&packet), Ok(client));
    assert_eq!(Hello::open_client(&mut packet.clone(), &key), Ok(hello));
    vector.is_refused_when_broken(|packet| Hello::open_client(packet, &key).is_ok());

    let vector = page.vector("server_hello");
    let hello = Hello { temporary: vector.public("temporary"), base_nonce: vector.value("base_nonce") };
    assert_eq!(hello.seal_server(&key, vector.nonce("nonce")), vector.bytes("packet"));
    assert_eq!(Hello::open_server(&mut vector.bytes("packet"), &key), Ok(hello));
    vector.is_refused_when_broken(|packet| Hello::open_server(packet, &key).is_ok());
}

#[test]
fn frames() {
    for (name, vector) in page().starting("frame_") {
        let key = vector.shared("own_secret", "other_public");
        let nonce = Nonce(vector.array("nonce"));
        let content = vector.bytes("content");
        let mut sealed = vec![9];
        frame::seal(&content, &key, vector.nonce("nonce"), &mut sealed).expect("it fits");
        assert_eq!(sealed[1..], vector.bytes("packet"), "{name}");
        let opens = |packet: &mut [u8]| {
            let length = frame::length(packet).ok().flatten().expect("a length");
            let sealed = packet.get_mut(frame::HEADER_BYTES..).unwrap_or_default();
            if sealed.len() != length {
                return None;
            }
            key.open(&nonce, sealed).ok().map(|content| content.to_vec())
        };
        assert_eq!(opens(&mut vector.bytes("packet")), Some(content));
        vector.is_refused_when_broken(|packet| opens(packet).is_some());
    }
}

#[test]
fn lengths_that_no_frame_has() {
    assert_eq!(frame::length(&[0]), Ok(None));
    assert_eq!(frame::length(&[0, 17]), Ok(Some(17)));
    assert_eq!(frame::length(&[8, 0]), Ok(Some(2048)));
    assert!(frame::length(&[0, 16]).is_err() && frame::length(&[8, 1]).is_err());
}

#[test]
fn packets() {
    let page = page();
    let content = |name: &str| page.vector(name).bytes("packet");
    let key = |name: &str, start: usize| PublicKey(content(name)[start..start + 32].try_into().unwrap());
    let first = Connection::new(16).unwrap();
    let blind = content("send_blind");
    let (onion, answer, data) = (content("onion"), content("onion_answer"), content("data"));
    let cases = [
        ("route_request", RelayPacket::RouteRequest(key("route_request", 1))),
        (
            "route_response",
            RelayPacket::RouteResponse { connection: Some(first), key: key("route_response", 2) },
        ),
        ("route_refused", RelayPacket::RouteResponse { connection: None, key: key("route_refused", 2) }),
        ("connected", RelayPacket::Connected(first)),
        ("disconnected", RelayPacket::Disconnected(Connection::new(255).unwrap())),
        ("ping", RelayPacket::Ping(content("ping")[1..].try_into().unwrap())),
        ("pong", RelayPacket::Pong(content("pong")[1..].try_into().unwrap())),
        (
            "send_blind",
            RelayPacket::SendBlind { to: key("send_blind", 1), data: Piece::new(&blind[33..]).unwrap() },
        ),
        (
            "came_blind",
            RelayPacket::CameBlind { from: key("came_blind", 1), data: Piece::new(b"x").unwrap() },
        ),
        ("onion", RelayPacket::Onion(Piece::new(&onion[1..]).unwrap())),
        ("onion_answer", RelayPacket::OnionAnswer(Piece::new(&answer[1..]).unwrap())),
        ("data", RelayPacket::Data { connection: first, data: Piece::new(&data[1..]).unwrap() }),
    ];
    for (name, packet) in cases {
        assert_eq!(packet.to_vec(), content(name), "{name}");
        assert_eq!(RelayPacket::parse(&content(name)), Ok(packet), "{name}");
    }
    for number in 10..=15 {
        assert!(RelayPacket::parse(&[number, 0, 0]).is_err());
        assert!(Connection::new(number).is_err());
    }
    for name in ["route_request", "route_response", "connected", "disconnected", "ping", "pong"] {
        let packet = content(name);
        assert!(RelayPacket::parse(&packet[..packet.len() - 1]).is_err(), "{name}");
        assert!(RelayPacket::parse(&[&packet[..], &[0]].concat()).is_err(), "{name}");
    }
    assert!(RelayPacket::parse(&[&blind[..], &[0]].concat()).is_err());
    assert!(RelayPacket::parse(&blind[..33]).is_err());
}
