//! One connection: carries bytes between a socket and a [`Session`], and the session's questions to the backend.

use std::future::Future;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use mail::{AccountName, Clock, Refusal};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::backend::{Backend, Transaction};
use crate::limits::{LINGER, READ_BODY_BYTES, READ_COMMAND_BYTES};
use crate::reply::Reply;
use crate::session::{Event, Session};
use crate::settings::Settings;
use crate::watchdog::Watchdog;

/// Why a conversation is over.
enum End {
    /// The session said so; its last reply is in the output.
    Closed,
    /// The client is gone.
    Gone,
    TimedOut,
    Stopped,
}

/// What all connections of a server share.
pub(crate) struct Shared<B> {
    pub(crate) backend: Arc<B>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cancel: CancellationToken,
}

pub(crate) struct Connection<S, B> {
    stream: S,
    shared: Arc<Shared<B>>,
    session: Session,
    input: BytesMut,
    output: BytesMut,
    watchdog: Watchdog,
    account: Option<AccountName>,
    transaction: Option<Box<dyn Transaction>>,
    /// Given back when the client logs in.
    unauthenticated: Option<OwnedSemaphorePermit>,
}

impl<S: AsyncRead + AsyncWrite + Unpin, B: Backend> Connection<S, B> {
    pub(crate) fn new(stream: S, shared: Arc<Shared<B>>, unauthenticated: OwnedSemaphorePermit) -> Self {
        Self {
            stream,
            session: Session::new(Arc::clone(&shared.settings)),
            input: BytesMut::new(),
            output: BytesMut::new(),
            watchdog: Watchdog::new(Arc::clone(&shared.clock), shared.settings.idle_timeout),
            account: None,
            transaction: None,
            unauthenticated: Some(unauthenticated),
            shared,
        }
    }

    /// Serves the client until one side ends it.
    pub(crate) async fn serve(mut self) {
        let end = self.converse().await;
        // Whatever follows is courtesy; the mail at hand is not waiting for it.
        self.transaction = None;
        match end {
            End::Gone => return,
            End::Closed => {}
            End::TimedOut => self.session.stop(&Reply::TIMEOUT, &mut self.output),
            End::Stopped => self.session.stop(&Reply::STOPPING, &mut self.output),
        }
        let clock = Arc::clone(&self.shared.clock);
        tokio::select! {
            () = self.say_goodbye() => {}
            () = clock.sleep(LINGER) => {}
        }
    }

    async fn converse(&mut self) -> End {
        self.session.greet(&mut self.output);
        loop {
            if let Err(end) = self.step().await {
                return end;
            }
        }
    }

    async fn step(&mut self) -> Result<(), End> {
        let progress = self.session.progress();
        let event = self.session.next(&mut self.input, &mut self.output);
        // Until it has logged in, a client has one span of time in all.
        if self.session.progress() != progress && self.session.is_authenticated() {
            self.watchdog.touch();
        }
        match event {
            Event::Read => {
                self.flush().await?;
                self.fill().await
            }
            Event::Flush => self.flush().await,
            Event::Close => Err(End::Closed),
            Event::Abort => {
                self.transaction = None;
                Ok(())
            }
            question => {
                self.ask(question).await?;
                // However long the backend took, the client was not the one to wait for.
                if self.session.is_authenticated() {
                    self.watchdog.touch();
                }
                Ok(())
            }
        }
    }

    /// Puts a question of the session to the backend and the answer into the session.
    async fn ask(&mut self, question: Event) -> Result<(), End> {
        let cancel = self.shared.cancel.clone();
        match question {
            Event::Authenticate(credentials) => {
                let asked = self.shared.backend.authenticate(&credentials.login, &credentials.password);
                let result = unless(&cancel, asked).await?;
                let result = result.map(|account| {
                    tracing::debug!(%account, "logged in");
                    self.account = Some(account);
                    self.unauthenticated = None;
                });
                if result.is_err() {
                    tracing::warn!("login failed");
                }
                self.session.authenticated(result, &mut self.output);
            }
            Event::Begin(mail) => {
                let result = match &self.account {
                    Some(account) => unless(&cancel, self.shared.backend.begin(account, mail)).await?,
                    None => Err(broken()),
                };
                let result = result.map(|transaction| self.transaction = Some(transaction));
                self.session.answer(result, &mut self.output);
            }
            Event::Finish => {
                // Not cut off by a stop: the mail may be durable already, and then the client has to know.
                let result = match self.transaction.take() {
                    Some(transaction) => transaction.finish().await,
                    None => Err(broken()),
                };
                self.session.finished(result, &mut self.output);
            }
            Event::Recipient(_) | Event::Data | Event::Body(_) => {
                let ends_with_refusal = !matches!(question, Event::Recipient(_));
                let result = match &mut self.transaction {
                    Some(transaction) => {
                        unless(&cancel, ask_transaction(transaction.as_mut(), question)).await?
                    }
                    None => Err(broken()),
                };
                if result.is_err() && ends_with_refusal {
                    self.transaction = None;
                }
                self.session.answer(result, &mut self.output);
            }
            Event::Read | Event::Flush | Event::Abort | Event::Close => {}
        }
        Ok(())
    }

    /// Writes all output.
    async fn flush(&mut self) -> Result<(), End> {
        while !self.output.is_empty() {
            let written = tokio::select! {
                biased;
                written = self.stream.write(&self.output) => written,
                () = self.shared.cancel.cancelled() => return Err(End::Stopped),
                () = self.watchdog.expired() => return Err(End::TimedOut),
            };
            match written {
                Ok(0) | Err(_) => return Err(End::Gone),
                Ok(bytes) => self.output.advance(bytes),
            }
        }
        Ok(())
    }

    /// Reads something.
    async fn fill(&mut self) -> Result<(), End> {
        let room = if self.transaction.is_some() { READ_BODY_BYTES } else { READ_COMMAND_BYTES };
        if self.input.is_empty() && self.input.capacity() > room {
            // A session that sent a mail and now idles gives the memory back.
            self.input = BytesMut::new();
        }
        self.input.reserve(room);
        let read = tokio::select! {
            biased;
            () = self.shared.cancel.cancelled() => return Err(End::Stopped),
            read = self.stream.read_buf(&mut self.input) => read,
            () = self.watchdog.expired() => return Err(End::TimedOut),
        };
        match read {
            Ok(0) | Err(_) => Err(End::Gone),
            Ok(_) => Ok(()),
        }
    }

    /// Writes the last reply and reads on until the client has seen it and closes: closing with unread input
    /// makes the kernel reset the connection, and the reply may be lost on the way.
    async fn say_goodbye(&mut self) {
        if self.stream.write_all(&self.output).await.is_err() || self.stream.shutdown().await.is_err() {
            return;
        }
        loop {
            self.input.clear();
            self.input.reserve(READ_COMMAND_BYTES);
            if !matches!(self.stream.read_buf(&mut self.input).await, Ok(1..)) {
                return;
            }
        }
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

/// The future's output, or [`End::Stopped`] if the server stops before.
async fn unless<T>(cancel: &CancellationToken, future: impl Future<Output = T>) -> Result<T, End> {
    tokio::select! {
        biased;
        output = future => Ok(output),
        () = cancel.cancelled() => Err(End::Stopped),
    }
}

/// The session asked for something it never began. Cannot happen; if it does the mail is tried again.
fn broken() -> Refusal {
    Refusal::transient(3, 0, "The server made a mistake with this mail; send it again")
}
