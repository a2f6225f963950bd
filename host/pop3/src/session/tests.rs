use mail::limits::BODY_CHUNK_BYTES;
use proptest::prelude::*;

use super::*;
use crate::limits::TOP_READ_BYTES;

/// A session with a maildrop that answers at once.
struct Harness {
    session: Session,
    input: BytesMut,
    output: BytesMut,
    mails: Vec<Vec<u8>>,
    messages: Vec<MessageInfo>,
    open: bool,
    /// What the maildrop was asked.
    log: Vec<String>,
    /// Reads of this message fail from this offset on.
    failing: Option<(usize, u64)>,
    commit: Result<(), MaildropError>,
    closed: bool,
    /// It waits for TLS to begin.
    starts_tls: bool,
}

impl Harness {
    fn new(mails: &[&[u8]]) -> Self {
        Self::with(Settings::default(), mails)
    }

    fn with(settings: Settings, mails: &[&[u8]]) -> Self {
        let info = |(index, mail): (usize, &&[u8])| MessageInfo {
            uidl: format!("id{index}"),
            size: mail.len() as u64,
        };
        Self {
            session: Session::new(Arc::new(settings)),
            input: BytesMut::new(),
            output: BytesMut::new(),
            mails: mails.iter().map(|mail| mail.to_vec()).collect(),
            messages: mails.iter().enumerate().map(info).collect(),
            open: false,
            log: Vec::new(),
            failing: None,
            commit: Ok(()),
            closed: false,
            starts_tls: false,
        }
    }

    fn logged_in(mails: &[&[u8]]) -> Self {
        let mut harness = Self::new(mails);
        harness.send(b"USER ann\r\nPASS secret\r\n");
        harness.log.clear();
        harness
    }

    /// Sends bytes and returns all replies so far unread.
    fn send(&mut self, bytes: &[u8]) -> String {
        self.input.extend_from_slice(bytes);
        let mut replies = BytesMut::new();
        loop {
            let messages = if self.open { self.messages.as_slice() } else { &[] };
            let event = self.session.next(&mut self.input, &mut self.output, messages);
            assert!(self.output.len() < OUTPUT_BYTES + 2 * BODY_CHUNK_BYTES, "output is bounded");
            match event {
                Event::Read | Event::Close | Event::StartTls => {
                    self.closed = event == Event::Close;
                    self.starts_tls = event == Event::StartTls;
                    break;
                }
                Event::Flush => replies.unsplit(self.output.split()),
                event => self.answer(event),
            }
        }
        replies.unsplit(self.output.split());
        String::from_utf8(replies.to_vec()).unwrap()
    }

    fn answer(&mut self, event: Event) {
        match event {
            Event::Open(credentials) if credentials.acts_as.as_deref() == Some("bob") => {
                self.session.opened(Err(OpenError::OtherIdentity), &mut self.output);
            }
            Event::Open(credentials) => {
                self.log.push(format!("open {}", credentials.login));
                let result = match credentials.password.as_str() {
                    "secret" => Ok(self.messages.as_slice()),
                    "busy" => Err(OpenError::InUse),
                    "broken" => Err(OpenError::Temporary("try later".into())),
                    _ => Err(OpenError::InvalidCredentials("wrong".into())),
                };
                self.open = result.is_ok();
                self.session.opened(result, &mut self.output);
            }
            Event::Fetch { index, offset, max } => {
                self.log.push(format!("fetch {index} {offset} {max}"));
                assert!(
                    max > 0 && max <= BODY_CHUNK_BYTES && offset + max as u64 <= self.messages[index].size
                );
                let start = usize::try_from(offset).unwrap();
                let result = match self.failing {
                    Some((at, from)) if at == index && offset >= from => {
                        Err(MaildropError::Temporary("disk".into()))
                    }
                    _ => Ok(Bytes::copy_from_slice(&self.mails[index][start..start + max])),
                };
                self.session.fetched(result, &mut self.output);
            }
            Event::Commit(deleted) => {
                self.log.push(format!("commit {deleted:?}"));
                self.open = false;
                self.session.committed(self.commit.clone(), &mut self.output);
            }
            Event::Release => {
                self.log.push("release".into());
                self.open = false;
            }
            Event::Flush | Event::Read | Event::StartTls | Event::Close => {}
        }
    }
}

