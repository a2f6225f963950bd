#![no_main]
//! Bootstrap nodes: what is read is written the same way.

use libfuzzer_sys::fuzz_target;
use tox::Node;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(node) = text.parse::<Node>() {
        assert_eq!(node.to_string().parse::<Node>().as_ref(), Ok(&node), "{text:?}");
    }
});
