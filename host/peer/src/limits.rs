//! Every bound of this protocol, with its reason. Sizes are bytes unless the name says otherwise.

use std::time::Duration;

use frame::{PAYLOAD_BYTES, PacketId};

/// Packet id of this protocol. Any free number would do; it is part of version 1.
pub const PACKET_ID: PacketId = match PacketId::new(181) {
    Ok(id) => id,
    Err(_) => panic!("181 is a lossless packet id"),
};

/// The only version so far.
pub const VERSION: u16 = 1;

/// Longest message: a hello with everything at its maximum, rounded up.
pub const MESSAGE_BYTES: usize = 48 * 1024;

/// Mail addresses in a hello: more than a person has, few enough to look at each.
pub const ADDRESSES: usize = 16;

/// An address as text: local part, quoted, and domain at their maxima.
pub const ADDRESS_BYTES: usize = 512;

/// The mailbox record of a hello: Tox ID, a few keys, boards and tokens are about 4 KB.
pub const MAILBOX_RECORD_BYTES: usize = 16 * 1024;

/// Time between two records of one side in an open session; the first after its hello goes at once. What is in a record is known days
/// before it matters.
pub const RECORD_PAUSE: Duration = Duration::from_secs(600);

/// Records taken in [`RECORD_PERIOD`]: six at that pace, and one for each restart of the other side. More are a flood.
pub const RECORDS: u32 = 64;

/// See [`RECORDS`].
pub const RECORD_PERIOD: Duration = Duration::from_secs(3600);

/// Attributes of a hello or an offer: room for what later versions want to say.
pub const ATTRIBUTES: usize = 16;

/// Name of an attribute.
pub const ATTRIBUTE_NAME_BYTES: usize = 64;

/// Value of an attribute.
pub const ATTRIBUTE_VALUE_BYTES: usize = 1024;

/// ENVID (RFC 3461 section 4.4).
pub const ENVELOPE_ID_BYTES: usize = 100;

/// ORCPT (RFC 3461 section 4.2).
pub const ORIGINAL_RECIPIENT_BYTES: usize = 500;

/// Body bytes of a full data message: what one packet has left after type, transfer and offset.
pub const DATA_BYTES: usize = PAYLOAD_BYTES - 13;

/// Fewest body bytes of a data message that does not end its mail: keeps the cost of a byte in a buffer bounded.
pub const DATA_BYTES_LEAST: usize = 1024;

/// Body bytes on their way in one direction, all transfers of a session together: 10 MB/s at 200 ms round trip.
pub const WINDOW: u32 = 2 * 1024 * 1024;

/// Smallest window a peer may announce: every transfer's guaranteed share must hold a full packet.
pub const WINDOW_LEAST: u32 = 256 * 1024;

/// Largest window of a peer that is used: bytes in flight sit in Tox's buffers, in our memory.
pub const WINDOW_MOST: u32 = 8 * 1024 * 1024;

/// Transfers at once in one direction of a session: 1 000 small mails at 50 ms round trip in a few seconds.
pub const TRANSFERS: u16 = 32;

/// Fewest a peer may announce: large mails take some and must leave some.
pub const TRANSFERS_LEAST: u16 = 4;

/// A mail up to this size is small: it does not queue behind large ones.
pub const SMALL_MAIL_BYTES: u64 = 64 * 1024;

/// Large mails sent at once: more would only share the same line, and hold more memory.
pub const LARGE_TRANSFERS: usize = 4;

/// Mails one session's owner may have waiting. The outbox holds the others.
pub const QUEUE: usize = 1024;

/// Body bytes asked from, and handed to, the owner at once.
pub const BLOCK_BYTES: usize = mail::limits::BODY_CHUNK_BYTES;

/// What a sending transfer holds of its body at most: half a block when the next one is asked for.
pub const SEND_BYTES: usize = BLOCK_BYTES + BLOCK_BYTES / 2;

/// Received bytes are handed on once there are this many (or none will follow, or a tick came):
/// fewer, larger writes.
pub const WRITE_BYTES_LEAST: usize = 8 * 1024;

/// Memory of all sessions' receive windows by default: 32 full windows. More transfers wait for their accept.
pub const RECEIVE_MEMORY: usize = 64 * 1024 * 1024;

/// Memory of all sessions' body blocks read ahead by default: 340 transfers. More wait with their first read.
pub const SEND_MEMORY: usize = 32 * 1024 * 1024;

