//! What the web API can ask the gateway to do: implemented by the daemon, one method for each verb,
//! one trait for each subject.

mod accounts;
mod components;
mod error;
mod mails;
mod people;
mod relays;
mod trials;
mod tuning;
mod upkeep;

use async_trait::async_trait;
use mail::AccountName;

use crate::dto::{Decision, DecisionQuery, Identity, Listing, MailSettings, Page, Status};

pub use accounts::Accounts;
pub use components::Components;
pub use error::{ManagementError, Result};
pub use mails::Mails;
pub use people::People;
pub use relays::DropRelays;
pub use trials::{Candidate, Trials};
pub use tuning::Tuning;
pub use upkeep::{Backup, Upkeep};

/// The gateway, as its users manage it. Methods that name an account answer
/// [`ManagementError::NotFound`] for one that is not there. A change is durable when its method returns.
#[async_trait]
pub trait Management: Accounts + People + Mails + DropRelays + Components + Trials + Tuning + Upkeep {
    /// The first account: the one meant where a request names none.
    async fn owner(&self) -> Result<AccountName>;
    /// How the account and the gateway are doing.
    async fn status(&self, account: &AccountName) -> Result<Status>;
    /// Tox ID and addresses of the account.
    async fn identity(&self, account: &AccountName) -> Result<Identity>;
    /// Where the account's mail programs connect.
    async fn mail_settings(&self, account: &AccountName) -> Result<MailSettings>;
    /// Recorded decisions that fit, newest first; the cursor is the last id looked at. Decisions of some days are kept. A search
    /// looks at a bounded number of them: a page may be short, even empty, and have a next one.
    async fn decisions(&self, query: &DecisionQuery, page: &Page) -> Result<Listing<Decision>>;
}
