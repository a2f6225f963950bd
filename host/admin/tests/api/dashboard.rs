//! The pages: what they show, what their forms do, and what they never let through.

use axum::http::StatusCode;

use crate::browser::Browser;
use crate::client::Api;
use crate::memory::{ANNAS_PASSWORD, BOBS_PASSWORD, OWNER_ID, STRANGER, mail_id};

/// Every page with something that it shows.
const PAGES: [(&str, &str); 13] = [
    ("/", OWNER_ID),
    ("/contacts", "a@tox"),
    ("/outbox", "carol@tox"),
    ("/mailbox", ", as carol@tox"),
    ("/quarantine", "looks odd"),
    ("/traffic", "Arrived here"),
    ("/relays", "Use a drop relay"),
    ("/components", "mail-filter"),
    ("/components/entry?slot=policy&entry=policy", "quiet-from"),
    ("/settings", "mail.max_bytes"),
    ("/decisions", "next-attempt"),
    ("/events", "outbox-changed"),
    ("/accounts", "Add an account"),
];

#[tokio::test]
async fn every_page_is_small_strict_and_complete() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    api.events.publish("outbox-changed", Some(&"anna".parse().unwrap()), &serde_json::json!({ "id": "01" }));
    for (path, text) in PAGES {
        let answer = browser.get(path).await;
        let page = answer.text();
        assert_eq!(answer.status, StatusCode::OK, "{path}: {page}");
        assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["x-frame-options"], "DENY");
        assert!(page.contains(text), "{path}: {page}");
        assert!(page.len() < 100_000, "{path} has {} bytes", page.len());
        for wanted in
            ["<html lang=\"en\">", "<main id=\"main\"", "<nav aria-label", "<h1>", "aria-current=\"page\""]
        {
            assert!(page.contains(wanted), "{path} has no {wanted}");
        }
        for forbidden in [" style=", "onclick", "javascript:", "http://", "https://"] {
            let text = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
            assert!(!text.contains(forbidden), "{path} has {forbidden}");
        }
        // Each script is a file.
        assert_eq!(page.matches("<script").count(), page.matches("<script src=\"/assets/").count());
        // Each form that changes something carries the token.
        assert_eq!(
            page.matches("method=\"post\"").count(),
            page.matches("name=\"csrf\" value").count(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn every_field_has_a_label() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    for (path, _) in PAGES {
        let page = browser.get(path).await.text();
        for tag in page.split('<').filter(|tag| tag.starts_with("input") || tag.starts_with("select")) {
            if tag.contains("type=\"hidden\"") || tag.contains("type=\"checkbox\"") {
                continue;
            }
            let id = tag.split("id=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
            assert!(page.contains(&format!("<label for=\"{id}\"")), "{path}: {tag}");
        }
        for tag in page.split('<').filter(|tag| tag.starts_with("img")) {
            assert!(tag.contains("alt="), "{tag}");
        }
    }
}

#[tokio::test]
async fn nothing_from_outside_becomes_markup() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let hostile = serde_json::json!({ "why": crate::memory::HOSTILE });
    api.events.publish("decision-failed", Some(&"anna".parse().unwrap()), &hostile);
    for (path, shows) in [
        ("/contacts", true),
        ("/quarantine", true),
        ("/outbox", true),
        ("/decisions", true),
        ("/events", true),
        ("/nothing%3Cscript%3E", false),
    ] {
        let page = browser.get(path).await.text();
        assert_eq!(page.contains("&#60;script src=/x&#62;"), shows, "{path}: {page}");
        assert!(!page.contains("<script src=/x"), "{path}");
        assert!(!page.contains("<img src=x"), "{path}");
        assert!(!page.contains("</textarea>"), "{path}");
        assert_eq!(page.contains("{{ 7*7 }}"), shows, "{path}");
    }
    let typed = "\"><script>alert(1)</script>";
    let page =
        browser.submit("/contacts/add", &[("alias", typed), ("address", typed), ("message", typed)]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.text().contains("&#34;&#62;&#60;script&#62;alert(1)"), "{}", page.text());
    assert!(!page.text().contains("<script>"));
    let page = Browser::new(&api).try_login(typed, "x").await;
    assert!(!page.text().contains("<script>"));
    for path in
        ["/contacts?after=%22%3E%3Cscript%3E", "/decisions?slot=%3Cscript%3E", "/?account=%3Cscript%3E"]
    {
        assert!(!browser.get(path).await.text().contains("<script>"), "{path}");
    }
}

#[tokio::test]
async fn path_traversal_leads_to_no_file() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    for path in [
        "/assets/../Cargo.toml",
        "/assets/..%2f..%2fCargo.toml",
        "/assets/%2e%2e%2fsrc%2flib.rs",
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/assets/",
        "/assets/none.css",
        "/../../etc/passwd",
        "/contacts/../../x",
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.text().contains("root:") && !answer.text().contains("[package]"));
    }
}