/// Digests of mails of this session that are remembered, so that one id has one digest. The owner remembers longer.
pub const DIGESTS: usize = 1024;

/// Control packets waiting for the link. All offers of a session with the largest attributes are 450, its answers and
/// a few hellos are less: so more than this shows a peer that makes us talk and does not listen.
pub const CONTROL_PACKETS: usize = 2048;

/// Packets that came and were not looked at yet. Who keeps to the window of 2 MiB has 1 550 data packets and a few hundred
/// others on the way at most; so a full queue shows a peer that floods.
pub const PACKETS_WAITING: usize = 3072;

/// Packets before the first hello that are ignored: what an earlier session of the other side still had under way.
pub const PACKETS_BEFORE_HELLO: u32 = 8192;

/// Hellos taken in [`HELLO_PERIOD`]: each new one throws away all transfers under way.
pub const HELLOS: u32 = 16;

/// See [`HELLOS`].
pub const HELLO_PERIOD: Duration = Duration::from_secs(60);

/// Packets given to the link at once: the most a small mail waits for, behind those the link already holds.
pub const BATCH_PACKETS: usize = 32;

/// Packets looked at before other work gets its turn.
pub const RECEIVE_BATCH_PACKETS: usize = 64;

/// How often a session's owner calls `tick`.
pub const TICK: Duration = Duration::from_secs(1);

/// After this time without a hello, the friend is not a gateway (or not a useful one now).
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(60);

/// With transfers open and nothing heard for this long, a ping is sent.
pub const PING_AFTER: Duration = Duration::from_secs(30);

/// With transfers open and nothing heard for this long, the session ends. Tox itself notices a dead
/// connection after 32 s, so this is a gateway that hangs.
pub const SILENCE: Duration = Duration::from_secs(120);

/// An offer may wait this long for its answer: the other side may be short of memory.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);

/// A transfer that could go on and does not for this long is given up.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(300);

/// After the last byte, mail filters have this long; also the longest for an answer to a cancel.
pub const ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(900);

/// How long a driver waits for the link to take its last words.
pub const FAREWELL: Duration = Duration::from_secs(5);

/// Longest "try later" that is taken seriously, so that a peer cannot park a mail until it expires.
pub const TRY_LATER_LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Longest text of an error message.
pub const ERROR_TEXT_BYTES: usize = 400;

/// First hold of a peer that broke the protocol.
pub const HOLD_FIRST: Duration = Duration::from_secs(60);

/// Longest hold: a peer that was repaired is back within a working day.
pub const HOLD_LONGEST: Duration = Duration::from_secs(6 * 3600);

/// How long to hold a peer after its `broken`-th session in a row (from 1) that ended as a protocol
/// error: [`HOLD_FIRST`], doubled each time, at most [`HOLD_LONGEST`]. A mail that was acknowledged
/// starts the count again.
#[must_use]
pub fn hold(broken: u32) -> Duration {
    let doublings = broken.saturating_sub(1).min(16);
    HOLD_FIRST.saturating_mul(1 << doublings).min(HOLD_LONGEST)
}

/// Commands of the owner that wait at most; more wait in their callers.
pub const COMMANDS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_grow_to_their_bound() {
        assert_eq!(hold(0), HOLD_FIRST);
        assert_eq!(hold(1), HOLD_FIRST);
        assert_eq!(hold(3), HOLD_FIRST * 4);
        assert_eq!(hold(u32::MAX), HOLD_LONGEST);
    }

    #[test]
    fn bounds_fit_each_other() {
        let share = WINDOW_LEAST / (4 * u32::from(TRANSFERS));
        assert!(usize::try_from(share).unwrap() >= DATA_BYTES);
        assert!(usize::from(TRANSFERS_LEAST) > 2);
        let window_packets = usize::try_from(WINDOW).unwrap() / DATA_BYTES_LEAST;
        assert!(PACKETS_WAITING > window_packets + 512);
        let hello = ADDRESSES * (ADDRESS_BYTES + 2)
            + MAILBOX_RECORD_BYTES
            + ATTRIBUTES * (ATTRIBUTE_NAME_BYTES + ATTRIBUTE_VALUE_BYTES + 4)
            + 200;
        assert!(hello <= MESSAGE_BYTES);
    }
}
