use proptest::prelude::*;

use super::*;

#[test]
fn commands_are_known_in_any_case() {
    for (line, command) in [
        ("USER ann", Command::User("ann")),
        ("PASS  a b ", Command::Pass(" a b ")),
        ("AUTH", Command::AuthList),
        ("auth plain", Command::AuthPlain(None)),
        ("AUTH PLAIN =", Command::AuthPlain(Some("="))),
        ("APOP ann 0123", Command::Apop),
        ("CAPA", Command::Capa),
        ("UTF8", Command::Utf8),
        ("stat", Command::Stat),
        ("LIST", Command::List(None)),
        ("LIST 2", Command::List(Some(Some(2)))),
        ("LIST 0", Command::List(Some(None))),
        ("UIDL", Command::Uidl(None)),
        ("UIDL 1", Command::Uidl(Some(Some(1)))),
        ("RETR 1", Command::Retr(Some(1))),
        ("RETR 99999999999999999999999", Command::Retr(None)),
        ("TOP 1 0", Command::Top(Some(1), 0)),
        ("TOP 1  99999999999999999999999", Command::Top(Some(1), u64::MAX)),
        ("DELE 3 ", Command::Dele(Some(3))),
        ("RSET", Command::Rset),
        ("NOOP", Command::Noop),
        ("QUIT", Command::Quit),
        ("GET / HTTP/1.1", Command::Http),
    ] {
        assert_eq!(parse(line.as_bytes()), Ok(command), "{line}");
    }
}

#[test]
fn malformed_commands_have_their_replies() {
    for (line, reply) in [
        ("", Reply::UNKNOWN),
        ("LAST", Reply::UNKNOWN),
        ("STLS now", Reply::NO_ARGUMENT),
        ("USER", Reply::USER_ARGUMENT),
        ("PASS", Reply::PASS_ARGUMENT),
        ("PASS ", Reply::PASS_ARGUMENT),
        ("AUTH CRAM-MD5", Reply::MECHANISM),
        ("RETR", Reply::NUMBER_ARGUMENT),
        ("RETR x", Reply::NUMBER_ARGUMENT),
        ("RETR -1", Reply::NUMBER_ARGUMENT),
        ("RETR +1", Reply::NUMBER_ARGUMENT),
        ("RETR 1 2", Reply::NUMBER_ARGUMENT),
        ("LIST x", Reply::NUMBER_ARGUMENT),
        ("TOP 1", Reply::TOP_ARGUMENT),
        ("TOP 1 x", Reply::TOP_ARGUMENT),
        ("TOP x 1", Reply::NUMBER_ARGUMENT),
        ("STAT 1", Reply::NO_ARGUMENT),
        ("QUIT now", Reply::NO_ARGUMENT),
        ("NOOP\0", Reply::NUL),
    ] {
        assert_eq!(parse(line.as_bytes()), Err(reply), "{line}");
    }
    assert_eq!(parse(b"USER \xff"), Err(Reply::NOT_UTF8));
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_or_refused(line: Vec<u8>) {
        let _ = parse(&line);
    }

    #[test]
    fn near_commands_are_parsed_or_refused(
        line in "(RETR|TOP|LIST|UIDL|DELE|USER|PASS|AUTH|AUTH PLAIN|STAT)[ 0-9a=-]{0,12}"
    ) {
        if let Err(reply) = parse(line.as_bytes()) {
            prop_assert!(reply.as_str().starts_with("-ERR "));
        }
    }
}
