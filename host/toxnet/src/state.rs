//! Saved data: identity, friends and known nodes, as Tox programs keep them in a file.
//!
//! `[4 zeros][4 magic]`, then sections, the last of them the one that ends the data. Numbers of the
//! sections are little-endian, those within friends big-endian. What C wrote is read, and what is
//! written here is read by C.

mod friend;
mod section;

pub use friend::{Friend, FriendState};
use section::{DHT_MAGIC, Kind, STATE_MAGIC, read_section, write_section};
use zeroize::Zeroizing;

use crate::address::{Node, UdpNode};
use crate::key::{KeyPair, PublicKey, SecretKey};
use crate::packet::messenger::Status;
use crate::tox_id::{Nospam, ToxId};
use crate::wire::{Codec, List, ParseError, Reader, Text, Writer};
use crate::{encrypted, limits};

/// What makes a person on the network the same after a restart. It holds the secret key; `Debug`
/// shows nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// What a friend request to us must name.
    pub nospam: Nospam,
    /// The pair of the real key.
    pub keys: KeyPair,
    /// DHT nodes to start from.
    pub nodes: List<UdpNode, { limits::SAVED_NODES }>,
    /// Friends, answered or not.
    pub friends: Vec<Friend>,
    /// The own name.
    pub name: Text<{ limits::NAME_BYTES }>,
    /// The own status message.
    pub status_message: Text<{ limits::STATUS_MESSAGE_BYTES }>,
    /// The own status.
    pub status: Status,
    /// TCP relays to start from.
    pub relays: List<Node, { limits::SAVED_RELAYS }>,
    /// Nodes for the first onion paths.
    pub path_nodes: List<UdpNode, { limits::SAVED_PATH_NODES }>,
    /// Sections of other kinds, such as conferences, in their order. They are written back as they
    /// came.
    pub others: Vec<OtherSection>,
}

/// A section that is not read here.
#[derive(Clone, PartialEq, Eq)]
pub struct OtherSection {
    kind: u16,
    content: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for OtherSection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "OtherSection({}, {} bytes)", self.kind, self.content.len())
    }
}

/// Why bytes are no saved data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A password protects it: [`crate::encrypted`] comes first.
    #[error("the saved data is encrypted with a password")]
    Encrypted,
    /// It begins otherwise, is cut short, or a section has an impossible length.
    #[error("the saved data is damaged")]
    Damaged(#[from] ParseError),
    /// Larger than [`limits::STATE_BYTES`].
    #[error("the saved data has {0} bytes, far more than Tox programs write")]
    TooLarge(usize),
    /// No section has keys.
    #[error("the saved data has no identity")]
    NoIdentity,
    /// The public key is not that of the secret key.
    #[error("the keys in the saved data do not belong together")]
    KeysDisagree,
}

impl State {
    /// A new identity that knows nobody.
    #[must_use]
    pub fn new(keys: KeyPair, nospam: Nospam) -> Self {
        Self {
            nospam,
            keys,
            nodes: List::default(),
            friends: Vec::new(),
            name: Text::default(),
            status_message: Text::default(),
            status: Status::default(),
            relays: List::default(),
            path_nodes: List::default(),
            others: Vec::new(),
        }
    }

    /// What to give to people who want to become friends.
    #[must_use]
    pub fn tox_id(&self) -> ToxId {
        ToxId { key: self.keys.public(), nospam: self.nospam }
    }

