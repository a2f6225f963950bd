//! Multi-line responses, made piece by piece: a list of 100 000 messages or a mail of 50 MB is never held whole.

use std::fmt::Write;

use bytes::{Bytes, BytesMut};
use mail::limits::BODY_CHUNK_BYTES;

use super::{Event, Pending, Session, State, Transaction};
use crate::backend::{MaildropError, MessageInfo};
use crate::limits::{OUTPUT_BYTES, TOP_READ_BYTES};
use crate::reply::Reply;
use crate::stuff::{Stuffer, Top};

/// What is being sent.
#[derive(Debug)]
pub(super) enum Response {
    /// LIST or UIDL, from this message on.
    List { column: Column, next: usize },
    /// RETR or TOP.
    Message(Message),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    Size,
    Uidl,
}

#[derive(Debug)]
pub(super) struct Message {
    index: usize,
    /// Bytes read so far.
    offset: u64,
    size: u64,
    top: Option<Top>,
    stuffer: Stuffer,
    /// `+OK` was said, so an error can no longer be.
    begun: bool,
}

impl Response {
    pub(super) fn sizes() -> Self {
        Self::List { column: Column::Size, next: 0 }
    }

    pub(super) fn ids() -> Self {
        Self::List { column: Column::Uidl, next: 0 }
    }

    pub(super) fn message(index: usize, size: u64, top: Option<Top>) -> Self {
        let stuffer = Stuffer::default();
        Self::Message(Message { index, offset: 0, size, top, stuffer, begun: false })
    }

    pub(super) fn has_begun(&self) -> bool {
        match self {
            Self::List { .. } => true,
            Self::Message(message) => message.begun,
        }
    }
}

impl Message {
    fn is_complete(&self) -> bool {
        self.offset >= self.size || self.top.as_ref().is_some_and(Top::is_complete)
    }

    fn begin(&mut self, output: &mut BytesMut) {
        if !self.begun {
            self.begun = true;
            let reply =
                if self.top.is_some() { Reply::OK } else { Reply::ok(&format!("{} octets", self.size)) };
            reply.write(output);
        }
    }

    fn next_range(&self) -> Event {
        let longest = if self.top.is_some() { TOP_READ_BYTES } else { BODY_CHUNK_BYTES };
        let left = usize::try_from(self.size - self.offset).unwrap_or(usize::MAX);
        Event::Fetch { index: self.index, offset: self.offset, max: left.min(longest) }
    }

    fn push(&mut self, bytes: &[u8], output: &mut BytesMut) {
        // Never more than LIST said, whatever the backend hands over.
        let left = usize::try_from(self.size - self.offset).unwrap_or(usize::MAX);
        let bytes = bytes.get(..left).unwrap_or(bytes);
        self.offset += bytes.len() as u64;
        let wanted = match &mut self.top {
            Some(top) => top.cut(bytes),
            None => bytes,
        };
        self.stuffer.push(wanted, output);
    }
}

impl Session {
    /// Goes on with the response at hand.
    pub(super) fn respond(&mut self, output: &mut BytesMut, messages: &[MessageInfo]) -> Option<Event> {
        let State::Transaction(transaction) = &mut self.state else {
            return None;
        };
        match transaction.response.take()? {
            Response::List { column, next } => {
                transaction.list(column, next, output, messages);
                None
            }
            Response::Message(mut message) if message.is_complete() => {
                message.begin(output);
                message.stuffer.end(output);
                None
            }
            Response::Message(message) => {
                let event = message.next_range();
                transaction.response = Some(Response::Message(message));
                self.pending = Some(Pending::Fetch);
                Some(event)
            }
        }
    }

    /// The next bytes of the message at hand arrived, or did not.
    pub(super) fn continue_message(&mut self, result: Result<Bytes, MaildropError>, output: &mut BytesMut) {
        let State::Transaction(transaction) = &mut self.state else {
            return;
        };
        let Some(Response::Message(message)) = &mut transaction.response else {
            return;
        };
        let shortened = || {
            MaildropError::Permanent("it is shorter than the mailbox says; run the daemon's checks".into())
        };
        match result.and_then(|bytes| if bytes.is_empty() { Err(shortened()) } else { Ok(bytes) }) {
            Ok(bytes) => {
                message.begin(output);
                message.push(&bytes, output);
            }
            // The client must not take half a message for a whole one: no final dot, and the end of the connection.
            Err(_) if message.begun => self.state = State::Closed,
            Err(error) => {
                transaction.response = None;
                Reply::failed("The message cannot be read", &error, self.utf8).write(output);
            }
        }
    }
}

impl Transaction {
    /// Lines of LIST or UIDL until the output is full.
    fn list(&mut self, column: Column, mut next: usize, output: &mut BytesMut, messages: &[MessageInfo]) {
        while let Some(message) = messages.get(next) {
            if output.len() >= OUTPUT_BYTES {
                self.response = Some(Response::List { column, next });
                return;
            }
            if !self.deleted.contains(&next) {
                // Writing to BytesMut fails only out of memory, where it panics anyway.
                let _ = match column {
                    Column::Size => write!(output, "{} {}\r\n", next + 1, message.size),
                    Column::Uidl => write!(output, "{} {}\r\n", next + 1, message.uidl),
                };
            }
            next += 1;
        }
        output.extend_from_slice(b".\r\n");
    }
}
