//! Where mail programs connect.

use std::net::SocketAddr;

use mail::AccountName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to enter in a mail program; the password is the account's. On loopback connections stay on this machine and are not
/// encrypted; elsewhere TLS begins with the connection (RFC 8314).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MailSettings {
    /// The user name for both.
    #[schema(value_type = String)]
    pub user: AccountName,
    /// Outgoing mail: SMTP with AUTH, `host:port`.
    #[schema(value_type = String)]
    pub smtp: SocketAddr,
    /// Incoming mail: POP3, `host:port`.
    #[schema(value_type = String)]
    pub pop3: SocketAddr,
    /// Whether SMTP is over TLS.
    #[serde(default)]
    pub smtp_tls: bool,
    /// Whether POP3 is over TLS.
    #[serde(default)]
    pub pop3_tls: bool,
    /// The file with the certificate, if there is TLS: for programs on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The file with the account's password, if the gateway keeps one (the owner's generated
    /// password): for programs on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<String>,
}

impl MailSettings {
    /// The host that a mail program enters for a server. A gateway on all addresses (`0.0.0.0`) is reached by the name it was asked
    /// by, without port.
    #[must_use]
    pub fn host(server: SocketAddr, asked: Option<&str>) -> String {
        let asked = asked.map(|host| host.trim_start_matches('[').trim_end_matches(']'));
        match asked {
            Some(host) if server.ip().is_unspecified() => host.to_owned(),
            _ => server.ip().to_string(),
        }
    }
}
