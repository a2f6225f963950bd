#![no_main]
//! A POP3 session with a client that sends anything: the same happens however the bytes are cut, and deletions
//! come only with QUIT. TLS begins once at most, with nothing behind it.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use pop3::session::Event;
use pop3::{Encryption, MaildropError, MessageInfo, OpenError, Session, Settings};

const MAILS: [&[u8]; 3] =
    [b"Subject: one\r\n\r\n.\r\n..\r\nthe end\r\n", b"", b"Subject: three\r\n\r\nbare\n.\nand no end"];

#[derive(Debug, Default, PartialEq)]
struct Story {
    events: Vec<String>,
    output: Vec<u8>,
    closed: bool,
}

fn infos() -> Vec<MessageInfo> {
    MAILS
        .iter()
        .enumerate()
        .map(|(number, mail)| MessageInfo { uidl: format!("u{number}"), size: mail.len() as u64 })
        .collect()
}

fn tell<'a>(pieces: impl Iterator<Item = &'a [u8]>, answers: u8, encryption: Encryption) -> Story {
    let mut session = Session::new(Arc::new(Settings { encryption, ..Settings::default() }));
    let mut story = Story::default();
    let mut open: Vec<MessageInfo> = Vec::new();
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    session.greet(&mut output);
    for piece in pieces {
        input.extend_from_slice(piece);
        while !step(&mut session, &mut input, &mut output, &mut open, answers, &mut story) {}
        story.output.extend_from_slice(&output.split());
        if story.closed {
            break;
        }
        assert!(input.len() <= pop3::limits::AUTH_LINE_BYTES + 2, "{} bytes are kept", input.len());
    }
    story
}

/// One event; true when more must be read.
fn step(
    session: &mut Session,
    input: &mut BytesMut,
    output: &mut BytesMut,
    open: &mut Vec<MessageInfo>,
    answers: u8,
    story: &mut Story,
) -> bool {
    let event = session.next(input, output, open);
    match &event {
        Event::Read => return true,
        Event::Close => {
            story.closed = true;
            return true;
        }
        Event::Flush => story.output.extend_from_slice(&output.split()),
        Event::Open(_) => {
            story.events.push("open".to_owned());
            match answers % 4 {
                3 => session.opened(Err(OpenError::InvalidCredentials("no\r\nlogin".to_owned())), output),
                2 => session.opened(Err(OpenError::InUse), output),
                _ => {
                    *open = infos();
                    session.opened(Ok(open), output);
                }
            }
        }
        Event::Fetch { index, offset, max } => {
            let mail = MAILS[*index];
            let from = usize::try_from(*offset).expect("an offset in the mail");
            let some = (*max).min(usize::from(answers >> 2) + 1).min(mail.len() - from);
            session.fetched(Ok(Bytes::from_static(&mail[from..from + some])), output);
        }
        Event::Commit(deleted) => {
            story.events.push(format!("{event:?}"));
            assert!(deleted.iter().all(|index| *index < MAILS.len()));
            let result = if answers & 64 == 0 {
                Ok(())
            } else {
                Err(MaildropError::Temporary("disk\r\nfull".to_owned()))
            };
            session.committed(result, output);
        }
        Event::StartTls => {
            assert!(input.is_empty() && open.is_empty());
            story.events.push("tls".to_owned());
        }
        Event::Release => story.events.push("release".to_owned()),
    }
    false
}

fuzz_target!(|bytes: &[u8]| {
    let mut input = bytes;
    let seed = fuzz::byte(&mut input);
    let answers = fuzz::byte(&mut input);
    if input.is_empty() {
        return;
    }
    let whole = tell(std::iter::once(input), answers, Encryption::None);
    assert!(whole.output.ends_with(b"\r\n"));
    assert!(whole.events.iter().filter(|event| event.starts_with("Commit")).count() <= 1);
    assert_eq!(whole, tell(fuzz::pieces(input, seed), answers, Encryption::None));
    // Whether something follows STLS depends on the cuts.
    let offered = tell(fuzz::pieces(input, seed), answers, Encryption::Offered);
    assert!(offered.events.iter().filter(|event| *event == "tls").count() <= 1);
});
