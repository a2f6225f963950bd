//! One session as a state machine: bytes in, replies and events out. No I/O, no time.
//!
//! The story: *fresh* until EHLO, then *idle*. AUTH goes through an *exchange* back to idle. MAIL opens a *mail*, RCPT
//! adds to it, DATA turns it into a *body*, and its end leads back to idle. Where the mail system has to be asked, an
//! [`Event`] comes out and the answer goes back in; until then the session stands still. So commands that arrive together
//! are worked through one after the other, and their replies leave together (RFC 2920).

mod body;
mod exchange;

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use listener::Encryption;
use mail::Refusal;
use mail::line::{LineError, LineReader, Scan};
use mail::sasl::Credentials;
use zeroize::Zeroize;

use self::body::{Body, Received};
use self::exchange::Exchange;
use crate::backend::{AuthenticationError, MailFrom, Recipient};
use crate::command::{self, Command};
use crate::limits::{AUTH_LINE_BYTES, COMMAND_BYTES, OUTPUT_BYTES};
use crate::reply::Reply;
use crate::settings::Settings;

/// What the session wants done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Write the output, then append what arrives to the input.
    Read,
    /// Write the output, there is much of it; nothing need be read.
    Flush,
    /// Check these, then call [`Session::authenticated`].
    Authenticate(Credentials),
    /// Begin this mail, then call [`Session::answer`].
    Begin(MailFrom),
    /// Add this recipient, then call [`Session::answer`].
    Recipient(Recipient),
    /// Prepare for the text, then call [`Session::answer`].
    Data,
    /// Take these bytes of the mail, then call [`Session::answer`].
    Body(Bytes),
    /// Make the mail durable, then call [`Session::finished`].
    Finish,
    /// Forget the mail that was begun; no answer.
    Abort,
    /// Write the output, then begin TLS; no answer. The input is empty. The session is at its beginning again: what
    /// follows comes over TLS.
    StartTls,
    /// Write the output and close. Comes again if asked again.
    Close,
}

/// Which answer the session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    Authenticate,
    Begin { smtputf8: bool },
    Recipient,
    Data,
    Body,
    Finish,
}

/// A mail between MAIL and DATA.
#[derive(Debug, Default)]
struct Mail {
    smtputf8: bool,
    accepted: usize,
    /// RCPT commands, refused ones too.
    attempted: usize,
}

#[derive(Debug)]
enum State {
    /// Before EHLO or HELO.
    Fresh,
    Idle,
    Exchange(Exchange),
    Mail(Mail),
    Body(Body),
    Closed,
}

/// One session. See the module's text for its story.
#[derive(Debug)]
pub struct Session {
    settings: Arc<Settings>,
    lines: LineReader,
    state: State,
    pending: Option<Pending>,
    /// The last MAIL was refused: commands that were sent behind it, before the client could know, are no mistakes.
    mail_refused: bool,
    is_over_tls: bool,
    authenticated: bool,
    failures: usize,
    errors: usize,
    progress: u64,
}

impl Session {
    /// A session just connected.
    #[must_use]
    pub fn new(settings: Arc<Settings>) -> Self {
        Self {
            lines: LineReader::new(AUTH_LINE_BYTES),
            state: State::Fresh,
            pending: None,
            mail_refused: false,
            is_over_tls: settings.encryption == Encryption::FromTheStart,
            settings,
            authenticated: false,
            failures: 0,
            errors: 0,
            progress: 0,
        }
    }

    /// Appends the greeting; the first thing to do (RFC 5321 section 3.1).
    pub fn greet(&self, output: &mut BytesMut) {
        output.extend_from_slice(format!("220 {} ESMTP Toxmail\r\n", self.settings.hostname).as_bytes());
    }

    /// Whether the client has logged in.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// Whether what comes from the client is encrypted.
    #[must_use]
    pub fn is_over_tls(&self) -> bool {
        self.is_over_tls
    }

    /// Grows whenever the client did something that gets it further: a whole command, or
    /// [`PROGRESS_BYTES`](crate::limits::PROGRESS_BYTES) of a mail. What is read only to be dropped is no progress.
    #[must_use]
    pub fn progress(&self) -> u64 {
        match &self.state {
            State::Body(body) => self.progress + body.progress(),
            _ => self.progress,
        }
    }

