//! Clients that send garbage, say nothing, or come by the thousand, and a disk that is full: each gets its documented
//! answer, and whoever behaves is not hindered.

use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use tests::{Gateway, network, pop3, smtp, wait};

/// Connections of a flood.
const FLOOD: usize = 1_000;

/// Sessions a server has that did not log in (`limits.rs` of `smtp` and `pop3`).
const WITHOUT_LOGIN: usize = 50;

fn connect(address: SocketAddr) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(wait::DEADLINE)).expect("a time limit");
    BufReader::new(stream)
}

/// Everything until the other side closes. A reset counts as the end: it may have closed with input unread.
fn read_to_end(stream: &mut impl std::io::Read) -> String {
    let mut bytes = Vec::new();
    if let Err(error) = stream.read_to_end(&mut bytes) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Sends as much as is taken: the other side may close before.
fn send(stream: &mut BufReader<TcpStream>, bytes: &[u8]) {
    let _ = stream.get_mut().write_all(bytes);
}

fn own_address(gateway: &Gateway) -> String {
    format!("{}@tox", gateway.account())
}

/// One mail to oneself and back, on new connections.
fn assert_usable(gateway: &Gateway, label: &str) {
    let text = format!("Subject: {label}\r\n\r\n{label}\r\n");
    gateway.submit(&own_address(gateway), text.as_bytes());
    let _ = gateway.wait_for_mail(text.as_bytes());
}

fn noise(length: usize, mut state: u64) -> Vec<u8> {
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn slow_and_silent_clients_hold_up_nobody() {
    let gateway = Gateway::start(network());
    // As many as may be there without having logged in, but for two.
    let silent: Vec<_> =
        (2..WITHOUT_LOGIN).flat_map(|_| [connect(gateway.smtp()), connect(gateway.pop3())]).collect();
    // Logged in, and stuck in the middle of a command, of a mail, and of reading one.
    gateway.submit(
        &own_address(&gateway),
        &[b"Subject: large\r\n\r\n", noise_lines(3_000_000).as_slice()].concat(),
    );
    let mut half_command = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
    half_command.write(b"MAIL FR");
    let mut half_mail = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
    assert!(half_mail.command(&format!("MAIL FROM:<{}>", gateway.address())).starts_with("250"));
    assert!(half_mail.command(&format!("RCPT TO:<{}>", own_address(&gateway))).starts_with("250"));
    assert!(half_mail.command("DATA").starts_with("354"));
    half_mail.write(b"Subject: never\r\n\r\nended");

    for number in 0..10 {
        assert_usable(&gateway, &format!("beside silent ones {number}"));
    }

    // A reader that stops in the middle holds its own mailbox, and nothing else.
    let mut reader =
        pop3::Session::login(gateway.pop3(), &gateway.account(), &gateway.password()).expect("a login");
    reader.command("RETR 1").expect("RETR");
    for number in 0..10 {
        gateway.submit(&own_address(&gateway), format!("Subject: {number}\r\n\r\nbeside\r\n").as_bytes());
    }
    drop(reader);
    wait::until("ten more mails", || (gateway.mails().len() == 21).then_some(()));
    // Those who were slow may go on.
    half_mail.write(b" after all\r\n.\r\n");
    assert!(half_mail.reply().starts_with("250"));
    half_command.write(format!("OM:<{}>\r\n", gateway.address()).as_bytes());
    assert!(half_command.reply().starts_with("250"));
    drop(silent);
}

/// Lines of hex digits.
fn noise_lines(length: usize) -> Vec<u8> {
    let mut lines = Vec::new();
    for chunk in noise(length / 2, 7).chunks(32) {
        lines.extend(chunk.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()));
        lines.extend_from_slice(b"\r\n");
    }
    lines
}

/// Whether a connection is served: its greeting comes, and a NOOP is answered. If not it has to say why.
fn is_served(mut stream: BufReader<TcpStream>, ok: &str, refusal: &str) -> bool {
    send(&mut stream, b"NOOP\r\n");
    let mut answered = 0;
    loop {
        let mut line = String::new();
        match stream.read_line(&mut line) {
            Ok(0) => return false,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return false,
            Err(error) => panic!("neither answer nor end: {error}"),
            Ok(_) if line.starts_with(refusal) => return false,
            // The greeting, then NOOP's answer; POP3 has none before the login and says so.
            Ok(_) => assert!(line.starts_with(ok) || line.starts_with("-ERR"), "{line}"),
        }
        answered += 1;
        if answered == 2 {
            return true;
        }
    }
}

#[test]
fn a_flood_of_connections_is_refused_with_a_reason_and_sessions_go_on() {
    let gateway = Gateway::start(network());
    let mut good = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
    let own = own_address(&gateway);
    for (address, ok, refusal) in
        [(gateway.smtp(), "2", "421 4."), (gateway.pop3(), "+OK", "-ERR [SYS/TEMP]")]
    {
        let flood: Vec<_> = (0..FLOOD).map(|_| connect(address)).collect();
        for number in 0..20 {
            let text = format!("Subject: {number}\r\n\r\nduring the flood\r\n");
            good.send(&gateway.address(), &[&own], text.as_bytes()).expect("a session that is there goes on");
        }
        // All are held while each is asked, so that none makes room for the next.
        let served = flood
            .into_iter()
            .map(|stream| {
                let held = stream.get_ref().try_clone().expect("a second handle");
                (is_served(stream, ok, refusal), held)
            })
            .collect::<Vec<_>>();
        let count = served.iter().filter(|(is_served, _)| *is_served).count();
        assert!((1..=WITHOUT_LOGIN).contains(&count), "{count} of {FLOOD} connections were served");
        drop(served);
    }
    // When they are gone, others are let in again.
    wait::until("a new session", || {
        let mut stream = connect(gateway.smtp());
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        line.starts_with("220").then_some(())
    });
    wait::until("forty mails", || (gateway.mails().len() == 40).then_some(()));
}

#[test]
fn garbage_gets_an_answer_and_harms_nobody() {
    let gateway = Gateway::start(network());
    for seed in 1..20 {
        let garbage = noise(100_000, seed);
        for (address, answer) in [(gateway.smtp(), "220"), (gateway.pop3(), "+OK")] {
            let mut stream = connect(address);
            send(&mut stream, &garbage);
            let _ = stream.get_mut().shutdown(std::net::Shutdown::Write);
            let text = read_to_end(&mut stream);
            assert!(text.is_empty() || text.starts_with(answer), "{text}");
        }
        let mut stream = connect(gateway.admin());
        send(&mut stream, &garbage);
        let _ = stream.get_mut().shutdown(std::net::Shutdown::Write);
        let text = read_to_end(&mut stream);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
    }
    assert_usable(&gateway, "after garbage");
}

#[test]
fn malformed_input_gets_its_documented_answer() {
    let gateway = Gateway::start(network());
    // Malformed commands: the session survives some, then ends.
    let mut session = smtp::Session::connect(gateway.smtp());
    assert!(session.command("FROBNICATE").starts_with("500 5.5."), "an unknown command");
    assert!(session.command(&"x".repeat(3_000)).starts_with("500 5.5.2"), "a long line");
    assert!(session.command("EHLO a\nNOOP").starts_with("500 5.5.2"), "LF alone");
    assert!(session.reply().starts_with("500 5.5.2"), "and what was behind it in the line");
    session.write(b"EHLO b\xfcro\r\n");
    assert!(session.reply().starts_with("250"), "the name of a machine in Latin-1");
    assert!(session.command("EHLO client.test").starts_with("250"));
    let mut last = String::new();
    for _ in 0..20 {
        last = session.command("FROBNICATE");
        if last.starts_with("421") {
            break;
        }
    }
    assert!(last.starts_with("421 4.7.0"), "{last}");

    let login = || smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
    let mut session = login();
    let own = own_address(&gateway);
    let refused =
        session.send(&gateway.address(), &[&own], b"Subject: x\r\n\r\nLF\nalone\r\n").expect_err("refused");
    assert!(refused.starts_with("550 5.6.0"), "{refused}");
    // The end of a text that others see and this one does not: nothing behind it is taken for a command.
    let smuggled = format!("Subject: x\r\n\r\nx\n.\r\nMAIL FROM:<{}>\r\n", gateway.address());
    let refused = session.send(&gateway.address(), &[&own], smuggled.as_bytes()).expect_err("refused");
    assert!(refused.starts_with("550 5.6.0"), "{refused}");
    assert!(session.command("NOOP").starts_with("250"), "no reply is left over");

    let mut session = pop3::Session::connect(gateway.pop3());
    for line in ["RETR 1", "FROBNICATE", "USER", "PASS x", "TOP 1 -1", "LIST 99999999999999999999"] {
        let refused = session.command(line).expect_err("refused");
        assert!(refused.starts_with("-ERR "), "{refused}");
    }
    let mut session =
        pop3::Session::login(gateway.pop3(), &gateway.account(), &gateway.password()).expect("a login");
    for line in ["RETR 0", "RETR 1", "DELE x", "TOP 1", "UIDL 18446744073709551616"] {
        let refused = session.command(line).expect_err("refused");
        assert!(refused.starts_with("-ERR "), "{refused}");
    }
    assert_eq!(session.count(), 0, "nothing that was refused is there");
}

/// A file system of its own; where one cannot be mounted there is none.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(megabytes: usize) -> Option<Self> {
        let path = TempDir::new().expect("a temporary directory").keep();
        let size = format!("size={megabytes}m,mode=0700");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&path).status();
        if status.is_ok_and(|status| status.success()) {
            return Some(Self(path));
        }
        let _ = std::fs::remove_dir(&path);
        None
    }

    /// Fills it but for this many bytes.
    fn fill(&self, leave: usize) -> PathBuf {
        let path = self.0.join("ballast");
        let mut file = std::fs::File::create(&path).expect("a file");
        let block = vec![0; 1 << 16];
        while file.write_all(&block).is_ok() {}
        let length = file.metadata().expect("its length").len();
        file.set_len(length.saturating_sub(leave as u64)).expect("it can be made shorter");
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

fn try_submit(gateway: &Gateway, text: &[u8]) -> Result<String, String> {
    let mut session = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
    session.send(&gateway.address(), &[&own_address(gateway)], text)
}

fn assert_full(refused: &str) {
    assert!(refused.starts_with("452 4.3.1"), "{refused}");
    assert!(refused.contains("full") && refused.contains("space"), "{refused}");
}

#[test]
fn a_full_disk_refuses_clearly_loses_nothing_and_works_again_with_space() {
    let Some(disk) = SmallDisk::mount(96) else {
        eprintln!("not run: only root can mount a small disk");
        return;
    };
    let directory = TempDir::new_in(&disk.0).expect("a directory on it");
    let mut gateway = Gateway::start_from(directory, vec!["--no-public-bootstrap".to_owned()]);
    let mut accepted: Vec<Vec<u8>> = (0..5).map(|number| mail(number, 10_000)).collect();
    for text in &accepted {
        try_submit(&gateway, text).expect("there is space");
    }

    // Something else fills the disk, to the last byte.
    let ballast = disk.fill(0);
    let refused = wait::until("a refusal", || try_submit(&gateway, &mail(100, 10_000)).err());
    assert_full(&refused);
    assert_same(&gateway.mails(), &accepted);
    std::fs::remove_file(&ballast).expect("the ballast goes");
    let text = mail(101, 10_000);
    let _ = wait::until("space again", || try_submit(&gateway, &text).ok());
    accepted.push(text);

    // Mail fills it. The one that does not fit is refused; the others survive a kill.
    let refused = (200..).find_map(|number| {
        let text = mail(number, 3_000_000);
        try_submit(&gateway, &text).map(|_| accepted.push(text)).err()
    });
    assert_full(&refused.expect("the disk is finite"));
    gateway.kill();
    gateway.restart();
    assert_same(&gateway.mails(), &accepted);
}

fn mail(number: usize, length: usize) -> Vec<u8> {
    let mut text = format!("Subject: {number}\r\n\r\n").into_bytes();
    while text.len() < length {
        text.extend_from_slice(
            format!("a line of mail {number} that is there for its length\r\n").as_bytes(),
        );
    }
    text
}

fn assert_same(mails: &[Vec<u8>], expected: &[Vec<u8>]) {
    assert_eq!(mails.len(), expected.len());
    for text in expected {
        assert!(mails.iter().any(|mail| mail.ends_with(text)), "a mail is lost");
    }
}
