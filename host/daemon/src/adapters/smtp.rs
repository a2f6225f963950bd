//! Plugs the core's submission into the SMTP server.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use gateway::{Gateway, Submission};
use mail::sasl::Credentials;
use mail::{LoggedIn, Refusal};
use smtp::{AuthenticationError, Backend, MailFrom, Recipient, Transaction};

use crate::logins::{Checked, Logins, later};

/// What the SMTP server asks.
pub struct SubmissionBackend {
    /// The core.
    pub gateway: Arc<Gateway>,
    /// Who may log in.
    pub logins: Arc<Logins>,
}

#[async_trait]
impl Backend for SubmissionBackend {
    type Login = LoggedIn;

    async fn authenticate(
        &self,
        credentials: &Credentials,
        source: IpAddr,
    ) -> Result<LoggedIn, AuthenticationError> {
        let unavailable = |text: &str| AuthenticationError::Unavailable(Refusal::transient(7, 0, text));
        match self.logins.check(credentials, source).await {
            Ok(Checked::LoggedIn(login)) => Ok(login),
            Ok(Checked::Wrong) => Err(AuthenticationError::Invalid(self.logins.hint(source))),
            Ok(Checked::OtherIdentity) => Err(AuthenticationError::OtherIdentity),
            // RFC 4954 section 6: 454 4.7.0.
            Ok(Checked::Later(wait)) => Err(unavailable(&later(wait))),
            Err(error) => Err(unavailable(&error.to_string())),
        }
    }

    fn is_current(&self, login: &LoggedIn) -> bool {
        self.logins.is_current(login)
    }

    fn max_mail_bytes(&self, _settings: u64) -> u64 {
        self.gateway.max_mail_bytes()
    }

    async fn begin(
        &self,
        login: &LoggedIn,
        mail: MailFrom,
        is_over_tls: bool,
    ) -> Result<Box<dyn Transaction>, Refusal> {
        let submission = self.gateway.begin_submission(
            &login.account,
            mail.reverse_path,
            mail.size,
            mail.ret,
            mail.envelope_id,
        )?;
        let submission = if is_over_tls { submission.over_tls() } else { submission };
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
