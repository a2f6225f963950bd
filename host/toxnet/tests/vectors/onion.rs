//! A path there and back, announcements, data.

use toxnet::packet::Kind;
use toxnet::packet::onion::Payload;
use toxnet::packet::onion::announce::{
    AnnounceRequest, AnnounceResponse, SealedRequest, SealedResponse as SealedAnnounceResponse, Stored,
};
use toxnet::packet::onion::back::{Back, Previous, pass_back, respond};
use toxnet::packet::onion::data::{self, DataRequest, SealedResponse, Sender};
use toxnet::packet::onion::hop::{Forward, Hop, Sealed, from_relay};
use toxnet::packet::onion::path::{Path, RelayPath};
use toxnet::wire::Codec;
use toxnet::{Address, UdpNode};

use crate::page::{Fixed, Page, Vector};

fn page() -> Page {
    Page::read(include_str!("onion.txt"))
}

fn address(vector: &Vector, field: &str) -> Address {
    match vector.value(field) {
        Previous::Udp(address) => address,
        Previous::RelayClient(_) => panic!("{field} is an address"),
    }
}

fn node(vector: &Vector, name: &str) -> UdpNode {
    UdpNode {
        address: address(vector, &format!("address_{name}")),
        key: vector.public(&format!("public_{name}")),
    }
}

#[test]
fn a_path_is_built() {
    let page = page();
    let vector = page.vector("path");
    let mut random = Fixed(vector.bytes("random"));
    let nodes = ["a", "b", "c"].map(|name| node(vector, name));
    let path = Path::new(&vector.pair("sender_secret"), nodes, &mut random).expect("good keys");
    assert_eq!(path.first(), nodes[0].address);
    let (to, data) = (address(vector, "address_d"), vector.bytes("data"));
    assert_eq!(path.seal(&to, &data, vector.nonce("nonce")), Ok(vector.bytes("initial")));

    let mut random = Fixed(vector.bytes("random"));
    let path = RelayPath::new([nodes[1], nodes[2]], &mut random).expect("good keys");
    assert_eq!(path.seal(&to, &data, vector.nonce("nonce")), Ok(vector.bytes("relay")));
    assert!(path.seal(&to, &[0x83; 1175], vector.nonce("nonce")).is_err());
}

#[test]
fn each_node_peels_its_layer() {
    let page = page();
    let vector = page.vector("path");
    let steps = [
        (Hop::First, "a", "initial", "client", "address_b", "second"),
        (Hop::Second, "b", "second", "address_a", "address_c", "third"),
        (Hop::Third, "c", "third", "address_b", "address_d", "leaving"),
    ];
    for (hop, name, packet, previous, next, result) in steps {
        let node = vector.pair(&format!("secret_{name}"));
        let own = vector.symmetric(&format!("return_key_{name}"));
        let peel = |packet: &mut [u8]| {
            let sealed = Sealed::parse(packet)?;
            assert_eq!(sealed.hop(), hop);
            let key = node.secret().shared_with(&sealed.key()).expect("a good key");
            sealed.peel(&key, &vector.value(previous), &own, vector.nonce(&format!("return_nonce_{name}")))
        };
        let packet = vector.bytes(packet);
        let expected = Forward { to: address(vector, next), packet: vector.bytes(result) };
        assert_eq!(peel(&mut packet.clone()), Ok(expected));
        assert!(peel(&mut packet[..packet.len() - 1].to_vec()).is_err());
        for bit in 57 * 8..(57 + toxnet::MAC_BYTES) * 8 {
            let mut changed = packet.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(peel(&mut changed).is_err());
        }
    }
}

#[test]
fn a_relay_begins_a_path_too() {
    let page = page();
    let vector = page.vector("path");
    let (own, nonce) = (vector.symmetric("return_key_a"), vector.nonce("return_nonce_a"));
    let forward = from_relay(&vector.bytes("relay"), &vector.value("client"), &own, nonce);
    let expected = Forward { to: address(vector, "address_b"), packet: vector.bytes("second") };
    assert_eq!(forward, Ok(expected));
}

#[test]
fn each_node_passes_back() {
    let page = page();
    let vector = page.vector("back");
    let packet = respond(&vector.bytes("returned"), &vector.bytes("response"));
    assert_eq!(packet, Ok(vector.bytes("third")));
    let steps = [
        ("c", "third", "address_b", "second"),
        ("b", "second", "address_a", "first"),
        ("a", "first", "client", "response"),
    ];
    for (name, packet, previous, result) in steps {
        let (packet, own) = (vector.bytes(packet), vector.symmetric(&format!("return_key_{name}")));
        let expected = Back { to: vector.value(previous), packet: vector.bytes(result) };
        assert_eq!(pass_back(&packet, &own), Ok(expected));
        for bit in 25 * 8..(25 + toxnet::MAC_BYTES) * 8 {
            let mut changed = packet.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(pass_back(&changed, &own).is_err());
        }
    }
}

