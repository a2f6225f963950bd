//! The Tox protocol without I/O: keys, boxes, packets, a DHT node, sessions and saved
//! data, as they are on the network today.
//!
//! Nothing in this crate opens a socket, reads a clock, starts a thread or draws a random number by
//! itself: whoever uses it hands in bytes, times and a random source. It contains no unsafe code
//! and knows no other crate of ours.
//!
//! # How a packet is taken
//!
//! 1. [`packet::Kind::of`] looks at the first byte and the length. It costs nothing and refuses
//!    most of what is broken.
//! 2. The outer part is parsed: a type named `Sealed..` in the packet's module. It names the
//!    sender's key.
//! 3. [`SharedKeys`] has the key that is shared with the sender, or computes it.
//! 4. The box is opened in place, which proves who sent it, and its content is parsed.
//!
//! Every parser is total: it takes any bytes and gives a typed value or a typed error. What is sent
//! is built by the same modules, and each packet takes a [`FreshNonce`], which cannot be used
//! twice.
//!
//! `PROTOCOL.md` beside this crate describes the packets, byte by byte, and says how that was
//! checked.
//!
//! ```
//! use rand_core::OsRng;
//! use toxnet::packet::onion::path::Path;
//! use toxnet::{FreshNonce, KeyPair, UdpNode};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let own = KeyPair::generate(&mut OsRng);
//! let address: std::net::SocketAddr = "192.0.2.1:33445".parse()?;
//! let key = || KeyPair::generate(&mut OsRng).public();
//! let nodes = [1, 2, 3].map(|_| UdpNode { address: address.into(), key: key() });
//! let path = Path::new(&own, nodes, &mut OsRng)?;
//! let packet = path.seal(&address.into(), b"\x83 a request", FreshNonce::random(&mut OsRng))?;
//! assert_eq!(packet[0], 0x80);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod address;
mod boxes;
mod budget;
mod cookie;
pub mod dht;
pub mod encrypted;
mod key;
pub mod limits;
pub mod node;
mod nonce;
mod onion;
pub mod packet;
pub mod relay;
pub mod session;
mod shared;
pub mod state;
mod tox_id;
pub mod wire;

pub use address::{Address, Node, Transport, UdpNode};
pub use boxes::{LowOrderKey, MAC_BYTES, NoRoom, OpenError, SharedKey};
pub use cookie::{Cookie, CookieContent};
pub use key::{InvalidKey, KeyPair, PublicKey, SecretKey};
pub use nonce::{FreshNonce, Nonce, SendingNonces};
pub use packet::PacketError;
pub use shared::SharedKeys;
pub use tox_id::{InvalidToxId, Nospam, ToxId};

/// Runs the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
