//! Visits to an entry that need no transfer: local delivery, an attempt that fails, the delay notice, the end.

use mail::decision::Attributes;
use mail::decision::policy::{Retry, RetryAnswer};
use mail::dsn::Action;
use mail::record::{OutboxEntry, Outcome, Route};
use mail::storage::StorageError;
use mail::{PublicKey, Refusal};

use super::index::Next;
use super::schedule;
use crate::Gateway;
use crate::ports::Copies;

impl Gateway {
    /// The entry is due and not ready for a transfer.
    pub(super) async fn visit(&self, id: mail::MailId) -> Result<Next, StorageError> {
        let Some(entry) = self.storage.outbox_entry(id).await? else { return Ok(Next::Gone) };
        let key = match &entry.route {
            Route::Local(account) => {
                let account = account.clone();
                return self.deliver_local(entry, &account).await;
            }
            Route::Remote(destination) => destination.key(),
        };
        if let Err(refusal) = self.ensure_contact(&entry).await? {
            return self.end_unanswered(entry, refusal).await;
        }
        let now = self.now();
        if self.network.is_online(&entry.account, key) {
            self.outbox.peer_online(&entry.account, key, now);
            return Ok(Next::after(now, std::time::Duration::ZERO));
        }
        let copies = match self.relays.get() {
            Some(relays) => relays.leave_copies(&entry).await,
            None => Copies::default(),
        };
        let problem = self.offline_problem(&entry, key, &copies);
        self.attempt_failed(entry, problem, false, None).await
    }

    /// Why nothing can be sent now, in words that tell the sender what would help.
    fn offline_problem(&self, entry: &OutboxEntry, key: PublicKey, copies: &Copies) -> Refusal {
        let contact = self.people.contact(&entry.account, key);
        let has_answered =
            contact.is_some_and(|contact| contact.state == mail::record::ContactState::Confirmed);
        let text = if has_answered {
            "the recipient's gateway is not online: the mail goes out as soon as it is"
        } else {
            "the recipient has not accepted your contact request yet: the mail goes out as soon as they do"
        };
        let also = match (copies.complete, &copies.note) {
            (0, None) => String::new(),
            (0, Some(note)) => format!("; {note}"),
            (1, _) => "; a copy waits on one drop relay".to_owned(),
            (many, _) => format!("; copies wait on {many} drop relays"),
        };
        Refusal::transient(4, 1, &format!("{text}{also}"))
    }

    /// An attempt failed: the policy says when to try again; the built-in schedule does when it fails. Not before
    /// `not_before` (a wait the recipient asked for).
    pub(crate) async fn attempt_failed(
        &self,
        mut entry: OutboxEntry,
        problem: Refusal,
        peer_online: bool,
        not_before: Option<std::time::Duration>,
    ) -> Result<Next, StorageError> {
        let now = self.now();
        entry.attempts = entry.attempts.saturating_add(1);
        let facts = Retry {
            attempts: entry.attempts,
            age: now.wall.since(entry.created),
            remaining: self.as_scheduled(entry.clone()).expires.since(now.wall),
            peer_online,
            problem: problem.clone(),
            size: entry.size,
            attributes: Attributes::of(entry.id),
        };
        let wait = match self.decisions.retry(&entry.account, now.wall, facts).await {
            Ok(RetryAnswer::After(wait)) => wait,
            Ok(RetryAnswer::GiveUp(refusal)) => {
                return self.end_unanswered(entry, refusal).await;
            }
            Err(failure) => {
                self.decision_failed(&entry.account, "policy", &failure);
                schedule::builtin(entry.attempts)
            }
        };
        let asked = not_before.map(schedule::bounded);
        let wait = schedule::bounded(wait).max(asked.unwrap_or_default());
        let now = self.now();
        entry.next_attempt = Some(now.wall.plus(wait));
        entry.expires = entry.expires.max(self.copies(entry.id).answer_until.unwrap_or_default());
        self.outbox_changed(&entry.account, entry.id, problem.text());
        entry.last_problem = Some(problem);
        self.storage.update_outbox(entry).await?;
        Ok(Next::Wait { try_at: now.after(wait), not_before: asked.map_or(0, |asked| now.after(asked)) })
    }

