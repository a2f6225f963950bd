//! Recipients of a mail, and whether the policy lets the mail go to them.

use mail::decision::Attributes;
use mail::decision::policy::{self, SubmissionAnswer};
use mail::record::Route;
use mail::{Address, MailId, Notify, Refusal};

use super::Submission;

/// One recipient of a mail.
pub(super) struct Recipient {
    /// The id of the mail to this recipient. Policy and filters get it too.
    pub id: MailId,
    pub route: Route,
    /// The address as the user wrote it.
    pub address: Address,
    pub notify: Notify,
    pub original_recipient: Option<String>,
}

impl Recipient {
    /// Whether the route leads to this recipient.
    pub fn leads_to(&self, route: &Route) -> bool {
        match (&self.route, route) {
            (Route::Local(one), Route::Local(other)) => one == other,
            (Route::Remote(one), Route::Remote(other)) => one.key() == other.key(),
            _ => false,
        }
    }

    /// The same recipient once more: wanted by either means wanted.
    pub fn merge(&mut self, notify: Notify) {
        self.notify.success |= notify.success;
        self.notify.failure |= notify.failure;
        self.notify.delay |= notify.delay;
    }
}

impl Submission {
    /// Slot `policy`; 451 when it fails.
    pub(super) async fn check_policy(&self, id: MailId, recipient: &Address) -> Result<(), Refusal> {
        let account = self.person.name();
        let facts = policy::Submission {
            reverse_path: self.reverse_path.clone(),
            forward_path: recipient.clone(),
            declared_size: self.declared_size,
            queued: self.gateway.outbox.queued(account),
            attributes: Attributes::of(id),
        };
        match self.gateway.decisions.submission(account, self.gateway.clock.wall(), facts).await {
            Ok(SubmissionAnswer::Allow) => Ok(()),
            Ok(SubmissionAnswer::Refuse(refusal)) => Err(refusal),
            Err(failure) => {
                self.gateway.decision_failed(account, "policy", &failure);
                Err(Refusal::transient(
                    3,
                    0,
                    "the submission policy failed: send the mail again later, or choose another policy (the dashboard \
                     shows what went wrong)",
                ))
            }
        }
    }
}
