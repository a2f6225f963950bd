//! Several accounts in one gateway.

use mail::{Nospam, PublicKey, ToxId};
use tests::{Gateway, befriend, network, pop3, smtp, wait};

struct Login {
    name: String,
    password: String,
}

fn mails(gateway: &Gateway, login: &Login) -> Vec<String> {
    let mut session = pop3::Session::login(gateway.pop3(), &login.name, &login.password).unwrap();
    session.all().into_iter().map(|mail| String::from_utf8(mail).unwrap()).collect()
}

#[test]
fn two_accounts_mail_each_other_and_see_nothing_of_each_other() {
    let a = Gateway::start(network());
    let added = a.json(&["account", "add", "carla"]);
    let carla = Login {
        name: "carla".to_owned(),
        password: added["password"].as_str().expect("a password").to_owned(),
    };
    let owner = Login { name: a.account(), password: a.password() };

    let text = "From: <x@tox>\r\nSubject: inside\r\n\r\nfrom the owner\r\n";
    a.submit("carla@tox", text.as_bytes());
    wait::until("the mail at carla", || {
        mails(&a, &carla).iter().any(|mail| mail.ends_with(text)).then_some(())
    });
    assert!(mails(&a, &owner).iter().all(|mail| !mail.ends_with(text)));

    // Back, in carla's name; and not in the owner's.
    let answer = "From: <carla@tox>\r\nSubject: back\r\n\r\nfrom carla\r\n";
    let mut session = smtp::Session::login(a.smtp(), "carla", &carla.password);
    let refused =
        session.send(&a.address(), &[&format!("{}@tox", owner.name)], answer.as_bytes()).unwrap_err();
    assert!(refused.starts_with("550 5.7.1"), "{refused}");
    assert!(refused.contains("carla@tox"), "the refusal names the addresses that work: {refused}");
    session.command("RSET");
    session.send("carla@tox", &[&format!("{}@tox", owner.name)], answer.as_bytes()).unwrap();
    wait::until("the answer", || mails(&a, &owner).iter().any(|mail| mail.ends_with(answer)).then_some(()));

    // Each sees the own contacts and outbox only.
    let nobody = ToxId { key: PublicKey([7; 32]), nospam: Nospam([1, 2, 3, 4]) };
    let _ = a.json(&["contact", "add", "nobody", &nobody.to_string()]);
    assert_eq!(a.json(&["contact", "list"]).as_array().unwrap().len(), 1);
    assert_eq!(a.json(&["contact", "list", "--account", "carla"]).as_array().unwrap().len(), 0);
    assert!(pop3::Session::login(a.pop3(), "carla", &owner.password).is_err());
}

#[test]
fn mail_to_oneself_works() {
    let a = Gateway::start(network());
    let text = b"Subject: note\r\n\r\nto myself\r\n";
    a.submit(&a.address(), text);
    a.submit(&format!("{}@tox", a.account()), b"Subject: second\r\n\r\nby name\r\n");
    let _ = a.wait_for_mail(text);
    let _ = a.wait_for_mail(b"by name\r\n");
}

#[test]
fn every_account_has_an_identity_that_others_can_write_to() {
    let (a, b) = (Gateway::start(network()), Gateway::start(network()));
    befriend(&a, &b, ["anna", "ben"]);
    let added = b.json(&["account", "add", "dora"]);
    let dora = Login { name: "dora".to_owned(), password: added["password"].as_str().unwrap().to_owned() };
    let identity = b.json(&["id", "--account", "dora"]);
    let id = identity["tox_id"].as_str().unwrap().to_lowercase();

    // A mail to a Tox ID never met: a friend request goes first, the mail waits for its acceptance.
    let text = b"Subject: first contact\r\n\r\nDo you remember me?\r\n";
    a.submit(&format!("{id}@tox"), text);
    let key = &a.tox_id()[..64];
    wait::until("the request at dora", || {
        let requests = b.json(&["contact", "requests", "--account", "dora"]);
        requests.as_array()?.iter().any(|request| request["key"] == key).then_some(())
    });
    assert_eq!(a.json(&["outbox", "list"]).as_array().unwrap().len(), 1);
    let _ = b.json(&["contact", "accept", key, "anna", "--account", "dora"]);
    wait::until("the mail at dora", || {
        mails(&b, &dora).iter().any(|mail| mail.as_bytes().ends_with(text)).then_some(())
    });
    assert!(b.mails().iter().all(|mail| !mail.ends_with(text)));
}