    /// Tells the sender about the delay, once.
    pub(super) async fn tell_delay(&self, id: mail::MailId) -> Result<Next, StorageError> {
        let Some(mut entry) = self.storage.outbox_entry(id).await? else { return Ok(Next::Gone) };
        if entry.marks.delay_reported || !entry.envelope.notify.delay {
            return Ok(Next::Told);
        }
        let waiting = || Refusal::transient(4, 1, "the recipient's gateway was not online yet");
        let problem = entry.last_problem.clone().unwrap_or_else(waiting);
        let action = Action::Delayed { until: self.as_scheduled(entry.clone()).expires };
        let reports = self.reports(&entry, action, &problem).await?;
        let told = !reports.is_empty();
        // The mark goes first: a crash in between loses a notice rather than giving it twice.
        entry.marks.delay_reported = true;
        if let Err(error) = self.storage.update_outbox(entry.clone()).await {
            self.discard_reports(&reports).await;
            return Err(error);
        }
        let mut reports = reports.into_iter();
        while let Some((mail, body)) = reports.next() {
            let stored = self.storage.deliver_own(mail.clone(), body).await;
            if let Err(error) = stored {
                let left = std::iter::once((mail, body)).chain(reports).collect();
                self.discard_reports(&left).await;
                entry.marks.delay_reported = false;
                self.storage.update_outbox(entry.clone()).await?;
                return Err(error);
            }
        }
        if told {
            self.report_arrived(&entry);
        }
        Ok(Next::Told)
    }

    /// Its time is over.
    pub(super) async fn give_up(&self, id: mail::MailId) -> Result<Next, StorageError> {
        let Some(mut entry) = self.storage.outbox_entry(id).await? else { return Ok(Next::Gone) };
        let now = self.now();
        // Copies wait on drop relays: so does the mail, as long as an answer may come.
        if let Some(until) = self.copies(id).answer_until.filter(|until| *until > now.wall) {
            entry.expires = until;
            self.storage.update_outbox(entry).await?;
            return Ok(Next::Extended(now.after(until.since(now.wall))));
        }
        let hours = entry.expires.since(entry.created).as_secs().div_ceil(3600);
        let waited = if hours >= 48 { format!("{} days", hours / 24) } else { format!("{hours} hours") };
        let last = entry
            .last_problem
            .as_ref()
            .map_or_else(String::new, |problem| format!("; the last attempt said: {}", problem.text()));
        let refusal = Refusal::permanent(4, 7, &format!("the mail could not be delivered in {waited}{last}"));
        self.end_unanswered(entry, refusal).await
    }

    /// Ends an entry without the recipient's word. Where all of it was sent, or copies were left on drop relays, nobody can say that it
    /// did not arrive.
    pub(super) async fn end_unanswered(
        &self,
        entry: OutboxEntry,
        refusal: Refusal,
    ) -> Result<Next, StorageError> {
        let why = match (entry.marks.sent_whole, self.copies(entry.id).may_have_arrived) {
            (false, false) => return self.bounce(entry, refusal).await,
            (true, false) => "all of it was sent",
            (false, true) => "copies were left on drop relays",
            (true, true) => "all of it was sent, and copies were left on drop relays",
        };
        let doubt =
            format!("no acknowledgement came, but {why}: it may have arrived, ask before you send it again");
        let refusal = Refusal::new(refusal.status, &format!("{doubt}; {}", refusal.text()));
        self.end_failed(entry, Action::Unconfirmed, refusal).await
    }

    /// Ends an entry that cannot be delivered; the sender reads why, in the same step.
    pub(crate) async fn bounce(&self, entry: OutboxEntry, refusal: Refusal) -> Result<Next, StorageError> {
        self.end_failed(entry, Action::Failed, refusal).await
    }

    async fn end_failed(
        &self,
        entry: OutboxEntry,
        action: Action,
        refusal: Refusal,
    ) -> Result<Next, StorageError> {
        let reports = self.reports(&entry, action, &refusal).await?;
        let told = !reports.is_empty();
        let what = format!("given up: {}", refusal.text());
        self.finish_entry(&entry, Outcome::Bounced(refusal), reports, &what).await?;
        if told {
            self.report_arrived(&entry);
        }
        Ok(Next::Gone)
    }

    /// Ends an entry in the store, with its reports; takes them back if that fails.
    pub(crate) async fn finish_entry(
        &self,
        entry: &OutboxEntry,
        outcome: Outcome,
        reports: crate::reports::Reports,
        what: &str,
    ) -> Result<(), StorageError> {
        let bodies = reports.clone();
        let delivered = matches!(outcome, Outcome::Delivered);
        match self.storage.finish_outbox(entry.id, outcome, reports).await {
            Ok(()) => {
                self.left_outbox(entry.id);
                self.outbox_changed(&entry.account, entry.id, what);
                self.ended(entry, delivered);
                Ok(())
            }
            Err(error) => {
                self.discard_reports(&bodies).await;
                Err(error)
            }
        }
    }
}
