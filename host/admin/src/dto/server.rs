//! Where mail programs connect.

use std::net::SocketAddr;

use mail::AccountName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to enter in a mail program. Connections stay on this machine, so they need no encryption; the password is the
/// account's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MailSettings {
    /// The user name for both.
    #[schema(value_type = String)]
    pub user: AccountName,
    /// Outgoing mail: SMTP with AUTH, no TLS, `host:port`.
    #[schema(value_type = String)]
    pub smtp: SocketAddr,
    /// Incoming mail: POP3, no TLS, `host:port`.
    #[schema(value_type = String)]
    pub pop3: SocketAddr,
}
