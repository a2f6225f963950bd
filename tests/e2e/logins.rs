//! Logins: how long they hold, how often passwords may be tried, and as whom one may act.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tests::gateway::program;
use tests::smtp::base64;
use tests::{Gateway, network, pop3, smtp, wait};

/// Makes an account; its password.
fn add(gateway: &Gateway, name: &str) -> String {
    gateway.json(&["account", "add", name])["password"].as_str().expect("a password").to_owned()
}

/// Runs a verb that has to succeed.
fn run(gateway: &Gateway, arguments: &[&str]) {
    let output = gateway.run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a verb with a password on standard input.
fn run_with_password(gateway: &Gateway, arguments: &[&str], password: &str) -> Output {
    let mut child = Command::new(program())
        .args(arguments)
        .arg("--password-stdin")
        .arg("--data")
        .arg(gateway.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(password.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

fn mail(subject: &str) -> Vec<u8> {
    format!("From: <owner@tox>\r\nSubject: {subject}\r\n\r\ntext of {subject}\r\n").into_bytes()
}

fn wait_for(gateway: &Gateway, name: &str, password: &str, subject: &str) {
    let end = format!("text of {subject}\r\n");
    wait::until("the mail", || {
        let mut session = pop3::Session::login(gateway.pop3(), name, password).ok()?;
        session.all().iter().any(|mail| mail.ends_with(end.as_bytes())).then_some(())
    });
}

/// Sends AUTH PLAIN; the reply.
fn auth(gateway: &Gateway, acts_as: &str, name: &str, password: &str) -> String {
    let mut session = smtp::Session::connect(gateway.smtp());
    session.command("EHLO client.test");
    session.command(&format!("AUTH PLAIN {}", base64(format!("{acts_as}\0{name}\0{password}").as_bytes())))
}

/// Sends AUTH PLAIN to POP3; the reply.
fn pop3_auth(gateway: &Gateway, acts_as: &str, name: &str, password: &str) -> Result<String, String> {
    let mut session = pop3::Session::connect(gateway.pop3());
    session.command(&format!("AUTH PLAIN {}", base64(format!("{acts_as}\0{name}\0{password}").as_bytes())))
}

#[test]
fn sessions_of_a_removed_account_do_nothing_to_the_next_one_of_its_name() {
    let gateway = Gateway::start(network());
    let old = add(&gateway, "bob");
    gateway.submit("bob@tox", &mail("old"));
    wait_for(&gateway, "bob", &old, "old");
    let mut reading = wait::until("the mailbox", || pop3::Session::login(gateway.pop3(), "bob", &old).ok());
    reading.command("DELE 1").unwrap();
    let mut sending = smtp::Session::login(gateway.smtp(), "bob", &old);
    let mut begun = smtp::Session::login(gateway.smtp(), "bob", &old);
    assert!(begun.command("MAIL FROM:<bob@tox>").starts_with("250"));
    assert!(begun.command("RCPT TO:<owner@tox>").starts_with("250"));
    assert!(begun.command("DATA").starts_with("354"));
    let keys = || {
        let files = std::fs::read_dir(gateway.path("mailbox-keys")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("bob_")).count()
    };
    wait::until("mailbox keys", || (keys() > 0).then_some(()));

    run(&gateway, &["account", "remove", "bob", "--yes"]);
    assert_eq!(keys(), 0);
    assert!(auth(&gateway, "", "bob", &old).starts_with("535"));
    let new = add(&gateway, "bob");
    gateway.submit("bob@tox", &mail("new"));
    wait_for(&gateway, "bob", &new, "new");
    let token = std::fs::read_to_string(gateway.path("admin-token")).unwrap();
    let token = format!("Authorization: Bearer {}", token.trim());
    let url = format!("http://{}/api/v1/decisions?account=bob&limit=100", gateway.admin());
    let decisions = tests::program::output(&gateway.path(""), "curl", &["-sSf", "-H", &token, &url], b"");
    assert!(decisions.starts_with('[') && !decisions.contains("old"), "{decisions}");

    let refused = reading.command("RETR 1").unwrap_err();
    assert!(refused.starts_with("-ERR [AUTH]"), "{refused}");
    let refused = sending.command("MAIL FROM:<bob@tox>");
    assert!(refused.starts_with("421 4.7.0"), "{refused}");
    begun.write(b"Subject: mine no more\r\n\r\nx\r\n.\r\n");
    let refused = begun.reply();
    assert!(refused.starts_with("421 4.7.0"), "{refused}");
    wait_for(&gateway, "bob", &new, "new");
    assert!(gateway.mails().iter().all(|mail| !String::from_utf8_lossy(mail).contains("mine no more")));
}

#[test]
fn sessions_end_with_the_password_and_when_an_account_is_switched_off() {
    let gateway = Gateway::start(network());
    let first = add(&gateway, "bob");
    let sessions = |password: &str| {
        let reading =
            wait::until("the mailbox", || pop3::Session::login(gateway.pop3(), "bob", password).ok());
        (reading, smtp::Session::login(gateway.smtp(), "bob", password))
    };
    let over = |(mut reading, mut sending): (pop3::Session, smtp::Session)| {
        let refused = reading.command("STAT").unwrap_err();
        assert!(refused.starts_with("-ERR [AUTH]"), "{refused}");
        let refused = sending.command("MAIL FROM:<bob@tox>");
        assert!(refused.starts_with("421 4.7.0"), "{refused}");
    };
    let open = sessions(&first);
    let changed: Value = gateway.json(&["account", "password", "bob"]);
    let second = changed["password"].as_str().unwrap();
    // The old session keeps nobody out of the mailbox.
    drop(pop3::Session::login(gateway.pop3(), "bob", second).unwrap());
    over(open);
    let open = sessions(second);
    run(&gateway, &["account", "disable", "bob"]);
    over(open);
    assert!(auth(&gateway, "", "bob", second).starts_with("535"));
    run(&gateway, &["account", "enable", "bob"]);
    assert!(auth(&gateway, "", "bob", second).starts_with("235"));
}

#[test]
fn two_accounts_of_one_name_made_at_once_are_one_that_works() {
    let gateway = Gateway::start(network());
    for name in ["carla", "dora", "emil"] {
        let outputs: Vec<Output> = std::thread::scope(|scope| {
            let adding: Vec<_> =
                (0..3).map(|_| scope.spawn(|| gateway.run(&["account", "add", name, "--json"]))).collect();
            adding.into_iter().map(|adding| adding.join().unwrap()).collect()
        });
        let (made, refused): (Vec<_>, Vec<_>) = outputs.iter().partition(|output| output.status.success());
        assert_eq!((made.len(), refused.len()), (1, 2), "{outputs:?}");
        for output in refused {
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(text.contains("exists") || text.contains("already"), "{text}");
        }
        let made: Value = serde_json::from_slice(&made[0].stdout).unwrap();
        let password = made["password"].as_str().unwrap();
        assert!(auth(&gateway, "", name, password).starts_with("235"));
        let identity = gateway.json(&["id", "--account", name]);
        assert_eq!(identity["tox_id"], made["tox_id"]);
        gateway.submit(&format!("{name}@tox"), &mail("hello"));
        wait_for(&gateway, name, password, "hello");
    }
}

#[test]
fn guessing_is_slow_in_every_protocol_and_keeps_no_owner_out() {
    let gateway = Gateway::start(network());
    let output = run_with_password(&gateway, &["account", "add", "bob"], "\u{feff}caf\u{e9} noir\r\n");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Typed on another machine.
    assert!(auth(&gateway, "", "Bob@tox", "cafe\u{301}\u{a0}noir").starts_with("235"));
    let mut refused = 0;
    for number in 0..20 {
        // Each spelling is the same account, and SMTP and POP3 count together.
        let (name, guess) = (["bob", "BOB", "bob@tox", "bob+x@tox"][number % 4], format!("guess {number}"));
        let reply = if number % 2 == 0 {
            auth(&gateway, "", name, &guess)
        } else {
            pop3_auth(&gateway, "", name, &guess).unwrap_err()
        };
        if reply.starts_with("454 4.7.0") || reply.starts_with("-ERR [SYS/TEMP]") {
            assert!(reply.contains("wait") && reply.contains("minute"), "{reply}");
            refused += 1;
        } else {
            assert!(reply.starts_with("535 5.7.8") || reply.starts_with("-ERR [AUTH]"), "{reply}");
        }
    }
    assert_eq!(refused, 10);
    // The owner, with a generated password, from the same place too.
    let owner = gateway.account();
    assert!(auth(&gateway, "", &owner, &gateway.password()).starts_with("235"));
    assert!(auth(&gateway, "", "bob", "caf\u{e9} noir").starts_with("454 4.7.0"));
}

#[test]
fn an_authorization_identity_in_another_spelling_is_the_account() {
    let gateway = Gateway::start(network());
    let (owner, password) = (gateway.account(), gateway.password());
    add(&gateway, "bob");
    for acts_as in
        ["", "owner", "OWNER", "owner@tox", "Owner@tox.internal", "owner+shop@tox", &gateway.address()]
    {
        let reply = auth(&gateway, acts_as, &owner, &password);
        assert!(reply.starts_with("235"), "{acts_as}: {reply}");
        wait::until("POP3", || match pop3_auth(&gateway, acts_as, &owner, &password) {
            Err(reply) if reply.contains("[IN-USE]") => None,
            answer => Some(answer.unwrap()),
        });
    }
    for acts_as in ["bob", "nobody", "bob@tox", "root"] {
        let reply = auth(&gateway, acts_as, &owner, &password);
        assert!(reply.starts_with("535 5.7.8"), "{acts_as}: {reply}");
        let reply = pop3_auth(&gateway, acts_as, &owner, &password).unwrap_err();
        assert!(reply.starts_with("-ERR [AUTH]"), "{acts_as}: {reply}");
    }
}

#[test]
fn a_login_right_after_the_session_before_is_not_turned_away() {
    let gateway = Gateway::start(network());
    let (owner, password) = (gateway.account(), gateway.password());
    for _ in 0..200 {
        // Dropped without QUIT: the gateway notices a moment later.
        let session = pop3::Session::login(gateway.pop3(), &owner, &password);
        assert!(session.is_ok(), "{:?}", session.err());
    }
}