    /// Works through `input`, removing what it consumed and appending replies to `output`, up to the next event. An event that
    /// asks for an answer must get it before the next call (else this says [`Event::Close`]).
    pub fn next(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Event {
        if self.pending.is_some() {
            self.state = State::Closed;
            return Event::Close;
        }
        loop {
            if output.len() >= OUTPUT_BYTES {
                return Event::Flush;
            }
            let event = match self.state {
                State::Closed => return Event::Close,
                State::Body(_) => self.next_of_body(input, output),
                _ => self.next_command(input, output),
            };
            if let Some(event) = event {
                return event;
            }
        }
    }

    /// The answer to [`Event::Authenticate`].
    pub fn authenticated(&mut self, result: Result<(), AuthenticationError>, output: &mut BytesMut) {
        if self.pending.take_if(|pending| *pending == Pending::Authenticate).is_none() {
            return;
        }
        match result {
            Ok(()) => {
                self.authenticated = true;
                Reply::AUTHENTICATED.write(output);
            }
            Err(AuthenticationError::Invalid(text)) => self.failed(&Reply::wrong_password(&text), output),
            Err(AuthenticationError::OtherIdentity) => self.failed(&Reply::OTHER_IDENTITY, output),
            Err(AuthenticationError::Unavailable(refusal)) => {
                Reply::cannot_authenticate(&refusal).write(output)
            }
        }
    }

    /// The answer to [`Event::Begin`], [`Event::Recipient`], [`Event::Data`] and [`Event::Body`].
    pub fn answer(&mut self, result: Result<(), Refusal>, output: &mut BytesMut) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        let utf8 = self.is_utf8() || pending == Pending::Begin { smtputf8: true };
        let refused = result.as_ref().err().map(|refusal| Reply::refusal(refusal, utf8));
        match (pending, refused) {
            (Pending::Begin { smtputf8 }, None) => {
                self.state = State::Mail(Mail { smtputf8, ..Mail::default() });
                Reply::SENDER_OK.write(output);
            }
            (Pending::Recipient, None) => {
                if let State::Mail(mail) = &mut self.state {
                    mail.accepted += 1;
                }
                Reply::RECIPIENT_OK.write(output);
            }
            (Pending::Data, None) => {
                self.state = State::Body(Body::new(self.settings.max_mail_bytes, utf8));
                Reply::START_DATA.write(output);
            }
            (Pending::Data, Some(reply)) => {
                self.state = State::Idle;
                reply.write(output);
            }
            (Pending::Body, None) => {}
            (Pending::Body, Some(reply)) => {
                if let State::Body(body) = &mut self.state {
                    body.refuse(reply);
                }
            }
            (Pending::Begin { .. }, Some(reply)) => {
                self.mail_refused = true;
                reply.write(output);
            }
            (Pending::Recipient, Some(reply)) => reply.write(output),
            // Answered by the other two methods only.
            (Pending::Authenticate | Pending::Finish, _) => self.pending = Some(pending),
        }
    }

    /// The answer to [`Event::Finish`].
    pub fn finished(&mut self, result: Result<String, Refusal>, output: &mut BytesMut) {
        if self.pending.take_if(|pending| *pending == Pending::Finish).is_none() {
            return;
        }
        let utf8 = self.is_utf8();
        self.end_body();
        match result {
            Ok(text) => Reply::accepted(&text, utf8).write(output),
            Err(refusal) => Reply::refusal(&refusal, utf8).write(output),
        }
    }

    /// Ends the session, with a reply that says why: a 421 where it comes from outside.
    pub fn stop(&mut self, reply: &Reply, output: &mut BytesMut) {
        reply.write(output);
        self.state = State::Closed;
    }

    /// Whether the mail at hand asked for SMTPUTF8, so replies may be UTF-8.
    fn is_utf8(&self) -> bool {
        match &self.state {
            State::Mail(mail) => mail.smtputf8,
            State::Body(body) => body.is_utf8(),
            _ => false,
        }
    }

    fn end_body(&mut self) {
        self.progress = self.progress() + 1;
        self.state = State::Idle;
    }

    fn next_of_body(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Option<Event> {
        let State::Body(body) = &mut self.state else {
            return None;
        };
        match body.receive(input) {
            Received::Nothing => Some(Event::Read),
            Received::Chunk(bytes) => {
                self.pending = Some(Pending::Body);
                Some(Event::Body(bytes))
            }
            Received::End => {
                self.pending = Some(Pending::Finish);
                Some(Event::Finish)
            }
            Received::Spoilt => Some(Event::Abort),
            Received::EndOfSpoilt(reply) => {
                self.end_body();
                reply.write(output);
                None
            }
            Received::BareEndOfSpoilt(reply) => {
                self.stop(&reply, output);
                None
            }
        }
    }

    fn next_command(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Option<Event> {
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
                let event = self.line(line, output);
                input.advance(length + 2);
                match event {
                    Some(Event::StartTls) => self.start_tls(input, output),
                    event => event,
                }
            }
        }
    }

