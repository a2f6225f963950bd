//! The frame of all pages: navigation, account, and the notice about the last action.

use super::assets;
use super::page::PageError;
use super::visitor::Visitor;
use crate::access::Notice;
use crate::dto::Status;
use crate::limits::REQUEST_TIME;
use crate::shared::{Shared, run};

/// The frame of a page.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) version: &'static str,
    pub(super) title: &'static str,
    pub(super) navigation: Vec<NavigationItem>,
    pub(super) account: String,
    /// Whom the visitor is logged in as, if the page is about another account.
    pub(super) visitor: Option<String>,
    pub(super) csrf: String,
    pub(super) notice: Option<Notice>,
    pub(super) is_owner: bool,
    pub(super) is_online: bool,
}

#[derive(Debug)]
pub(super) struct NavigationItem {
    pub(super) link: String,
    pub(super) label: &'static str,
    pub(super) is_here: bool,
    /// How much waits there for the user.
    pub(super) waiting: u64,
}

impl Frame {
    /// The frame of the page at `path`.
    ///
    /// # Errors
    /// The account is not there, or the gateway failed.
    pub(super) async fn new(
        shared: &Shared,
        visitor: &Visitor,
        path: &'static str,
    ) -> Result<(Self, Status), PageError> {
        let (management, account) = (shared.management.clone(), visitor.account.clone());
        let status = run(REQUEST_TIME, async move { management.status(&account).await }).await?;
        let is_owner = visitor.caller.is_owner();
        let attention = status.attention;
        let items = [
            ("/", "Overview", 0, true),
            ("/contacts", "Contacts", attention.contact_requests + attention.changed_pins, true),
            ("/outbox", "Outbox", 0, true),
            ("/mailbox", "Mailbox", 0, true),
            ("/quarantine", "Quarantine", attention.quarantined, true),
            ("/decisions", "Decisions", 0, true),
            ("/events", "Events", 0, true),
            ("/traffic", "Traffic", 0, is_owner),
            ("/relays", "Relays", 0, is_owner),
            ("/components", "Components", 0, is_owner),
            ("/settings", "Settings", 0, true),
            ("/accounts", if is_owner { "Accounts" } else { "Password" }, 0, true),
        ];
        let title = items.iter().find(|item| item.0 == path).map_or("Toxmail", |item| item.1);
        let shown = items.into_iter().filter(|item| item.3);
        let navigation = shown
            .map(|(link, label, waiting, _)| NavigationItem {
                link: visitor.link(link),
                label,
                is_here: link == path,
                waiting,
            })
            .collect();
        let is_own = visitor.account == visitor.session.account;
        let frame = Self {
            version: assets::version(),
            title,
            navigation,
            account: visitor.account.to_string(),
            visitor: (!is_own).then(|| visitor.session.account.to_string()),
            csrf: visitor.session.csrf().to_owned(),
            notice: visitor.session.take_notice(),
            is_owner,
            is_online: status.tox.online,
        };
        Ok((frame, status))
    }
}