#[test]
fn announce_requests() {
    let page = page();
    let vector = page.vector("announce_request");
    let sender = vector.public("sender_public");
    let request = AnnounceRequest {
        ping_id: vector.array("ping_id"),
        searched: vector.public("searched"),
        data_key: vector.public("data_key"),
        sendback: vector.array("sendback"),
    };
    let key = vector.shared("sender_secret", "receiver_public");
    assert_eq!(request.seal(&sender, &key, vector.nonce("nonce")), vector.bytes("packet"));

    let key = vector.shared("receiver_secret", "sender_public");
    let returned = page.vector("back").bytes("returned");
    let opens = |packet: &mut [u8]| {
        let mut whole = [packet, &returned[..]].concat();
        let sealed = SealedRequest::parse(&mut whole)?;
        assert_eq!(sealed.returned(), returned);
        sealed.open(&key)
    };
    assert_eq!(opens(&mut vector.bytes("packet")), Ok(request));
    vector.is_refused_when_broken(|packet| opens(packet).is_ok());
}

#[test]
fn announce_responses() {
    for (name, vector) in page().starting("announce_response_") {
        let stored = vector.bytes("stored");
        let bytes: [u8; 32] = stored[1..].try_into().unwrap();
        let stored = match name {
            "no" => Stored::No(bytes),
            "other" => Stored::Other(toxnet::PublicKey(bytes)),
            _ => Stored::Own(bytes),
        };
        let response = AnnounceResponse { stored, nodes: vector.value("nodes") };
        let (key, sendback) = (vector.shared("sender_secret", "receiver_public"), vector.array("sendback"));
        assert_eq!(response.seal(sendback, &key, vector.nonce("nonce")), vector.bytes("packet"));
        let mut packet = vector.bytes("packet");
        let sealed = SealedAnnounceResponse::parse(&mut packet).expect("the outer part");
        assert_eq!(sealed.sendback(), sendback);
        assert_eq!(sealed.open(&key), Ok(response));
        vector.is_refused_when_broken(|packet| {
            SealedAnnounceResponse::parse(packet).is_ok_and(|sealed| sealed.open(&key).is_ok())
        });
    }
}

#[test]
fn data() {
    for (name, vector) in page().starting("data_") {
        let payload: Payload = vector.value("payload");
        assert_eq!(payload.to_vec(), vector.bytes("payload"));
        let sender = Sender {
            temporary: vector.public("temporary_public"),
            temporary_key: &vector.shared("temporary_secret", "data_public"),
            real: vector.public("sender_public"),
            real_key: &vector.shared("sender_secret", "receiver_public"),
        };
        let destination = vector.public("receiver_public");
        let request = data::seal(&payload, &destination, &sender, vector.nonce("nonce")).expect("it fits");
        assert_eq!(request, vector.bytes("request"), "{name}");

        let arrived = [&request[..], &[7; 177]].concat();
        let at_node = DataRequest::parse(&arrived).expect("a request");
        assert_eq!(at_node.destination, destination);
        assert_eq!(at_node.response(), Ok(vector.bytes("packet")));

        let (data_key, real) = (vector.pair("data_secret"), vector.pair("receiver_secret"));
        let opens = |packet: &mut [u8]| {
            let sealed = SealedResponse::parse(packet)?;
            let key = data_key.secret().shared_with(&sealed.temporary()).expect("a good key");
            let inner = sealed.open(&key)?;
            let key = real.secret().shared_with(&inner.sender()).expect("a good key");
            inner.open(&key)
        };
        assert_eq!(opens(&mut vector.bytes("packet")), Ok(payload));
        vector.is_refused_when_broken(|packet| opens(packet).is_ok());
    }
}

#[test]
fn a_data_request_too_long_for_c_is_not_passed_on() {
    let longest = 1174 + 177;
    let mut packet = vec![0; longest];
    packet[0] = Kind::DataRequest.byte();
    assert!(DataRequest::parse(&packet).is_ok_and(|request| request.response().is_err()));
    packet.push(0);
    assert!(DataRequest::parse(&packet).is_err());
}
