//! Cookies, handshakes, data packets, request bodies.

use toxnet::packet::data::{self, Header};
use toxnet::packet::handshake::{CookieResponse, Handshake, SealedHandshake};
use toxnet::packet::request::{self, Request};
use toxnet::wire::Codec;
use toxnet::{Cookie, CookieContent, Nonce};

use crate::page::Page;

fn page() -> Page {
    Page::read(include_str!("session.txt"))
}

#[test]
fn cookies() {
    let page = page();
    let vector = page.vector("cookie");
    let key = vector.symmetric("key");
    let content =
        CookieContent { made: vector.number("made"), real: vector.public("real"), dht: vector.public("dht") };
    let cookie = Cookie::seal(&content, &key, vector.nonce("nonce"));
    assert_eq!(cookie.to_vec(), vector.bytes("packet"));
    assert_eq!(cookie.open(&key), Ok(content));
    vector
        .is_refused_when_broken(|packet| Cookie::parse(packet).is_ok_and(|cookie| cookie.open(&key).is_ok()));
}

#[test]
fn cookie_responses() {
    let page = page();
    let vector = page.vector("cookie_response");
    let key = vector.shared("sender_secret", "receiver_public");
    let response = CookieResponse { cookie: vector.value("cookie"), echo: vector.array("echo") };
    assert_eq!(response.seal(&key, vector.nonce("nonce")), vector.bytes("packet"));
    assert_eq!(CookieResponse::open(&mut vector.bytes("packet"), &key), Ok(response));
    vector.is_refused_when_broken(|packet| CookieResponse::open(packet, &key).is_ok());
}

#[test]
fn handshakes() {
    let page = page();
    let vector = page.vector("handshake");
    let key = vector.shared("sender_secret", "receiver_public");
    let handshake = Handshake {
        base_nonce: vector.value("base_nonce"),
        session: vector.public("session"),
        cookie: vector.value("cookie"),
    };
    let receiver: Cookie = vector.value("receiver_cookie");
    assert_eq!(handshake.seal(&receiver, &key, vector.nonce("nonce")), vector.bytes("packet"));
    let mut packet = vector.bytes("packet");
    let sealed = SealedHandshake::parse(&mut packet).expect("the outer part");
    assert_eq!(*sealed.cookie(), receiver);
    assert_eq!(sealed.open(&key), Ok(handshake));
    vector.is_refused_when_broken(|packet| {
        SealedHandshake::parse(packet).is_ok_and(|sealed| sealed.open(&key).is_ok())
    });
}

#[test]
fn data_packets() {
    for (length, vector) in page().starting("data_") {
        let key = vector.shared("session_secret", "other_public");
        let header = Header { ack: 7, number: u32::MAX };
        let (data, nonce) = (vector.bytes("data"), Nonce(vector.array("nonce")));
        assert_eq!(data.len().to_string(), length);
        let mut packet = Vec::new();
        data::seal(header, &data, &key, vector.nonce("nonce"), &mut packet).expect("it fits");
        assert_eq!(packet, vector.bytes("packet"));
        let sealed = data::Sealed::parse(&mut packet).expect("the outer part");
        assert_eq!(sealed.nonce_tail(), nonce.tail());
        assert_eq!(sealed.open(&key, &nonce), Ok((header, &data[..])));
        vector.is_refused_when_broken(|packet| {
            data::Sealed::parse(packet).is_ok_and(|sealed| sealed.open(&key, &nonce).is_ok())
        });
    }
}

#[test]
fn request_bodies() {
    for (name, vector) in page().starting("request_") {
        let ack = u32::from_be_bytes(vector.array("ack"));
        let missing: Vec<u32> = vector
            .bytes("missing")
            .chunks(4)
            .map(|four| u32::from_be_bytes(four.try_into().unwrap()))
            .collect();
        let body = request::write(ack, missing.iter().copied());
        assert_eq!(body, vector.bytes("packet"), "{name}");
        let read: Vec<u32> = Request::parse(ack, &body).expect("a body").missing().collect();
        assert_eq!(read, missing, "{name}");
    }
}
