//! One session as a state machine: bytes in, replies and events out. No I/O, no time.
//!
//! The story is that of RFC 1939 section 3: *authorization* until a login opens the maildrop, then *transaction*, and QUIT
//! leads through *update* to the end. Where the maildrop has to be asked, an [`Event`] comes out and the answer goes back
//! in; until then the session stands still. So commands that arrive together are worked through one after the other,
//! and their replies leave together (PIPELINING, RFC 2449 section 6.6).

mod authorization;
mod response;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use listener::Encryption;
use mail::line::{LineError, LineReader, Scan};
use mail::sasl::Credentials;
use zeroize::Zeroize;

use self::response::Response;
use crate::backend::{MaildropError, MessageInfo, OpenError};
use crate::command::{self, Command, Number};
use crate::limits::{AUTH_LINE_BYTES, COMMAND_BYTES, OUTPUT_BYTES};
use crate::reply::Reply;
use crate::settings::Settings;
use crate::stuff::Top;

/// What the session wants done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Write the output, then append what arrives to the input.
    Read,
    /// Write the output, there is much of it; nothing need be read.
    Flush,
    /// Open the maildrop of these, then call [`Session::opened`].
    Open(Credentials),
    /// Read this range of a message, then call [`Session::fetched`].
    Fetch {
        /// Which, from 0.
        index: usize,
        /// From which byte.
        offset: u64,
        /// How many at most.
        max: usize,
    },
    /// Delete these messages and close the maildrop, then call [`Session::committed`].
    Commit(Vec<usize>),
    /// Close the maildrop and delete nothing; no answer.
    Release,
    /// Write the output, then begin TLS; no answer. The input is empty. The session is at its beginning again: what
    /// follows comes over TLS.
    StartTls,
    /// Write the output and close. Comes again if asked again.
    Close,
}

/// Which answer the session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    Open,
    Fetch,
    Commit(usize),
}

#[derive(Debug)]
enum State {
    /// Not logged in; USER may have been said.
    Authorization {
        login: Option<String>,
    },
    /// AUTH PLAIN was said without a response.
    Exchange,
    Transaction(Transaction),
    Closed,
}

/// An open maildrop.
#[derive(Debug, Default)]
struct Transaction {
    deleted: BTreeSet<usize>,
    /// A multi-line response that is not finished.
    response: Option<Response>,
}

/// One session. See the module's text for its story.
#[derive(Debug)]
pub struct Session {
    settings: Arc<Settings>,
    lines: LineReader,
    state: State,
    pending: Option<Pending>,
    is_over_tls: bool,
    utf8: bool,
    failures: usize,
    errors: usize,
    progress: u64,
}

impl Session {
    /// A session just connected.
    #[must_use]
    pub fn new(settings: Arc<Settings>) -> Self {
        Self {
            is_over_tls: settings.encryption == Encryption::FromTheStart,
            settings,
            lines: LineReader::new(AUTH_LINE_BYTES),
            state: State::Authorization { login: None },
            pending: None,
            utf8: false,
            failures: 0,
            errors: 0,
            progress: 0,
        }
    }

    /// Appends the greeting; the first thing to do (RFC 1939 section 4).
    pub fn greet(&self, output: &mut BytesMut) {
        Reply::GREETING.write(output);
    }

