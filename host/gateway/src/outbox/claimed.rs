//! An entry that only its claimer decides about.

use mail::MailId;

use super::index::Next;
use crate::gateway::Gateway;

/// Gives the entry back when dropped, also by a panic or where nobody waits for the claimer any more: then it is looked at
/// again later.
pub(crate) struct Claimed<'a> {
    gateway: &'a Gateway,
    id: MailId,
    next: Option<Next>,
}

impl Gateway {
    /// Takes an entry that no task has.
    pub(crate) fn claim_entry(&self, id: MailId) -> Option<Claimed<'_>> {
        self.outbox.claim(id).then(|| Claimed { gateway: self, id, next: None })
    }
}

impl Claimed<'_> {
    /// The claimer is done with the entry.
    pub fn end(mut self, next: Next) {
        self.next = Some(next);
    }
}

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        let now = self.gateway.now();
        self.gateway.outbox.finish(self.id, self.next.unwrap_or(Next::later(now)), now);
    }
}
