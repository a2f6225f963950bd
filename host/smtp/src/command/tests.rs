use mail::{Notify, Return, ReversePath};
use proptest::prelude::*;

use super::*;
use crate::backend::BodyType;

fn mail_from(line: &str) -> Result<MailFrom, Reply> {
    match parse(line.as_bytes())? {
        Command::Mail(mail) => Ok(mail),
        other => panic!("{other:?}"),
    }
}

fn rcpt_to(line: &str) -> Result<Recipient, Reply> {
    match parse(line.as_bytes())? {
        Command::Rcpt(recipient) => Ok(recipient),
        other => panic!("{other:?}"),
    }
}

#[test]
fn verbs_are_known_in_any_case() {
    for (line, command) in [
        ("EHLO me", Command::Ehlo),
        ("ehlo [127.0.0.1]", Command::Ehlo),
        ("HELO me", Command::Helo),
        ("DATA", Command::Data),
        ("data  ", Command::Data),
        ("RsEt", Command::Rset),
        ("NOOP", Command::Noop),
        ("NOOP anything", Command::Noop),
        ("VRFY ann", Command::Vrfy),
        ("HELP", Command::Help),
        ("HELP MAIL", Command::Help),
        ("QUIT", Command::Quit),
        ("AUTH PLAIN", Command::Auth(Mechanism::Plain, None)),
        ("auth plain AGE=", Command::Auth(Mechanism::Plain, Some("AGE="))),
        ("AUTH LOGIN =", Command::Auth(Mechanism::Login, Some("="))),
        ("GET / HTTP/1.1", Command::Http),
        ("POST /x HTTP/1.0", Command::Http),
        ("Host: localhost:2525", Command::Http),
    ] {
        assert_eq!(parse(line.as_bytes()), Ok(command), "{line}");
    }
}

#[test]
fn the_name_of_a_machine_may_be_in_any_character_set() {
    assert_eq!(parse(b"EHLO b\xfcro-pc"), Ok(Command::Ehlo));
    assert_eq!(parse(b"helo \xcf\xea"), Ok(Command::Helo));
    assert_eq!(parse(b"NOOP \xff"), Ok(Command::Noop));
    assert_eq!(parse(b"VRFY m\xfcller"), Ok(Command::Vrfy));
    assert_eq!(parse(b"HELP \xff"), Ok(Command::Help));
}

#[test]
fn malformed_commands_have_their_replies() {
    for (line, reply) in [
        ("", Reply::UNKNOWN),
        ("FOO", Reply::UNKNOWN),
        ("MAILFROM:<a@b>", Reply::UNKNOWN),
        ("EHLO", Reply::EHLO_ARGUMENT),
        ("DATA now", Reply::NO_ARGUMENT),
        ("RSET x", Reply::NO_ARGUMENT),
        ("QUIT x", Reply::NO_ARGUMENT),
        ("STARTTLS now", Reply::NO_ARGUMENT),
        ("BDAT 10 LAST", Reply::NOT_IMPLEMENTED),
        ("EXPN list", Reply::NOT_IMPLEMENTED),
        ("AUTH", Reply::AUTH_ARGUMENT),
        ("AUTH CRAM-MD5", Reply::AUTH_MECHANISM),
        ("NOOP \0", Reply::CONTROL),
        ("MAIL", Reply::MAIL_SYNTAX),
        ("MAIL a@b", Reply::MAIL_SYNTAX),
        ("MAIL FROM:a@b", Reply::MAIL_SYNTAX),
        ("MAIL FROM:<a@b", Reply::MAIL_SYNTAX),
        ("MAIL FROM:<a@b>SIZE=1", Reply::MAIL_SYNTAX),
        ("MAIL FROM:<\"a@b>", Reply::MAIL_SYNTAX),
        ("MAIL FRÖM:<a@b>", Reply::MAIL_SYNTAX),
        ("MAIL FROM:<ä@b>", Reply::SENDER_UTF8),
        ("MAIL FROM:<a@b> SIZE", Reply::PARAMETER_UNKNOWN),
        ("MAIL FROM:<a@b> SIZE=", Reply::PARAMETER_VALUE),
        ("MAIL FROM:<a@b> SIZE=-1", Reply::PARAMETER_VALUE),
        ("MAIL FROM:<a@b> SIZE=111111111111111111111", Reply::PARAMETER_VALUE),
        ("MAIL FROM:<a@b> SIZE=1 SIZE=1", Reply::PARAMETER_TWICE),
        ("MAIL FROM:<a@b> BODY=BINARYMIME", Reply::PARAMETER_VALUE),
        ("MAIL FROM:<a@b> SMTPUTF8=1", Reply::PARAMETER_UNKNOWN),
        ("MAIL FROM:<a@b> RET=ALL", Reply::PARAMETER_VALUE),
        ("MAIL FROM:<a@b> ENVID=", Reply::PARAMETER_VALUE),
        ("MAIL FROM:<a@b> ENVID=a+0D+0Ab", Reply::PARAMETER_VALUE),
        ("MAIL FROM:<a@b> ENVID=a+0", Reply::PARAMETER_VALUE),
        ("MAIL FROM:<a@b> ENVID=a+FF", Reply::PARAMETER_VALUE),
        ("MAIL FROM:<a@b> ENVID=a=b", Reply::PARAMETER_VALUE),
        ("MAIL FROM:<a@b> NOTIFY=NEVER", Reply::PARAMETER_UNKNOWN),
        ("RCPT TO:", Reply::RCPT_SYNTAX),
        ("RCPT FROM:<a@b>", Reply::RCPT_SYNTAX),
        ("RCPT TO:<a@b> SIZE=1", Reply::PARAMETER_UNKNOWN),
        ("RCPT TO:<a@b> NOTIFY=", Reply::PARAMETER_VALUE),
        ("RCPT TO:<a@b> NOTIFY=NEVER,DELAY", Reply::PARAMETER_VALUE),
        ("RCPT TO:<a@b> ORCPT=a@b", Reply::PARAMETER_VALUE),
        ("RCPT TO:<a@b> ORCPT=rfc822;", Reply::PARAMETER_VALUE),
        ("RCPT TO:<a@b> ORCPT=rf/c;a", Reply::PARAMETER_VALUE),
    ] {
        assert_eq!(parse(line.as_bytes()), Err(reply), "{line}");
    }
    assert_eq!(parse(b"RSET \xff"), Err(Reply::NOT_UTF8));
    assert_eq!(parse(b"EHLO m\0"), Err(Reply::CONTROL));
    let long = format!("MAIL FROM:<a@b> ENVID={}", "a".repeat(101));
    assert_eq!(parse(long.as_bytes()), Err(Reply::PARAMETER_VALUE));
    let long = format!("RCPT TO:<a@b> ORCPT=rfc822;{}", "a".repeat(494));
    assert_eq!(parse(long.as_bytes()), Err(Reply::PARAMETER_VALUE));
}

