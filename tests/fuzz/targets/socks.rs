//! SOCKS5 and HTTP CONNECT, both sides: whatever comes, in whatever pieces, they end or wait within bounds.
#![no_main]

use std::net::SocketAddr;

use fuzz::pieces;
use libfuzzer_sys::fuzz_target;
use relay::BoardAddress;
use relay::limits::{HTTP_BYTES, SOCKS_BYTES};
use relay::socks::{Dial, DialStep, HttpDial, Serve, Step};

fuzz_target!(|data: &[u8]| {
    let Some((seed, bytes)) = data.split_first() else { return };
    let target = SocketAddr::from(([192, 0, 2, 1], 443));
    let (mut serve, mut dial, mut http) =
        (Serve::default(), Dial::new(target, [1; 16]), HttpDial::new(target));
    let (mut steps, mut held, mut is_open) = (0, 0, true);
    for piece in pieces(bytes, *seed) {
        held += piece.len();
        serve.push(piece);
        loop {
            match serve.step() {
                Step::More => break,
                Step::Send(_) => steps += 1,
                Step::Connect(_) | Step::Close(_) => {
                    steps += 1;
                    is_open = false;
                }
            }
        }
        assert!(steps <= 2);
        assert!(!is_open || held < 2 * SOCKS_BYTES, "it waits for ever");
        if !is_open {
            break;
        }
    }
    for piece in pieces(bytes, *seed) {
        dial.push(piece);
        while let Ok(DialStep::Send(_)) = dial.step() {}
    }
    for (place, piece) in pieces(bytes, *seed).enumerate() {
        http.push(piece);
        let is_waiting = http.step() == Ok(DialStep::More);
        assert!(!is_waiting || place < HTTP_BYTES + 64);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(address) = text.parse::<BoardAddress>()
    {
        assert_eq!(address.to_string().parse(), Ok(address));
    }
});