#[tokio::test]
async fn the_files_of_pages_need_no_login_and_are_kept() {
    let api = Api::new();
    let mut browser = Browser::new(&api);
    for (path, content_type) in [
        ("/assets/style.css", "text/css; charset=utf-8"),
        ("/assets/script.js", "text/javascript; charset=utf-8"),
        ("/assets/icon.svg", "image/svg+xml"),
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.headers["content-type"], content_type);
        assert!(answer.headers["cache-control"].to_str().unwrap().contains("immutable"));
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert!(answer.body.len() < 20_000);
    }
}

#[tokio::test]
async fn forms_do_what_they_say_and_the_next_page_tells() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let (mail, held) = (mail_id(1).to_string(), mail_id(9).to_string());
    for (path, fields, asked, said) in [
        (
            "/contacts/add",
            vec![("alias", "carol"), ("address", "carol@example.org"), ("message", "hi")],
            "anna adds carol carol@example.org Some(\"hi\")".to_owned(),
            "carol was asked",
        ),
        ("/contacts/remove", vec![("alias", "a")], "anna removes a".to_owned(), "a is no longer a contact"),
        (
            "/contacts/remove",
            vec![("alias", "a"), ("block", "yes")],
            "anna blocks a".to_owned(),
            "a is no longer a contact",
        ),
        (
            "/contacts/rename",
            vec![("alias", "a"), ("new", "anton")],
            "anna renames a anton".to_owned(),
            "You can write to anton@tox now",
        ),
        (
            "/contacts/decline",
            vec![("key", STRANGER)],
            format!("anna declines {STRANGER}"),
            "Declined. Later requests",
        ),
        (
            "/contacts/accept",
            vec![("key", STRANGER), ("alias", "dora")],
            format!("anna accepts {STRANGER} Some(AccountName(\"dora\"))"),
            "dora is a contact now",
        ),
        (
            "/contacts/accept",
            vec![("key", STRANGER), ("alias", "")],
            format!("anna accepts {STRANGER} None"),
            "picked is a contact now",
        ),
        (
            "/contacts/accept-key",
            vec![("address", "d@example.org")],
            "anna accepts d@example.org".to_owned(),
            "goes to the new key",
        ),
        ("/outbox/retry", vec![("id", &mail)], format!("anna retries {mail}"), "being tried now"),
        ("/outbox/cancel", vec![("id", &mail)], format!("anna cancels {mail}"), "taken back"),
        (
            "/quarantine/release",
            vec![("id", &held)],
            format!("anna releases {held}"),
            "goes where it was going",
        ),
        ("/quarantine/delete", vec![("id", &held)], format!("anna deletes {held}"), "was deleted"),
        (
            "/components/use",
            vec![("slot", "mail-filter"), ("component", "default")],
            "uses default in mail-filter".to_owned(),
            "default decides in slot mail-filter",
        ),
        (
            "/components/roll-back",
            vec![("slot", "policy")],
            "rolls policy back".to_owned(),
            "Slot policy was rolled back",
        ),
        (
            "/components/seen",
            vec![("slot", "resolver"), ("entry", "resolver")],
            "has seen what happened in resolver/resolver".to_owned(),
            "is dismissed",
        ),
        (
            "/components/filters/move",
            vec![("entry", "mail-filter"), ("to", "down")],
            "runs filters as mail-filter".to_owned(),
            "in this order now: mail-filter",
        ),
        (
            "/components/filters/remove",
            vec![("entry", "mail-filter")],
            "removes filter mail-filter".to_owned(),
            "mail-filter no longer looks at mail",
        ),
        (
            "/components/filters/add",
            vec![("slot", "mail-filter"), ("component", "default")],
            "uses default in mail-filter/default".to_owned(),
            "The filter was added",
        ),
        (
            "/components/state/clear",
            vec![("space", "mail-filter/my tags/spam"), ("of", "bob")],
            "clears mail-filter/my tags/spam of bob".to_owned(),
            "remembers nothing about bob now",
        ),
        (
            "/components/shadow",
            vec![("slot", "policy"), ("component", "default")],
            "begins shadow default in policy".to_owned(),
            "its answers are compared and not used",
        ),
        ("/components/shadow/end", vec![("slot", "policy")], "ends shadow of policy".to_owned(), "was ended"),
        (
            "/relays/add",
            vec![("address", STRANGER)],
            format!("uses relay {STRANGER}"),
            "The drop relay is used from now on",
        ),
        ("/accounts/disable", vec![("name", "bob")], "account bob enabled: false".to_owned(), "bob is off"),
        ("/accounts/enable", vec![("name", "bob")], "account bob enabled: true".to_owned(), "bob is on again"),
        (
            "/accounts/remove",
            vec![("name", "bob"), ("confirmed", "bob")],
            "removes account bob".to_owned(),
            "bob was removed",
        ),
        (
            "/components/settings",
            vec![
                ("slot", "policy"),
                ("entry", "policy"),
                ("name-0", "quiet-until"),
                ("value-0", "7:00"),
                ("limit-call-ms", "50"),
            ],
            "tunes policy: {\"settings\":{\"quiet-from\":null,\"quiet-until\":\"7:00\"},\"limits\":{\"call-ms\":50}}"
                .to_owned(),
            "apply from the next call on",
        ),
        ("/relays/invite", vec![], "invites".to_owned(), "00112233445566778899AABBCCDDEEFF"),
        (
            "/relays/uninvite",
            vec![("name", "0123456789abcdef")],
            "takes invitation 0123456789abcdef back".to_owned(),
            "The invitation was taken back",
        ),
        (
            "/mailbox/mark",
            vec![("id", &mail), ("mark", "spam")],
            format!("anna says Spam of {mail}"),
            "The filters that learn were told",
        ),
        (
            "/quarantine/mark",
            vec![("id", &held), ("mark", "ham")],
            format!("anna says Ham of {held}"),
            "The filters that learn were told",
        ),
    ] {
        let answer = browser.submit(path, &fields).await;
        let page = browser.follow(&answer).await.text();
        assert!(page.contains("class=\"notice good\" role=\"status\""), "{path}: {page}");
        assert!(page.contains(said), "{path}: {page}");
        let mut all = api.memory.take_asked();
        // The page itself reads the log of a component.
        all.retain(|line| !line.starts_with("decisions"));
        assert_eq!(all, [asked], "{path}");
        // It is told once.
        assert!(!browser.get("/").await.text().contains("notice good"));
    }
}

