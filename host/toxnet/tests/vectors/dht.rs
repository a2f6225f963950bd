//! Packets between DHT nodes, DHT requests, bootstrap info.

use std::fmt::Debug;

use toxnet::packet::dht::{
    Content, CookieRequest, NodesRequest, NodesResponse, PingRequest, PingResponse, Sealed, seal,
};
use toxnet::packet::dht_request::{self, DhtRequest, SealedDhtKey};
use toxnet::packet::info::{self, Info};
use toxnet::packet::onion::DhtKey;
use toxnet::wire::{Codec, Text};

use crate::page::{Page, Vector};

fn page() -> Page {
    Page::read(include_str!("dht.txt"))
}

fn is_built_and_read<T: Content + PartialEq + Debug>(vector: &Vector, content: &T) {
    let sender = vector.public("sender_public");
    let key = vector.shared("sender_secret", "receiver_public");
    assert_eq!(seal(content, &sender, &key, vector.nonce("nonce")), vector.bytes("packet"));

    let key = vector.shared("receiver_secret", "sender_public");
    let mut packet = vector.bytes("packet");
    let sealed = Sealed::parse(&mut packet).expect("the outer part");
    assert_eq!((sealed.kind(), sealed.sender()), (T::KIND, sender));
    assert_eq!(sealed.open::<T>(&key).as_ref(), Ok(content));
    vector.is_refused_when_broken(|packet| {
        Sealed::parse(packet).is_ok_and(|sealed| sealed.open::<T>(&key).is_ok())
    });
}

#[test]
fn pings() {
    let page = page();
    let vector = page.vector("ping_request");
    is_built_and_read(vector, &PingRequest { id: vector.array("id") });
    let vector = page.vector("ping_response");
    is_built_and_read(vector, &PingResponse { id: vector.array("id") });
}

#[test]
fn nodes() {
    let page = page();
    let vector = page.vector("nodes_request");
    let request = NodesRequest { wanted: vector.public("wanted"), id: vector.array("id") };
    is_built_and_read(vector, &request);
    for (count, vector) in page.starting("nodes_response_") {
        let response = NodesResponse { nodes: vector.value("nodes"), id: vector.array("id") };
        assert_eq!(response.nodes.len().to_string(), count);
        is_built_and_read(vector, &response);
    }
}

#[test]
fn cookie_requests() {
    let page = page();
    let vector = page.vector("cookie_request");
    is_built_and_read(vector, &CookieRequest { real: vector.public("real"), echo: vector.array("echo") });
}

fn request_is_built_and_read(vector: &Vector, content: &DhtRequest) {
    let (receiver, sender) = (vector.public("receiver_public"), vector.public("sender_public"));
    let key = vector.shared("sender_secret", "receiver_public");
    assert_eq!(content.seal(&receiver, &sender, &key, vector.nonce("nonce")), vector.bytes("packet"));

    let key = vector.shared("receiver_secret", "sender_public");
    let mut packet = vector.bytes("packet");
    let sealed = dht_request::Sealed::parse(&mut packet).expect("the outer part");
    assert_eq!((sealed.receiver(), sealed.sender()), (receiver, sender));
    assert_eq!(sealed.open(&key).as_ref(), Ok(content));
    vector.is_refused_when_broken(|packet| {
        dht_request::Sealed::parse(packet).is_ok_and(|sealed| sealed.open(&key).is_ok())
    });
}

#[test]
fn nat_pings() {
    let page = page();
    let vector = page.vector("nat_ping_request");
    request_is_built_and_read(vector, &DhtRequest::NatPingRequest(vector.array("id")));
    let vector = page.vector("nat_ping_response");
    request_is_built_and_read(vector, &DhtRequest::NatPingResponse(vector.array("id")));
}

#[test]
fn dht_keys() {
    let page = page();
    let vector = page.vector("dht_key");
    let content: DhtKey = vector.value("content");
    assert_eq!(content.to_vec(), vector.bytes("content"));
    let (sender, receiver) = (vector.pair("sender_real_secret"), vector.pair("receiver_real_secret"));
    let key = sender.secret().shared_with(&receiver.public()).expect("a good key");
    let sealed = SealedDhtKey::seal(&content, sender.public(), &key, vector.nonce("inner_nonce"));
    request_is_built_and_read(vector, &DhtRequest::DhtKey(sealed.clone()));

    let key = receiver.secret().shared_with(&sealed.sender()).expect("a good key");
    assert_eq!(sealed.clone().open(&vector.public("sender_public"), &key), Ok(content));
    let other = vector.public("receiver_public");
    assert_eq!(sealed.open(&other, &key), Err(toxnet::PacketError::OtherSender));
}

#[test]
fn bootstrap_info() {
    let page = page();
    let request = page.vector("info_request").bytes("packet");
    assert_eq!(info::request(), request);
    assert!(info::is_request(&request) && !info::is_request(&request[1..]));
    let vector = page.vector("info");
    let version = u32::from_be_bytes(vector.array("version"));
    let answer = Info { version, text: Text::new(vector.bytes("text")).expect("short") };
    assert_eq!(answer.to_vec(), vector.bytes("packet"));
    assert_eq!(Info::parse(&vector.bytes("packet")), Ok(answer));
}
