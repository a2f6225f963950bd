//! The SMTP submission server (RFC 6409), through which mail programs send.
//!
//! It speaks the protocol and nothing more: it never decides who may log in, which addresses exist
//! or what becomes of a mail (its [`Backend`] does), never stores anything, never sends mail
//! anywhere, and never holds a whole mail in memory.
//!
//! [`Session`] is the protocol as a state machine without I/O; [`Server`] puts the sockets of
//! [`listener`] around it.
//!
//! # Standards
//!
//! | RFC | | |
//! | --- | --- | --- |
//! | 5321 | SMTP | all a submission server needs; a recipient `<postmaster>` without domain (section 4.5.1) is refused, and so are address literals (4.1.3) |
//! | 6409 | submission | sections 3 to 5 and 7; mails are not modified (8) |
//! | 4954 | AUTH | PLAIN and LOGIN; the AUTH= parameter of MAIL is read and ignored |
//! | 4616 | SASL PLAIN | an authorization identity may be any name or address of the account that logs in; others are refused |
//! | 1870 | SIZE | yes |
//! | 6152 | 8BITMIME | yes; bytes are carried as they come |
//! | 6531 | SMTPUTF8 | yes; not for VRFY |
//! | 2920 | PIPELINING | yes |
//! | 2034, 3463, 5248 | enhanced status codes | yes |
//! | 3461 | DSN | the parameters; reports are made elsewhere |
//! | 3207 | STARTTLS | on the loopback interface; elsewhere TLS from the first byte on (RFC 8314). Before AUTH and MAIL only, and nothing may follow it before its answer |
//! | 3030 | CHUNKING, BINARYMIME | no |
//!
//! # What a client sees at a limit
//!
//! | limit | answer |
//! | --- | --- |
//! | command line over 2 048 bytes (AUTH: 12 288) | 500 5.5.2 |
//! | CR or LF alone in a command | 500 5.5.2; the rest up to CR LF is dropped |
//! | CR or LF alone in a mail | read to its end, then 550 5.6.0 |
//! | line of a mail | any length |
//! | mail over the limit | 552 5.3.4, at MAIL if SIZE says so, else after its end |
//! | recipients | 452 4.5.3 |
//! | wrong passwords, malformed commands | 421 4.7.0 and closed |
//! | too many wrong passwords of one account or from one place | 454 4.7.0 |
//! | account removed, switched off, with another password | 421 4.7.0 and closed |
//! | silence, or under 4 KiB of a mail in that time | 421 4.4.2 and closed |
//! | no login within that time of connecting | 421 4.4.2 and closed |
//! | open sessions | 421 4.3.2; those without login 421 4.7.0 |

pub mod backend;
pub mod command;
mod conversation;
pub mod limits;
pub mod reply;
mod server;
pub mod session;
mod settings;
pub mod unstuff;

pub use backend::{AuthenticationError, Backend, BodyType, MailFrom, Recipient, Transaction};
pub use listener::Encryption;
pub use server::Server;
pub use session::Session;
pub use settings::Settings;
