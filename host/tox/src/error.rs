//! What can go wrong, one type per operation. Each text says what to do.

use crate::limits;
use crate::port_range::PortRange;
use crate::saved::InvalidSavedData;

/// The instance has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this Tox instance has stopped; start it again")]
pub struct Gone;

/// Why an instance did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The UDP port, or every one of the range, is in use.
    #[error(
        "UDP port {0} cannot be used for Tox: other programs or accounts have it; stop that program, or choose another port or a wider range"
    )]
    PortTaken(PortRange),
    /// The TCP port for the relay is in use.
    #[error(
        "TCP port {0} cannot be used for the Tox TCP relay: another program has it, or the port is below 1024 and \
         needs a privilege; stop that program or choose another port"
    )]
    RelayPortTaken(u16),
    /// The bytes are not saved data, or are damaged.
    #[error("the stored Tox identity cannot be used: {0}; restore it from a backup")]
    SavedData(#[from] InvalidSavedData),
    /// The proxy's host is neither an address nor a name that resolves.
    #[error("the proxy host {0:?} is not known: check its spelling, or give its IP address")]
    ProxyHost(String),
    /// Port 0.
    #[error("the proxy port must be from 1 to 65535 (Tor listens on 9050)")]
    ProxyPort,
    /// The name is longer than [`limits::NAME_BYTES`].
    #[error(transparent)]
    Text(#[from] TextError),
    /// c-toxcore could not get memory (or, rarely, a socket).
    #[error(
        "the Tox library could not get the memory or sockets it needs: free some memory or raise the file limit"
    )]
    Resources,
    /// The shared library is not the one this was built for.
    #[error(
        "the installed Tox library is version {0}, which does not fit: install libtoxcore 0.2.18 or a later 0.2"
    )]
    Library(String),
    /// The operating system gave no thread.
    #[error("the system gave no thread for Tox ({0}): raise the limit of processes")]
    Thread(#[source] std::io::Error),
}

/// Why somebody did not become a friend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddFriendError {
    /// The message of the request is empty.
    #[error("a friend request needs a message: write a few words about yourself")]
    MessageEmpty,
    /// The message of the request is too long.
    #[error("the message of a friend request has at most {} bytes: shorten it", limits::FRIEND_REQUEST_BYTES)]
    MessageTooLong,
    /// It is the own key.
    #[error("this is your own Tox ID: ask the other person for theirs")]
    OwnKey,
    /// Is a friend already, or was asked already.
    #[error("this Tox ID is a friend already, or was asked before: wait for the answer")]
    AlreadyFriend,
    /// c-toxcore could not get memory, or takes the key for none: it does not tell these apart.
    #[error("Tox takes no friend with this key, or there is no memory for another friend")]
    Memory,
    /// See [`Gone`].
    #[error(transparent)]
    Gone(#[from] Gone),
}

/// Why a packet or message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No friend has this key.
    #[error("this Tox key is not a friend: add it first")]
    NotAFriend,
    /// The friend is not online, or went while the packet waited.
    #[error("this friend is not online: wait until they are")]
    NotConnected,
    /// Longer than [`limits::PACKET_BYTES`] or [`limits::MESSAGE_BYTES`].
    #[error("this has {bytes} bytes and may have {most}: split it")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The longest allowed.
        most: usize,
    },
    /// Empty, or a packet whose first byte is not in [`limits::PACKET_IDS`].
    #[error("a packet starts with an id from 160 to 191, and a message is not empty")]
    Malformed,
    /// See [`Gone`].
    #[error(transparent)]
    Gone(#[from] Gone),
}

/// Why a name or status message was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Longer than [`limits::NAME_BYTES`] or [`limits::STATUS_MESSAGE_BYTES`].
    #[error("this text has {bytes} bytes and may have {most}: shorten it")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The longest allowed.
        most: usize,
    },
    /// See [`Gone`].
    #[error(transparent)]
    Gone(#[from] Gone),
}

/// Why a node was not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// The host name has no address, or the name server does not answer.
    #[error("the address of the Tox node {0:?} was not found: check the name and the network")]
    NotFound(String),
    /// A name would be looked up past the proxy, and tell the name server about it.
    #[error("the Tox node {0:?} is a name, which cannot be looked up through a proxy: give its IP address")]
    NameBehindProxy(String),
    /// The engine takes no such address (IPv6 while that is off, say).
    #[error("the Tox node {0:?} has no address this instance can use: give one with IPv4, or turn IPv6 on")]
    Unusable(String),
    /// Too many nodes.
    #[error("an instance takes {} nodes: remove some", limits::NODES)]
    TooMany,
    /// See [`Gone`].
    #[error(transparent)]
    Gone(#[from] Gone),
}

/// Why an encrypted profile does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    /// The password is another one.
    #[error("the password does not open this Tox profile: check the password file")]
    Password,
    /// Not in the format, or cut short.
    #[error("this is not an encrypted Tox profile, or it is damaged")]
    Damaged,
    /// No memory for deriving the key.
    #[error("there is not enough memory to open the Tox profile: close other programs and try again")]
    Resources,
}
