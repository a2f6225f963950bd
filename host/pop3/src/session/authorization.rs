//! The AUTHORIZATION state (RFC 1939 section 4): USER and PASS, AUTH PLAIN (RFC 5034), STLS (RFC 2595), UTF8 (RFC 6856).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use listener::Encryption;
use mail::sasl::{Credentials, InvalidPlain};
use zeroize::Zeroizing;

use super::{Event, Pending, Session, State};
use crate::command::Command;
use crate::reply::Reply;

impl Session {
    pub(super) fn authorization(&mut self, command: Command<'_>, output: &mut BytesMut) -> Option<Event> {
        let State::Authorization { login } = &mut self.state else {
            self.mistake(&Reply::LOGGED_IN, output);
            return None;
        };
        match command {
            Command::Stls => {
                let refused = match self.settings.encryption {
                    _ if self.is_over_tls => Reply::TLS_TWICE,
                    Encryption::Offered => return Some(Event::StartTls),
                    _ => Reply::TLS_NOT_OFFERED,
                };
                self.mistake(&refused, output);
            }
            Command::User(name) => {
                // The same for every name: who has a mailbox here is nobody's business.
                *login = Some(name.to_owned());
                Reply::USER_OK.write(output);
            }
            // RFC 1939 section 7: PASS needs a USER before it, and after a failed one another.
            Command::Pass(password) => match login.take() {
                Some(login) => {
                    let password = Zeroizing::new(password.to_owned());
                    self.pending = Some(Pending::Open);
                    return Some(Event::Open(Credentials::new(login, password)));
                }
                None => self.mistake(&Reply::USER_FIRST, output),
            },
            Command::AuthList => output.extend_from_slice(b"+OK\r\nPLAIN\r\n.\r\n"),
            Command::AuthPlain(None) => {
                Reply::CHALLENGE.write(output);
                self.state = State::Exchange;
            }
            // RFC 5034 section 4: a single `=` is an empty response.
            Command::AuthPlain(Some("=")) => return self.plain(b"", output),
            Command::AuthPlain(Some(response)) => return self.plain(response.as_bytes(), output),
            Command::Apop => self.mistake(&Reply::APOP, output),
            Command::Utf8 => {
                self.utf8 = true;
                Reply::UTF8_OK.write(output);
            }
            _ => {}
        }
        None
    }

    /// Nothing that was said in plain text counts any more (RFC 2595 section 4). Where something follows, somebody in
    /// between may have put it there.
    pub(super) fn start_tls(&mut self, input: &BytesMut, output: &mut BytesMut) -> Option<Event> {
        if !input.is_empty() {
            self.mistake(&Reply::TLS_PIPELINED, output);
            return None;
        }
        Reply::START_TLS.write(output);
        self.state = State::Authorization { login: None };
        self.utf8 = false;
        self.is_over_tls = true;
        Some(Event::StartTls)
    }

    /// The client's answer to the challenge of AUTH PLAIN.
    pub(super) fn exchange_line(&mut self, line: &[u8], output: &mut BytesMut) -> Option<Event> {
        self.state = State::Authorization { login: None };
        if line == b"*" {
            // RFC 5034 section 4: the client gives up.
            Reply::AUTH_CANCELLED.write(output);
            return None;
        }
        self.plain(line, output)
    }

    fn plain(&mut self, base64: &[u8], output: &mut BytesMut) -> Option<Event> {
        let Ok(response) = STANDARD.decode(base64).map(Zeroizing::new) else {
            self.mistake(&Reply::AUTH_BASE64, output);
            return None;
        };
        match Credentials::from_plain(&response) {
            Ok(credentials) => {
                self.pending = Some(Pending::Open);
                return Some(Event::Open(credentials));
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
            self.state = State::Closed;
        }
    }
}
