#![no_main]
//! An SMTP session with a client that sends anything, and a mail system that answers anything: the same happens
//! however the bytes are cut, and what the client gets are reply lines. TLS begins once at most, with nothing behind it.

use std::sync::Arc;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use mail::Refusal;
use smtp::session::Event;
use smtp::{AuthenticationError, Encryption, Session, Settings};

const MAIL_BYTES: u64 = 300;

/// What a session did, bodies put together.
#[derive(Debug, Default, PartialEq)]
struct Story {
    events: Vec<String>,
    body: Vec<u8>,
    output: Vec<u8>,
    closed: bool,
}

/// Answers of the mail system, one bit each.
struct Answers(u32);

impl Answers {
    fn next(&mut self) -> Result<(), Refusal> {
        self.0 = self.0.rotate_right(1);
        if self.0 & 1 == 0 { Ok(()) } else { Err(Refusal::transient(3, 0, "not\r\nnow \u{e4}")) }
    }
}

fn tell<'a>(pieces: impl Iterator<Item = &'a [u8]>, answers: u32, encryption: Encryption) -> Story {
    let settings = Settings { max_mail_bytes: MAIL_BYTES, max_recipients: 3, ..Settings::new("host.test") };
    let settings = Settings { encryption, ..settings };
    let mut session = Session::new(Arc::new(settings));
    let mut answers = Answers(answers);
    let mut story = Story::default();
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    session.greet(&mut output);
    for piece in pieces {
        input.extend_from_slice(piece);
        while !step(&mut session, &mut input, &mut output, &mut answers, &mut story) {}
        story.output.extend_from_slice(&output.split());
        if story.closed {
            break;
        }
        assert!(input.len() <= smtp::limits::AUTH_LINE_BYTES + 2, "{} bytes are kept", input.len());
    }
    story
}

/// One event; true when more must be read.
fn step(
    session: &mut Session,
    input: &mut BytesMut,
    output: &mut BytesMut,
    answers: &mut Answers,
    story: &mut Story,
) -> bool {
    let event = session.next(input, output);
    match &event {
        Event::Read => return true,
        Event::Close => {
            story.closed = true;
            return true;
        }
        Event::StartTls => {
            assert!(input.is_empty() && session.is_over_tls() && !session.is_authenticated());
            story.events.push("tls".to_owned());
        }
        Event::Flush => story.output.extend_from_slice(&output.split()),
        Event::Body(bytes) => {
            // Not refused: where a chunk ends depends on the cuts.
            story.body.extend_from_slice(bytes);
            session.answer(Ok(()), output);
        }
        Event::Authenticate(_) => {
            let result =
                answers.next().map_err(|_| AuthenticationError::Invalid("it stands\r\nthere".to_owned()));
            story.events.push("authenticate".to_owned());
            session.authenticated(result, output);
        }
        Event::Finish => {
            story.events.push("finish".to_owned());
            session.finished(answers.next().map(|()| "queued".to_owned()), output);
        }
        Event::Abort => {
            story.events.push("abort".to_owned());
            // How much of a refused mail came out before depends on the cuts.
            story.body.clear();
        }
        Event::Begin(_) | Event::Recipient(_) | Event::Data => {
            story.events.push(format!("{event:?}"));
            if matches!(event, Event::Data) {
                story.body.clear();
            }
            session.answer(answers.next(), output);
        }
    }
    false
}

fuzz_target!(|bytes: &[u8]| {
    let mut input = bytes;
    let seed = fuzz::byte(&mut input);
    let answers = u32::from(fuzz::byte(&mut input)) << 8;
    if input.is_empty() {
        return;
    }
    let whole = tell(std::iter::once(input), answers, Encryption::None);
    fuzz::assert_lines(&whole.output, 510);
    for line in whole.output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        assert!(line[..3].iter().all(u8::is_ascii_digit) && (line[3] == b' ' || line[3] == b'-'));
    }
    assert!(whole.body.len() as u64 <= MAIL_BYTES);
    let pieced = tell(fuzz::pieces(input, seed), answers, Encryption::None);
    assert_eq!(whole.events, pieced.events);
    assert_eq!(String::from_utf8_lossy(&whole.output), String::from_utf8_lossy(&pieced.output));
    if whole.events.last().is_some_and(|event| event == "finish") {
        assert_eq!(whole.body, pieced.body);
    }
    assert!(!whole.events.iter().any(|event| event == "tls"));
    // Whether something follows STARTTLS depends on the cuts.
    let offered = tell(fuzz::pieces(input, seed), answers, Encryption::Offered);
    assert!(offered.events.iter().filter(|event| *event == "tls").count() <= 1);
});