fn dialogue(harness: &mut Harness, lines: &[(&str, &str)]) {
    for (line, reply) in lines {
        let got = harness.send(format!("{line}\r\n").as_bytes());
        assert!(got.starts_with(reply), "{line:?}: expected {reply:?}, got {got:?}");
        assert!(got.ends_with("\r\n") && got.lines().count() == 1, "{line:?}: {got:?}");
    }
}

/// In plain text, with TLS for who asks.
fn with_encryption(encryption: Encryption) -> Harness {
    Harness::with(Settings { encryption, ..Settings::default() }, &[b"A: b\r\n\r\nc\r\n"])
}

#[test]
fn tls_is_offered_until_it_is_on_and_what_was_said_before_is_forgotten() {
    let mut harness = with_encryption(Encryption::Offered);
    assert!(harness.send(b"CAPA\r\n").contains("STLS\r\n"));
    harness.send(b"USER ann\r\n");
    assert_eq!(harness.send(b"stls\r\n"), "+OK Begin TLS\r\n");
    assert!(harness.starts_tls);
    assert!(harness.send(b"PASS secret\r\n").starts_with("-ERR Say USER first"));
    assert!(!harness.send(b"CAPA\r\n").contains("STLS"));
    assert!(harness.send(b"STLS\r\n").starts_with("-ERR TLS is on already"));
    assert!(harness.send(b"USER ann\r\nPASS secret\r\n").contains("+OK 1 messages"));
    assert!(harness.send(b"STLS\r\n").starts_with("-ERR Already logged in"));
}

#[test]
fn tls_does_not_begin_where_it_is_not_offered_or_something_follows() {
    for (encryption, reply) in
        [(Encryption::None, "-ERR STLS is not offered"), (Encryption::FromTheStart, "-ERR TLS is on already")]
    {
        let mut harness = with_encryption(encryption);
        assert!(!harness.send(b"CAPA\r\n").contains("STLS"));
        let answer = harness.send(b"STLS\r\n");
        assert!(answer.starts_with(reply), "{answer}");
        assert!(!harness.starts_tls);
    }
    for behind in ["USER evil\r\n", "x", "\r\n"] {
        let mut harness = with_encryption(Encryption::Offered);
        let answer = harness.send(format!("STLS\r\n{behind}").as_bytes());
        assert!(answer.starts_with("-ERR Nothing may follow STLS"), "{answer}");
        assert!(!harness.starts_tls);
    }
    assert!(
        with_encryption(Encryption::Offered).send(b"STLS now\r\n").starts_with("-ERR This command takes no")
    );
}

#[test]
fn login_works_in_all_ways() {
    for lines in [
        &[("USER ann", "+OK"), ("PASS secret", "+OK 1 messages (3 octets)")][..],
        &[("AUTH PLAIN AGFubgBzZWNyZXQ=", "+OK")],
        &[("AUTH PLAIN", "+ \r\n"), ("AGFubgBzZWNyZXQ=", "+OK")],
        &[("UTF8", "+OK"), ("USER ann", "+OK"), ("NOOP", "-ERR"), ("PASS secret", "+OK")],
    ] {
        let mut harness = Harness::new(&[b"a\r\n"]);
        dialogue(&mut harness, lines);
        assert_eq!(harness.log, ["open ann"]);
        dialogue(
            &mut harness,
            &[
                ("USER ann", "-ERR Already"),
                ("AUTH PLAIN", "-ERR Already"),
                ("UTF8", "-ERR Already"),
                ("STAT", "+OK 1 3"),
            ],
        );
    }
}

#[test]
fn login_fails_with_a_reason() {
    let mut harness = Harness::with(Settings { max_authentication_failures: 3, ..Settings::default() }, &[]);
    dialogue(
        &mut harness,
        &[
            ("PASS secret", "-ERR Say USER first"),
            ("APOP ann 0", "-ERR APOP is not offered"),
            ("AUTH PLAIN", "+ "),
            ("*", "-ERR Login cancelled"),
            ("AUTH PLAIN !!!", "-ERR The login is not valid base64"),
            ("AUTH PLAIN =", "-ERR The login is not in the form"),
            ("USER ann", "+OK"),
            ("PASS busy", "-ERR [IN-USE]"),
            ("PASS busy", "-ERR Say USER first"),
            ("USER ann", "+OK"),
            ("PASS broken", "-ERR [SYS/TEMP] try later"),
            ("USER nobody", "+OK"),
            ("PASS x", "-ERR [AUTH] wrong"),
            ("AUTH PLAIN Ym9iAGFubgBzZWNyZXQ=", "-ERR [AUTH]"),
            ("STAT", "-ERR Log in first"),
            ("AUTH PLAIN AGFubgB4", "-ERR [AUTH] wrong"),
        ],
    );
    assert!(harness.closed);
}

