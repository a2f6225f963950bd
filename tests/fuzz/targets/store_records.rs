#![no_main]
//! Stored records: damage is an error, never a panic.

use libfuzzer_sys::fuzz_target;
use mail::record::{
    Account, Arrival, Contact, FriendRequest, MailboxEntry, OutboxEntry, Partial, Pin, QuarantineEntry,
};
use store::codec::{decode, decode_prefixed};

fuzz_target!(|bytes: &[u8]| {
    let _ = decode::<Account>(bytes);
    let _ = decode::<Arrival>(bytes);
    let _ = decode::<Contact>(bytes);
    let _ = decode::<FriendRequest>(bytes);
    let _ = decode::<Partial>(bytes);
    let _ = decode::<Pin>(bytes);
    let _ = decode::<QuarantineEntry>(bytes);
    let _ = decode::<store::Ended>(bytes);
    if let Ok(entry) = decode_prefixed::<OutboxEntry>(bytes) {
        assert!(entry.prefix.len() < bytes.len());
    }
    if let Ok(entry) = decode_prefixed::<MailboxEntry>(bytes) {
        assert!(entry.prefix.len() < bytes.len());
    }
});