    /// Reads saved data.
    ///
    /// Nodes, relays, names and the like are not worth losing an identity for: what of them cannot
    /// be read is left out, as C does. Keys, friends and the order of sections must be right. What
    /// follows the last section is not looked at.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, StateError> {
        if encrypted::is_encrypted(bytes) {
            return Err(StateError::Encrypted);
        }
        if bytes.len() > limits::STATE_BYTES {
            return Err(StateError::TooLarge(bytes.len()));
        }
        let mut reader = Reader::new(bytes);
        section::read_magic(&mut reader)?;
        let mut draft = Draft::default();
        loop {
            let (kind, content) = read_section(&mut reader, STATE_MAGIC)?;
            if kind == Kind::END {
                return draft.finish();
            }
            draft.take(kind, content)?;
        }
    }

    /// Writes saved data. The bytes are overwritten when dropped.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Room for everything, so that no part of the secret key is left where the bytes grew.
        let others: usize = self.others.iter().map(|other| other.content.len() + 8).sum();
        let nodes = self.nodes.len() + self.relays.len() + self.path_nodes.len();
        let room = 4096 + self.friends.len() * Friend::BYTES + nodes * UdpNode::MOST_BYTES + others;
        let mut writer = Writer::with_capacity(room);
        section::write_magic(&mut writer);
        write_section(&mut writer, STATE_MAGIC, Kind::KEYS, |writer| self.write_keys(writer));
        write_section(&mut writer, STATE_MAGIC, Kind::DHT, |writer| {
            section::write_dht_magic(writer);
            write_section(writer, DHT_MAGIC, Kind::DHT_NODES, |writer| self.nodes.write(writer));
        });
        write_section(&mut writer, STATE_MAGIC, Kind::FRIENDS, |writer| {
            self.friends.iter().for_each(|friend| friend.write(writer));
        });
        let text = |writer: &mut Writer, kind, text: &[u8]| {
            write_section(writer, STATE_MAGIC, kind, |writer| {
                writer.raw(text);
            });
        };
        text(&mut writer, Kind::NAME, &self.name);
        text(&mut writer, Kind::STATUS_MESSAGE, &self.status_message);
        text(&mut writer, Kind::STATUS, &[self.status.byte()]);
        write_section(&mut writer, STATE_MAGIC, Kind::RELAYS, |writer| self.relays.write(writer));
        write_section(&mut writer, STATE_MAGIC, Kind::PATH_NODES, |writer| self.path_nodes.write(writer));
        for other in &self.others {
            text(&mut writer, Kind(other.kind), &other.content);
        }
        text(&mut writer, Kind::END, &[]);
        Zeroizing::new(writer.into_bytes())
    }

    fn write_keys(&self, writer: &mut Writer) {
        writer.value(&self.nospam).value(&self.keys.public()).raw(self.keys.secret().as_bytes());
    }
}

/// What was read so far.
#[derive(Default)]
struct Draft {
    identity: Option<(Nospam, KeyPair)>,
    nodes: List<UdpNode, { limits::SAVED_NODES }>,
    friends: Vec<Friend>,
    name: Text<{ limits::NAME_BYTES }>,
    status_message: Text<{ limits::STATUS_MESSAGE_BYTES }>,
    status: Status,
    relays: List<Node, { limits::SAVED_RELAYS }>,
    path_nodes: List<UdpNode, { limits::SAVED_PATH_NODES }>,
    others: Vec<OtherSection>,
}

impl Draft {
    fn take(&mut self, kind: Kind, content: &[u8]) -> Result<(), StateError> {
        match kind {
            Kind::KEYS => self.identity = Some(identity(content)?),
            Kind::DHT => self.nodes = dht_nodes(content).unwrap_or_default(),
            Kind::FRIENDS => friend::read_all(content, &mut self.friends)?,
            Kind::NAME => self.name = Text::new(content).unwrap_or_default(),
            Kind::STATUS_MESSAGE => self.status_message = Text::new(content).unwrap_or_default(),
            Kind::STATUS => {
                self.status = content.first().copied().and_then(Status::from_byte).unwrap_or_default();
            }
            Kind::RELAYS => self.relays = List::read_leniently(content),
            Kind::PATH_NODES => self.path_nodes = List::read_leniently(content),
            Kind(kind) => {
                self.others.push(OtherSection { kind, content: Zeroizing::new(content.to_vec()) });
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<State, StateError> {
        let (nospam, keys) = self.identity.ok_or(StateError::NoIdentity)?;
        Ok(State {
            nospam,
            keys,
            nodes: self.nodes,
            friends: self.friends,
            name: self.name,
            status_message: self.status_message,
            status: self.status,
            relays: self.relays,
            path_nodes: self.path_nodes,
            others: self.others,
        })
    }
}

/// `[4 nospam][32 public key][32 secret key]`
fn identity(content: &[u8]) -> Result<(Nospam, KeyPair), StateError> {
    let mut reader = Reader::new(content);
    let (nospam, public) = (Nospam::read(&mut reader)?, PublicKey::read(&mut reader)?);
    let secret = SecretKey::from_bytes(Zeroizing::new(reader.array("the secret key")?));
    reader.finish()?;
    let keys = KeyPair::from_secret(secret);
    if keys.public() == public { Ok((nospam, keys)) } else { Err(StateError::KeysDisagree) }
}

/// The nodes among the sections of the DHT.
fn dht_nodes(content: &[u8]) -> Result<List<UdpNode, { limits::SAVED_NODES }>, ParseError> {
    let mut reader = Reader::new(content);
    section::read_dht_magic(&mut reader)?;
    let mut nodes = List::default();
    while reader.remaining() > 0 {
        let (kind, content) = read_section(&mut reader, DHT_MAGIC)?;
        if kind == Kind::DHT_NODES {
            nodes = List::read_leniently(content);
        }
    }
    Ok(nodes)
}

#[cfg(test)]
mod tests;
