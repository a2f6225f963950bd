//! What a protocol has to be for a [`Listener`](crate::Listener) to serve it.

use std::future::Future;

use bytes::BytesMut;
use tokio_util::sync::CancellationToken;

use crate::limits::READ_BYTES;
use crate::stop::Stopped;

/// The protocol's side of one connection: a state machine that does no I/O, and whatever answers its questions.
pub trait Conversation: Send {
    /// What the state machine may want to know from elsewhere before it goes on.
    type Question: Send;

    /// Appends the greeting; called once, before anything else.
    fn greet(&mut self, output: &mut BytesMut);

    /// Works through `input`, removing what it consumed and appending replies to `output`, up to the next thing to do.
    fn next(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Next<Self::Question>;

    /// Finds the answer to what [`next`](Self::next) asked and puts it into the state machine, which may append to `output`.
    /// The client is not held to its time meanwhile.
    ///
    /// # Errors
    /// [`Stopped`] where the answer was given up because of `cancel` ([`unless_stopped`](crate::unless_stopped)). What must
    /// not be cut off does not look at `cancel`; after [`STOP_GRACE`](crate::limits::STOP_GRACE) the call is dropped.
    fn ask(
        &mut self,
        question: Self::Question,
        cancel: &CancellationToken,
        output: &mut BytesMut,
    ) -> impl Future<Output = Result<(), Stopped>> + Send;

    /// Whether the client has logged in. Before, it has one span of time in all; from then on every progress prolongs it.
    fn is_authenticated(&self) -> bool;

    /// Grows whenever the client gets further.
    fn progress(&self) -> u64;

    /// How many bytes to read from the socket at once, now.
    fn read_bytes(&self) -> usize {
        READ_BYTES
    }

    /// The conversation is over, however it ended: lets go of what it holds of others. The last reply comes after.
    fn release(&mut self);

    /// Ends the conversation from outside, appending the last reply. False where the protocol has the connection
    /// closed without a word.
    fn interrupt(&mut self, why: Interruption, output: &mut BytesMut) -> bool;
}

/// What a conversation wants done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<Q> {
    /// Write the output, then append what arrives to the input.
    Read,
    /// Write the output, there is much of it; nothing need be read.
    Flush,
    /// Put this to [`Conversation::ask`].
    Ask(Q),
    /// Write the output, then shake hands for TLS (RFC 3207, RFC 2595) and go on over it. The input is empty then: what
    /// a client sends in plain text behind its wish for TLS never counts.
    StartTls,
    /// Write the output and close.
    Close,
}

/// Why a conversation is ended that neither it nor its client wanted to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// The client was silent or too slow, or did not log in, for the time it has
    /// ([`Settings::idle_timeout`](crate::Settings::idle_timeout)).
    TimedOut,
    /// The client has not logged in, and others wait for its place
    /// ([`Settings::max_unauthenticated`](crate::Settings::max_unauthenticated)).
    Displaced,
    /// The server stops.
    Stopped,
}