    /// Whether the client has logged in.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        matches!(self.state, State::Transaction(_))
    }

    /// Grows with every whole command and every chunk of a message.
    #[must_use]
    pub fn progress(&self) -> u64 {
        self.progress
    }

    /// Whether a multi-line response is half sent, so that nothing else may be said.
    #[must_use]
    pub fn is_responding(&self) -> bool {
        matches!(&self.state, State::Transaction(Transaction { response: Some(response), .. }) if response.has_begun())
    }

    /// Works through `input`, removing what it consumed and appending replies to `output`, up to the next event. An event
    /// that asks for an answer must get it before the next call (else this says [`Event::Close`]). `messages` are those of
    /// the open maildrop; none before.
    pub fn next(&mut self, input: &mut BytesMut, output: &mut BytesMut, messages: &[MessageInfo]) -> Event {
        if self.pending.is_some() {
            self.state = State::Closed;
            return Event::Close;
        }
        loop {
            if output.len() >= OUTPUT_BYTES {
                return Event::Flush;
            }
            let event = match &self.state {
                State::Closed => return Event::Close,
                State::Transaction(Transaction { response: Some(_), .. }) => self.respond(output, messages),
                _ => self.next_command(input, output, messages),
            };
            if let Some(event) = event {
                return event;
            }
        }
    }

    /// The answer to [`Event::Open`]: the messages of the maildrop.
    pub fn opened(&mut self, result: Result<&[MessageInfo], OpenError>, output: &mut BytesMut) {
        if self.pending.take_if(|pending| *pending == Pending::Open).is_none() {
            return;
        }
        match result {
            Ok(messages) => {
                self.state = State::Transaction(Transaction::default());
                let bytes: u64 = messages.iter().map(|message| message.size).sum();
                Reply::ok(&format!("{} messages ({bytes} octets)", messages.len())).write(output);
            }
            Err(error) => {
                let reply = Reply::not_opened(&error, self.utf8);
                match error {
                    OpenError::InvalidCredentials(_) | OpenError::OtherIdentity => {
                        self.failed(&reply, output)
                    }
                    OpenError::InUse | OpenError::Temporary(_) => reply.write(output),
                }
            }
        }
    }

    /// The answer to [`Event::Fetch`].
    pub fn fetched(&mut self, result: Result<Bytes, MaildropError>, output: &mut BytesMut) {
        if self.pending.take_if(|pending| *pending == Pending::Fetch).is_none() {
            return;
        }
        self.progress += 1;
        self.continue_message(result, output);
    }

    /// The answer to [`Event::Commit`].
    pub fn committed(&mut self, result: Result<(), MaildropError>, output: &mut BytesMut) {
        let Some(Pending::Commit(count)) = self.pending.take_if(|it| matches!(it, Pending::Commit(_))) else {
            return;
        };
        self.state = State::Closed;
        match result {
            Ok(()) => Reply::ok(&format!("Bye, {count} messages deleted")).write(output),
            // RFC 1939 section 6: a resource shortage is said.
            Err(error) => {
                Reply::failed("The messages were not all deleted", &error, self.utf8).write(output);
            }
        }
    }

    /// Ends the session; `reply` is what the client finds in place of its next one.
    pub fn stop(&mut self, reply: &Reply, output: &mut BytesMut) {
        if !self.is_responding() {
            reply.write(output);
        }
        self.state = State::Closed;
    }

    fn next_command(
        &mut self,
        input: &mut BytesMut,
        output: &mut BytesMut,
        messages: &[MessageInfo],
    ) -> Option<Event> {
        match self.lines.scan(input) {
            Scan::More => Some(Event::Read),
            Scan::Skip(bytes) => {
                input.advance(bytes);
                None
            }
            Scan::Refused { error, discard } => {
                input.advance(discard);
                self.refuse_line(error, output);
                None
            }
            Scan::Line(length) => {
                self.progress += 1;
                let line = input.get_mut(..length)?;
                let event = self.line(line, output, messages);
                input.advance(length + 2);
                match event {
                    Some(Event::StartTls) => self.start_tls(input, output),
                    event => event,
                }
            }
        }
    }

    fn refuse_line(&mut self, error: LineError, output: &mut BytesMut) {
        if matches!(self.state, State::Exchange) {
            self.state = State::Authorization { login: None };
        }
        self.mistake(
            &match error {
                LineError::TooLong => Reply::LINE_TOO_LONG,
                LineError::BareCr => Reply::BARE_CR,
                LineError::BareLf => Reply::BARE_LF,
            },
            output,
        );
    }

    /// One line, which is erased here if it carries a password.
    fn line(&mut self, line: &mut [u8], output: &mut BytesMut, messages: &[MessageInfo]) -> Option<Event> {
        if matches!(self.state, State::Exchange) {
            let event = self.exchange_line(line, output);
            line.zeroize();
            return event;
        }
        let begins = |verb: &[u8]| line.get(..4).is_some_and(|found| found.eq_ignore_ascii_case(verb));
        let (is_auth, is_pass) = (begins(b"AUTH"), begins(b"PASS"));
        let event = if line.len() > COMMAND_BYTES && !is_auth {
            self.mistake(&Reply::LINE_TOO_LONG, output);
            None
        } else {
            match command::parse(line) {
                Ok(command) => self.command(command, output, messages),
                Err(reply) => {
                    self.mistake(&reply, output);
                    None
                }
            }
        };
        if is_auth || is_pass {
            line.zeroize();
        }
        event
    }

    fn command(
        &mut self,
        command: Command<'_>,
        output: &mut BytesMut,
        messages: &[MessageInfo],
    ) -> Option<Event> {
        match command {
            Command::Capa => self.capabilities(output),
            Command::Http => {
                self.stop(&Reply::HTTP, output);
                return None;
            }
            Command::Quit => return self.quit(output),
            Command::Stls
            | Command::User(_)
            | Command::Pass(_)
            | Command::AuthList
            | Command::AuthPlain(_)
            | Command::Apop
            | Command::Utf8 => return self.authorization(command, output),
            _ => self.transaction(command, output, messages),
        }
        None
    }

    fn capabilities(&self, output: &mut BytesMut) {
        output.extend_from_slice(
            b"+OK This is offered\r\nTOP\r\nUIDL\r\nUSER\r\nSASL PLAIN\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n\
              EXPIRE NEVER\r\nUTF8 USER\r\n",
        );
        if self.settings.encryption == Encryption::Offered && !self.is_over_tls {
            output.extend_from_slice(b"STLS\r\n");
        }
        output.extend_from_slice(b"IMPLEMENTATION Toxmail\r\n.\r\n");
    }

    fn quit(&mut self, output: &mut BytesMut) -> Option<Event> {
        let event = match &self.state {
            State::Transaction(transaction) if transaction.deleted.is_empty() => Some(Event::Release),
            State::Transaction(transaction) => {
                self.pending = Some(Pending::Commit(transaction.deleted.len()));
                return Some(Event::Commit(transaction.deleted.iter().copied().collect()));
            }
            _ => None,
        };
        self.stop(&Reply::BYE, output);
        event
    }

    /// The commands of the TRANSACTION state (RFC 1939 section 5).
    fn transaction(&mut self, command: Command<'_>, output: &mut BytesMut, messages: &[MessageInfo]) {
        let State::Transaction(transaction) = &mut self.state else {
            return self.mistake(&Reply::LOGIN_FIRST, output);
        };
        match command {
            Command::Stat => {
                let (count, bytes) = transaction.totals(messages);
                Reply::ok(&format!("{count} {bytes}")).write(output);
            }
            Command::List(None) => {
                let (count, bytes) = transaction.totals(messages);
                Reply::ok(&format!("{count} messages ({bytes} octets)")).write(output);
                transaction.response = Some(Response::sizes());
            }
            Command::Uidl(None) => {
                Reply::OK.write(output);
                transaction.response = Some(Response::ids());
            }
            Command::Noop => Reply::OK.write(output),
            Command::Rset => {
                transaction.deleted.clear();
                Reply::OK.write(output);
            }
            Command::List(Some(number))
            | Command::Uidl(Some(number))
            | Command::Retr(number)
            | Command::Top(number, _)
            | Command::Dele(number) => match transaction.find(number, messages) {
                Ok((index, message)) => transaction.about(&command, index, message, output),
                Err(reply) => reply.write(output),
            },
            _ => {}
        }
    }

    /// A reply to something no correct client sends; too many of them end the session.
    fn mistake(&mut self, reply: &Reply, output: &mut BytesMut) {
        self.errors += 1;
        if self.errors >= self.settings.max_errors {
            self.stop(&Reply::TOO_MANY_ERRORS, output);
        } else {
            reply.write(output);
        }
    }
}

