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
    /// The file with the certificate, where TLS is: for programs on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}
