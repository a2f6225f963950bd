//! Mails in a mailbox.

use mail::MailId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// A mail in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MailboxMail {
    /// Its place in the order of arrival. The number identifies the mail and is never given again.
    pub number: u64,
    /// Its unique id in POP3.
    #[schema(value_type = String)]
    pub id: MailId,
    /// Size in bytes.
    pub size: u64,
    /// When it was delivered.
    pub received: Timestamp,
}

/// The result of putting a mail into the mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportedMail {
    /// False if the mailbox had the very same mail already.
    pub is_new: bool,
}
