//! The gateway as a whole.

use crate::dto;
use crate::limits::BACKUP_TIME;
use crate::{
    AccountQuery, Anybody, AppleProfile, Archive, DecisionsQuery, Download, Events, List, OfAccount, One,
    Owner, Paged,
};

endpoints! {
    /// The state of an account and of the gateway.
    ShowStatus: GET "/status" as status for OfAccount { query: AccountQuery, answer: One<dto::Status> }

    /// Tox ID and addresses of an account.
    ShowIdentity: GET "/identity" as identity for OfAccount { query: AccountQuery, answer: One<dto::Identity> }

    /// What to enter in a mail program.
    ShowMailSettings: GET "/mail-settings" as mail_settings for OfAccount {
        query: AccountQuery, answer: One<dto::MailSettings>
    }

    /// A configuration profile for Apple's mail programs, without the password.
    MakeAppleProfile: GET "/mail-settings/apple" as apple_profile for OfAccount {
        query: AccountQuery, answer: Download<AppleProfile>
    }

    /// Figures of the last hour and days; for the owner.
    ShowHistory: GET "/history" as history for Owner { answer: One<dto::History> }

    /// The last lines of the gateway's log; for the owner.
    ShowLog: GET "/log" as log for Owner { answer: One<dto::Log> }

    /// What components decided, newest first. A search looks at a bounded number of decisions at a time: a page may be short, even
    /// empty, and still name a next one.
    ListDecisions: GET "/decisions" as list_decisions for Anybody {
        query: DecisionsQuery, answer: Paged<dto::Decision>
    }

    /// Events as they happen: server-sent events whose data is an `Event`.
    WatchEvents: GET "/events" as events for Anybody { query: AccountQuery, answer: Events }

    /// A backup of everything, as a tar archive; for the owner. It holds secret keys and all mail.
    MakeBackup: GET "/backup" as backup for Owner { answer: Download<Archive>, time: BACKUP_TIME }

    /// Every key of the configuration file with the value in effect; for the owner.
    ShowConfiguration: GET "/configuration" as configuration for Owner { answer: List<dto::ConfigurationKey> }

    /// Reads the configuration again and applies what needs no restart; for the owner.
    Reload: POST "/reload" as reload for Owner { answer: One<dto::Reloaded> }
}