#[test]
fn bad_addresses_say_so() {
    let reply = |line: &str| parse(line.as_bytes()).unwrap_err().as_str().to_owned();
    assert!(reply("MAIL FROM:<ann>").starts_with("501 5.1.7 "));
    assert!(reply("RCPT TO:<>").starts_with("501 5.1.3 "));
    assert!(reply("RCPT TO:<webmaster>").starts_with("501 5.1.3 "));
    assert!(reply("MAIL FROM:<postmaster>").starts_with("501 5.1.7 "));
    assert!(reply("RCPT TO:<a b@c>").starts_with("501 5.1.3 "));
}

#[test]
fn mail_takes_its_parameters() {
    let mail = mail_from("MAIL FROM:<ann@tox> SIZE=12 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=id+2Bx AUTH=<>")
        .unwrap();
    assert_eq!(
        mail,
        MailFrom {
            reverse_path: ReversePath::Mailbox("ann@tox".parse().unwrap()),
            size: Some(12),
            body: BodyType::EightBitMime,
            smtputf8: true,
            ret: Return::Full,
            envelope_id: Some("id+x".into()),
        }
    );
    let plain = mail_from("mail from: <> body=7bit ret=hdrs").unwrap();
    assert_eq!((plain.reverse_path, plain.size, plain.smtputf8), (ReversePath::Null, None, false));
    assert_eq!(mail_from("MAIL FROM:<a@b> SIZE=99999999999999999999").unwrap().size, Some(u64::MAX));
    assert!(mail_from("MAIL FROM:<ä@b> SMTPUTF8").is_ok());
}

#[test]
fn paths_may_be_quoted_and_routed() {
    let address = |line: &str| rcpt_to(line).unwrap().address.to_string();
    assert_eq!(address("RCPT TO:<\"a>b\"@tox>"), "\"a>b\"@tox");
    assert_eq!(address("RCPT TO:<\"a\\\">b\"@tox>"), "\"a\\\">b\"@tox");
    for postmaster in ["postmaster", "Postmaster", "POSTMASTER"] {
        assert_eq!(address(&format!("RCPT TO:<{postmaster}>")), "postmaster@tox", "RFC 5321 section 4.5.1");
    }
    assert_eq!(address("RCPT TO:<@one,@two:ann@tox>"), "ann@tox");
}

#[test]
fn rcpt_takes_its_parameters() {
    let recipient = rcpt_to("RCPT TO:<bob@tox> NOTIFY=success,DELAY ORCPT=rfc822;b+6Fb@x").unwrap();
    assert_eq!(recipient.notify, Notify { success: true, failure: false, delay: true });
    assert_eq!(recipient.original_recipient.as_deref(), Some("rfc822;bob@x"));
    assert_eq!(rcpt_to("RCPT TO:<bob@tox> NOTIFY=NEVER").unwrap().notify, Notify::NEVER);
    assert_eq!(rcpt_to("RCPT TO:<bob@tox>").unwrap().notify, Notify::default());
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_or_refused(line: Vec<u8>) {
        let _ = parse(&line);
    }

    #[test]
    fn near_commands_are_parsed_or_refused(
        line in "(MAIL FROM:|RCPT TO:|AUTH )[<\"\\\\]{0,2}[a-c@.ä]{0,8}[>\"]{0,2}( (SIZE|ENVID|ORCPT|NOTIFY)?=?[+0-9A-F;,]{0,6}){0,3}"
    ) {
        if let Err(reply) = parse(line.as_bytes()) {
            prop_assert!(reply.as_str().starts_with('5'));
        }
    }
}
