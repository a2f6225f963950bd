//! Mail programs run with exactly the configuration that `toxmail mailclient` prints, and files others set themselves up with
//! are what those expect.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tests::{Gateway, network, program, wait};

/// Writes what is printed for a program where the program looks for it.
fn configure(gateway: &Gateway, home: &Path, name: &str) {
    let output = gateway.run(&["mailclient", name]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = home.join(match name {
        "mutt" => ".muttrc",
        "msmtp" => ".msmtprc",
        "mpop" => ".mpoprc",
        _ => ".fetchmailrc",
    });
    std::fs::write(&file, output.stdout).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn maildir(home: &Path) {
    for part in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(home.join("Mail/toxmail").join(part)).unwrap();
    }
}

/// What lies in the Maildir.
fn fetched(home: &Path) -> Vec<String> {
    let parts = ["cur", "new"]
        .into_iter()
        .filter_map(|part| std::fs::read_dir(home.join("Mail/toxmail").join(part)).ok());
    let files = parts.flatten().flatten().map(|entry| std::fs::read_to_string(entry.path()).unwrap());
    files.collect()
}

fn submit(gateway: &Gateway, subject: &str) {
    let text = format!("Subject: {subject}\r\n\r\nHello\r\n.\r\n..dots\r\n");
    gateway.submit(&gateway.address(), text.as_bytes());
    let _ = gateway.wait_for_mail(text.as_bytes());
}

#[test]
fn msmtp_sends_and_mpop_and_fetchmail_fetch() {
    let gateway = Gateway::start(network());
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    configure(&gateway, home, "msmtp");
    let text = "To: owner@tox\nSubject: by msmtp\n\nHello\n";
    let _ = program::output(home, "msmtp", &["owner@tox"], text.as_bytes());
    wait::until("the mail of msmtp", || (gateway.mails().len() == 1).then_some(()));

    configure(&gateway, home, "mpop");
    maildir(home);
    let _ = program::output(home, "mpop", &[], b"");
    assert!(fetched(home)[0].contains("Subject: by msmtp"), "{:?}", fetched(home));
    wait::until("an empty mailbox", || gateway.mails().is_empty().then_some(()));

    submit(&gateway, "for fetchmail");
    configure(&gateway, home, "fetchmail");
    let _ = program::output(home, "fetchmail", &["--nodetach"], b"");
    let found = fetched(home).into_iter().find(|mail| mail.contains("Subject: for fetchmail")).unwrap();
    assert!(found.ends_with("\nHello\n.\n..dots\n"), "{found:?}");
    wait::until("an empty mailbox", || gateway.mails().is_empty().then_some(()));
}

#[test]
fn mutt_sends_and_fetches() {
    let gateway = Gateway::start(network());
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    configure(&gateway, home, "mutt");
    maildir(home);
    let _ = program::output(home, "mutt", &["-s", "by mutt", "owner@tox"], b"Hello\n");
    let sent = wait::until("the mail of mutt", || gateway.mails().pop());
    let sent = String::from_utf8(sent).unwrap();
    assert!(sent.contains("Subject: by mutt") && sent.contains(&gateway.address()), "{sent}");
    // Mutt wants a terminal for reading: G fetches, x leaves.
    let keys = "mutt -e 'set wait_key=no' -e 'push \"G<exit>\"'";
    let printed = program::output(home, "env", &["TERM=vt100", "script", "-qec", keys, "/dev/null"], b"");
    assert!(fetched(home).iter().any(|mail| mail.contains("Subject: by mutt")), "{printed}");
    wait::until("an empty mailbox", || gateway.mails().is_empty().then_some(()));
}

#[test]
fn a_user_names_their_own_password_file() {
    let gateway = Gateway::start(network());
    let password = gateway.json(&["account", "add", "carla"])["password"].as_str().unwrap().to_owned();
    let home = tempfile::tempdir().unwrap();
    let refused = gateway.run(&["mailclient", "msmtp", "--account", "carla"]);
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(text.contains("--password-file FILE"), "{text}");
    let file = home.path().join("secret");
    std::fs::write(&file, format!("{password}\n")).unwrap();
    let output =
        gateway.json(&["mailclient", "all", "--account", "carla", "--password-file", file.to_str().unwrap()]);
    let programs = output["programs"].as_array().unwrap();
    assert_eq!(programs.len(), 4);
    for program in programs {
        let text = program["text"].as_str().unwrap();
        assert!(text.contains("carla"), "{text}");
        assert_eq!(text.contains(&password), program["program"] == "fetchmail", "{text}");
    }
    let general = gateway.run(&["mailclient"]);
    assert!(String::from_utf8_lossy(&general.stdout).contains("autoconfig"));
}

/// What Thunderbird's published description of the format (config version 1.1) asks of the elements used.
const CHECK_AUTOCONFIG: &str = "import sys\n\
    import xml.etree.ElementTree as tree\n\
    root = tree.parse('autoconfig.xml').getroot()\n\
    assert root.tag == 'clientConfig' and root.attrib == {'version': '1.1'}, root.attrib\n\
    provider, = root\n\
    assert provider.tag == 'emailProvider' and set(provider.attrib) == {'id'}\n\
    tags = [child.tag for child in provider]\n\
    assert tags == ['domain', 'displayName', 'displayShortName', 'incomingServer', 'outgoingServer'], tags\n\
    assert provider.find('domain').text == 'tox'\n\
    for tag, kind in ('incomingServer', 'pop3'), ('outgoingServer', 'smtp'):\n\
    \x20   server = provider.find(tag)\n\
    \x20   assert server.attrib == {'type': kind}\n\
    \x20   values = {child.tag: child.text for child in server}\n\
    \x20   assert list(values) == ['hostname', 'port', 'socketType', 'username', 'authentication'], values\n\
    \x20   assert 0 < int(values['port']) < 65536\n\
    \x20   assert values['socketType'] in ('plain', 'SSL', 'STARTTLS')\n\
    \x20   assert values['username'] in ('%EMAILADDRESS%', '%EMAILLOCALPART%', '%EMAILDOMAIN%')\n\
    \x20   assert values['authentication'] in ('password-cleartext', 'password-encrypted', 'NTLM', 'GSSAPI', 'none')\n\
    \x20   print(kind, values['hostname'] + ':' + values['port'])\n";

#[test]
fn thunderbird_and_apple_get_what_they_expect() {
    let gateway = Gateway::start(network());
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let url = format!(
        "http://{}/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=owner@tox",
        gateway.admin()
    );
    let _ = program::output(place, "curl", &["-sSf", "-o", "autoconfig.xml", &url], b"");
    let checked = program::output(place, "python3", &["-c", CHECK_AUTOCONFIG], b"");
    assert_eq!(checked, format!("pop3 {}\nsmtp {}\n", gateway.pop3(), gateway.smtp()));

    let token = std::fs::read_to_string(gateway.path("admin-token")).unwrap();
    let url = format!("http://{}/api/v1/mail-settings/apple", gateway.admin());
    let token = format!("Authorization: Bearer {}", token.trim());
    let _ = program::output(place, "curl", &["-sSf", "-H", &token, "-o", "toxmail.mobileconfig", &url], b"");
    let script = "import plistlib, uuid\n\
        profile = plistlib.load(open('toxmail.mobileconfig', 'rb'))\n\
        mail, = profile['PayloadContent']\n\
        assert profile['PayloadType'] == 'Configuration' and mail['PayloadType'] == 'com.apple.mail.managed'\n\
        assert uuid.UUID(profile['PayloadUUID']) != uuid.UUID(mail['PayloadUUID'])\n\
        assert mail['EmailAccountType'] == 'EmailTypePOP' and not mail['IncomingMailServerUseSSL']\n\
        print(mail['IncomingMailServerPortNumber'], mail['OutgoingMailServerPortNumber'], mail['EmailAddress'])\n";
    let read = program::output(place, "python3", &["-c", script], b"");
    let expected = format!("{} {} {}\n", gateway.pop3().port(), gateway.smtp().port(), gateway.address());
    assert_eq!(read, expected);
}
