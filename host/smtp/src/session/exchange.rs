//! AUTH (RFC 4954): PLAIN and LOGIN, each with or without an initial response.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use mail::sasl::{Credentials, InvalidPlain};
use zeroize::Zeroizing;

use super::{Event, Pending, Session, State};
use crate::command::Mechanism;
use crate::reply::Reply;

/// What the next line of the client answers.
#[derive(Debug)]
pub(super) enum Exchange {
    /// The whole of PLAIN.
    Plain,
    /// The first challenge of LOGIN.
    Login,
    /// The second, this being the login.
    Password(String),
}

impl Session {
    /// The AUTH command.
    pub(super) fn auth(
        &mut self,
        mechanism: Mechanism,
        initial: Option<&str>,
        output: &mut BytesMut,
    ) -> Option<Event> {
        match self.state {
            State::Fresh => self.mistake(&Reply::EHLO_FIRST, output),
            _ if self.authenticated => self.mistake(&Reply::AUTH_TWICE, output),
            State::Mail(_) => self.mistake(&Reply::AUTH_IN_MAIL, output),
            _ => {
                let (exchange, challenge) = match mechanism {
                    Mechanism::Plain => (Exchange::Plain, Reply::CHALLENGE_EMPTY),
                    Mechanism::Login => (Exchange::Login, Reply::CHALLENGE_USER),
                };
                match initial {
                    // RFC 4954 section 4: a single `=` is an empty response.
                    Some("=") => return self.respond(exchange, b"", output),
                    Some(response) => return self.respond(exchange, response.as_bytes(), output),
                    None => {
                        challenge.write(output);
                        self.state = State::Exchange(exchange);
                    }
                }
            }
        }
        None
    }

    /// A line of the client while a challenge waits for its answer.
    pub(super) fn exchange_line(&mut self, line: &[u8], output: &mut BytesMut) -> Option<Event> {
        let State::Exchange(exchange) = std::mem::replace(&mut self.state, State::Idle) else {
            return None;
        };
        if line == b"*" {
            // RFC 4954 section 4: the client gives up.
            Reply::AUTH_CANCELLED.write(output);
            return None;
        }
        self.respond(exchange, line, output)
    }

    fn respond(&mut self, exchange: Exchange, base64: &[u8], output: &mut BytesMut) -> Option<Event> {
        let Ok(response) = STANDARD.decode(base64).map(Zeroizing::new) else {
            self.mistake(&Reply::AUTH_BASE64, output);
            return None;
        };
        let credentials = match exchange {
            Exchange::Plain => Credentials::from_plain(&response),
            Exchange::Login => match text(&response) {
                Ok(login) => {
                    Reply::CHALLENGE_PASSWORD.write(output);
                    self.state = State::Exchange(Exchange::Password(login));
                    return None;
                }
                Err(error) => Err(error),
            },
            Exchange::Password(login) => {
                text(&response).map(|password| Credentials::new(login, Zeroizing::new(password)))
            }
        };
        match credentials {
            Ok(credentials) => {
                self.pending = Some(Pending::Authenticate);
                return Some(Event::Authenticate(credentials));
            }
            Err(InvalidPlain::Form) => self.mistake(&Reply::AUTH_FORM, output),
        }
        None
    }

    /// A login that was wrong; too many of them end the session.
    pub(super) fn failed(&mut self, reply: &Reply, output: &mut BytesMut) {
        reply.write(output);
        self.failures += 1;
        if self.failures >= self.settings.max_authentication_failures {
            self.stop(&Reply::TOO_MANY_FAILURES, output);
        }
    }
}

fn text(response: &[u8]) -> Result<String, InvalidPlain> {
    match str::from_utf8(response) {
        Ok(text) if !text.is_empty() && !text.contains('\0') => Ok(text.to_owned()),
        _ => Err(InvalidPlain::Form),
    }
}
