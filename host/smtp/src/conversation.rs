//! One client's [`Session`] and the backend it asks.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::BytesMut;
use listener::{Interruption, Next, Stopped, unless_stopped};
use mail::Refusal;
use tokio_util::sync::CancellationToken;

use crate::backend::{Backend, Transaction};
use crate::limits::READ_BODY_BYTES;
use crate::reply::Reply;
use crate::session::{Event, Session};
use crate::settings::Settings;

pub(crate) struct Conversation<B: Backend> {
    backend: Arc<B>,
    source: IpAddr,
    session: Session,
    login: Option<B::Login>,
    transaction: Option<Box<dyn Transaction>>,
}

impl<B: Backend> Conversation<B> {
    /// With a client at `source`.
    pub(crate) fn new(backend: Arc<B>, source: IpAddr, settings: Arc<Settings>) -> Self {
        Self { backend, source, session: Session::new(settings), login: None, transaction: None }
    }

    /// Whether the client logged in with what does not hold any more.
    fn has_login_ended(&self) -> bool {
        self.login.as_ref().is_some_and(|login| !self.backend.is_current(login))
    }
}

impl<B: Backend> listener::Conversation for Conversation<B> {
    type Question = Event;

    fn greet(&mut self, output: &mut BytesMut) {
        self.session.greet(output);
    }

    fn next(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Next<Event> {
        if self.has_login_ended() {
            self.transaction = None;
            self.session.stop(&Reply::LOGIN_ENDED, output);
            return Next::Close;
        }
        loop {
            match self.session.next(input, output) {
                Event::Read => return Next::Read,
                Event::Flush => return Next::Flush,
                Event::Close => return Next::Close,
                Event::Abort => self.transaction = None,
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
            Event::Authenticate(credentials) => {
                let asked = self.backend.authenticate(&credentials, self.source);
                let result = unless_stopped(cancel, asked).await?;
                let result = result.map(|login| {
                    tracing::debug!(?login, "logged in");
                    self.login = Some(login);
                });
                if result.is_err() {
                    tracing::warn!("login failed");
                }
                self.session.authenticated(result, output);
            }
            Event::Begin(mail) => {
                let is_over_tls = self.session.is_over_tls();
                let result = match &self.login {
                    Some(login) => {
                        unless_stopped(cancel, self.backend.begin(login, mail, is_over_tls)).await?
                    }
                    None => Err(broken()),
                };
                let result = result.map(|transaction| self.transaction = Some(transaction));
                self.session.answer(result, output);
            }
            Event::Finish => {
                // Not cut off by a stop: the mail may be durable already, and then the client has to know.
                let result = match self.transaction.take() {
                    Some(transaction) => transaction.finish().await,
                    None => Err(broken()),
                };
                self.session.finished(result, output);
            }
            Event::Recipient(_) | Event::Data | Event::Body(_) => {
                let ends_with_refusal = !matches!(question, Event::Recipient(_));
                let result = match &mut self.transaction {
                    Some(transaction) => {
                        unless_stopped(cancel, ask_transaction(transaction.as_mut(), question)).await?
                    }
                    None => Err(broken()),
                };
                if result.is_err() && ends_with_refusal {
                    self.transaction = None;
                }
                self.session.answer(result, output);
            }
            Event::Read | Event::Flush | Event::Abort | Event::StartTls | Event::Close => {}
        }
        Ok(())
    }

    fn is_authenticated(&self) -> bool {
        self.session.is_authenticated()
    }

    fn progress(&self) -> u64 {
        self.session.progress()
    }

    fn read_bytes(&self) -> usize {
        if self.transaction.is_some() { READ_BODY_BYTES } else { listener::limits::READ_BYTES }
    }

    fn release(&mut self) {
        self.transaction = None;
    }

    fn interrupt(&mut self, why: Interruption, output: &mut BytesMut) -> bool {
        let reply = match why {
            Interruption::TimedOut => Reply::TIMEOUT,
            Interruption::Displaced => Reply::DISPLACED,
            Interruption::Stopped => Reply::STOPPING,
        };
        self.session.stop(&reply, output);
        true
    }
}

async fn ask_transaction(transaction: &mut dyn Transaction, question: Event) -> Result<(), Refusal> {
    match question {
        Event::Recipient(recipient) => transaction.recipient(recipient).await,
        Event::Data => transaction.data().await,
        Event::Body(bytes) => transaction.write(bytes).await,
        _ => Err(broken()),
    }
}

/// The session asked for something it never began. Cannot happen; if it does the mail is tried again.
fn broken() -> Refusal {
    Refusal::transient(3, 0, "The server made a mistake with this mail; send it again")
}
