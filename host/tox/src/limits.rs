//! The bounds of this crate, with their reasons. Sizes are bytes unless the name says otherwise.
//! Those marked "Tox" are fixed by the network's protocol (c-toxcore `tox.h`).

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::port_range::PortRange;

/// Largest custom packet, its id included (Tox: `TOX_MAX_CUSTOM_PACKET_SIZE`).
pub const PACKET_BYTES: usize = 1373;

/// Ids of custom lossless packets: the first byte of a packet (Tox).
pub const PACKET_IDS: RangeInclusive<u8> = 160..=191;

/// Longest message (Tox: `TOX_MAX_MESSAGE_LENGTH`).
pub const MESSAGE_BYTES: usize = 1372;

/// Longest text of a friend request (Tox: `TOX_MAX_FRIEND_REQUEST_LENGTH`).
pub const FRIEND_REQUEST_BYTES: usize = 1016;

/// Longest name (Tox: `TOX_MAX_NAME_LENGTH`).
pub const NAME_BYTES: usize = 128;

/// Longest status message (Tox: `TOX_MAX_STATUS_MESSAGE_LENGTH`).
pub const STATUS_MESSAGE_BYTES: usize = 1007;

/// Longest host name of a node or proxy, one byte less than c-toxcore's buffer with its final NUL.
pub const HOST_BYTES: usize = 254;

/// Largest saved data: a few thousand friends take 10 MB, more is damage.
pub const SAVED_DATA_BYTES: usize = 64 * 1024 * 1024;

/// Packets waiting per friend before [`crate::Tox::send_packet`] waits: what a fast link carries in some
/// 20 ms, so the owning thread always finds work, and little enough that an urgent packet is not far behind.
pub const LANE_PACKETS: usize = 128;

/// Undelivered bytes per friend before its events are dropped ([`crate::Event::Overflow`]). Gateways keep at
/// most 1 MiB on the way to each other, so four times that never meets an honest one.
pub const UNDELIVERED_BYTES_PER_FRIEND: usize = 4 * 1024 * 1024;

/// Undelivered bytes of all friends of an instance before the bound per friend becomes the small one: many
/// hostile friends together must not fill the memory either.
pub const UNDELIVERED_BYTES: usize = 64 * 1024 * 1024;

/// The bound per friend while all together hold more than [`UNDELIVERED_BYTES`].
pub const UNDELIVERED_BYTES_PER_FRIEND_CROWDED: usize = 64 * 1024;

/// What an undelivered event counts beside its text or bytes: about what it takes in memory.
pub const EVENT_OVERHEAD_BYTES: usize = 64;

/// Undelivered connection changes per friend; beyond it only the newest is kept. A friend can go "online" and
/// "offline" thousands of times a second with two bytes each.
pub const UNDELIVERED_CONNECTION_CHANGES: usize = 16;

/// Undelivered friend requests; further ones are dropped (Tox clients repeat theirs). Anybody who knows the
/// Tox ID can send requests.
pub const UNDELIVERED_FRIEND_REQUESTS: usize = 64;

/// Addresses tried of one node's host name.
pub const ADDRESSES_PER_NODE: usize = 4;

/// Nodes remembered per instance, for bootstrapping again.
pub const NODES: usize = 64;

/// Interval of the owning thread while there is traffic. c-toxcore renews sending rights once per turn, and the
/// system's buffer for received packets holds some milliseconds of a fast link.
pub const BUSY_INTERVAL: Duration = Duration::from_millis(1);

/// How long the short interval is kept after the last packet: longer than the answer of a peer takes.
pub const BUSY_AFTER_TRAFFIC: Duration = Duration::from_millis(300);

/// How often an instance without connection bootstraps again: a first packet can be lost.
pub const BOOTSTRAP_AGAIN: Duration = Duration::from_secs(10);

/// The ports a free one is taken from: those Tox programs use, which firewalls may know. More than 101 accounts need a wider range.
pub const UDP_PORTS: PortRange = match PortRange::new(33445..=33545) {
    Some(range) => range,
    None => PortRange::one(33445),
};

/// Longest line of c-toxcore's log that is passed on.
pub const LOG_LINE_BYTES: usize = 512;
