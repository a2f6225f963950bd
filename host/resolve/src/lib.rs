//! The native half of address resolution: asks DNS for TXT records, bounded in time and size, and
//! tells whether DNSSEC vouches for the answer.
//!
//! This crate never decides whom an address means (the `resolver` component does), never pins a key
//! (the core does), and sends no question but the TXT look-ups it is asked for and what their
//! validation needs.
//!
//! # DNSSEC
//!
//! Signatures are checked here, from the root's keys down, through whatever DNS server is
//! configured: the server's own word (the AD bit) is not believed, since it would come unprotected
//! over the network. This needs a server that hands signatures over when asked; most do, some home
//! routers do not. [`Validation::WhenOffered`] (the default) finds out by asking for the root's
//! keys:
//!
//! | the server | a signed name | an unsigned name | a forged answer |
//! | --- | --- | --- | --- |
//! | hands signatures over | secure | insecure | refused as bogus |
//! | does not | insecure | insecure | insecure |
//!
//! Somebody who can stop signatures on their way can thus make an answer *insecure*, but never
//! *secure*. An insecure answer is pinned at first use. With [`Validation::Required`] the second
//! row does not exist: without signatures every answer is bogus, except proof that a name is
//! unsigned.

mod answer;
mod dns;
pub mod limits;
mod name;
mod settings;

pub use answer::{DnsError, Dnssec, TxtAnswer};
pub use dns::Dns;
pub use name::{DnsName, InvalidName};
pub use settings::{InvalidServer, InvalidTrustAnchors, Settings, TrustAnchors, Validation, server_address};
