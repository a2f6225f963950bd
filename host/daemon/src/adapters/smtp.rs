//! Plugs the core's submission into the SMTP server.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use gateway::{Gateway, Submission};
use mail::{AccountName, Refusal};
use smtp::{AuthenticationError, Backend, MailFrom, Recipient, Transaction};

use crate::logins::Logins;

/// What the SMTP server asks.
pub struct SubmissionBackend {
    /// The core.
    pub gateway: Arc<Gateway>,
    /// Who may log in.
    pub logins: Arc<Logins>,
    /// Whether the listener is over TLS.
    pub is_over_tls: bool,
}

#[async_trait]
impl Backend for SubmissionBackend {
    async fn authenticate(&self, login: &str, password: &str) -> Result<AccountName, AuthenticationError> {
        match self.logins.check(login, password).await {
            Ok(Some(account)) => Ok(account),
            Ok(None) => Err(AuthenticationError::Invalid(self.logins.hint())),
            Err(error) => Err(AuthenticationError::Unavailable(Refusal::transient(7, 0, &error.to_string()))),
        }
    }

    fn max_mail_bytes(&self, _settings: u64) -> u64 {
        self.gateway.max_mail_bytes()
    }

    async fn begin(&self, account: &AccountName, mail: MailFrom) -> Result<Box<dyn Transaction>, Refusal> {
        let submission =
            self.gateway.begin(account, mail.reverse_path, mail.size, mail.ret, mail.envelope_id)?;
        let submission = if self.is_over_tls { submission.over_tls() } else { submission };
        Ok(Box::new(SubmittedMail(submission)))
    }
}

struct SubmittedMail(Submission);

#[async_trait]
impl Transaction for SubmittedMail {
    async fn recipient(&mut self, recipient: Recipient) -> Result<(), Refusal> {
        self.0.recipient(recipient.address, recipient.notify, recipient.original_recipient).await
    }

    async fn data(&mut self) -> Result<(), Refusal> {
        Ok(())
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), Refusal> {
        self.0.write(bytes).await
    }

    async fn finish(self: Box<Self>) -> Result<String, Refusal> {
        self.0.finish().await.map(|accepted| accepted.to_string())
    }
}
