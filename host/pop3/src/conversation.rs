//! One client's [`Session`] and the backend it asks.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::BytesMut;
use listener::{Interruption, Next, Stopped, unless_stopped};
use tokio_util::sync::CancellationToken;

use crate::backend::{Backend, Maildrop, MaildropError};
use crate::reply::Reply;
use crate::session::{Event, Session};
use crate::settings::Settings;

pub(crate) struct Conversation<B> {
    backend: Arc<B>,
    source: IpAddr,
    session: Session,
    maildrop: Option<Box<dyn Maildrop>>,
}

impl<B> Conversation<B> {
    /// With a client at `source`.
    pub(crate) fn new(backend: Arc<B>, source: IpAddr, settings: Arc<Settings>) -> Self {
        Self { backend, source, session: Session::new(settings), maildrop: None }
    }
}

impl<B: Backend> listener::Conversation for Conversation<B> {
    type Question = Event;

    fn greet(&mut self, output: &mut BytesMut) {
        self.session.greet(output);
    }

    fn next(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Next<Event> {
        if self.maildrop.as_ref().is_some_and(|maildrop| !maildrop.is_current()) {
            // Nothing of it is deleted any more.
            self.maildrop = None;
            self.session.stop(&Reply::LOGIN_ENDED, output);
            return Next::Close;
        }
        loop {
            let messages = self.maildrop.as_ref().map(|maildrop| maildrop.messages()).unwrap_or_default();
            match self.session.next(input, output, messages) {
                Event::Read => return Next::Read,
                Event::Flush => return Next::Flush,
                Event::Close => return Next::Close,
                Event::Release => self.maildrop = None,
                Event::StartTls => return Next::StartTls,
                question => return Next::Ask(question),
            }
        }
    }

    async fn ask(
        &mut self,
        question: Event,
        cancel: &CancellationToken,
        output: &mut BytesMut,
    ) -> Result<(), Stopped> {
        match question {
            Event::Open(credentials) => {
                let asked = self.backend.open(&credentials, self.source);
                let result = unless_stopped(cancel, asked).await?;
                let result = match result {
                    Ok(maildrop) => {
                        tracing::debug!(messages = maildrop.messages().len(), "logged in");
                        Ok(self.maildrop.insert(maildrop).messages())
                    }
                    Err(error) => {
                        tracing::warn!("login failed");
                        Err(error)
                    }
                };
                self.session.opened(result, output);
            }
            Event::Fetch { index, offset, max } => {
                let result = match &mut self.maildrop {
                    Some(maildrop) => unless_stopped(cancel, maildrop.read(index, offset, max)).await?,
                    None => Err(closed()),
                };
                if let Err(error) = &result {
                    tracing::warn!(%error, message = index + 1, offset, "a message cannot be read");
                }
                self.session.fetched(result, output);
            }
            Event::Commit(deleted) => {
                // Not cut off by a stop: what was deleted has to be said.
                let result = match self.maildrop.take() {
                    Some(maildrop) => maildrop.commit(&deleted).await,
                    None => Err(closed()),
                };
                if let Err(error) = &result {
                    tracing::warn!(%error, "messages cannot be deleted");
                }
                self.session.committed(result, output);
            }
            Event::Read | Event::Flush | Event::Release | Event::StartTls | Event::Close => {}
        }
        Ok(())
    }

    fn is_authenticated(&self) -> bool {
        self.session.is_authenticated()
    }

    fn progress(&self) -> u64 {
        self.session.progress()
    }

    fn release(&mut self) {
        self.maildrop = None;
    }

    fn interrupt(&mut self, why: Interruption, output: &mut BytesMut) -> bool {
        match why {
            // RFC 1939 section 3: an autologout closes without a word, deleting nothing.
            Interruption::TimedOut => false,
            Interruption::Displaced => {
                self.session.stop(&Reply::DISPLACED, output);
                true
            }
            Interruption::Stopped => {
                self.session.stop(&Reply::STOPPING, output);
                true
            }
        }
    }
}

/// The session asked for something of a maildrop that is not open. Cannot happen.
fn closed() -> MaildropError {
    MaildropError::Temporary("the server made a mistake; connect again".into())
}
