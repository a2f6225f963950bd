//! Ids: the first byte of the data of a session packet.

/// Bytes before the id that are skipped.
pub const PADDING: u8 = 0;
/// Which packets are missing; see [`super::request`].
pub const REQUEST: u8 = 1;
/// The sender ends the session.
pub const KILL: u8 = 2;
/// The sender is still there. Only this keeps a friend connection up.
pub const ALIVE: u8 = 16;
/// Relays where the sender can be reached.
pub const SHARE_RELAYS: u8 = 17;
/// A friend request within a session.
pub const FRIEND_REQUEST: u8 = 18;
/// The sender takes messenger packets from now on.
pub const ONLINE: u8 = 24;
/// The sender ends being a friend; the session may stay.
pub const OFFLINE: u8 = 25;
/// The sender's name.
pub const NAME: u8 = 48;
/// The sender's status message.
pub const STATUS_MESSAGE: u8 = 49;
/// The sender's status: online, away, busy.
pub const STATUS: u8 = 50;
/// Whether the sender is typing.
pub const TYPING: u8 = 51;
/// A message.
pub const MESSAGE: u8 = 64;
/// An action, as in "/me waves".
pub const ACTION: u8 = 65;
/// The sender offers a file.
pub const FILE_OFFER: u8 = 80;
/// Accept, pause, cancel or seek a file.
pub const FILE_CONTROL: u8 = 81;
/// A piece of a file.
pub const FILE_DATA: u8 = 82;
/// The first id of what programs send each other losslessly.
pub const CUSTOM_FIRST: u8 = 160;
/// The last of them.
pub const CUSTOM_LAST: u8 = 191;

/// What a session does with data, by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Padding: no id at all.
    Padding,
    /// A list of missing packets.
    Request,
    /// The end of the session.
    Kill,
    /// Has a number, is acknowledged and handed up once and in order.
    Lossless,
    /// Handed up if it comes.
    Lossy,
    /// Thrown away by C: 3 to 15, and 255.
    Ignored,
}

impl Class {
    /// The class of an id.
    #[must_use]
    pub fn of(id: u8) -> Self {
        match id {
            PADDING => Self::Padding,
            REQUEST => Self::Request,
            KILL => Self::Kill,
            3..=15 | 255 => Self::Ignored,
            16..=191 => Self::Lossless,
            192..=254 => Self::Lossy,
        }
    }
}