#[test]
fn capabilities_and_mechanisms_are_listed() {
    let mut harness = Harness::new(&[]);
    let before = harness.send(b"CAPA\r\n");
    assert!(before.starts_with("+OK") && before.ends_with("\r\n.\r\n"));
    for line in [
        "TOP",
        "UIDL",
        "USER",
        "SASL PLAIN",
        "RESP-CODES",
        "AUTH-RESP-CODE",
        "PIPELINING",
        "EXPIRE NEVER",
        "UTF8 USER",
        "IMPLEMENTATION Toxmail",
    ] {
        assert!(before.lines().any(|found| found == line), "{line}");
    }
    assert_eq!(harness.send(b"AUTH\r\n"), "+OK\r\nPLAIN\r\n.\r\n");
    harness.send(b"USER ann\r\nPASS secret\r\n");
    assert_eq!(harness.send(b"CAPA\r\n"), before);
}

#[test]
fn messages_are_listed_and_read() {
    let mut harness = Harness::logged_in(&[b"A: 1\r\n\r\n.one\r\ntwo\r\n", b"x", b""]);
    for (line, reply) in [
        ("STAT", "+OK 3 20\r\n"),
        ("LIST", "+OK 3 messages (20 octets)\r\n1 19\r\n2 1\r\n3 0\r\n.\r\n"),
        ("LIST 2", "+OK 2 1\r\n"),
        ("LIST 4", "-ERR There is no message with this number\r\n"),
        ("LIST 0", "-ERR There is no message with this number\r\n"),
        ("UIDL", "+OK\r\n1 id0\r\n2 id1\r\n3 id2\r\n.\r\n"),
        ("UIDL 3", "+OK 3 id2\r\n"),
        ("RETR 1", "+OK 19 octets\r\nA: 1\r\n\r\n..one\r\ntwo\r\n.\r\n"),
        ("RETR 2", "+OK 1 octets\r\nx\r\n.\r\n"),
        ("RETR 3", "+OK 0 octets\r\n.\r\n"),
        ("TOP 1 0", "+OK\r\nA: 1\r\n\r\n.\r\n"),
        ("TOP 1 1", "+OK\r\nA: 1\r\n\r\n..one\r\n.\r\n"),
        ("TOP 1 10", "+OK\r\nA: 1\r\n\r\n..one\r\ntwo\r\n.\r\n"),
        ("NOOP", "+OK\r\n"),
        ("QUIT", "+OK Bye\r\n"),
    ] {
        assert_eq!(harness.send(format!("{line}\r\n").as_bytes()), reply, "{line}");
    }
    assert!(harness.closed);
    assert_eq!(
        harness.log,
        ["fetch 0 0 19", "fetch 1 0 1", "fetch 0 0 19", "fetch 0 0 19", "fetch 0 0 19", "release"],
        "one read for a small mail"
    );
}

#[test]
fn deletions_wait_for_quit() {
    let mut harness = Harness::logged_in(&[b"a\r\n", b"bb\r\n", b"ccc\r\n"]);
    dialogue(
        &mut harness,
        &[
            ("DELE 2", "+OK"),
            ("DELE 2", "-ERR This message is marked"),
            ("RETR 2", "-ERR This message is marked"),
            ("LIST 2", "-ERR This message is marked"),
            ("STAT", "+OK 2 8"),
            ("RSET", "+OK"),
            ("STAT", "+OK 3 12"),
            ("DELE 3", "+OK"),
            ("DELE 1", "+OK"),
        ],
    );
    assert_eq!(harness.send(b"LIST\r\n"), "+OK 1 messages (4 octets)\r\n2 4\r\n.\r\n");
    assert_eq!(harness.send(b"UIDL\r\n"), "+OK\r\n2 id1\r\n.\r\n");
    assert!(harness.log.is_empty());
    dialogue(&mut harness, &[("QUIT", "+OK Bye, 2 messages deleted")]);
    assert_eq!(harness.log, ["commit [0, 2]"]);
    assert!(harness.closed);
}

#[test]
fn a_failed_update_is_said() {
    let mut harness = Harness::logged_in(&[b"a\r\n"]);
    harness.commit = Err(MaildropError::Temporary("the disk is full".into()));
    let reply = harness.send(b"DELE 1\r\nQUIT\r\n");
    assert!(
        reply.ends_with("-ERR [SYS/TEMP] The messages were not all deleted: the disk is full\r\n"),
        "{reply}"
    );
    assert!(harness.closed);
}

