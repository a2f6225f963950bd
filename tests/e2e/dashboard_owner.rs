//! What the owner does on the pages, in a real browser: accounts that come, are switched off and on, and go; an identity of another
//! program; contacts that go; a backup. And the forms with a file as they are without a browser's script.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use tests::browser::Browser;
use tests::program::output;
use tests::{Gateway, befriend, network, pop3, wait};

use crate::dashboard::{Person, check, every_page_fits};
use crate::living::profile;

#[test]
fn the_owner_manages_accounts_contacts_and_backups() {
    let browser = Browser::start();
    let anna = Person::new(&browser);
    anna.log_in();
    let password = bring_an_identity(&anna);
    switch_off_and_on(&anna, &password);
    remove_the_account(&anna, &password);
    remove_a_contact(&anna);
    back_up(&anna);
    every_page_fits();
}

/// Cleo serves a drop relay: her page says so and gives invitations, and Anna sees that mail can wait for Cleo.
#[test]
fn relays_are_on_the_pages_of_both_sides() {
    let browser = Browser::start();
    let anna = Person::new(&browser);
    let cleo = Person { browser: &browser, gateway: Gateway::start_with(network(), &["--serve-drops"]) };
    befriend(&anna.gateway, &cleo.gateway, ["anna", "cleo"]);
    cleo.log_in();
    cleo.open("/relays");
    browser.wait_for_text("#relays", "served here");
    browser.click("//button[.='Create an invitation']");
    browser.wait_for_text(".notice", "/");
    browser.wait_for_text("main", "not used this week");
    check(&browser, "relays-own");
    anna.log_in();
    anna.open("/contacts");
    browser.wait_for_text("#contacts", "on a drop relay");
    check(&browser, "contacts-relay");
    every_page_fits();
}

/// The profile of another program becomes the account `emil`; its password is shown, and opens the mailbox.
fn bring_an_identity(anna: &Person<'_>) -> String {
    let browser = anna.browser;
    let (saved, id) = profile(&anna.gateway.tox_id());
    let file = anna.gateway.path("Emil.tox");
    std::fs::write(&file, saved).unwrap();
    anna.open("/accounts");
    browser.fill("#import-file", file.to_str().unwrap());
    browser.click("#import button");
    browser.wait_for_text(".notice", "The account emil was made, with 1 contact of its profile");
    let password = browser.text("#made-password");
    check(browser, "accounts-password");
    assert_eq!(anna.gateway.json(&["id", "--account", "emil"])["tox_id"], id.as_str());
    assert!(opens(&anna.gateway, &password));
    // It is shown this once.
    anna.open("/accounts");
    browser.wait_for_text("#accounts-title", "Accounts");
    assert!(browser.text("#made-password").is_empty());
    password
}

fn opens(gateway: &Gateway, password: &str) -> bool {
    pop3::Session::login(gateway.pop3(), "emil", password).is_ok()
}

fn switch_off_and_on(anna: &Person<'_>, password: &str) {
    let browser = anna.browser;
    browser.click("//button[starts-with(., 'Switch off')]");
    browser.wait_for_text(".notice", "emil is off");
    check(browser, "accounts-off");
    assert!(!opens(&anna.gateway, password));
    browser.click("//button[starts-with(., 'Switch on')]");
    browser.wait_for_text(".notice", "emil is on again");
    wait::until("the mailbox to open", || opens(&anna.gateway, password).then_some(()));
}

/// Only once its name is typed.
fn remove_the_account(anna: &Person<'_>, password: &str) {
    let browser = anna.browser;
    for (typed, said) in [("emi", "type emil to remove it"), ("emil", "emil was removed")] {
        browser.click("//summary[.='Remove']");
        browser.fill("#confirmed-emil", typed);
        browser.click("//button[.='Remove for good']");
        browser.wait_for_text(".notice", said);
    }
    assert!(!opens(&anna.gateway, password));
    assert_eq!(anna.gateway.json(&["account", "list"]).as_array().unwrap().len(), 1);
}

fn remove_a_contact(anna: &Person<'_>) {
    let browser = anna.browser;
    let other = Gateway::start(network());
    let _ = anna.gateway.json(&["contact", "add", "olga", &other.tox_id()]);
    anna.open("/contacts");
    browser.click("//summary[.='More about olga']");
    check(browser, "contact-details");
    browser.click("//button[.='Remove olga']");
    browser.wait_for_text(".notice", "olga is no longer a contact");
    browser.wait_for_text("#contacts", "No contacts yet");
    assert_eq!(anna.gateway.json(&["contact", "list"]).as_array().unwrap().len(), 0);
}

