//! The web API under `/api/v1` as types: one [`Endpoint`] for each verb, and its query, body and
//! answer.
//!
//! An endpoint is written once, in [`verbs`]. Everything else follows from it: the server (`admin`)
//! routes and checks requests by it, the command line (`cli`) makes requests and reads answers by
//! it, and [`openapi`] describes it.
//!
//! This crate never does I/O and never decides who may ask.
//!
//! # Rules
//!
//! - Within `/api/v1` endpoints and fields are added, never renamed or removed.
//! - A query or body with a field that its endpoint does not have is refused, with the names of the
//!   fields it has.
//! - Every refusal is a [`dto::Problem`] (RFC 9457).
//! - A long list comes in pages: `limit` and `after` choose a page, and a `Link` header names the
//!   next one.

mod answer;
mod body;
pub mod dto;
mod endpoint;
pub mod limits;
pub mod mail_programs;
pub mod openapi;
mod path;
mod percent;
mod query;
mod token;
pub mod verbs;

pub use answer::{
    Accepted, Answer, AppleProfile, Archive, Created, Download, Empty, Events, Imported, Kind, List,
    MailText, One, Paged, Readable,
};
pub use body::{
    Body, CaseFile, ComponentFile, Encoded, Json, MailFile, NoBody, OptionalComponentFile, OptionalJson,
    ProfileFile,
};
pub use endpoint::{Anybody, Endpoint, OfAccount, Owner, OwnerForAccount, Value, Who, target};
pub use path::{InvalidSegment, Path};
pub use percent::percent_encoded;
pub use query::{
    AccountQuery, ComponentQuery, Cursor, Days, DecisionsQuery, EntryQuery, InvalidCursor, InvalidDays,
    InvalidPageLimit, NoQuery, OutcomesQuery, PageLimit, PageQuery, Paging, Query, RemoveContactQuery,
    TrialQuery, UploadQuery,
};
pub use token::{InvalidToken, Token};
