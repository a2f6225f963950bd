#![no_main]
//! The configuration file: right within its bounds, or refused with a text.

use cli::{listen_address, signature};
use libfuzzer_sys::fuzz_target;

// The daemon is a program; these are the files of it that parse.
#[allow(dead_code)]
#[path = "../../../host/daemon/src/config.rs"]
mod config;
#[allow(dead_code)]
#[path = "../../../host/daemon/src/drop_times.rs"]
mod drop_times;
#[allow(dead_code)]
#[path = "../../../host/daemon/src/limits.rs"]
mod limits;
#[allow(dead_code)]
#[path = "../../../host/daemon/src/text_file.rs"]
mod text_file;

fuzz_target!(|bytes: &[u8]| {
    if let Some(signature) = signature::parse(bytes) {
        assert!(bytes.len() >= signature.len());
    }
    let Ok(text) = text_file::decode(bytes.to_vec()) else { return };
    if let Ok(address) = listen_address::parse(&text) {
        assert_eq!(listen_address::parse(&address.to_string()), Ok(address));
    }
    match config::parse(&text) {
        Ok(config) => assert!((1..=21).contains(&config.mail.expiry_days) && config.mail.max_bytes >= 1024),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