/// The page tells how far it is, the browser saves it, and it is a whole one.
fn back_up(anna: &Person<'_>) {
    let browser = anna.browser;
    let place = tempfile::tempdir().unwrap();
    browser.download_to(place.path());
    anna.open("/settings");
    browser.click("#backup");
    browser.wait_for_text("#backup-state", "Copied. The browser is saving the file.");
    let file = place.path().join("toxmail-backup.tar");
    wait::until("the backup to be saved", || file.exists().then_some(()));
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("restored");
    let program = tests::gateway::program();
    let arguments = ["restore", file.to_str().unwrap(), "--data", target.to_str().unwrap()];
    let _ = output(directory.path(), program.to_str().unwrap(), &arguments, b"");
    assert!(target.join("store.redb").exists());
}

/// What curl sends as a browser would; the cookies are kept.
fn curl(gateway: &Gateway, arguments: &[&str], path: &str) -> String {
    let (place, url) = (format!("http://{}", gateway.admin()), format!("http://{}{path}", gateway.admin()));
    let origin = format!("Origin: {place}");
    let common = ["-sS", "-b", "jar", "-c", "jar", "-L", "-H", "Accept: text/html", "-H", &origin];
    output(&gateway.path(""), "curl", &[&common, arguments, &[url.as_str()]].concat(), b"")
}

/// The value of a hidden field.
fn field(page: &str, name: &str) -> String {
    let rest = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_else(|| panic!("{page}"));
    rest.split('"').next().unwrap().to_owned()
}

/// Logs in and returns the CSRF token.
fn log_in(gateway: &Gateway) -> String {
    let form = format!("form={}", field(&curl(gateway, &[], "/login"), "form"));
    let (name, password) =
        (format!("name={}", gateway.account()), format!("password={}", gateway.password()));
    let fields = ["--data-urlencode", &form, "--data-urlencode", &name, "--data-urlencode", &password];
    field(&curl(gateway, &fields, "/login"), "csrf")
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn files_are_uploaded_by_plain_forms() {
    let gateway = Gateway::start(network());
    let csrf = format!("csrf={}", log_in(&gateway));
    let guest = builtin::test_guests().iter().find(|guest| guest.slot == "mail-filter").unwrap();
    write(&gateway.path("Strict.wasm"), guest.bytes);
    write(&gateway.path("text.wasm"), b"no component");
    write(&gateway.path("large.tox"), &vec![0; 5_000_000]);
    let (saved, id) = profile(&gateway.tox_id());
    write(&gateway.path("emil.tox"), &saved);

    let right = ["-F", &csrf, "-F", "name=", "-F", "file=@Strict.wasm"];
    let page = curl(&gateway, &right, "/components/add");
    assert!(page.contains("strict was added. It fits mail-filter"), "{page}");
    assert!(gateway.json(&["component", "list"]).to_string().contains("\"strict\""));
    let page = curl(&gateway, &["-F", &csrf, "-F", "name=", "-F", "file=@emil.tox"], "/accounts/import");
    assert!(page.contains("emil was made, with 1 contact"), "{page}");
    assert_eq!(gateway.json(&["id", "--account", "emil"])["tox_id"], id.as_str());

    for (form, path, said) in [
        (vec!["-F", &csrf, "-F", "name=x", "-F", "file=@text.wasm"], "/components/add", "notice bad"),
        (vec!["-F", "name=x", "-F", "file=@Strict.wasm"], "/components/add", "no field csrf"),
        (vec!["-F", "csrf=00", "-F", "name=x", "-F", "file=@Strict.wasm"], "/components/add", "out of date"),
        (vec!["-F", "file=@Strict.wasm", "-F", &csrf, "-F", "name=x"], "/components/add", "csrf first"),
        (
            vec!["-F", &csrf, "-F", "file=@Strict.wasm", "-F", "name=x"],
            "/components/add",
            "be the last field",
        ),
        (vec!["-F", &csrf, "-F", "name=x", "-F", "file=@large.tox"], "/accounts/import", "more than 4.1 MB"),
    ] {
        let page = curl(&gateway, &form, path);
        assert!(page.contains(said), "{form:?}: {page}");
    }
    refuse_a_gigabyte(&gateway, &csrf);
    let components = gateway.json(&["component", "list"]).to_string();
    assert!(!components.contains("\"x\""), "{components}");
    assert_eq!(gateway.json(&["account", "list"]).as_array().unwrap().len(), 2);
}

/// One that says how long it is is refused once its fields have come.
fn refuse_a_gigabyte(gateway: &Gateway, csrf: &str) {
    let jar = std::fs::read_to_string(gateway.path("jar")).unwrap();
    let cookies = jar.lines().filter_map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        Some(format!("{}={}", columns.get(5)?, columns.get(6)?))
    });
    let cookies = cookies.collect::<Vec<_>>().join("; ");
    let place = gateway.admin();
    let csrf = csrf.strip_prefix("csrf=").unwrap();
    let head = format!(
        "POST /components/add HTTP/1.1\r\nHost: {place}\r\nOrigin: http://{place}\r\nCookie: {cookies}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000000\r\n\r\n\
         --b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.wasm\"\r\n\r\n"
    );
    let mut stream = TcpStream::connect(gateway.admin()).unwrap();
    stream.set_read_timeout(Some(wait::DEADLINE)).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
}
