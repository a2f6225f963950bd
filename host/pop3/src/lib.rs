//! The POP3 server, from which mail programs fetch.
//!
//! It speaks the protocol and nothing more: it never decides who may log in, never stores or
//! changes a mail (its [`Backend`] holds the maildrops), deletes only at QUIT, and never holds a
//! whole mail in memory.
//!
//! [`Session`] is the protocol as a state machine without I/O; [`Server`] puts the sockets of
//! [`listener`] around it.
//!
//! # Standards
//!
//! | RFC | | |
//! | --- | --- | --- |
//! | 1939 | POP3 | all but APOP: it needs the password stored readable, and a digest made with MD5 protects it from nobody |
//! | 2449 | CAPA and response codes | TOP, UIDL, USER, SASL, RESP-CODES, PIPELINING, EXPIRE, IMPLEMENTATION; no LOGIN-DELAY |
//! | 3206 | SYS and AUTH response codes | yes |
//! | 5034 | AUTH | PLAIN; `AUTH` alone lists it |
//! | 4616 | SASL PLAIN | an authorization identity may be any name or address of the account that logs in; others are refused |
//! | 6856 | UTF8 | the command; mails with UTF-8 headers are handed out as they are with or without it; no LANG |
//! | 2595 | STLS | on the loopback interface; elsewhere TLS from the first byte on (RFC 8314). Nothing may follow it before its answer |
//!
//! # What a client sees at a limit
//!
//! | limit | answer |
//! | --- | --- |
//! | command line over 1 029 bytes (AUTH: 12 288), CR or LF alone | -ERR; the rest up to CR LF is dropped |
//! | wrong passwords, malformed commands | -ERR and closed |
//! | too many wrong passwords of one account or from one place | -ERR \[SYS/TEMP\] |
//! | account removed, switched off, with another password | -ERR \[AUTH\] and closed; nothing is deleted |
//! | silence, or 64 KiB of a mail not read in that time | closed without a word (RFC 1939 section 3) |
//! | no login within that time of connecting | closed without a word |
//! | open sessions, those without login | -ERR \[SYS/TEMP\] |

pub mod backend;
pub mod command;
mod conversation;
pub mod limits;
pub mod reply;
mod server;
pub mod session;
mod settings;
pub mod stuff;

pub use backend::{Backend, Maildrop, MaildropError, MessageInfo, OpenError};
pub use listener::Encryption;
pub use server::Server;
pub use session::Session;
pub use settings::Settings;
