use std::sync::Arc;

use mail::decision::mail_filter::MailFacts;
use mail::decision::resolver::ResolveAnswer;

use super::*;
use crate::testing::{World, account, address, key, mail_text, tox_id};

/// Anna and Olga at one gateway; Ben and Carla are contacts of Anna.
async fn world() -> Arc<World> {
    let world = World::new(1, &[&["anna", "olga"], &["ben"], &["carla"]]).await;
    world.introduce("anna", "ben").await;
    world.introduce("anna", "carla").await;
    world
}

async fn tell(world: &World, who: &str, addresses: &[&str]) {
    let addresses: Vec<Address> = addresses.iter().map(|text| address(text)).collect();
    // Said again at each connection.
    crate::lock::lock(&world.net.state).told.insert(key(who), addresses.clone());
    let gateway = world.gateway(0).unwrap();
    gateway.peer_hello(&account("anna"), key(who), tox_id(who), addresses).await.unwrap();
}

fn found(world: &World, text: &str) -> Option<PublicKey> {
    let gateway = world.gateway(0).unwrap();
    gateway.find_contact(&account("anna"), &address(text)).map(|contact| contact.key)
}

fn claims(world: &World, who: &str) -> Vec<(String, Claim)> {
    let told = world.gateway(0).unwrap().told_names(&account("anna"), key(who));
    told.into_iter().map(|name| (name.address.to_string(), name.claim)).collect()
}

/// What the filters of Anna are told about a mail of Ben.
async fn received(world: &World, from: &str) -> MailFacts {
    let before = world.mailbox("anna").len();
    world.submit("ben", &[&format!("{}@tox", tox_id("anna"))], &mail_text(from, "x")).await.unwrap();
    world.wait_for("the mail", |world| world.mailbox("anna").len() > before).await;
    let answers = crate::lock::lock(&world.nodes[0].script.0);
    answers.filtered.last().unwrap().0.clone()
}

async fn is_verified(world: &World, from: &str) -> bool {
    received(world, from).await.from_verified
}

#[tokio::test(start_paused = true)]
async fn a_name_in_dns_that_a_contact_merely_told_passes_no_from_and_gets_no_mail() {
    let world = world().await;
    tell(&world, "ben", &["ceo@bank.example"]).await;
    assert!(!is_verified(&world, "ceo@bank.example").await);
    assert!(world.mailbox("anna")[0].contains("x-tox=fail"));
    assert_eq!(found(&world, "ceo@bank.example"), None);
    assert_eq!(claims(&world, "ben"), [("ceo@bank.example".to_owned(), Claim::Unconfirmed)]);
}

#[tokio::test(start_paused = true)]
async fn a_told_name_counts_once_dns_named_that_key_and_no_longer_when_dns_names_another() {
    let world = world().await;
    tell(&world, "ben", &["ben@example.org"]).await;
    let script = &world.nodes[0].script;
    script.dns("ben@example.org", tox_id("ben"));
    world.submit("anna", &["ben@example.org"], &mail_text("anna@tox", "hello")).await.unwrap();
    assert!(is_verified(&world, "ben@example.org").await);
    assert_eq!(found(&world, "Ben+x@example.org"), Some(key("ben")));
    script.dns("ben@example.org", tox_id("mallory"));
    world.submit("anna", &["ben@example.org"], &mail_text("anna@tox", "hello")).await.unwrap_err();
    assert!(!is_verified(&world, "ben@example.org").await, "the user decides first");
    assert_eq!(found(&world, "ben@example.org"), None);
}

#[tokio::test(start_paused = true)]
async fn a_told_name_counts_once_the_user_confirmed_it() {
    let world = world().await;
    tell(&world, "ben", &["ben@example.org"]).await;
    let gateway = world.gateway(0).unwrap();
    let name = address("ben@example.org");
    let anna = account("anna");
    let other = gateway.confirm_told(&anna, key("ben"), &address("ceo@bank.example")).await;
    assert_eq!(other, Err(ContactError::NotTold(address("ceo@bank.example"))));
    let confirmed = gateway.confirm_told(&anna, key("ben"), &name).await.unwrap();
    assert_eq!(confirmed, ToldName { address: name.clone(), claim: Claim::Counts });
    assert!(is_verified(&world, "ben@example.org").await);
    assert_eq!(found(&world, "ben@example.org"), Some(key("ben")));
    // It is kept, and it is pinned like any other name.
    world.crash(0, 0).await;
    world.start(0).await;
    assert_eq!(found(&world, "ben@example.org"), Some(key("ben")));
    world.nodes[0].script.dns("ben@example.org", tox_id("mallory"));
    let refused = world.submit("anna", &["ben@example.org"], &mail_text("anna@tox", "x")).await.unwrap_err();
    assert_eq!(refused.status.to_string(), "4.7.5");
}

#[tokio::test(start_paused = true)]
async fn what_dns_says_of_a_told_name_comes_first() {
    let world = world().await;
    tell(&world, "ben", &["ceo@bank.example"]).await;
    world.nodes[0].script.dns("ceo@bank.example", tox_id("carla"));
    world.submit("anna", &["ceo@bank.example"], &mail_text("anna@tox", "to the boss")).await.unwrap();
    world.wait_for("the mail", |world| world.mailbox("carla").len() == 1).await;
    assert!(world.mailbox("ben").is_empty());
    assert_eq!(claims(&world, "ben"), [("ceo@bank.example".to_owned(), Claim::Foreign)]);
    let gateway = world.gateway(0).unwrap();
    gateway.confirm_told(&account("anna"), key("ben"), &address("ceo@bank.example")).await.unwrap();
    assert_eq!(claims(&world, "ben")[0].1, Claim::Counts, "the user knows better");
}