    fn refuse_line(&mut self, error: LineError, output: &mut BytesMut) {
        let in_exchange = matches!(self.state, State::Exchange(_));
        if in_exchange {
            self.state = State::Idle;
        }
        self.mistake(
            &match error {
                // RFC 4954 section 6.
                LineError::TooLong if in_exchange => Reply::AUTH_LINE_TOO_LONG,
                LineError::TooLong => Reply::LINE_TOO_LONG,
                LineError::BareCr => Reply::BARE_CR,
                LineError::BareLf => Reply::BARE_LF,
            },
            output,
        );
    }

    /// One line, which is erased here if it carries a password.
    fn line(&mut self, line: &mut [u8], output: &mut BytesMut) -> Option<Event> {
        if matches!(self.state, State::Exchange(_)) {
            let event = self.exchange_line(line, output);
            line.zeroize();
            return event;
        }
        let is_auth = line.get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case(b"AUTH"));
        if line.len() > COMMAND_BYTES && !is_auth {
            self.mistake(&Reply::LINE_TOO_LONG, output);
            return None;
        }
        let event = match command::parse(line) {
            Ok(command) => self.command(command, output),
            Err(reply) => {
                self.malformed(line, &reply, output);
                None
            }
        };
        if is_auth {
            line.zeroize();
        }
        event
    }

    /// A command that cannot be parsed.
    fn malformed(&mut self, line: &[u8], reply: &Reply, output: &mut BytesMut) {
        let is = |verb: &[u8]| line.get(..4).is_some_and(|found| found.eq_ignore_ascii_case(verb));
        self.mail_refused |= is(b"MAIL");
        match &mut self.state {
            // An address that cannot be one is a refused recipient: a list of them ends no session.
            State::Mail(mail) if is(b"RCPT") => {
                mail.attempted += 1;
                reply.write(output);
            }
            _ if is(b"RCPT") && self.mail_refused => reply.write(output),
            _ => self.mistake(reply, output),
        }
    }

    fn command(&mut self, command: Command<'_>, output: &mut BytesMut) -> Option<Event> {
        // RFC 4954 section 6: these are all that works without logging in.
        let needs_login =
            matches!(command, Command::Mail(_) | Command::Rcpt(_) | Command::Data | Command::Vrfy);
        if needs_login && !self.authenticated {
            match command {
                Command::Rcpt(_) | Command::Data => self.misplaced(&Reply::AUTH_REQUIRED, output),
                command => {
                    self.mail_refused |= matches!(command, Command::Mail(_));
                    self.mistake(&Reply::AUTH_REQUIRED, output);
                }
            }
            return None;
        }
        match command {
            Command::StartTls => self.wants_tls(output),
            Command::Ehlo => self.hello(true, output),
            Command::Helo => self.hello(false, output),
            Command::Auth(mechanism, initial) => self.auth(mechanism, initial, output),
            Command::Mail(mail) => self.mail(mail, output),
            Command::Rcpt(recipient) => self.rcpt(recipient, output),
            Command::Data => self.data(output),
            Command::Rset => {
                Reply::OK.write(output);
                self.reset()
            }
            Command::Noop => {
                Reply::OK.write(output);
                None
            }
            Command::Vrfy => {
                Reply::CANNOT_VERIFY.write(output);
                None
            }
            Command::Help => {
                Reply::HELP.write(output);
                None
            }
            Command::Quit => {
                self.stop(&Reply::BYE, output);
                None
            }
            // No mail program says this; a web page that makes a browser post mail here must not get a second try.
            Command::Http => {
                self.stop(&Reply::HTTP, output);
                None
            }
        }
    }

    /// Back to idle; a mail that was begun is aborted.
    fn reset(&mut self) -> Option<Event> {
        self.mail_refused = false;
        match self.state {
            State::Mail(_) => {
                self.state = State::Idle;
                Some(Event::Abort)
            }
            _ => None,
        }
    }

    /// STARTTLS (RFC 3207 section 4), where it has its place.
    fn wants_tls(&mut self, output: &mut BytesMut) -> Option<Event> {
        let refused = match self.state {
            _ if self.is_over_tls => Reply::TLS_TWICE,
            _ if self.settings.encryption == Encryption::None => Reply::NOT_IMPLEMENTED,
            State::Fresh => Reply::EHLO_FIRST,
            State::Mail(_) => Reply::TLS_IN_MAIL,
            _ if self.authenticated => Reply::TLS_AFTER_LOGIN,
            _ => return Some(Event::StartTls),
        };
        self.mistake(&refused, output);
        None
    }

    /// Nothing that was said in plain text counts any more (RFC 3207 section 4.2). Where something follows, somebody in
    /// between may have put it there (section 6).
    fn start_tls(&mut self, input: &BytesMut, output: &mut BytesMut) -> Option<Event> {
        if !input.is_empty() {
            self.mistake(&Reply::TLS_PIPELINED, output);
            return None;
        }
        Reply::START_TLS.write(output);
        self.state = State::Fresh;
        self.mail_refused = false;
        self.is_over_tls = true;
        Some(Event::StartTls)
    }

    fn hello(&mut self, extended: bool, output: &mut BytesMut) -> Option<Event> {
        let hostname = &self.settings.hostname;
        let text = if extended {
            let offers_tls = self.settings.encryption == Encryption::Offered && !self.is_over_tls;
            let start_tls = if offers_tls { "250-STARTTLS\r\n" } else { "" };
            format!(
                "250-{hostname}\r\n250-SIZE {}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n\
                 250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n{start_tls}250-AUTH PLAIN LOGIN\r\n250 HELP\r\n",
                self.settings.max_mail_bytes
            )
        } else {
            format!("250 {hostname}\r\n")
        };
        output.extend_from_slice(text.as_bytes());
        // RFC 5321 section 4.1.4: as RSET.
        let event = self.reset();
        self.state = State::Idle;
        event
    }

    fn mail(&mut self, mail: MailFrom, output: &mut BytesMut) -> Option<Event> {
        self.mail_refused = false;
        match self.state {
            State::Fresh => {
                self.mail_refused = true;
                self.mistake(&Reply::EHLO_FIRST, output);
            }
            State::Mail(_) => self.mistake(&Reply::MAIL_TWICE, output),
            // RFC 1870 section 6.1.
            _ if mail.size.is_some_and(|size| size > self.settings.max_mail_bytes) => {
                self.mail_refused = true;
                Reply::too_large(self.settings.max_mail_bytes).write(output);
            }
            _ => {
                self.pending = Some(Pending::Begin { smtputf8: mail.smtputf8 });
                return Some(Event::Begin(mail));
            }
        }
        None
    }

    fn rcpt(&mut self, recipient: Recipient, output: &mut BytesMut) -> Option<Event> {
        let State::Mail(mail) = &mut self.state else {
            self.misplaced(&Reply::MAIL_FIRST, output);
            return None;
        };
        mail.attempted += 1;
        if mail.accepted >= self.settings.max_recipients {
            Reply::TOO_MANY_RECIPIENTS.write(output);
            return None;
        }
        if !mail.smtputf8 && !recipient.address.is_ascii() {
            Reply::RECIPIENT_UTF8.write(output);
            return None;
        }
        self.pending = Some(Pending::Recipient);
        Some(Event::Recipient(recipient))
    }

    fn data(&mut self, output: &mut BytesMut) -> Option<Event> {
        match &self.state {
            State::Mail(mail) if mail.accepted > 0 => {
                self.pending = Some(Pending::Data);
                return Some(Event::Data);
            }
            // RFC 5321 section 3.3; usual when a client pipelines DATA behind a refused RCPT.
            State::Mail(mail) if mail.attempted > 0 => Reply::NO_VALID_RECIPIENT.write(output),
            State::Mail(_) => self.mistake(&Reply::RCPT_FIRST, output),
            _ => self.misplaced(&Reply::MAIL_FIRST, output),
        }
        None
    }

    /// A reply to RCPT or DATA without MAIL: a mistake, unless the client sent it before it could know that its MAIL was
    /// refused (RFC 2920 section 3.1).
    fn misplaced(&mut self, reply: &Reply, output: &mut BytesMut) {
        if self.mail_refused {
            reply.write(output);
        } else {
            self.mistake(reply, output);
        }
    }

    /// A reply to something no correct client sends; too many of them end the session.
    fn mistake(&mut self, reply: &Reply, output: &mut BytesMut) {
        reply.write(output);
        self.errors += 1;
        if self.errors >= self.settings.max_errors {
            self.stop(&Reply::TOO_MANY_ERRORS, output);
        }
    }
}

#[cfg(test)]
mod tests;
