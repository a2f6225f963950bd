//! Listeners that others can reach speak TLS and nothing else; those on this machine when they are asked to.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

use tests::{Gateway, network, program, wait};

const EVERYWHERE: [&str; 6] = ["--smtp", "0.0.0.0:0", "--pop3", "0.0.0.0:0", "--admin", "0.0.0.0:0"];

/// What the listener answers to plain text.
fn plain(port: u16, text: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(wait::DEADLINE)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A reset is as good as an end.
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[test]
fn everything_beyond_loopback_is_over_tls() {
    let mut gateway = Gateway::start_with(network(), &EVERYWHERE);
    let certificate = gateway.path("tls-certificate.pem");
    for secret in [&certificate, &gateway.path("tls-key.pem")] {
        assert_eq!(secret.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    // The verbs know the certificate.
    assert_eq!(gateway.json(&["id"])["tox_id"], gateway.tox_id());

    // Plain text gets no word, of no protocol: at most the alert of TLS (RFC 8446 section 6).
    for (port, text) in [
        (gateway.smtp().port(), "EHLO x\r\nQUIT\r\n"),
        (gateway.pop3().port(), "CAPA\r\nQUIT\r\n"),
        (gateway.admin().port(), "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    ] {
        let answer = plain(port, text);
        assert!(answer.is_empty() || answer[0] == 0x15, "{}", String::from_utf8_lossy(&answer));
    }

    // Mail programs with the printed configuration, which checks the certificate.
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    for part in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(home.join("Mail/toxmail").join(part)).unwrap();
    }
    for (name, file) in
        [("msmtp", ".msmtprc"), ("mpop", ".mpoprc"), ("fetchmail", ".fetchmailrc"), ("mutt", ".muttrc")]
    {
        let output = gateway.run(&["mailclient", name]);
        std::fs::write(home.join(file), output.stdout).unwrap();
        std::fs::set_permissions(home.join(file), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let fetched = || std::fs::read_dir(home.join("Mail/toxmail/new")).unwrap().count();
    for (number, fetch) in (1..).zip([&["mpop"][..], &["fetchmail", "--nodetach"]]) {
        let _ = program::output(home, "msmtp", &["owner@tox"], b"Subject: over TLS\n\nHello\n");
        wait::until("the mail", || {
            // Nothing to fetch yet is no failure.
            let _ = program::run(home, fetch[0], &fetch[1..], b"");
            (fetched() == number).then_some(())
        });
    }

    let mails = std::fs::read_dir(home.join("Mail/toxmail/new")).unwrap();
    let mail = std::fs::read_to_string(mails.flatten().next().unwrap().path()).unwrap();
    assert!(mail.contains("with ESMTPSA id"), "{mail}");
    // Mutt wants a terminal for reading: G fetches, x leaves.
    let _ = program::output(home, "mutt", &["-s", "by mutt", "owner@tox"], b"Hello\n");
    wait::until("the mail of mutt", || {
        let keys = "mutt -e 'set wait_key=no' -e 'push \"G<exit>\"'";
        let _ = program::run(home, "env", &["TERM=vt100", "script", "-qec", keys, "/dev/null"], b"");
        (fetched() == 3).then_some(())
    });

    // Browsers and curl, which trusts the certificate it is given; under names the gateway has.
    let url =
        format!("https://127.0.0.1:{}/.well-known/autoconfig/mail/config-v1.1.xml", gateway.admin().port());
    let trusted = ["-sSf", "--cacert", certificate.to_str().unwrap()];
    let document = program::output(home, "curl", &[&trusted[..], &[&url]].concat(), b"");
    assert_eq!(document.matches("<socketType>SSL</socketType>").count(), 2, "{document}");
    let foreign = program::run(home, "curl", &["-sSf", &url], b"");
    assert!(!foreign.status.success(), "an unknown certificate is not trusted");

    // The certificate stays.
    let before = std::fs::read(&certificate).unwrap();
    assert_eq!(gateway.stop().code(), Some(0));
    gateway.restart();
    assert_eq!(std::fs::read(&certificate).unwrap(), before);
}

#[test]
fn a_silent_handshake_ends_and_holds_nobody_up() {
    let gateway = Gateway::start_with(network(), &EVERYWHERE);
    let silent: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(("127.0.0.1", gateway.smtp().port())).unwrap()).collect();
    let url = format!("smtps://127.0.0.1:{}", gateway.smtp().port());
    let certificate = gateway.path("tls-certificate.pem");
    let home = tempfile::tempdir().unwrap();
    let login = format!("{}:{}", gateway.account(), gateway.password());
    let arguments = ["-sS", "--cacert", certificate.to_str().unwrap(), "--url", &url, "--user", &login];
    let rest = ["--mail-from", "owner@tox", "--mail-rcpt", "owner@tox", "--upload-file", "-"];
    let _ =
        program::output(home.path(), "curl", &[&arguments[..], &rest].concat(), b"Subject: x\r\n\r\nx\r\n");
    for mut stream in silent {
        stream.set_read_timeout(Some(wait::DEADLINE)).unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
    }
}

/// Sends and fetches a mail, and says what is wrong.
const PYTHON: &str = r#"
import poplib, smtplib, ssl, sys, time
smtp, pop3, certificate, password = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
trust = ssl.create_default_context(cafile=certificate)
with smtplib.SMTP("localhost", smtp) as session:
    session.ehlo()
    assert session.has_extn("starttls")
    session.starttls(context=trust)
    session.ehlo()
    assert not session.has_extn("starttls")
    session.login("owner", password)
    session.sendmail("owner@tox", ["owner@tox"], "Subject: after STARTTLS\r\n\r\nHello\r\n")
for _ in range(600):
    session = poplib.POP3("localhost", pop3)
    assert "STLS" in session.capa()
    session.user("owner")
    session.stls(context=trust)
    assert "STLS" not in session.capa()
    session.user("owner")
    session.pass_(password)
    if session.stat()[0] > 0:
        print("\n".join(line.decode() for line in session.retr(1)[1]))
        session.dele(1)
        session.quit()
        sys.exit(0)
    session.quit()
    time.sleep(0.1)
sys.exit("no mail came")
"#;

#[test]
fn mail_programs_on_this_machine_get_tls_when_they_ask_for_it() {
    let gateway = Gateway::start(network());
    let certificate = gateway.path("localhost-certificate.pem");
    let certificate = certificate.to_str().unwrap();
    let (smtp, pop3) = (gateway.smtp().port().to_string(), gateway.pop3().port().to_string());
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let arguments = ["-c", PYTHON, &smtp, &pop3, certificate, &gateway.password()];
    let mail = program::output(home, "python3", &arguments, b"");
    assert!(mail.contains("with ESMTPSA id") && mail.contains("Subject: after STARTTLS"), "{mail}");

    let login = format!("owner:{}", gateway.password());
    let url = format!("smtp://localhost:{smtp}");
    let trusted = ["-sSf", "--ssl-reqd", "--cacert", certificate, "-u", &login];
    let envelope = ["--mail-from", "owner@tox", "--mail-rcpt", "owner@tox", "-T", "-", &url];
    let text = b"Subject: curl\r\n\r\nby curl\r\n";
    let _ = program::output(home, "curl", &[&trusted[..], &envelope].concat(), text);
    let _ = gateway.wait_for_mail(text);
    let url = format!("pop3://localhost:{pop3}/1");
    let fetched = program::output(home, "curl", &[&trusted[..], &[&url]].concat(), b"");
    assert!(fetched.contains("by curl"), "{fetched}");

    let configuration = format!(
        "account default\nhost localhost\nport {smtp}\nauth on\nuser owner\npassword {}\nfrom owner@tox\ntls on\n\
         tls_starttls on\ntls_trust_file {certificate}\n",
        gateway.password()
    );
    std::fs::write(home.join(".msmtprc"), configuration).unwrap();
    std::fs::set_permissions(home.join(".msmtprc"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let _ = program::output(home, "msmtp", &["owner@tox"], b"Subject: msmtp\n\nby msmtp\n");
    let _ = gateway.wait_for_mail(b"by msmtp\r\n");
}

/// RFC 3207 section 6: somebody in between adds commands, together with the client's or a moment later.
#[test]
fn nothing_in_plain_text_counts_once_tls_was_asked_for() {
    let gateway = Gateway::start(network());
    for (port, before, ask, evil) in [
        (gateway.smtp().port(), "EHLO x\r\n", "STARTTLS\r\n", "EHLO evil\r\nQUIT\r\n"),
        (gateway.pop3().port(), "", "STLS\r\n", "CAPA\r\nQUIT\r\n"),
    ] {
        let together = String::from_utf8(plain(port, &format!("{before}{ask}{evil}"))).unwrap();
        assert!(together.contains("Nothing may follow ST"), "{together}");
        assert!(!together.contains("Begin TLS"), "{together}");

        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(wait::DEADLINE)).unwrap();
        stream.write_all(format!("{before}{ask}").as_bytes()).unwrap();
        let mut said = Vec::new();
        while !String::from_utf8_lossy(&said).contains("Begin TLS\r\n") {
            let mut some = [0; 1024];
            let bytes = stream.read(&mut some).unwrap();
            assert_ne!(bytes, 0, "{}", String::from_utf8_lossy(&said));
            said.extend_from_slice(&some[..bytes]);
        }
        stream.write_all(evil.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        // At most the alert of TLS (RFC 8446 section 6).
        assert!(answer.is_empty() || answer[0] == 0x15, "{}", String::from_utf8_lossy(&answer));
    }
}
