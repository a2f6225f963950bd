//! Delivery status notifications into the sender's mailbox.

use std::sync::Arc;

use bytes::Bytes;
use mail::dsn::{self, Action, Report, Returned};
use mail::record::{MailboxEntry, NewMail, OutboxEntry, StagedBody};
use mail::storage::{Storage, StorageError};
use mail::{Address, Envelope, MailId, PublicKey, Refusal, Return, ReversePath};

use crate::Gateway;
use crate::limits;
use crate::message;
use crate::ports::Event;

/// Reports that are staged and wait for the record that takes them.
pub(crate) type Reports = Vec<(NewMail, StagedBody)>;

impl Gateway {
    /// Stages the report about an entry, if its sender wants one: none for a null reverse-path, none that NOTIFY left out.
    pub(crate) async fn reports(
        &self,
        entry: &OutboxEntry,
        action: Action,
        reason: &Refusal,
    ) -> Result<Reports, StorageError> {
        let notify = entry.envelope.notify;
        let wanted = match action {
            Action::Failed | Action::Unconfirmed => notify.failure,
            Action::Delayed { .. } => notify.delay,
            Action::Delivered => notify.success,
        };
        let ReversePath::Mailbox(sender) = &entry.envelope.reverse_path else { return Ok(Vec::new()) };
        if !wanted {
            return Ok(Vec::new());
        }
        let returned = self.returned(entry, action).await?;
        let report = Report {
            action,
            reason,
            envelope: &entry.envelope,
            reporter: self.network.tox_id(&entry.account).map_or(PublicKey([0; 32]), |id| id.key),
            mail: entry.id,
            id: self.random.mail_id(),
            submitted: entry.created,
            time: self.clock.wall(),
            returned: match returned {
                Copy::Full(ref bytes) => Returned::Full(bytes),
                Copy::Headers(ref bytes) => Returned::Headers(bytes),
            },
        };
        let Some(bytes) = dsn::write(&report) else { return Ok(Vec::new()) };
        let body = stage(&self.storage, Bytes::from(bytes)).await?;
        Ok(vec![(self.own_mail(entry, sender, body), body)])
    }

    /// The reports were not taken.
    pub(crate) async fn discard_reports(&self, reports: &Reports) {
        for (_, body) in reports {
            if let Err(error) = self.storage.discard_body(*body).await {
                tracing::debug!(%error, "a report was not discarded; it is gone after a restart");
            }
        }
    }

    /// A report went into the sender's mailbox.
    pub(crate) fn report_arrived(&self, entry: &OutboxEntry) {
        self.events.publish(Event::Arrived {
            account: entry.account.clone(),
            sender: None,
            quarantined: false,
        });
    }

    async fn returned(&self, entry: &OutboxEntry, action: Action) -> Result<Copy, StorageError> {
        let is_over = matches!(action, Action::Failed | Action::Unconfirmed);
        let whole = is_over && entry.envelope.ret == Return::Full;
        if whole && entry.size <= limits::RETURNED_BYTES {
            let size = usize::try_from(entry.size).unwrap_or(usize::MAX);
            return Ok(Copy::Full(message::head(&*self.storage, &entry.prefix, entry.body, size).await?));
        }
        let max = limits::RETURNED_HEADER_BYTES;
        Ok(Copy::Headers(message::head(&*self.storage, &entry.prefix, entry.body, max).await?))
    }

    fn own_mail(&self, entry: &OutboxEntry, sender: &Address, body: StagedBody) -> NewMail {
        let mail = MailboxEntry {
            number: 0,
            uidl: MailId([0; 16]),
            received: self.clock.wall(),
            prefix: Vec::new(),
            body: body.id,
            size: body.size,
            sender: None,
            envelope: Envelope::new(ReversePath::Null, sender.clone()),
        };
        NewMail { account: entry.account.clone(), entry: mail, quarantine: None }
    }
}

/// What was read of a mail to return it.
enum Copy {
    Full(Vec<u8>),
    Headers(Vec<u8>),
}

/// Puts bytes made here into the store.
async fn stage(storage: &Arc<dyn Storage>, bytes: Bytes) -> Result<StagedBody, StorageError> {
    let mut writer = storage.new_body();
    writer.write(bytes).await?;
    writer.finish().await
}
