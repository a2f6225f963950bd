//! The web API of the gateway under `/api/v1`, with metrics and events, and the dashboard. The
//! command line is a client of the API.
//!
//! This crate checks who asks, turns requests into types, asks [`Management`] (which the daemon
//! implements) and turns answers into JSON or pages. It never decides anything about mail, never
//! touches the store or the network beyond its own listener, and never writes a password or token
//! into a log.
//!
//! # What stops whom
//!
//! | attack | answer |
//! | --- | --- |
//! | another user of the machine | the token, in a file of mode 0600; compared in constant time |
//! | a guesser of passwords | failed logins are counted by name and in all; `Retry-After` says how long to wait |
//! | a web page that sends a form with the user's cookie | cookies are `SameSite=Strict`; every form has the session's CSRF token; `Origin` has to be present |
//! | a thief of memory or of an old cookie | only the SHA-256 of a cookie is kept; sessions end when unused, after a day, at logout, with a new password |
//! | a mail or contact with markup in its texts | templates escape everything; the policy of pages allows no script but the gateway's own file |
//! | one user who wants another's data | an account is checked on every request, by role |
//! | a web page that talks to 127.0.0.1 | no token; JSON bodies need a content type no form can send; `Origin` has to be `Host` |
//! | DNS rebinding: the page's own name made to mean 127.0.0.1 | `Host` has to be a loopback name or a configured one |
//! | endless headers, bodies, uploads, connections, event streams | [`limits`] |
//!
//! # Routes
//!
//! [`api::verbs`] has the endpoints under `/api/v1`: what each of them takes and answers, and who
//! may ask. A request needs `Authorization: Bearer TOKEN` (RFC 6750), which acts for the owner, or
//! a session's cookie, which acts for its account. A change by a session also needs the session's
//! CSRF token in `X-CSRF-Token`. Errors are problem details (RFC 9457). `/api/v1/openapi.json`
//! describes all endpoints; a test compares the copy in this crate's directory. The other routes
//! are:
//!
//! | route | |
//! | --- | --- |
//! | `GET /health` | 204: all parts of the gateway run; 503: one is down. No login |
//! | `GET /metrics` | Prometheus text, for the owner |
//! | `GET /.well-known/autoconfig/mail/config-v1.1.xml` | for Thunderbird; no login |

mod access;
mod autoconfig;
mod dashboard;
pub mod events;
mod extract;
mod history;
pub mod limits;
pub mod management;
pub mod metrics;
mod multipart;
mod problem;
mod recent_log;
mod router;
mod routes;
mod server;
mod service;
mod shared;

pub use access::{Access, InvalidHost, Login, LoginAnswer};
pub use api::{InvalidToken, Token, dto, percent_encoded};
pub use events::EventLog;
pub use history::History;
pub use management::{Backup, Management, ManagementError};
pub use recent_log::RecentLog;
pub use router::router;
pub use server::serve;
