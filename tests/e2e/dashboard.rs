//! The dashboard as two people use it, in a real browser: from two empty directories to mail that was sent and read, and
//! on to what a gateway asks of its user. Each page is checked for accessibility in both colour schemes, and for its size.
//!
//! One browser and two gateways serve all of it, so it is one test; `TOXMAIL_SCREENSHOTS=DIR` keeps pictures of the pages.

use std::cell::RefCell;

use serde_json::Value;
use tests::browser::Browser;
use tests::{Gateway, network, pop3, smtp, wait};

/// Largest page.
const PAGE_BYTES: u64 = 100_000;

/// Sets every incoming mail aside when it is used; the default filter has no such setting.
const SETTINGS: &str = "[components.settings.mail-filter]\ndo = \"learned\"\n";

/// Somebody at the browser: their gateway.
pub(crate) struct Person<'a> {
    pub(crate) browser: &'a Browser,
    pub(crate) gateway: Gateway,
}

impl<'a> Person<'a> {
    pub(crate) fn new(browser: &'a Browser) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("config.toml"), SETTINGS).unwrap();
        Self { browser, gateway: Gateway::start_from(directory, network().options()) }
    }

    pub(crate) fn open(&self, path: &str) {
        self.browser.open(&format!("http://{}{path}", self.gateway.admin()));
    }

    /// Opens a page, checks it, and keeps pictures of it.
    fn look_at(&self, path: &str, name: &str) {
        self.open(path);
        check(self.browser, name);
    }

    pub(crate) fn log_in(&self) {
        self.open("/");
        assert!(self.browser.address().ends_with("/login"));
        self.browser.fill("#name", &self.gateway.account());
        self.browser.fill("#password", &self.gateway.password());
        self.browser.click("main button");
        self.browser.wait_for_text("h1", "Overview");
    }

    fn send(&self, recipient: &str, text: &str) {
        self.gateway.submit(recipient, format!("Subject: {text}\r\n\r\n{text}\r\n").as_bytes());
    }

    fn wait_for_mail(&self, text: &str) -> String {
        String::from_utf8(self.gateway.wait_for_mail(format!("{text}\r\n").as_bytes())).unwrap()
    }
}

