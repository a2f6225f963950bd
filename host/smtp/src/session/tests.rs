use proptest::prelude::*;

use super::*;
use crate::backend::BodyType;

/// A session with a mail system that answers at once.
struct Harness {
    session: Session,
    input: BytesMut,
    output: BytesMut,
    /// What the mail system was asked, chunks of a mail joined.
    log: Vec<String>,
    body: Vec<u8>,
    closed: bool,
    /// It waits for TLS to begin.
    starts_tls: bool,
}

impl Harness {
    fn new(settings: Settings) -> Self {
        Self {
            session: Session::new(Arc::new(settings)),
            input: BytesMut::new(),
            output: BytesMut::new(),
            log: Vec::new(),
            body: Vec::new(),
            closed: false,
            starts_tls: false,
        }
    }

    fn settings() -> Settings {
        Settings { max_mail_bytes: 1000, max_recipients: 2, ..Settings::new("host.test") }
    }

    /// After EHLO and AUTH.
    fn logged_in() -> Self {
        let mut harness = Self::new(Self::settings());
        harness.send(b"EHLO me\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
        harness.output.clear();
        harness.log.clear();
        harness
    }

    /// Sends bytes and returns all replies so far unread.
    fn send(&mut self, bytes: &[u8]) -> String {
        self.input.extend_from_slice(bytes);
        loop {
            let event = self.session.next(&mut self.input, &mut self.output);
            if matches!(event, Event::Read | Event::Close | Event::StartTls) {
                self.closed = event == Event::Close;
                self.starts_tls = event == Event::StartTls;
                break;
            }
            self.answer(event);
        }
        String::from_utf8(self.output.split().to_vec()).unwrap()
    }

    fn answer(&mut self, event: Event) {
        match event {
            Event::Authenticate(credentials) if credentials.acts_as.as_deref() == Some("bob") => {
                self.session.authenticated(Err(AuthenticationError::OtherIdentity), &mut self.output);
            }
            Event::Authenticate(credentials) => {
                self.log.push(format!("login {}", credentials.login));
                let result = match credentials.password.as_str() {
                    "secret" => Ok(()),
                    "busy" => Err(AuthenticationError::Unavailable(Refusal::transient(3, 0, "busy"))),
                    _ => Err(AuthenticationError::Invalid("wrong".into())),
                };
                self.session.authenticated(result, &mut self.output);
            }
            Event::Begin(mail) => {
                self.log.push(format!("mail {}", mail.reverse_path));
                let result = match mail.reverse_path.to_string().as_str() {
                    "<eve@tox>" => Err(Refusal::permanent(7, 1, "not yours")),
                    _ => Ok(()),
                };
                self.session.answer(result, &mut self.output);
            }
            Event::Recipient(recipient) => {
                self.log.push(format!("rcpt {}", recipient.address));
                let result = match recipient.address.local() {
                    "unknown" => Err(Refusal::permanent(1, 1, "unknown")),
                    "later" => Err(Refusal::transient(4, 3, "dns")),
                    _ => Ok(()),
                };
                self.session.answer(result, &mut self.output);
            }
            Event::Data => {
                self.log.push("data".into());
                self.body.clear();
                self.session.answer(Ok(()), &mut self.output);
            }
            Event::Body(bytes) => {
                assert!(!bytes.is_empty() && bytes.len() <= mail::limits::BODY_CHUNK_BYTES);
                self.body.extend_from_slice(&bytes);
                let full = self.body.starts_with(b"full");
                let result = if full { Err(Refusal::transient(3, 1, "disk full")) } else { Ok(()) };
                self.session.answer(result, &mut self.output);
            }
            Event::Finish => {
                self.log.push(format!("finish {:?}", String::from_utf8_lossy(&self.body)));
                let result = match self.body.as_slice() {
                    b"spam\r\n" => Err(Refusal::permanent(7, 1, "filtered")),
                    _ => Ok("stored".to_owned()),
                };
                self.session.finished(result, &mut self.output);
            }
            Event::Abort => self.log.push("abort".into()),
            Event::Flush | Event::Read | Event::StartTls | Event::Close => {}
        }
    }
}

/// Codes of the replies, basic and enhanced, one per line.
fn codes(replies: &str) -> Vec<String> {
    replies
        .lines()
        .map(|line| {
            line.split(' ').filter(|word| word.as_bytes()[0].is_ascii_digit()).collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// Each line with the code(s) of its reply, sent one after the other.
fn dialogue(harness: &mut Harness, lines: &[(&str, &str)]) {
    for (line, reply) in lines {
        let got = harness.send(format!("{line}\r\n").as_bytes());
        assert!(got.starts_with(reply), "{line:?}: expected {reply:?}, got {got:?}");
        assert!(
            got.ends_with("\r\n") && (got.lines().count() == 1 || got.starts_with("250-")),
            "{line:?}: {got:?}"
        );
    }
}

/// In plain text, with TLS for who asks.
fn offering_tls() -> Harness {
    Harness::new(Settings { encryption: Encryption::Offered, ..Harness::settings() })
}

#[test]
fn tls_is_offered_until_it_is_on_and_what_was_said_before_is_forgotten() {
    let mut harness = offering_tls();
    assert!(harness.send(b"EHLO me\r\n").contains("250-STARTTLS\r\n"));
    assert_eq!(harness.send(b"starttls\r\n"), "220 2.0.0 Begin TLS\r\n");
    assert!(harness.starts_tls && harness.session.is_over_tls());
    // RFC 3207 section 4.2: as if it had just connected, but for the greeting.
    assert!(harness.send(b"MAIL FROM:<a@b.c>\r\n").starts_with("530"));
    assert!(harness.send(b"AUTH PLAIN AGFubgBzZWNyZXQ=\r\n").starts_with("503 5.5.1 Say EHLO first"));
    let hello = harness.send(b"EHLO me\r\n");
    assert!(hello.contains("250-AUTH PLAIN LOGIN\r\n") && !hello.contains("STARTTLS"), "{hello}");
    assert!(harness.send(b"STARTTLS\r\n").starts_with("503 5.5.1 TLS is on already"));
    assert!(!harness.starts_tls);
    assert!(harness.send(b"AUTH PLAIN AGFubgBzZWNyZXQ=\r\n").starts_with("235"));
}

#[test]
fn tls_does_not_begin_where_it_has_no_place() {
    for (encryption, before, reply) in [
        (Encryption::None, &b"EHLO me\r\n"[..], "502 5.5.1"),
        (Encryption::FromTheStart, b"EHLO me\r\n", "503 5.5.1 TLS is on already"),
        (Encryption::Offered, b"", "503 5.5.1 Say EHLO first"),
        (
            Encryption::Offered,
            b"EHLO me\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\n",
            "503 5.5.1 STARTTLS comes before AUTH",
        ),
        (
            Encryption::Offered,
            b"EHLO me\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\nMAIL FROM:<ann@tox>\r\n",
            "503 5.5.1 STARTTLS comes before MAIL",
        ),
    ] {
        let mut harness = Harness::new(Settings { encryption, ..Harness::settings() });
        let hello = harness.send(before);
        assert_eq!(hello.contains("STARTTLS"), encryption == Encryption::Offered && !before.is_empty());
        let answer = harness.send(b"STARTTLS\r\n");
        assert!(answer.starts_with(reply), "{answer}");
        assert!(!harness.starts_tls);
        assert_eq!(harness.session.is_over_tls(), encryption == Encryption::FromTheStart);
    }
    assert!(offering_tls().send(b"EHLO me\r\nSTARTTLS now\r\n").contains("501 5.5.4"));
}

/// RFC 3207 section 6: somebody in between puts commands behind the client's, which count as its own after the handshake.
#[test]
fn what_follows_starttls_in_plain_text_never_counts_after_it() {
    for behind in ["EHLO evil\r\n", "MAIL FROM:<ann@tox>\r\n", "x", "\r\n"] {
        let mut harness = offering_tls();
        let answer = harness.send(format!("EHLO me\r\nSTARTTLS\r\n{behind}").as_bytes());
        assert!(answer.contains("503 5.5.1 Nothing may follow STARTTLS"), "{answer}");
        assert!(!answer.contains("220 2.0.0"), "{answer}");
        assert!(!harness.starts_tls && !harness.session.is_over_tls());
    }
}

#[test]
fn ehlo_lists_the_extensions_and_helo_none() {
    let mut harness = Harness::new(Harness::settings());
    let listed = harness.send(b"EHLO me\r\n");
    for line in
        ["250-host.test", "250-SIZE 1000", "250-8BITMIME", "250-SMTPUTF8", "250-PIPELINING", "250-DSN"]
    {
        assert!(listed.lines().any(|found| found == line), "{line} in {listed}");
    }
    assert!(listed.contains("250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n250-AUTH PLAIN LOGIN\r\n250 HELP\r\n"));
    assert_eq!(harness.send(b"HELO me\r\n"), "250 host.test\r\n");
}

#[test]
fn greeting_names_the_host() {
    let mut output = BytesMut::new();
    Session::new(Arc::new(Harness::settings())).greet(&mut output);
    assert!(output.starts_with(b"220 host.test ESMTP"));
}

#[test]
fn nothing_is_sent_without_login() {
    let mut harness = Harness::new(Harness::settings());
    dialogue(
        &mut harness,
        &[
            ("AUTH PLAIN AGFubgBzZWNyZXQ=", "503 5.5.1"),
            ("MAIL FROM:<ann@tox>", "530 5.7.0"),
            ("EHLO me", "250-"),
            ("MAIL FROM:<ann@tox>", "530 5.7.0"),
            ("RCPT TO:<bob@tox>", "530 5.7.0"),
            ("DATA", "530 5.7.0"),
            ("VRFY bob", "530 5.7.0"),
            ("NOOP", "250 2.0.0"),
            ("RSET", "250 2.0.0"),
            ("HELP", "214 2.0.0"),
            ("QUIT", "221 2.0.0"),
        ],
    );
    assert!(harness.closed && harness.log.is_empty());
}

#[test]
fn login_works_in_all_four_ways() {
    for lines in [
        &[("AUTH PLAIN AGFubgBzZWNyZXQ=", "235 2.7.0")][..],
        &[("AUTH PLAIN", "334 \r\n"), ("AGFubgBzZWNyZXQ=", "235 2.7.0")],
        &[("AUTH LOGIN", "334 VXNlcm5hbWU6"), ("YW5u", "334 UGFzc3dvcmQ6"), ("c2VjcmV0", "235 2.7.0")],
        &[("AUTH LOGIN YW5u", "334 UGFzc3dvcmQ6"), ("c2VjcmV0", "235 2.7.0")],
    ] {
        let mut harness = Harness::new(Harness::settings());
        harness.send(b"EHLO me\r\n");
        dialogue(&mut harness, lines);
        assert_eq!(harness.log, ["login ann"]);
        dialogue(
            &mut harness,
            &[("AUTH PLAIN AGFubgBzZWNyZXQ=", "503 5.5.1"), ("MAIL FROM:<ann@tox>", "250 2.1.0")],
        );
    }
}

#[test]
fn login_fails_with_a_reason() {
    let mut harness = Harness::new(Settings { max_authentication_failures: 3, ..Harness::settings() });
    dialogue(
        &mut harness,
        &[
            ("EHLO me", "250-"),
            ("AUTH PLAIN", "334 "),
            ("*", "501 5.7.0"),
            ("AUTH LOGIN YW5u", "334 "),
            ("*", "501 5.7.0"),
            ("AUTH PLAIN !!!!", "501 5.5.2"),
            ("AUTH PLAIN =", "501 5.5.2"),
            ("AUTH PLAIN YW5u", "501 5.5.2"),
            ("AUTH LOGIN =", "501 5.5.2"),
            ("AUTH PLAIN AGFubgBidXN5", "454 4.3.0 busy"),
            ("AUTH PLAIN AGFubgB3cm9uZw==", "535 5.7.8 wrong"),
            ("AUTH PLAIN Ym9iAGFubgBzZWNyZXQ=", "535 5.7.8"),
        ],
    );
    assert_eq!(codes(&harness.send(b"AUTH PLAIN AGFubgB3cm9uZw==\r\n")), ["535 5.7.8", "421 4.7.0"]);
    assert!(harness.closed);
    let mut harness = Harness::logged_in();
    dialogue(&mut harness, &[("MAIL FROM:<ann@tox>", "250 2.1.0"), ("AUTH PLAIN", "503 5.5.1")]);
}

#[test]
fn long_auth_lines_are_allowed_and_longer_ones_end_the_exchange() {
    let mut harness = Harness::new(Harness::settings());
    harness.send(b"EHLO me\r\nAUTH PLAIN\r\n");
    let long = "A".repeat(AUTH_LINE_BYTES);
    dialogue(
        &mut harness,
        &[
            (&long, "501 5.5.2"),
            ("AUTH PLAIN", "334 "),
            (&format!("{long}A"), "500 5.5.6"),
            ("NOOP", "250 2.0.0"),
            (&format!("NOOP {}", "x".repeat(COMMAND_BYTES)), "500 5.5.2"),
            (&format!("NOOP {}", "x".repeat(AUTH_LINE_BYTES)), "500 5.5.2"),
            ("NOOP", "250 2.0.0"),
        ],
    );
}

#[test]
fn commands_have_their_order() {
    let mut harness = Harness::new(Harness::settings());
    // Logged in and greeted again with HELO: everything still works.
    dialogue(
        &mut harness,
        &[
            ("EHLO me", "250-"),
            ("AUTH PLAIN AGFubgBzZWNyZXQ=", "235 2.7.0"),
            ("HELO me", "250 "),
            ("RCPT TO:<bob@tox>", "503 5.5.1"),
            ("DATA", "503 5.5.1"),
            ("VRFY bob", "252 2.0.0"),
            ("MAIL FROM:<eve@tox>", "550 5.7.1 not yours"),
            ("RCPT TO:<bob@tox>", "503 5.5.1"),
            ("MAIL FROM:<ann@tox>", "250 2.1.0"),
            ("MAIL FROM:<ann@tox>", "503 5.5.1"),
            ("DATA", "503 5.5.1"),
            ("RCPT TO:<unknown@tox>", "550 5.1.1 unknown"),
            ("RCPT TO:<later@tox>", "451 4.4.3 dns"),
            ("DATA", "554 5.5.1"),
            ("RCPT TO:<bob@tox>", "250 2.1.5"),
            ("RCPT TO:<ä@tox>", "553 5.6.7"),
            ("RCPT TO:<cat@tox>", "250 2.1.5"),
            ("RCPT TO:<dan@tox>", "452 4.5.3"),
            ("DATA", "354 "),
            ("hello\r\n.", "250 2.0.0 stored"),
            ("RCPT TO:<bob@tox>", "503 5.5.1"),
            ("MAIL FROM:<> SMTPUTF8", "250 2.1.0"),
            ("RCPT TO:<ä@tox>", "250 2.1.5"),
            ("RSET", "250 2.0.0"),
            ("RCPT TO:<bob@tox>", "503 5.5.1"),
            ("MAIL FROM:<ann@tox>", "250 2.1.0"),
            ("EHLO me", "250-"),
            ("DATA", "503 5.5.1"),
        ],
    );
    assert_eq!(
        harness.log,
        [
            "login ann",
            "mail <eve@tox>",
            "mail <ann@tox>",
            "rcpt unknown@tox",
            "rcpt later@tox",
            "rcpt bob@tox",
            "rcpt cat@tox",
            "data",
            "finish \"hello\\r\\n\"",
            "mail <>",
            "rcpt ä@tox",
            "abort",
            "mail <ann@tox>",
            "abort",
        ]
    );
}

const ENVELOPE: &[u8] = b"MAIL FROM:<ann@tox>\r\nRCPT TO:<bob@tox>\r\nDATA\r\n";

#[test]
fn a_whole_session_may_come_at_once() {
    let mut harness = Harness::new(Harness::settings());
    let replies = harness.send(
        b"EHLO me\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\n\
          MAIL FROM:<ann@tox>\r\nRCPT TO:<unknown@tox>\r\nRCPT TO:<bob@tox>\r\nDATA\r\n..dot\r\n.\r\n\
          MAIL FROM:<ann@tox>\r\nRCPT TO:<bob@tox>\r\nDATA\r\nspam\r\n.\r\nQUIT\r\nNOOP\r\n",
    );
    assert_eq!(
        codes(&replies)[9..],
        [
            "235 2.7.0",
            "250 2.1.0",
            "550 5.1.1",
            "250 2.1.5",
            "354",
            "250 2.0.0",
            "250 2.1.0",
            "250 2.1.5",
            "354",
            "550 5.7.1",
            "221 2.0.0",
        ]
    );
    assert!(harness.closed);
    assert!(harness.log.contains(&"finish \".dot\\r\\n\"".to_owned()));
}

#[test]
fn bare_line_ends_in_a_mail_are_refused_at_its_end() {
    for text in ["a\nb\r\n", "a\rb\r\n", "a\r\n.\nb\r\n", "a\n.\r\nMAIL FROM:<ann@tox>\r\n"] {
        let mut harness = Harness::logged_in();
        harness.send(ENVELOPE);
        assert_eq!(harness.send(text.as_bytes()), "", "{text:?}");
        assert_eq!(codes(&harness.send(b".\r\nNOOP\r\n")), ["550 5.6.0", "250 2.0.0"], "{text:?}");
        assert_eq!(harness.log, ["mail <ann@tox>", "rcpt bob@tox", "data", "abort"]);
    }
}

#[test]
fn a_client_whose_lines_end_in_lf_alone_gets_its_reply_and_the_end() {
    let text = b"Subject: x\n\nbody\n.\nNOOP\r\nMAIL FROM:<bob@tox>\r\n";
    for cut in 0..text.len() {
        let mut harness = Harness::logged_in();
        harness.send(b"MAIL FROM:<ann@tox>\r\nRCPT TO:<ben@tox>\r\nDATA\r\n");
        let replies = [harness.send(&text[..cut]), harness.send(&text[cut..])].concat();
        assert_eq!(codes(&replies), ["550 5.6.0"], "cut at {cut}");
        assert!(harness.closed, "nothing behind it is read as a command");
    }
    // In a mail with right ends nothing of the kind is an end.
    let mut harness = Harness::logged_in();
    harness.send(b"MAIL FROM:<ann@tox>\r\nRCPT TO:<ben@tox>\r\nDATA\r\n");
    assert_eq!(codes(&harness.send(b"a\r\n.b\n..\n\r\n.\r\nNOOP\r\n")), ["550 5.6.0", "250 2.0.0"]);
    assert!(!harness.closed);
}

#[test]
fn bare_line_ends_in_commands_are_refused_with_the_line() {
    let mut harness = Harness::logged_in();
    assert_eq!(codes(&harness.send(b"NOOP\n")), ["500 5.5.2"]);
    assert_eq!(codes(&harness.send(b"MAIL FROM:<ann@tox>\n")), ["500 5.5.2"]);
    assert_eq!(codes(&harness.send(b"\r\nNOOP\r\n")), ["250 2.0.0"]);
    assert_eq!(codes(&harness.send(b"NOOP\rNOOP\r\n")), ["500 5.5.2", "500 5.5.2"]);
    assert!(harness.log.is_empty());
}

#[test]
fn a_client_that_ends_lines_with_lf_hears_of_each_and_is_sent_away_in_the_end() {
    let mut harness = Harness::new(Harness::settings());
    for line in ["EHLO me\n", "MAIL FROM:<ann@tox>\n", "QUIT\n"] {
        assert_eq!(codes(&harness.send(line.as_bytes())), ["500 5.5.2"], "{line}");
    }
    assert_eq!(codes(&harness.send(b"QUIT\r\n")), ["500 5.5.2"], "it belongs to the line before");
    assert!(harness.send(b"EHLO me\r\n").starts_with("250-"));
    let replies = harness.send("X\n".repeat(30).as_bytes());
    assert!(harness.closed && replies.ends_with("421 4.7.0 Too many errors; connect again\r\n"));
    assert!(harness.log.is_empty());
}

#[test]
fn what_is_pipelined_behind_a_refused_mail_gets_its_replies_and_the_session_goes_on() {
    let rest = "RCPT TO:<bob@tox>\r\nRCPT TO:<no address>\r\n".repeat(30) + "DATA\r\n";
    for (mail, code) in [
        ("MAIL FROM:<eve@tox>", "550 5.7.1"),
        ("MAIL FROM:<ann@tox> SIZE=5000", "552 5.3.4"),
        ("MAIL FROM:<no address>", "501 5.1.7"),
        ("MAIL FROM:<ann@tox> X=y", "555 5.5.4"),
    ] {
        let mut harness = Harness::logged_in();
        let replies = codes(&harness.send(format!("{mail}\r\n{rest}").as_bytes()));
        assert_eq!(replies.len(), 62);
        assert!(replies[0].starts_with(code), "{replies:?}");
        let mut others = replies[1..].iter();
        assert!(others.all(|reply| ["503 5.5.1", "501 5.1.3"].contains(&reply.as_str())), "{replies:?}");
        let next = codes(&harness.send(b"MAIL FROM:<ann@tox>\r\nRCPT TO:<bob@tox>\r\n"));
        assert_eq!(next, ["250 2.1.0", "250 2.1.5"]);
    }
    // The same of a client that has yet to log in.
    let mut harness = Harness::new(Harness::settings());
    harness.send(b"EHLO me\r\n");
    harness.send(format!("MAIL FROM:<ann@tox>\r\n{rest}").as_bytes());
    assert!(!harness.closed);
    // Without a MAIL before them they are mistakes.
    let mut harness = Harness::logged_in();
    harness.send(rest.as_bytes());
    assert!(harness.closed);
}

#[test]
fn a_list_of_addresses_that_are_none_ends_no_session() {
    let mut harness = Harness::logged_in();
    harness.send(b"MAIL FROM:<ann@tox>\r\n");
    let replies = codes(&harness.send("RCPT TO:<no address>\r\n".repeat(30).as_bytes()));
    assert!(replies.len() == 30 && replies.iter().all(|reply| reply == "501 5.1.3"));
    assert_eq!(codes(&harness.send(b"DATA\r\nRCPT TO:<bob@tox>\r\n")), ["554 5.5.1", "250 2.1.5"]);
}

#[test]
fn size_is_limited_before_and_after() {
    let mut harness = Harness::logged_in();
    dialogue(
        &mut harness,
        &[("MAIL FROM:<ann@tox> SIZE=1001", "552 5.3.4"), ("MAIL FROM:<ann@tox> SIZE=1000", "250 2.1.0")],
    );
    harness.send(b"RSET\r\n");
    let line = format!("..{}\r\n", "x".repeat(97));
    for (count, code) in [(10, "250 2.0.0"), (11, "552 5.3.4")] {
        let text = format!("{}.\r\n", line.repeat(count));
        harness.send(ENVELOPE);
        let reply = harness.send(text.as_bytes());
        assert!(reply.starts_with(code), "{count}: {reply}");
    }
    assert_eq!(harness.log.last().unwrap(), "abort");
    assert!(harness.send(b"NOOP\r\n").starts_with("250"));
}

#[test]
fn a_failing_store_is_the_reply() {
    let mut harness = Harness::new(Settings { max_mail_bytes: 1_000_000, ..Harness::settings() });
    harness.send(b"EHLO me\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
    for text in ["full".to_owned(), format!("full{}", "x".repeat(200_000))] {
        harness.send(ENVELOPE);
        let reply = harness.send(format!("{text}\r\n.\r\n").as_bytes());
        assert_eq!(reply, "452 4.3.1 disk full\r\n");
    }
    assert!(!harness.log.iter().any(|entry| entry.starts_with("finish")));
}

#[test]
fn long_lines_and_large_chunks_pass() {
    let mut harness = Harness::new(Settings { max_mail_bytes: 10_000_000, ..Harness::settings() });
    harness.send(b"EHLO me\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
    harness.send(ENVELOPE);
    let text = format!("{}\r\n\0ä\r\n", "x".repeat(3_000_000));
    assert!(harness.send(format!("{text}.\r\n").as_bytes()).starts_with("250 2.0.0"));
    assert_eq!(harness.body, text.as_bytes());
}

#[test]
fn too_many_mistakes_end_the_session() {
    let mut harness = Harness::new(Settings { max_errors: 3, ..Harness::settings() });
    assert_eq!(
        codes(&harness.send(b"X\r\nX\r\nX\r\nNOOP\r\n")),
        ["500 5.5.1", "500 5.5.1", "500 5.5.1", "421 4.7.0"]
    );
    assert!(harness.closed);
}

#[test]
fn refused_recipients_are_no_mistakes() {
    let mut harness = Harness::new(Settings { max_errors: 3, ..Harness::settings() });
    harness.send(b"EHLO me\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\nMAIL FROM:<ann@tox>\r\n");
    for _ in 0..10 {
        assert!(harness.send(b"RCPT TO:<unknown@tox>\r\n").starts_with("550"));
    }
    assert!(!harness.closed);
}

#[test]
fn a_browser_is_sent_away() {
    let mut harness = Harness::logged_in();
    let replies = harness.send(b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nMAIL FROM:<ann@tox>\r\n");
    assert_eq!(codes(&replies), ["421 4.7.0"]);
    assert!(harness.closed && harness.log.is_empty());
}

#[test]
fn a_client_that_does_not_read_is_not_buffered_for() {
    let mut session = Session::new(Arc::new(Harness::settings()));
    let mut input = BytesMut::from("HELP\r\n".repeat(10_000).as_bytes());
    let mut output = BytesMut::new();
    assert_eq!(session.next(&mut input, &mut output), Event::Flush);
    assert!(output.len() < OUTPUT_BYTES + 512 && !input.is_empty());
}

#[test]
fn an_unanswered_question_ends_the_session() {
    let mut session = Session::new(Arc::new(Harness::settings()));
    let mut input = BytesMut::from(&b"EHLO me\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\n"[..]);
    let mut output = BytesMut::new();
    assert!(matches!(session.next(&mut input, &mut output), Event::Authenticate(_)));
    assert_eq!(session.next(&mut input, &mut output), Event::Close);
}

#[test]
fn passwords_do_not_stay_in_the_input() {
    let mut session = Session::new(Arc::new(Harness::settings()));
    session.state = State::Idle;
    let mut line = b"auth plain AGFubgBzZWNyZXQ=".to_vec();
    let event = session.line(&mut line, &mut BytesMut::new());
    assert!(matches!(event, Some(Event::Authenticate(_))));
    assert!(line.iter().all(|byte| *byte == 0));
    session.pending = None;
    session.state = State::Exchange(Exchange::Password("ann".into()));
    let mut line = b"c2VjcmV0".to_vec();
    let event = session.line(&mut line, &mut BytesMut::new());
    assert!(matches!(event, Some(Event::Authenticate(_))));
    assert!(line.iter().all(|byte| *byte == 0));
}

#[test]
fn progress_is_commands_and_text_but_not_what_is_dropped() {
    let mut harness = Harness::new(Settings { max_mail_bytes: 10_000, ..Harness::settings() });
    harness.send(b"EHLO me\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
    harness.send(ENVELOPE);
    let start = harness.session.progress();
    harness.send(&[b'x'; 100]);
    assert_eq!(harness.session.progress(), start);
    harness.send(&[b'x'; 5000]);
    assert_eq!(harness.session.progress(), start + 1);
    harness.send(&[b'x'; 10_000]);
    let over = harness.session.progress();
    harness.send(&[b'x'; 100_000]);
    assert_eq!(harness.session.progress(), over);
    harness.send(b"\r\n.\r\n");
    assert!(harness.session.progress() > over);
}

#[test]
fn events_carry_the_envelope() {
    let mut session = Session::new(Arc::new(Harness::settings()));
    session.authenticated = true;
    session.state = State::Idle;
    let mut input = BytesMut::from(&b"MAIL FROM:<ann@tox> BODY=8BITMIME ENVID=x\r\n"[..]);
    let Event::Begin(mail) = session.next(&mut input, &mut BytesMut::new()) else {
        panic!("MAIL begins a mail");
    };
    assert_eq!((mail.body, mail.envelope_id.as_deref()), (BodyType::EightBitMime, Some("x")));
}

/// Pieces of sessions, well-formed and not.
fn script() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "EHLO me\r\n",
        "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n",
        "AUTH PLAIN\r\n",
        "AUTH LOGIN YW5u\r\n",
        "c2VjcmV0\r\n",
        "*\r\n",
        "MAIL FROM:<ann@tox>\r\n",
        "MAIL FROM:<ann@tox> SIZE=2000\r\n",
        "RCPT TO:<bob@tox>\r\n",
        "RCPT TO:<unknown@tox>\r\n",
        "DATA\r\n",
        "Subject: x\r\n\r\n",
        "..stuffed\r\n",
        ".\r\n",
        "\n.\n",
        "\r.\r",
        "full",
        "\r\n.\r\n",
        "\r\n",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "RSET\r\n",
        "QUIT\r\n",
        "\0",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| {
        let mut script = b"EHLO me\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\n".to_vec();
        script.extend(pieces.concat().into_bytes());
        script
    })
}

proptest! {
    #[test]
    fn pieces_do_not_matter(script in script(), cuts in prop::collection::vec(0_usize..600, 0..12)) {
        let settings = || Settings { max_mail_bytes: 200, ..Harness::settings() };
        let mut whole = Harness::new(settings());
        let expected = whole.send(&script);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(script.len())).collect();
        cuts.extend([0, script.len()]);
        cuts.sort_unstable();
        let mut pieces = Harness::new(settings());
        let mut replies = String::new();
        for pair in cuts.windows(2) {
            replies += &pieces.send(&script[pair[0]..pair[1]]);
        }
        prop_assert_eq!(replies, expected);
        prop_assert_eq!(pieces.log, whole.log);
        prop_assert_eq!(pieces.closed, whole.closed);
    }

    #[test]
    fn every_reply_has_its_codes(script in script()) {
        let mut harness = Harness::new(Settings { max_mail_bytes: 200, ..Harness::settings() });
        for line in harness.send(&script).lines() {
            let (code, rest) = line.split_at(3);
            let class = code.as_bytes()[0];
            prop_assert!(code.bytes().all(|byte| byte.is_ascii_digit()), "{}", line);
            // RFC 2034 section 4: not in the answer to EHLO, and 3xx have none.
            if class != b'3' && !line.starts_with("250-") && line != "250 HELP" {
                let status: mail::EnhancedStatus = rest[1..].split(' ').next().unwrap().parse().unwrap();
                prop_assert_eq!(status.class(), class - b'0');
            }
        }
    }
}
