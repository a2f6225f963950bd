//! One connection: carries bytes between a socket and a [`Conversation`].

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use mail::Clock;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::conversation::{Conversation, Interruption, Next};
use crate::limits::{HANDSHAKE_TIME, IDLE_OUTPUT_BYTES, LINGER, READ_BYTES};
use crate::lobby::Place;
use crate::stop::Stopped;
use crate::watchdog::Watchdog;

/// Why a conversation is over.
enum End {
    /// It said so; the last reply is in the output.
    Closed,
    /// The client is gone.
    Gone,
    /// The client wants TLS, and has the word to begin.
    StartTls,
    Interrupted(Interruption),
}

const TIMED_OUT: End = End::Interrupted(Interruption::TimedOut);
const DISPLACED: End = End::Interrupted(Interruption::Displaced);
const STOPPED: End = End::Interrupted(Interruption::Stopped);

impl From<Stopped> for End {
    fn from(_: Stopped) -> Self {
        STOPPED
    }
}

/// What all connections of a listener are given.
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cancel: CancellationToken,
    pub(crate) idle_timeout: Duration,
}

pub(crate) struct Connection<S, C> {
    stream: S,
    conversation: C,
    shared: Arc<Shared>,
    input: BytesMut,
    output: BytesMut,
    watchdog: Watchdog,
    /// Given back when the client logs in.
    place: Option<Place>,
    has_greeted: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin, C: Conversation> Connection<S, C> {
    pub(crate) fn new(stream: S, conversation: C, shared: Arc<Shared>, place: Place) -> Self {
        Self {
            stream,
            conversation,
            input: BytesMut::new(),
            output: BytesMut::new(),
            watchdog: Watchdog::new(Arc::clone(&shared.clock), shared.idle_timeout),
            place: Some(place),
            has_greeted: false,
            shared,
        }
    }

    /// The same conversation over another stream, made of this one. None where it cannot be made in the time that is left for
    /// it: the client is gone then.
    pub(crate) async fn over<T, F>(self, make: impl FnOnce(S) -> F) -> Option<Connection<T, C>>
    where
        F: Future<Output = io::Result<T>>,
    {
        let Self { stream, conversation, shared, input: _, output: _, watchdog, place, has_greeted } = self;
        let stream = shake_hands(make(stream), &shared, place.as_ref()).await?;
        let (input, output) = (BytesMut::new(), BytesMut::new());
        Some(Connection { stream, conversation, shared, input, output, watchdog, place, has_greeted })
    }

    /// Serves the client until one side ends it, or the client wants TLS: then the connection is given back for it.
    pub(crate) async fn serve(mut self) -> Option<Self> {
        let end = self.converse().await;
        if matches!(end, End::StartTls) {
            return Some(self);
        }
        // Whatever follows is courtesy; nobody else need wait for it.
        self.conversation.release();
        let is_told = match end {
            End::Gone | End::StartTls => false,
            End::Closed => true,
            End::Interrupted(why) => self.conversation.interrupt(why, &mut self.output),
        };
        if is_told {
            let clock = Arc::clone(&self.shared.clock);
            tokio::select! {
                () = self.say_goodbye() => {}
                () = clock.sleep(LINGER) => {}
            }
        }
        None
    }

    async fn converse(&mut self) -> End {
        if !std::mem::replace(&mut self.has_greeted, true) {
            self.conversation.greet(&mut self.output);
        }
        loop {
            if let Err(end) = self.step().await {
                return end;
            }
        }
    }

    async fn step(&mut self) -> Result<(), End> {
        let progress = self.conversation.progress();
        let next = self.conversation.next(&mut self.input, &mut self.output);
        // Until it has logged in, a client has one span of time in all.
        if self.conversation.progress() != progress && self.conversation.is_authenticated() {
            self.watchdog.touch();
        }
        match next {
            Next::Read => {
                self.flush().await?;
                self.fill().await
            }
            Next::Flush => self.flush().await,
            Next::Close => Err(End::Closed),
            Next::StartTls => {
                self.flush().await?;
                Err(if self.input.is_empty() { End::StartTls } else { End::Gone })
            }
            Next::Ask(question) => {
                self.conversation.ask(question, &self.shared.cancel, &mut self.output).await?;
                if self.conversation.is_authenticated() {
                    self.place = None;
                    // However long the answer took, the client was not the one to wait for.
                    self.watchdog.touch();
                }
                Ok(())
            }
        }
    }

    /// Writes all output.
    async fn flush(&mut self) -> Result<(), End> {
        if self.output.is_empty() {
            return Ok(());
        }
        while !self.output.is_empty() {
            let written = tokio::select! {
                biased;
                written = self.stream.write(&self.output) => written,
                () = self.shared.cancel.cancelled() => return Err(STOPPED),
                () = self.watchdog.expired() => return Err(TIMED_OUT),
                () = displaced(self.place.as_ref()) => return Err(DISPLACED),
            };
            match written {
                Ok(0) | Err(_) => return Err(End::Gone),
                Ok(bytes) => self.output.advance(bytes),
            }
        }
        // TLS may hold the end of it still.
        let flushed = tokio::select! {
            biased;
            flushed = self.stream.flush() => flushed,
            () = self.shared.cancel.cancelled() => return Err(STOPPED),
            () = self.watchdog.expired() => return Err(TIMED_OUT),
            () = displaced(self.place.as_ref()) => return Err(DISPLACED),
        };
        flushed.map_err(|_| End::Gone)
    }

    /// Reads something.
    async fn fill(&mut self) -> Result<(), End> {
        let room = self.conversation.read_bytes();
        self.give_memory_back(room);
        self.input.reserve(room);
        let read = tokio::select! {
            biased;
            () = self.shared.cancel.cancelled() => return Err(STOPPED),
            read = self.stream.read_buf(&mut self.input) => read,
            () = self.watchdog.expired() => return Err(TIMED_OUT),
            () = displaced(self.place.as_ref()) => return Err(DISPLACED),
        };
        match read {
            Ok(0) | Err(_) => Err(End::Gone),
            Ok(_) => Ok(()),
        }
    }

    /// A session that carried a large mail may idle for long.
    fn give_memory_back(&mut self, room: usize) {
        if self.input.is_empty() && self.input.capacity() > room {
            self.input = BytesMut::new();
        }
        if self.output.is_empty() && self.output.capacity() > IDLE_OUTPUT_BYTES {
            self.output = BytesMut::new();
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

/// Waits for a handshake, as long as a client has for it; None where it comes to nothing.
pub(crate) async fn shake_hands<T>(
    handshake: impl Future<Output = io::Result<T>>,
    shared: &Shared,
    place: Option<&Place>,
) -> Option<T> {
    let shaken = tokio::select! {
        biased;
        shaken = handshake => shaken,
        () = shared.cancel.cancelled() => return None,
        () = shared.clock.sleep(HANDSHAKE_TIME) => return None,
        () = displaced(place) => return None,
    };
    shaken.inspect_err(|error| tracing::debug!(%error, "no TLS")).ok()
}

/// Returns when the place is needed by others; never for a session that gave its place back by logging in.
async fn displaced(place: Option<&Place>) {
    match place {
        Some(place) => place.leave().cancelled().await,
        None => std::future::pending().await,
    }
}
