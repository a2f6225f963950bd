#![no_main]
//! Bodies of request packets: lists of missing numbers.

use fuzz::byte;
use libfuzzer_sys::fuzz_target;
use toxnet::packet::request::{Request, write};

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    let ack = u32::from_be_bytes([byte(&mut rest), byte(&mut rest), byte(&mut rest), byte(&mut rest)]);
    let Ok(request) = Request::parse(ack, rest) else { return };
    let missing: Vec<u32> = request.missing().collect();
    assert!(missing.len() < rest.len());
    assert!(missing.is_sorted_by_key(|number| number.wrapping_sub(ack)));
    let last = missing.last().map_or(ack.wrapping_sub(1), |last| *last);
    assert!(request.covered().wrapping_sub(last) % 255 == 0);
    // Zeros at the end say only that more has arrived.
    let end = rest.iter().rposition(|byte| *byte != 0).expect("the id");
    assert_eq!(write(ack, missing), &rest[..=end]);
});
