//! What an instance tells its owner.

use mail::PublicKey;

/// How somebody is reached. For the own instance: how the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Connection {
    /// Not at all.
    None,
    /// Through Tox TCP relays.
    Tcp,
    /// Directly, over UDP.
    Udp,
}

/// Names a sent message until its receipt comes; unique per friend while an instance runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub u32);

/// Something that happened, in the order it happened.
///
/// All text is from outside: any UTF-8 with whatever control characters its sender liked; bytes that were
/// no UTF-8 are replaced by U+FFFD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The own connection to the network changed.
    SelfConnection(Connection),
    /// Somebody who knows the Tox ID wants to be a friend. Answer with [`crate::Tox::accept_friend`], or not
    /// at all. At most [`crate::limits::UNDELIVERED_FRIEND_REQUESTS`] wait; those beyond are dropped.
    FriendRequest {
        /// The key of the person who asks.
        key: PublicKey,
        /// What they wrote, up to 1016 bytes.
        message: String,
    },
    /// A friend came, went, or is reached another way. Of many changes that were not taken in time only the
    /// last is kept.
    FriendConnection {
        /// The key of the friend.
        key: PublicKey,
        /// How they are reached from now on.
        connection: Connection,
    },
    /// A custom lossless packet: complete, in order, authentic.
    Packet {
        /// The key of the sender.
        key: PublicKey,
        /// 1 to [`crate::limits::PACKET_BYTES`] bytes, the first in [`crate::limits::PACKET_IDS`].
        bytes: Vec<u8>,
    },
    /// A text message, as people write in Tox clients.
    Message {
        /// The key of the sender.
        key: PublicKey,
        /// The text.
        text: String,
    },
    /// The friend's client has the message.
    Receipt {
        /// The key of the friend.
        key: PublicKey,
        /// What [`crate::Tox::send_message`] returned.
        message: MessageId,
    },
    /// The name a friend gives itself.
    Name {
        /// The key of the friend.
        key: PublicKey,
        /// The name, up to 128 bytes; may be empty.
        name: String,
    },
    /// The status message of a friend.
    StatusMessage {
        /// The key of the friend.
        key: PublicKey,
        /// The text, up to 1007 bytes; may be empty.
        text: String,
    },
    /// The saved data is another now: take it with [`crate::Tox::saved`] and store it. One event stands for
    /// all changes since the last was taken. The first comes at start if the identity is a new one.
    SavedDataChanged,
    /// A friend sent faster than its events were taken, beyond
    /// [`crate::limits::UNDELIVERED_BYTES_PER_FRIEND`]. What came before is delivered, what comes after is
    /// dropped (packets, messages, names; connection changes and receipts still come) until
    /// [`crate::Tox::resume`]. Other friends notice nothing of it.
    Overflow {
        /// The key of the friend.
        key: PublicKey,
    },
}
