#![no_main]
//! The onion: layers and returns with any content, requests, responses, payloads.

use fuzz::toxnet::{comes_back, fresh, in_a_box, key};
use libfuzzer_sys::fuzz_target;
use toxnet::packet::onion::Payload;
use toxnet::packet::onion::announce::{
    AnnounceRequest, AnnounceResponse, SealedRequest, SealedResponse as SealedAnnounceResponse,
};
use toxnet::packet::onion::back::{Previous, open_return, pass_back, respond};
use toxnet::packet::onion::data::{DataRequest, SealedResponse};
use toxnet::packet::onion::hop::{Sealed, from_relay};

fn layer(content: &[u8]) {
    let key = key();
    for (kind, returned) in [(0x80, 0), (0x81, 59), (0x82, 118)] {
        let mut packet = in_a_box(&[kind], content, &key);
        // The key comes behind the nonce.
        packet.splice(25..25, [7; 32]);
        packet.extend(vec![9; returned]);
        let Ok(sealed) = Sealed::parse(&mut packet) else { continue };
        if let Ok(forward) = sealed.peel(&key, &Previous::RelayClient(1), &key, fresh()) {
            assert!(forward.packet.len() <= 1400);
            let first = forward.packet[0];
            assert!(if kind == 0x82 { [0x83, 0x85, 0x87].contains(&first) } else { first == kind + 1 });
        }
    }
}

fn way_back(content: &[u8]) {
    let key = key();
    let _ = open_return(content, &key);
    for (kind, length) in [(0x8e, 59), (0x8d, 118), (0x8c, 177)] {
        let Some((earlier, response)) = content.split_at_checked(length - 59) else { continue };
        let sealed = in_a_box(&[], &[&[0; 19], earlier].concat(), &key);
        let packet = [&[kind], &sealed[..], response].concat();
        if let Ok(back) = pass_back(&packet, &key) {
            assert_eq!(back.to, Previous::RelayClient(0));
            assert!(back.packet.ends_with(response) && back.packet.len() < packet.len());
        }
    }
    if let Ok(packet) = respond(&[1; 177], content) {
        assert!(packet.ends_with(content) && packet.len() <= 1400);
    }
}

fuzz_target!(|bytes: &[u8]| {
    layer(bytes);
    way_back(bytes);
    let _ = from_relay(bytes, &Previous::RelayClient(1), &key(), fresh());
    comes_back::<AnnounceRequest>(bytes);
    comes_back::<AnnounceResponse>(bytes);
    comes_back::<Payload>(bytes);
    let mut packet = bytes.to_vec();
    if let Ok(sealed) = SealedRequest::parse(&mut packet) {
        assert_eq!(sealed.returned().len(), 177);
        assert!(sealed.open(&key()).is_err());
    }
    if let Ok(sealed) = SealedAnnounceResponse::parse(&mut packet) {
        assert!(sealed.open(&key()).is_err());
    }
    if let Ok(sealed) = SealedResponse::parse(&mut packet) {
        assert!(sealed.open(&key()).is_err());
    }
    if let Ok(request) = DataRequest::parse(bytes)
        && let Ok(response) = request.response()
    {
        assert!(response.len() <= 1069);
    }
});