#[tokio::test]
async fn invitations_are_listed_with_what_takes_them_back() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let page = browser.get("/relays").await.text();
    assert!(page.contains("<code>0123456789abcdef</code>, 96 tokens fetched this week"), "{page}");
    assert!(page.contains("action=\"/relays/uninvite\""));
    let tokens = "Tokens for deposits: 200 of yours, 8 from contacts, 32 that rest for a day; contacts hold 16 of yours.";
    assert!(page.contains(tokens), "{page}");
}

#[tokio::test]
async fn mails_in_mailbox_and_quarantine_can_teach_the_filter() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    for (path, form) in [("/mailbox", "/mailbox/mark"), ("/quarantine", "/quarantine/mark")] {
        let page = browser.get(path).await.text();
        assert!(page.contains(&format!("action=\"{form}\"")), "{path}: {page}");
    }
    assert!(!browser.get("/outbox").await.text().contains("Teach the filter"));
    let id = mail_id(1).to_string();
    let answer = browser.submit("/mailbox/mark", &[("id", &id), ("mark", "perhaps")]).await;
    assert!(browser.follow(&answer).await.text().contains("say whether the mail is spam or not"));
}

#[tokio::test]
async fn the_owner_sees_the_end_of_the_log_and_nobody_else() {
    let api = Api::new();
    let mut owner = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let page = owner.get("/events").await.text();
    assert!(page.contains("line 299 &#60;b&#62;") && page.contains("line 200 "), "{page}");
    assert!(!page.contains("line 199 "));
    let mut user = Browser::login(&api, "bob", BOBS_PASSWORD).await;
    assert!(!user.get("/events").await.text().contains("line 299"));
}

