//! Real mail programs send at A and fetch at B.

use std::path::Path;

use tests::{Gateway, befriend, network, program, wait};

/// A mail as a mail program writes it, recognised by its subject.
fn mail(a: &Gateway, recipient: &str, subject: &str) -> String {
    format!(
        "From: <{}>\r\nTo: <{recipient}>\r\nSubject: {subject}\r\n\r\nHello {recipient},\r\n\r\n.a line that starts with a dot\r\nGreetings\r\n",
        a.address()
    )
}

fn pair() -> (Gateway, Gateway) {
    let (a, b) = (Gateway::start(network()), Gateway::start(network()));
    befriend(&a, &b, ["anna", "ben"]);
    (a, b)
}

#[test]
fn every_client_sends_and_every_client_fetches() {
    let (a, b) = pair();
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();

    send_with_swaks(directory, &a);
    send_with_msmtp(directory, &a);
    send_with_curl(directory, &a);
    send_with_smtplib(directory, &a);
    let subjects = ["by swaks", "by msmtp", "by curl", "by smtplib"];
    wait::until("four mails at B", || (b.mails().len() == 4).then_some(()));

    let poplib = fetch_with_poplib(directory, &b);
    let curl = fetch_with_curl(directory, &b);
    let mpop = fetch_with_mpop(directory, &b);
    let fetchmail = fetch_with_fetchmail(directory, &b);
    for (client, fetched) in [("poplib", poplib), ("curl", curl), ("mpop", mpop), ("fetchmail", fetchmail)] {
        for subject in subjects {
            assert!(
                fetched.contains(&format!("Subject: {subject}")),
                "{client} did not fetch `{subject}`:\n{fetched}"
            );
        }
        assert!(fetched.contains("\n.a line that starts with a dot"), "{client} lost the dot:\n{fetched}");
    }
    // fetchmail deletes what it fetched: RFC 1939's UPDATE state.
    wait::until("an empty mailbox", || b.mails().is_empty().then_some(()));
}

fn send_with_swaks(directory: &Path, a: &Gateway) {
    std::fs::write(directory.join("swaks.eml"), mail(a, "ben@tox", "by swaks")).unwrap();
    let server = a.smtp().to_string();
    let (from, user, password) = (a.address(), a.account(), a.password());
    let _ = program::output(
        directory,
        "swaks",
        &[
            "--server",
            &server,
            "--from",
            &from,
            "--to",
            "ben@tox",
            "--auth",
            "LOGIN",
            "--auth-user",
            &user,
            "--auth-password",
            &password,
            "--data",
            "@swaks.eml",
            "--pipeline",
        ],
        b"",
    );
}

fn send_with_msmtp(directory: &Path, a: &Gateway) {
    let (host, port) = (a.smtp().ip().to_string(), a.smtp().port().to_string());
    let (from, user) = (a.address(), a.account());
    let password = format!("--passwordeval=printf %s '{}'", a.password());
    let _ = program::output(
        directory,
        "msmtp",
        &[
            &format!("--host={host}"),
            &format!("--port={port}"),
            "--auth=plain",
            "--tls=off",
            &format!("--user={user}"),
            &password,
            &format!("--from={from}"),
            "ben@tox",
        ],
        mail(a, "ben@tox", "by msmtp").replace("\r\n", "\n").as_bytes(),
    );
}

fn send_with_curl(directory: &Path, a: &Gateway) {
    let url = format!("smtp://{}", a.smtp());
    let login = format!("{}:{}", a.account(), a.password());
    let _ = program::output(
        directory,
        "curl",
        &[
            "-sS",
            "--url",
            &url,
            "--user",
            &login,
            "--mail-from",
            &a.address(),
            "--mail-rcpt",
            "ben@tox.internal",
            "--upload-file",
            "-",
        ],
        mail(a, "ben@tox.internal", "by curl").as_bytes(),
    );
}

fn send_with_smtplib(directory: &Path, a: &Gateway) {
    let script = "import sys, smtplib\n\
        host, port, user, password, sender = sys.argv[1:]\n\
        with smtplib.SMTP(host, int(port)) as smtp:\n\
        \x20   smtp.login(user, password)\n\
        \x20   smtp.sendmail(sender, ['ben@tox'], sys.stdin.buffer.read(), mail_options=['BODY=8BITMIME'])\n";
    let (host, port) = (a.smtp().ip().to_string(), a.smtp().port().to_string());
    let arguments = ["-c", script, &host, &port, &a.account(), &a.password(), &a.address()];
    let _ = program::output(directory, "python3", &arguments, mail(a, "ben@tox", "by smtplib").as_bytes());
}