#[test]
fn large_messages_come_in_chunks() {
    let mail = "0123456789\r\n".repeat(20_000);
    let mut harness = Harness::logged_in(&[mail.as_bytes()]);
    let reply = harness.send(b"RETR 1\r\n");
    assert_eq!(reply, format!("+OK 240000 octets\r\n{mail}.\r\n"));
    assert_eq!(harness.log.len(), 240_000_usize.div_ceil(BODY_CHUNK_BYTES));
    harness.log.clear();
    let mail = format!("A: 1\r\n\r\n{mail}");
    let mut harness = Harness::logged_in(&[mail.as_bytes()]);
    assert_eq!(harness.send(b"TOP 1 1\r\n"), "+OK\r\nA: 1\r\n\r\n0123456789\r\n.\r\n");
    assert_eq!(harness.log, [format!("fetch 0 0 {TOP_READ_BYTES}")], "TOP reads no more than it needs");
}

#[test]
fn long_lists_come_in_pieces() {
    let mails = vec![&b"x\r\n"[..]; 20_000];
    let mut harness = Harness::logged_in(&mails);
    let reply = harness.send(b"UIDL\r\nNOOP\r\n");
    assert_eq!(reply.lines().count(), 20_003);
    assert!(reply.ends_with("20000 id19999\r\n.\r\n+OK\r\n"));
}

#[test]
fn a_message_that_cannot_be_read_is_an_error_or_the_end() {
    let mail = vec![b'x'; 200_000];
    let mut harness = Harness::logged_in(&[b"a\r\n", &mail]);
    harness.failing = Some((0, 0));
    dialogue(
        &mut harness,
        &[("RETR 1", "-ERR [SYS/TEMP] The message cannot be read: disk"), ("NOOP", "+OK")],
    );
    harness.failing = Some((1, 100_000));
    let reply = harness.send(b"RETR 2\r\nNOOP\r\n");
    assert!(
        reply.starts_with("+OK 200000 octets\r\nx") && reply.ends_with('x'),
        "half a mail must not look whole"
    );
    assert!(harness.closed);
}

#[test]
fn a_message_shorter_than_listed_is_an_error() {
    let mut harness = Harness::logged_in(&[b"abc"]);
    assert!(matches!(
        harness.session.next(&mut BytesMut::from(&b"RETR 1\r\n"[..]), &mut harness.output, &harness.messages),
        Event::Fetch { index: 0, offset: 0, max: 3 }
    ));
    harness.session.fetched(Ok(Bytes::new()), &mut harness.output);
    assert!(harness.output.starts_with(b"-ERR [SYS/PERM]"));
}

#[test]
fn a_message_longer_than_listed_is_cut() {
    let mut harness = Harness::logged_in(&[b"abc"]);
    harness.session.next(&mut BytesMut::from(&b"RETR 1\r\n"[..]), &mut harness.output, &harness.messages);
    harness.session.fetched(Ok(Bytes::from_static(b"abcdef")), &mut harness.output);
    assert_eq!(harness.send(b""), "+OK 3 octets\r\nabc\r\n.\r\n");
}

#[test]
fn lines_are_bounded() {
    let mut harness = Harness::new(&[]);
    let auth = "A".repeat(AUTH_LINE_BYTES);
    dialogue(
        &mut harness,
        &[
            (&format!("USER {}", "x".repeat(COMMAND_BYTES)), "-ERR The line is too long"),
            ("AUTH PLAIN", "+ "),
            (&auth, "-ERR The login is not in the form"),
            ("AUTH PLAIN", "+ "),
            (&format!("{auth}A"), "-ERR The line is too long"),
            ("QUIT", "+OK"),
        ],
    );
}

#[test]
fn each_bare_line_end_is_refused_once_and_nothing_of_the_line_is_done() {
    let mut harness = Harness::new(&[]);
    assert!(harness.send(b"USER ann\n").starts_with("-ERR Lines end"));
    assert!(harness.send(b"PASS secret\n").starts_with("-ERR Lines end"));
    assert_eq!(harness.send(b"PASS secret\r\n").lines().count(), 1, "it belongs to the line before");
    assert!(harness.send(b"\r\nUSER a\rb\r\n").starts_with("-ERR"));
    assert!(harness.send(b"CAPA\r\n").starts_with("+OK"));
    assert!(harness.log.is_empty());
}