#[tokio::test]
async fn what_is_wrong_with_a_setting_stands_beside_its_field() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let place = [("slot", "policy"), ("entry", "policy")];
    for (fields, id, said) in [
        (vec![("name-0", "a"), ("limit-call-ms", "0")], "limit-call-ms-error", "from 1 to 60000"),
        (vec![("name-0", "a"), ("limit-call-ms", "ten")], "limit-call-ms-error", "a whole number"),
        (vec![("value-0", "x"), ("limit-call-ms", "5")], "error-0", "Give this setting a name"),
        (vec![("name-0", "a"), ("name-1", "a"), ("limit-call-ms", "5")], "error-1", "is there twice"),
        (vec![("name-0", "refused"), ("limit-call-ms", "")], "error-0", "it means nothing"),
    ] {
        let answer = browser.submit("/components/settings", &[&place[..], &fields].concat()).await;
        let page = answer.text();
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
        let error = page.split(&format!("id=\"{id}\">")).nth(1).unwrap_or_else(|| panic!("{id}: {page}"));
        assert!(error.split('<').next().unwrap().contains(said), "{error}");
        assert!(page.contains("aria-invalid=\"true\""));
        // What was typed is still there.
        assert!(fields.iter().all(|(_, value)| page.contains(&format!("value=\"{value}\""))), "{page}");
    }
    assert!(api.memory.take_asked().iter().all(|line| line.starts_with("decisions")));
}

#[tokio::test]
async fn a_component_is_tested_on_its_page() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let fields = [("slot", "policy"), ("entry", "policy"), ("component", "default")];
    let page = browser.submit("/components/test", &fields).await.text();
    assert!(page.contains("1 of 2 calls answered as expected; 1 more were not asked"), "{page}");
    assert!(page.contains("it trapped") && page.len() < 100_000);
    let wrong = browser.submit("/components/test", &[&fields[..], &[("case", "x = 1")]].concat()).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = wrong.text();
    assert!(page.contains("no [[call]]") && page.contains(">x = 1</textarea>"), "{page}");
    let asked = api.memory.take_asked();
    let tests: Vec<_> = asked.iter().filter(|asked| asked.starts_with("tests")).collect();
    assert_eq!(tests, ["tests default in policy with conformance", "tests default in policy with x = 1"]);
}

#[tokio::test]
async fn an_account_is_removed_when_its_name_is_typed() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let answer = browser.submit("/accounts/remove", &[("name", "bob"), ("confirmed", "bo")]).await;
    assert!(browser.follow(&answer).await.text().contains("type bob to remove it"));
    assert!(api.memory.take_asked().is_empty());
}

#[tokio::test]
async fn the_pages_of_mails_lead_to_their_decisions() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let outbox = browser.get("/outbox").await.text();
    assert!(outbox.contains(&format!("/decisions?mail={}", mail_id(1))), "{outbox}");
    assert!(outbox.contains("The whole mail is on 1 drop relay, 2 are wanted."), "{outbox}");
    assert!(outbox.contains("3 receipts of 4"), "{outbox}");
    // Of the quarantined one the id it came with, not the one POP3 shows.
    let quarantine = browser.get("/quarantine").await.text();
    assert!(quarantine.contains(&format!("/decisions?mail={}", mail_id(8))), "{quarantine}");
    let page = browser.get(&format!("/decisions?mail={}", mail_id(8))).await.text();
    assert!(page.contains("Only about the mail"), "{page}");
    assert!(api.memory.take_asked().last().unwrap().ends_with(&format!("about {}", mail_id(8))));
}