impl Transaction {
    /// Messages not marked as deleted, and their bytes.
    fn totals(&self, messages: &[MessageInfo]) -> (usize, u64) {
        let all: u64 = messages.iter().map(|message| message.size).sum();
        let deleted: u64 =
            self.deleted.iter().filter_map(|index| messages.get(*index)).map(|it| it.size).sum();
        (messages.len() - self.deleted.len(), all - deleted)
    }

    fn find<'a>(
        &self,
        number: Number,
        messages: &'a [MessageInfo],
    ) -> Result<(usize, &'a MessageInfo), Reply> {
        let index = number.and_then(|number| number.checked_sub(1)).ok_or(Reply::NO_SUCH_MESSAGE)?;
        let message = messages.get(index).ok_or(Reply::NO_SUCH_MESSAGE)?;
        if self.deleted.contains(&index) { Err(Reply::IS_DELETED) } else { Ok((index, message)) }
    }

    /// A command about one message.
    fn about(&mut self, command: &Command<'_>, index: usize, message: &MessageInfo, output: &mut BytesMut) {
        match command {
            Command::List(_) => Reply::ok(&format!("{} {}", index + 1, message.size)).write(output),
            Command::Uidl(_) => Reply::ok(&format!("{} {}", index + 1, message.uidl)).write(output),
            Command::Retr(_) => self.response = Some(Response::message(index, message.size, None)),
            Command::Top(_, lines) => {
                self.response = Some(Response::message(index, message.size, Some(Top::new(*lines))));
            }
            Command::Dele(_) => {
                self.deleted.insert(index);
                Reply::DELETED.write(output);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