#[tokio::test(start_paused = true)]
async fn a_claim_from_before_a_contact_of_that_name_has_no_effect_afterwards() {
    let world = World::new(1, &[&["anna"], &["ben"], &["carla"]]).await;
    world.introduce("anna", "ben").await;
    tell(&world, "ben", &["carla@tox"]).await;
    assert!(is_verified(&world, "carla@tox").await, "nobody else has the name");
    world.introduce("anna", "carla").await;
    assert!(!is_verified(&world, "carla@tox").await);
    assert_eq!(found(&world, "carla@tox"), Some(key("carla")));
    assert_eq!(claims(&world, "ben"), [("carla@tox".to_owned(), Claim::Foreign)]);
}

#[tokio::test(start_paused = true)]
async fn a_claim_from_before_an_account_of_that_name_has_no_effect_afterwards() {
    let world = world().await;
    tell(&world, "ben", &["dora@tox", "dora@example.org"]).await;
    let gateway = world.gateway(0).unwrap();
    gateway.confirm_told(&account("anna"), key("ben"), &address("dora@example.org")).await.unwrap();
    assert!(is_verified(&world, "dora@tox").await && is_verified(&world, "dora@example.org").await);
    world.nodes[0].disk.add_account(&account("dora"), vec![address("dora@example.org")]);
    gateway.reload_accounts().await.unwrap();
    assert!(!is_verified(&world, "dora@tox").await);
    assert!(!is_verified(&world, "dora@example.org").await);
    assert_eq!((found(&world, "dora@tox"), found(&world, "dora@example.org")), (None, None));
    let gateway = world.gateway(0).unwrap();
    let taken = gateway.confirm_told(&account("anna"), key("ben"), &address("dora@tox")).await;
    assert_eq!(taken, Err(ContactError::NameTaken(address("dora@tox"))));
}

#[tokio::test(start_paused = true)]
async fn accounts_of_this_gateway_can_be_claimed_by_nobody() {
    let world = world().await;
    tell(&world, "ben", &["anna@tox", "olga@tox.internal", "postmaster@tox", "olga+x@tox"]).await;
    for from in ["anna@tox", "olga@tox", "POSTMASTER@tox", "olga+x@tox"] {
        assert!(!is_verified(&world, from).await, "{from}");
        assert_eq!(found(&world, from), None, "{from}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_at_tox_that_two_contacts_tell_counts_for_neither_until_the_user_says_whose_it_is() {
    let world = world().await;
    tell(&world, "ben", &["info@tox"]).await;
    assert!(is_verified(&world, "info@tox").await);
    tell(&world, "carla", &["info@tox"]).await;
    assert!(!is_verified(&world, "info@tox").await);
    assert_eq!(found(&world, "info@tox"), None);
    let gateway = world.gateway(0).unwrap();
    gateway.confirm_told(&account("anna"), key("ben"), &address("info@tox")).await.unwrap();
    assert!(is_verified(&world, "info@tox").await);
    assert_eq!(claims(&world, "carla"), [("info@tox".to_owned(), Claim::Foreign)]);
}

#[tokio::test(start_paused = true)]
async fn a_contact_is_found_by_alias_key_and_counting_name_also_with_a_subaddress() {
    let world = world().await;
    tell(&world, "ben", &["ben@example.org", "benny@tox"]).await;
    let gateway = world.gateway(0).unwrap();
    gateway.confirm_told(&account("anna"), key("ben"), &address("ben@example.org")).await.unwrap();
    let id = format!("{}@tox", tox_id("ben"));
    for text in ["ben@tox", "BEN@tox.internal", "ben+x@tox", "benny@tox", "ben+y@example.org", &id] {
        assert_eq!(found(&world, text), Some(key("ben")), "{text}");
    }
    assert_eq!(found(&world, "dora@tox"), None);
    let olga = gateway.find_contact(&account("olga"), &address("ben@tox"));
    assert_eq!(olga, None, "accounts see nothing of each other");
}

#[tokio::test(start_paused = true)]
async fn a_filter_is_told_when_the_other_side_is_no_contact_any_more() {
    let world = world().await;
    assert!(received(&world, "ben@tox").await.is_contact);
    let gateway = world.gateway(0).unwrap();
    let person = gateway.people.get(&account("anna")).unwrap();
    person.forget(key("ben"));
    let envelope = mail::Envelope::new(mail::ReversePath::Null, address("anna@tox"));
    let incoming = crate::delivery::Incoming {
        person: &person,
        sender: key("ben"),
        peer: Some(key("ben")),
        allowed: Vec::new(),
        reply_to: None,
        with: "TOX",
        id: mail::MailId([3; 16]),
        envelope: &envelope,
        facts: &mail::header::facts(b"From: ben@tox\r\n\r\n"),
        had_results: false,
        message: crate::message::Message {
            prefix: bytes::Bytes::new(),
            body: crate::message::Body::Memory(Vec::new()),
            body_size: 0,
        },
    };
    gateway.judge(incoming).await;
    let facts = crate::lock::lock(&world.nodes[0].script.0).filtered.last().unwrap().0.clone();
    assert!(!facts.is_contact, "the mail came whole after the contact was removed");
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_dns_does_not_answer_for_sends_nothing() {
    let world = world().await;
    tell(&world, "ben", &["ceo@bank.example"]).await;
    let silent = ResolveAnswer::TryLater("no answer".to_owned());
    let script = &world.nodes[0].script;
    script.set(|answers| drop(answers.resolve.insert(address("ceo@bank.example"), Ok(silent))));
    let refused = world.submit("anna", &["ceo@bank.example"], &mail_text("anna@tox", "x")).await.unwrap_err();
    assert_eq!(refused.status.to_string(), "4.4.3");
}