#[tokio::test]
async fn what_cannot_be_done_is_told() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    for (path, fields, said) in [
        ("/contacts/remove", vec![("alias", "nobody")], "no contact of this name"),
        ("/contacts/remove", vec![("alias", "..")], "cannot be an account name"),
        ("/contacts/remove", vec![], "cannot be an account name"),
        ("/contacts/accept", vec![("key", "12")], "76 hex digits"),
        ("/outbox/retry", vec![("id", "x")], "32 hex digits"),
        ("/components/roll-back", vec![("slot", "resolver")], "nothing was live there before"),
        ("/components/use", vec![("slot", "none"), ("component", "x")], "the slots are"),
        ("/components/filters/move", vec![("entry", "gone"), ("to", "up")], "no longer in the chain"),
        ("/components/filters/move", vec![("entry", "mail-filter")], "`to` must be up or down"),
        ("/components/filters/add", vec![("component", "none")], "no such component"),
    ] {
        let answer = browser.submit(path, &fields).await;
        let page = browser.follow(&answer).await.text();
        assert!(page.contains("class=\"notice bad\" role=\"alert\""), "{path}");
        assert!(page.contains(said), "{path}: {page}");
    }
    // What was typed is still there.
    let page = browser
        .submit("/contacts/add", &[("alias", "taken"), ("address", OWNER_ID), ("message", "me")])
        .await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    let page = page.text();
    assert!(
        page.contains("choose another name")
            && page.contains("value=\"taken\"")
            && page.contains("value=\"me\"")
    );
}

#[tokio::test]
async fn a_made_password_is_shown_once() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let page = browser.submit("/accounts/add", &[("name", "dora"), ("password", ""), ("repeated", "")]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text().contains("generated!"));
    assert!(!browser.get("/accounts").await.text().contains("generated!"));

    let chosen = [("name", "dora"), ("password", "long enough"), ("repeated", "long enough")];
    let page = browser.submit("/accounts/add", &chosen).await;
    assert!(page.text().contains("The account dora was made") && !page.text().contains("long enough"));
    for (password, repeated, said) in
        [("short", "short", "8 characters"), ("long enough", "other one", "not the same")]
    {
        let fields = [("name", "bob"), ("password", password), ("repeated", repeated)];
        let page = browser.submit("/accounts/password", &fields).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(page.text().contains(said), "{}", page.text());
    }
    assert_eq!(api.memory.take_asked().len(), 2);
}

#[tokio::test]
async fn lists_go_on_and_searches_search() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let search =
        "slot=resolver&from=2023-11-14T20%3A00&until=2023-11-14T20%3A00%3A05&text=+Ann%40x+&account=bob";
    let page = browser.get(&format!("/decisions?{search}")).await.text();
    assert!(page.contains("value=\"2023-11-14T20:00:00\"") && page.contains("value=\" Ann@x \""), "{page}");
    assert!(page.contains("and 4900 more lines") && !page.contains("more times"), "{page}");
    browser.get("/decisions?all=on").await;
    let asked = api.memory.take_asked();
    assert_eq!(
        asked[0],
        "decisions of Some(Resolver) for Some(\"bob\") from Some(\"2023-11-14T20:00:00Z\") \
         until Some(\"2023-11-14T20:00:05Z\") with Some(\"Ann@x\")"
    );
    assert_eq!(asked[1], "decisions of None for None from None until None with None");
    for path in
        ["/decisions?slot=none", "/decisions?from=yesterday", &format!("/contacts?after={}", "x".repeat(300))]
    {
        assert_eq!(browser.get(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn unknown_pages_and_bodies_are_answered_with_pages() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let page = browser.get("/nothing").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.text().contains("To the overview"));
    let huge = "x".repeat(admin::limits::FORM_BODY_BYTES);
    let answer = browser.submit("/contacts/add", &[("message", &huge)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let mut wrong_type = browser.form("/contacts/add", &[]);
    wrong_type.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(browser.send(wrong_type).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_component_that_was_replaced_is_shown_until_it_is_seen() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let overview = browser.get("/").await.text();
    assert!(overview.contains("The component mine in slot policy failed: default decides now"), "{overview}");
    let slots = browser.get("/components").await.text();
    assert!(slots.contains("mine failed and was replaced by this one: it trapped"), "{slots}");
    assert!(slots.contains("Dismiss") && slots.contains("2 more were not made"), "{slots}");
}