thread_local! {
    /// Pages that do not fit on a telephone: all are told at the end.
    static TOO_WIDE: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// A small telephone.
const TELEPHONE: (u32, u32) = (390, 844);

/// Fails where the page of the browser is hard to use for somebody, or too large.
pub(crate) fn check(browser: &Browser, name: &str) {
    browser.telephone(Some(TELEPHONE));
    browser.picture(&format!("{name}-telephone"));
    let width = browser.page_width();
    if width > u64::from(TELEPHONE.0) {
        TOO_WIDE.with_borrow_mut(|names| names.push(format!("{name}: {width} pixels")));
    }
    browser.telephone(None);
    for scheme in ["dark", "light"] {
        browser.prefer(scheme);
        browser.picture(&format!("{name}-{scheme}"));
        let findings = browser.findings();
        let serious: Vec<_> = findings
            .iter()
            .filter(|finding| matches!(finding.impact.as_str(), "serious" | "critical"))
            .collect();
        assert!(serious.is_empty(), "{name}, {scheme}: {serious:#?}");
    }
    let bytes = browser.page_bytes();
    assert!(bytes < PAGE_BYTES, "{name} has {bytes} bytes");
}

#[test]
fn two_people_use_the_dashboard() {
    let browser = Browser::start();
    let (mut anna, mut ben) = (Person::new(&browser), Person::new(&browser));
    anna.open("/login");
    check(&browser, "login");
    anna.log_in();
    ben.log_in();
    become_contacts(&anna, &ben);
    first_mail(&anna, &ben);
    swap_and_release(&anna, &ben);
    change_the_chain(&anna, &ben);
    retry(&anna, &mut ben);
    every_page(&mut anna);
    every_page_fits();
}

/// Fails where a page that was checked does not fit on a telephone.
pub(crate) fn every_page_fits() {
    let too_wide = TOO_WIDE.take();
    assert!(too_wide.is_empty(), "{too_wide:?}");
}

/// Anna adds Ben by his Tox ID; Ben's page shows the request by itself, and he accepts.
fn become_contacts(anna: &Person<'_>, ben: &Person<'_>) {
    let browser = anna.browser;
    ben.open("/");
    let tox_id = browser.text("#tox-id");
    assert_eq!(tox_id, ben.gateway.tox_id());
    ben.look_at("/", "overview-new");
    anna.open("/contacts");
    browser.fill("#alias", "ben");
    browser.fill("#address", &tox_id);
    browser.fill("#message", "It is me, Anna");
    browser.click("//button[.='Add and ask']");
    browser.wait_for_text(".notice", "ben was asked");

    ben.open("/contacts");
    browser.wait_for_text("#requests", "It is me, Anna");
    check(browser, "contacts-request");
    browser.fill("#requests input[name=alias]", "anna");
    browser.click("#requests button");
    browser.wait_for_text(".notice", "anna is a contact now");
    browser.wait_for_text("#contacts", "online");
    anna.open("/contacts");
    browser.wait_for_text("#contacts", "online");
    check(browser, "contacts");
}

/// A mail program is set up with what the overview says; the mail arrives and is read.
fn first_mail(anna: &Person<'_>, ben: &Person<'_>) {
    let browser = anna.browser;
    anna.open("/");
    let port = |column: usize| -> u16 {
        let cell = format!("//tr[th='Port']/td[{column}]");
        browser.text(&cell).parse().unwrap_or_else(|error| panic!("{error}: {}", browser.text("main")))
    };
    let (pop3_port, smtp_port) = (port(1), port(2));
    let sender = browser.text("#mail-address");
    let password = anna.gateway.password();
    let smtp_server = ([127, 0, 0, 1], smtp_port).into();
    let mut session = smtp::Session::login(smtp_server, &anna.gateway.account(), &password);
    session.send(&sender, &["ben@tox"], b"Subject: first\r\n\r\nHello Ben\r\n").unwrap();
    let mail = ben.wait_for_mail("Hello Ben");
    assert!(mail.contains("tox=pass") || mail.contains("Authentication-Results"), "{mail}");
    ben.send("anna@tox", "Hello Anna");
    let pop3_server = ([127, 0, 0, 1], pop3_port).into();
    wait::until("Ben's answer", || {
        let mut session = pop3::Session::login(pop3_server, &anna.gateway.account(), &password).ok()?;
        session.all().iter().any(|mail| mail.ends_with(b"Hello Anna\r\n")).then_some(())
    });
    ben.look_at("/", "overview");
}

/// Ben uploads a filter, tries it as a shadow and uses it: it sets Anna's next mail aside. He rolls back, and releases the mail.
fn swap_and_release(anna: &Person<'_>, ben: &Person<'_>) {
    let browser = ben.browser;
    let guest = builtin::test_guests().iter().find(|guest| guest.slot == "mail-filter").unwrap();
    let file = ben.gateway.path("strict.wasm");
    std::fs::write(&file, guest.bytes).unwrap();

    ben.open("/components");
    browser.fill("#upload-file", file.to_str().unwrap());
    browser.click("#upload button");
    browser.wait_for_text(".notice", "strict was added. It fits mail-filter");
    // First beside the live one: it would have set this mail aside, which shows by itself.
    choose(browser);
    browser.click("#slot-mail-filter button[formaction='/components/shadow']");
    browser.wait_for_text(".notice", "strict runs beside the live component");
    browser.wait_for_text("#shadows", "0 different");
    anna.send("ben@tox", "accepted");
    browser.wait_for_text("#shadow-mail-filter", "set aside");
    check(browser, "shadow");
    browser.click("#shadow-mail-filter button");
    browser.wait_for_text(".notice", "The shadow strict of slot mail-filter was ended");
    let _ = ben.wait_for_mail("accepted");

    choose(browser);
    browser.click("#slot-mail-filter form[action='/components/use'] button");
    browser.wait_for_text(".notice", "strict decides in slot mail-filter");
    anna.send("ben@tox", "set aside");

    ben.open("/quarantine");
    browser.wait_for_text("#mails", "Release to the mailbox");
    check(browser, "quarantine");
    ben.open("/components");
    check(browser, "components");
    browser.click("#slot-mail-filter form[action='/components/roll-back'] button");
    browser.wait_for_text(".notice", "Slot mail-filter was rolled back");

    ben.open("/quarantine");
    browser.click("#mails form[action='/quarantine/release'] button");
    browser.wait_for_text(".notice", "goes where it was going");
    browser.wait_for_text("#mails", "No mail is in quarantine");
    let _ = ben.wait_for_mail("set aside");
    anna.send("ben@tox", "not set aside");
    let _ = ben.wait_for_mail("not set aside");
}

/// Ben adds the filter to the chain, moves it to its beginning, where it decides first, and takes it out.
fn change_the_chain(anna: &Person<'_>, ben: &Person<'_>) {
    let browser = ben.browser;
    let chain = || -> Vec<String> {
        let slots = ben.gateway.json(&["slot", "list"]);
        let rows = slots.as_array().unwrap().iter().filter(|row| row["slot"] == "mail-filter");
        rows.map(|row| row["entry"].as_str().unwrap().to_owned()).collect()
    };
    ben.open("/components");
    choose(browser);
    browser.click("//button[.='Add it as last filter']");
    browser.wait_for_text(".notice", "in this order now: mail-filter, strict");
    assert_eq!(chain(), ["mail-filter", "strict"]);
    check(browser, "chain");
    browser.click("//button[.='Move up strict']");
    browser.wait_for_text(".notice", "in this order now: strict, mail-filter");
    assert_eq!(chain(), ["strict", "mail-filter"]);
    browser.click("//button[.='Move down strict']");
    browser.wait_for_text(".notice", "in this order now: mail-filter, strict");
    browser.click("//summary[.='Remove strict']");
    browser.click("//button[.='Remove strict from the chain']");
    browser.wait_for_text(".notice", "strict no longer looks at mail");
    assert_eq!(chain(), ["mail-filter"]);
    anna.send("ben@tox", "by one filter");
    let _ = ben.wait_for_mail("by one filter");
}

/// Chooses the uploaded filter.
fn choose(browser: &Browser) {
    browser.click("//select[@id='use-mail-filter']/option[starts-with(., 'strict')]");
}

/// Ben is away: Anna sees her mail wait and has it tried. He comes back, and it leaves her page by itself.
fn retry(anna: &Person<'_>, ben: &mut Person<'_>) {
    let browser = anna.browser;
    assert!(ben.gateway.stop().success());
    anna.send("ben@tox", "for later");
    anna.open("/outbox");
    browser.wait_for_text("#mails", "To ben@tox");
    check(browser, "outbox");
    // What was decided of it is found, also before it was a mail. Records are written within a second.
    let why =
        browser.run("return document.querySelector('#mails a[href^=\"/decisions\"]').getAttribute('href')");
    wait::until("the decisions", || {
        anna.open(why.as_str().unwrap());
        let decided = browser.text("main");
        let steps = [
            "allow-submission a mail to ben@tox: allowed",
            "resolve ben@tox: ben, a contact",
            "try again after",
        ];
        steps.iter().all(|step| decided.contains(step)).then_some(())
    });
    check(browser, "decisions-of-a-mail");
    anna.open("/outbox");
    browser.click("#mails form[action='/outbox/retry'] button");
    browser.wait_for_text(".notice", "being tried now");
    ben.gateway.restart();
    browser.wait_for_text("#mails", "No mail waits");
    let _ = ben.wait_for_mail("for later");
}

/// Settings and limits of the policy are changed on its page, and it is tested there.
fn tune_and_test(anna: &Person<'_>) {
    let browser = anna.browser;
    anna.open("/components");
    browser.click("#slot-policy .live a");
    browser.wait_for_text("#entry-title", "policy");
    browser.fill("#name-0", "accept-friends");
    browser.fill("#value-0", "everybody");
    browser.fill("#limit-call-ms", "0");
    browser.click("#tune > button");
    browser.wait_for_text("#limit-call-ms-error", "from 1 to 60000");
    check(browser, "component-wrong");
    browser.fill("#limit-call-ms", "500");
    browser.click("#tune > button");
    browser.wait_for_text(".notice", "apply from the next call on");
    let tuned = anna.gateway.json(&["slot", "settings", "policy"]);
    assert_eq!(tuned["settings"], serde_json::json!({ "accept-friends": "everybody" }));
    assert_eq!(tuned["limits"][0]["value"], 500);
    browser.click("//button[.='Test it']");
    browser.wait_for_text("#tested", "answered as expected");
    browser.fill("#case", "[[call]]\nask = { next-attempt = { attempts = 1 } }\nanswer = { after = 1 }\n");
    browser.click("//button[.='Test it']");
    browser.wait_for_text("#tested", "0 of 1 calls");
    check(browser, "component");
    browser.fill("#case", "nonsense");
    browser.click("//button[.='Test it']");
    browser.wait_for_text("#case-error", "expected");
}

/// The pages nobody has looked at so far.
fn every_page(anna: &mut Person<'_>) {
    let browser = anna.browser;
    for name in ["mailbox", "decisions", "traffic", "relays", "events", "settings", "accounts"] {
        anna.look_at(&format!("/{name}"), name);
    }
    tune_and_test(anna);
    // Every link of the navigation leads to a page.
    let links =
        browser.run("return [...document.querySelectorAll('#navigation a')].map((link) => link.pathname)");
    for link in links.as_array().unwrap().iter().filter_map(Value::as_str) {
        anna.open(link);
        assert!(!browser.text("h1").is_empty() && !browser.text("main").contains("Not Found"), "{link}");
    }
    anna.open("/nothing");
    browser.wait_for_text("main", "There is no page");
    check(browser, "not-found");
}
