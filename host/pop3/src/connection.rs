//! One connection: carries bytes between a socket and a [`Session`], and the session's questions to the backend.

use std::future::Future;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use mail::Clock;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::backend::{Backend, Maildrop, MaildropError};
use crate::limits::{LINGER, OUTPUT_BYTES, READ_BYTES};
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
    maildrop: Option<Box<dyn Maildrop>>,
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
            maildrop: None,
            unauthenticated: Some(unauthenticated),
            shared,
        }
    }

    /// Serves the client until one side ends it.
    pub(crate) async fn serve(mut self) {
        let end = self.converse().await;
        // Whatever follows is courtesy; the next session need not wait for it.
        self.maildrop = None;
        match end {
            // RFC 1939 section 3: an autologout closes without a word, deleting nothing.
            End::Gone | End::TimedOut => return,
            End::Closed => {}
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
        let messages = self.maildrop.as_ref().map(|maildrop| maildrop.messages()).unwrap_or_default();
        let event = self.session.next(&mut self.input, &mut self.output, messages);
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
            Event::Release => {
                self.maildrop = None;
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
            Event::Open(credentials) => {
                let asked = self.shared.backend.open(&credentials.login, &credentials.password);
                let result = unless(&cancel, asked).await?;
                let result = match result {
                    Ok(maildrop) => {
                        tracing::debug!(messages = maildrop.messages().len(), "logged in");
                        self.unauthenticated = None;
                        Ok(self.maildrop.insert(maildrop).messages())
                    }
                    Err(error) => {
                        tracing::warn!("login failed");
                        Err(error)
                    }
                };
                self.session.opened(result, &mut self.output);
            }
            Event::Fetch { index, offset, max } => {
                let result = match &mut self.maildrop {
                    Some(maildrop) => unless(&cancel, maildrop.read(index, offset, max)).await?,
                    None => Err(closed()),
                };
                if let Err(error) = &result {
                    tracing::warn!(%error, message = index + 1, offset, "a message cannot be read");
                }
                self.session.fetched(result, &mut self.output);
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
                self.session.committed(result, &mut self.output);
            }
            Event::Read | Event::Flush | Event::Release | Event::Close => {}
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
        if self.output.is_empty() && self.output.capacity() > OUTPUT_BYTES {
            // A session that sent a large mail and now idles gives the memory back.
            self.output = BytesMut::new();
        }
        self.input.reserve(READ_BYTES);
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
            self.input.reserve(READ_BYTES);
            if !matches!(self.stream.read_buf(&mut self.input).await, Ok(1..)) {
                return;
            }
        }
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

/// The session asked for something of a maildrop that is not open. Cannot happen.
fn closed() -> MaildropError {
    MaildropError::Temporary("the server made a mistake; connect again".into())
}
