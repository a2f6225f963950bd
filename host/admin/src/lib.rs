//! The web API of the gateway under `/api/v1`, with metrics and events, which the command line is a client of; and the
//! dashboard, pages for people.
//!
//! This crate checks who asks, turns requests into types, asks [`Management`] (which the daemon implements) and
//! turns answers into JSON or pages. It never decides anything about mail, never touches the store or the network beyond
//! its own listener, and never writes a password or token into a log.
//!
//! # What stops whom
//!
//! | attack | answer |
//! | --- | --- |
//! | another user of the machine | the token, in a file of mode 0600; compared in constant time |
//! | a guesser of passwords | failed logins are counted by name and in all; wait, says `Retry-After` |
//! | a web page that sends a form with the user's cookie | cookies are `SameSite=Strict`; every form carries the session's CSRF token; `Origin` has to be there |
//! | a thief of memory or of an old cookie | only SHA-256 of cookies are kept; sessions end when unused, after a day, at logout, with a new password |
//! | a mail or contact with markup in its texts | templates escape everything; the policy of pages allows no script but the gateway's own file |
//! | one user who wants another's data | an account is checked on every request, by role |
//! | a web page that talks to 127.0.0.1 | no token; JSON bodies need a content type no form can send; `Origin` has to be `Host` |
//! | DNS rebinding: the page's own name made to mean 127.0.0.1 | `Host` has to be a loopback name or a configured one |
//! | endless headers, bodies, uploads, connections, event streams | [`limits`] |
//!
//! # Routes
//!
//! All but `/health` and autoconfig want `Authorization: Bearer TOKEN` (RFC 6750), which speaks for the owner, or a session's cookie, which
//! speaks for its account; a change by a session also wants its CSRF token in `X-CSRF-Token`. `/api/v1/openapi.json` describes
//! them all; the copy in this crate's directory is compared by a test. `?account=NAME` names the account, the caller's own if
//! absent. Errors are problem details (RFC 9457). Long lists take `limit` and `after`, and name their next page in a
//! `Link` header.
//!
//! | route | |
//! | --- | --- |
//! | `GET /health` | 204: the process serves requests |
//! | `GET /metrics` | Prometheus text |
//! | `GET /api/v1/status`, `/identity` | [`dto::Status`], [`dto::Identity`] |
//! | `GET, POST /api/v1/contacts`; `DELETE /contacts/{alias}` | [`dto::Contact`], [`dto::NewContact`] |
//! | `GET /api/v1/contact-requests`; `POST /contact-requests/{key}/accept` | [`dto::ContactRequest`], [`dto::AcceptRequest`] |
//! | `GET /api/v1/outbox`, `/outbox/{id}`; `POST /outbox/{id}/retry`, `/outbox/{id}/cancel` | [`dto::OutboxEntry`] |
//! | `GET /api/v1/outcomes`, `/arrivals` | [`dto::Outcome`], [`dto::Arrival`] |
//! | `GET /api/v1/quarantine`; `POST /quarantine/{id}/release`; `DELETE /quarantine/{id}` | [`dto::QuarantineEntry`] |
//! | `POST /api/v1/mails/{id}/spam`, `/mails/{id}/ham` | what filters learn |
//! | `GET, POST /api/v1/accounts`; `PUT /accounts/{name}/password` | [`dto::Account`], [`dto::NewAccount`], [`dto::NewPassword`], [`dto::Credentials`] |
//! | `GET, POST /api/v1/components?name=NAME`; `DELETE /components/{component}` | [`dto::Component`]; the file itself as body |
//! | `GET /api/v1/slots`; `POST /slots/{slot}/use`, `/slots/{slot}/rollback` | [`dto::SlotEntry`], [`dto::UseComponent`] |
//! | `PUT /api/v1/filters`; `DELETE /filters/{entry}` | the chain of filters: [`dto::FilterOrder`], [`dto::SlotEntry`] |
//! | `PUT /api/v1/policy-set` | [`dto::UsePolicySet`], [`dto::SlotEntry`] |
//! | `GET, PATCH /api/v1/slots/{slot}/settings` | [`dto::Tuned`], [`dto::Tune`] |
//! | `POST /api/v1/slots/{slot}/test?component=NAME` | [`dto::Tested`]; a case file as body, or none |
//! | `GET, PUT, DELETE /api/v1/slots/{slot}/shadow` | [`dto::Shadow`], [`dto::BeginShadow`] |
//! | `POST /api/v1/slots/{slot}/replay?days=N` | [`dto::Replay`]; the file itself as body, or `component=NAME` |
//! | `GET /api/v1/pins`; `POST /pins/{address}/accept` | [`dto::Pin`] |
//! | `GET /api/v1/mail-settings`, `/mail-settings/apple` | [`dto::MailSettings`]; a configuration profile |
//! | `POST /api/v1/accounts/{name}/import`, `/enable`, `/disable`; `DELETE /accounts/{name}` | a Tox profile as body, [`dto::ImportedAccount`] |
//! | `GET, POST /api/v1/mailbox`; `GET /mailbox/{number}` | [`dto::MailboxMail`]; a mail as body, [`dto::ImportedMail`] |
//! | `GET /api/v1/backup`; `GET /api/v1/configuration`; `POST /api/v1/reload` | a tar archive; [`dto::ConfigurationKey`]; [`dto::Reloaded`] |
//! | `GET /.well-known/autoconfig/mail/config-v1.1.xml` | for Thunderbird; no login |
//! | `GET /api/v1/history` | [`dto::History`] |
//! | `GET /api/v1/log` | [`dto::Log`] |
//! | `GET /api/v1/decisions?slot=SLOT&mail=ID&from=TIME&until=TIME&text=TEXT` | [`dto::Decision`] |
//! | `GET /api/v1/events` | server-sent events, see [`events`] |

mod access;
mod autoconfig;
mod dashboard;
pub mod dto;
pub mod events;
mod extract;
mod history;
pub mod limits;
pub mod mail_programs;
pub mod management;
pub mod metrics;
mod multipart;
mod openapi;
mod problem;
mod recent_log;
mod router;
mod routes;
mod server;
mod shared;

pub use access::{Access, InvalidHost, InvalidToken, Login, Token};
pub use events::EventLog;
pub use extract::percent_encoded;
pub use history::History;
pub use management::{Backup, Management, ManagementError};
pub use recent_log::RecentLog;
pub use router::router;
pub use server::serve;