#[test]
fn too_many_mistakes_end_the_session() {
    let mut harness = Harness::with(Settings { max_errors: 3, ..Settings::default() }, &[]);
    let replies = harness.send(b"X\r\nX\r\nX\r\nCAPA\r\n");
    assert_eq!(replies.lines().count(), 3);
    assert!(replies.ends_with("-ERR Too many errors; connect again\r\n"));
    assert!(harness.closed);
}

#[test]
fn a_browser_is_sent_away() {
    let mut harness = Harness::new(&[]);
    let replies = harness.send(b"POST / HTTP/1.1\r\nUSER ann\r\nPASS secret\r\n");
    assert_eq!(replies.lines().count(), 1);
    assert!(harness.closed && harness.log.is_empty());
}

#[test]
fn a_stop_says_nothing_in_the_middle_of_a_message() {
    let mail = vec![b'x'; 200_000];
    let mut harness = Harness::logged_in(&[&mail]);
    let mut input = BytesMut::from(&b"RETR 1\r\n"[..]);
    harness.session.next(&mut input, &mut harness.output, &harness.messages);
    assert!(!harness.session.is_responding());
    harness.session.fetched(Ok(Bytes::from_static(b"xxx")), &mut harness.output);
    assert!(harness.session.is_responding());
    let before = harness.output.len();
    harness.session.stop(&Reply::STOPPING, &mut harness.output);
    assert_eq!(harness.output.len(), before);
}

#[test]
fn passwords_do_not_stay_in_the_input() {
    for (first, secret) in [
        ("USER ann", "pass secret"),
        ("NOOP", "AUTH PLAIN AGFubgBzZWNyZXQ="),
        ("AUTH PLAIN", "AGFubgBzZWNyZXQ="),
    ] {
        let mut session = Session::new(Arc::new(Settings::default()));
        let mut output = BytesMut::new();
        session.line(&mut first.as_bytes().to_vec(), &mut output, &[]);
        let mut line = secret.as_bytes().to_vec();
        let event = session.line(&mut line, &mut output, &[]);
        assert!(matches!(event, Some(Event::Open(_))), "{secret}");
        assert!(line.iter().all(|byte| *byte == 0), "{secret}");
    }
}

#[test]
fn an_unanswered_question_ends_the_session() {
    let mut session = Session::new(Arc::new(Settings::default()));
    let mut input = BytesMut::from(&b"USER ann\r\nPASS secret\r\n"[..]);
    let mut output = BytesMut::new();
    assert!(matches!(session.next(&mut input, &mut output, &[]), Event::Open(_)));
    assert_eq!(session.next(&mut input, &mut output, &[]), Event::Close);
}

fn script() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "USER ann\r\n",
        "PASS secret\r\n",
        "PASS x\r\n",
        "AUTH PLAIN\r\n",
        "AGFubgBzZWNyZXQ=\r\n",
        "*\r\n",
        "CAPA\r\n",
        "STAT\r\n",
        "LIST\r\n",
        "LIST 1\r\n",
        "UIDL\r\n",
        "RETR 1\r\n",
        "RETR 2\r\n",
        "RETR 9\r\n",
        "TOP 1 1\r\n",
        "TOP 2 0\r\n",
        "DELE 1\r\n",
        "DELE 2\r\n",
        "RSET\r\n",
        "NOOP\r\n",
        "QUIT\r\n",
        "\n",
        "\r",
        "\0",
        "\r\n",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| {
        let mut script = b"USER ann\r\nPASS secret\r\n".to_vec();
        script.extend(pieces.concat().into_bytes());
        script
    })
}

proptest! {
    #[test]
    fn pieces_do_not_matter(script in script(), cuts in prop::collection::vec(0_usize..400, 0..12)) {
        let mails: [&[u8]; 2] = [b"A: 1\r\n\r\n.\r\nbody\r\n", b"no end"];
        let mut whole = Harness::new(&mails);
        let expected = whole.send(&script);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(script.len())).collect();
        cuts.extend([0, script.len()]);
        cuts.sort_unstable();
        let mut pieces = Harness::new(&mails);
        let mut replies = String::new();
        for pair in cuts.windows(2) {
            replies += &pieces.send(&script[pair[0]..pair[1]]);
        }
        prop_assert_eq!(replies, expected);
        prop_assert_eq!(pieces.log, whole.log);
        prop_assert_eq!(pieces.closed, whole.closed);
    }
}