fn fetch_with_poplib(directory: &Path, b: &Gateway) -> String {
    let script = "import sys, poplib\n\
        host, port, user, password = sys.argv[1:]\n\
        pop = poplib.POP3(host, int(port))\n\
        pop.user(user); pop.pass_(password)\n\
        assert pop.capa().get('UIDL') is not None\n\
        uids = [line.split()[1] for line in pop.uidl()[1]]\n\
        assert len(set(uids)) == len(uids) == pop.stat()[0]\n\
        for number in range(1, pop.stat()[0] + 1):\n\
        \x20   assert pop.top(number, 0)[1] == pop.retr(number)[1][:len(pop.top(number, 0)[1])]\n\
        \x20   sys.stdout.buffer.write(b'\\n'.join(pop.retr(number)[1]) + b'\\n')\n\
        pop.quit()\n";
    let (host, port) = (b.pop3().ip().to_string(), b.pop3().port().to_string());
    program::output(directory, "python3", &["-c", script, &host, &port, &b.account(), &b.password()], b"")
}

fn fetch_with_curl(directory: &Path, b: &Gateway) -> String {
    let login = format!("{}:{}", b.account(), b.password());
    (1..=4)
        .map(|number| {
            let url = format!("pop3://{}/{number}", b.pop3());
            program::output(directory, "curl", &["-sS", "--url", &url, "--user", &login], b"")
                .replace("\r\n", "\n")
        })
        .collect()
}

fn fetch_with_mpop(directory: &Path, b: &Gateway) -> String {
    let (host, port) = (b.pop3().ip().to_string(), b.pop3().port().to_string());
    let password = format!("--passwordeval=printf %s '{}'", b.password());
    let _ = program::output(
        directory,
        "mpop",
        &[
            &format!("--host={host}"),
            &format!("--port={port}"),
            "--auth=plain",
            "--tls=off",
            &format!("--user={}", b.account()),
            &password,
            "--keep=on",
            "--uidls-file=uidls",
            "--delivery=mbox,mpop.mbox",
        ],
        b"",
    );
    std::fs::read_to_string(directory.join("mpop.mbox")).unwrap()
}

fn fetch_with_fetchmail(directory: &Path, b: &Gateway) -> String {
    let configuration = format!(
        "poll {} protocol pop3 port {} auth password user \"{}\" password \"{}\" sslproto '' no sslcertck mda \"cat >> fetchmail.mbox\"\n",
        b.pop3().ip(),
        b.pop3().port(),
        b.account(),
        b.password()
    );
    let file = directory.join("fetchmailrc");
    std::fs::write(&file, configuration).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let _ = program::output(
        directory,
        "fetchmail",
        &[
            "--nodetach",
            "--fetchmailrc",
            "fetchmailrc",
            "--pidfile",
            "fetchmail.pid",
            "--idfile",
            "fetchmail.id",
        ],
        b"",
    );
    std::fs::read_to_string(directory.join("fetchmail.mbox")).unwrap().replace("\r\n", "\n")
}

#[test]
fn a_reply_written_by_a_mail_program_reaches_the_sender() {
    let (a, b) = pair();
    let text = mail(&a, "ben@tox", "question");
    a.submit("ben@tox", text.as_bytes());
    let received = String::from_utf8(b.wait_for_mail(text.as_bytes())).unwrap();

    // A mail program answers to the address in From, from the address the mail was delivered to.
    let from = received
        .lines()
        .find_map(|line| line.strip_prefix("From: <"))
        .unwrap()
        .trim_end()
        .trim_end_matches('>');
    let answer = format!("From: <{}>\r\nTo: <{from}>\r\nSubject: Re: question\r\n\r\nYes.\r\n", b.address());
    b.submit(from, answer.as_bytes());
    let arrived = String::from_utf8(a.wait_for_mail(answer.as_bytes())).unwrap();
    assert!(arrived.contains("Authentication-Results:"), "{arrived}");
    assert!(arrived.contains("pass"), "the From of a contact's own address is authentic:\n{arrived}");
}
