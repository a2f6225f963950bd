//! What the pages of outbox, mailbox and quarantine have in common: a list of mails, each with what can be done about it.

use askama::Template;

use super::frame::Frame;
use super::text::Moment;
use super::visitor::Visitor;

#[derive(Template)]
#[template(path = "mails.html")]
pub(super) struct Mails {
    pub(super) frame: Frame,
    pub(super) intro: &'static str,
    /// The text for an empty list.
    pub(super) none: &'static str,
    /// How many there are and in what order.
    pub(super) count: String,
    pub(super) mails: Vec<Mail>,
    pub(super) next: Option<Next>,
    pub(super) ended: Vec<Ended>,
}

/// A mail.
pub(super) struct Mail {
    pub(super) id: String,
    pub(super) title: String,
    /// Sender, recipient, size, and what happened to it when.
    pub(super) facts: String,
    pub(super) when: Moment,
    pub(super) key: Option<String>,
    /// Why it is here.
    pub(super) problem: Option<String>,
    pub(super) story: Option<Story>,
    /// When it is deleted for good, where a filter threw it away.
    pub(super) delete_at: Option<Moment>,
    /// Its copies on drop relays.
    pub(super) copies: Option<ShownCopies>,
    pub(super) action: Option<Action>,
    pub(super) removal: Option<Removal>,
    /// Where the user says whether it is spam.
    pub(super) mark: Option<&'static str>,
    /// The page of decisions about it.
    pub(super) decisions: String,
}

/// How far an outgoing mail has got.
pub(super) struct Story {
    pub(super) attempts: String,
    pub(super) next_attempt: Option<Moment>,
    pub(super) expires: Moment,
    pub(super) delay_reported: bool,
}

/// Where copies of an outgoing mail wait.
pub(super) struct ShownCopies {
    /// How far it is, in sentences.
    pub(super) summary: Vec<String>,
    pub(super) relays: Vec<ShownRelay>,
}

/// Copies on one relay.
pub(super) struct ShownRelay {
    pub(super) key: String,
    pub(super) receipts: String,
    pub(super) is_complete: bool,
    pub(super) until: Option<Moment>,
    pub(super) problem: Option<String>,
}

/// What the user can do.
pub(super) struct Action {
    pub(super) path: &'static str,
    pub(super) label: &'static str,
}

/// How the user gets rid of it, in two steps.
pub(super) struct Removal {
    pub(super) path: &'static str,
    pub(super) label: &'static str,
    pub(super) warning: &'static str,
    pub(super) button: &'static str,
}

/// The page after this one.
pub(super) struct Next {
    pub(super) link: String,
    pub(super) label: &'static str,
}

impl Next {
    pub(super) fn new(visitor: &Visitor, path: &str, cursor: &str, label: &'static str) -> Self {
        let link = visitor.link(&format!("{path}?after={}", crate::percent_encoded(cursor)));
        Self { link, label }
    }
}

/// A mail that left the outbox.
pub(super) struct Ended {
    pub(super) recipient: String,
    pub(super) what: &'static str,
    pub(super) is_good: bool,
    pub(super) reason: Option<String>,
    pub(super) when: Moment,
    pub(super) took: String,
    pub(super) decisions: String,
}
