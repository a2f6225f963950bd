use mail::Wall;

use super::*;
use crate::testing::{World, account, address, key, tox_id};

fn anna() -> Account {
    let addresses = vec![address("anna@Example.org")];
    Account { id: 0, name: account("anna"), owner: true, addresses, created: Wall(0) }
}

#[test]
fn an_account_has_its_tox_id_its_key_its_name_and_its_names_in_dns() {
    let own: Vec<String> = of(&anna(), Some(tox_id("anna"))).iter().map(ToString::to_string).collect();
    let (id, key) = (tox_id("anna").to_string().to_lowercase(), key("anna").to_string().to_lowercase());
    let expected = [format!("{id}@tox"), format!("{key}@tox"), "anna@tox".into(), "anna@example.org".into()];
    assert_eq!(own, expected);
}

#[test]
fn owning_ignores_case_nospam_and_the_dotted_twin() {
    let own_key = Some(key("anna"));
    let other_nospam = ToxId { nospam: mail::Nospam([1; 4]), ..tox_id("anna") };
    for own in ["anna@tox", "ANNA@tox.internal", "anna@example.org"].map(str::to_owned).into_iter().chain([
        format!("{}@tox", tox_id("anna")),
        format!("{other_nospam}@tox.internal"),
        format!("{}@tox", key("anna")),
    ]) {
        assert!(owns(&anna(), own_key, &address(&own)), "{own}");
    }
    for own in ["anna+shop@tox", "Anna+Shop@tox.internal", "anna+@tox", "anna+a+b@example.org"] {
        assert!(owns(&anna(), own_key, &address(own)), "{own}");
    }
    for other in ["ben@tox", "anna@example.com", "Anna@example.org", "+anna@tox", "ann+a@tox"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("{}@tox", tox_id("ben")), format!("{}@example.org", key("anna"))])
    {
        assert!(!owns(&anna(), own_key, &address(&other)), "{other}");
    }
    assert!(!owns(&anna(), None, &address(&format!("{}@tox", key("anna")))));
}

#[tokio::test(start_paused = true)]
async fn a_foreign_reverse_path_is_refused_with_the_right_ones_named() {
    let world = World::new(1, &[&["anna", "ben"]]).await;
    let gateway = world.gateway(0).unwrap();
    let begin = |reverse_path| {
        gateway.begin_submission(&account("anna"), reverse_path, None, mail::Return::Headers, None)
    };
    assert!(begin(ReversePath::Null).is_ok());
    assert!(begin(ReversePath::Mailbox(address("anna@tox.internal"))).is_ok());
    let refusal = begin(ReversePath::Mailbox(address("ben@tox"))).err().unwrap();
    assert_eq!(refusal.status.to_string(), "5.7.1");
    assert!(refusal.text().contains("anna@tox"), "{refusal}");
    assert!(refusal.text().contains(&format!("{}@tox", tox_id("anna").to_string().to_lowercase())));
}

#[tokio::test(start_paused = true)]
async fn a_subaddress_is_an_address_to_write_to_and_from() {
    let world = World::new(1, &[&["anna", "olga"]]).await;
    let from = ReversePath::Mailbox(address("anna+shop@tox"));
    let text = crate::testing::mail_text("anna+shop@tox", "x");
    world.submit_as("anna", from, &["olga+news@tox"], mail::Notify::default(), &text).await.unwrap();
    world.wait_for("the mail", |world| world.mailbox("olga").len() == 1).await;
    let mail = &world.mailbox("olga")[0];
    assert!(mail.contains("x-tox=pass") && mail.contains("Delivered-To: olga+news@tox\r\n"), "{mail}");
}

#[tokio::test(start_paused = true)]
async fn mail_for_the_postmaster_of_our_domains_is_the_owners() {
    let world = World::new(1, &[&["anna", "olga"], &["ben"]]).await;
    world.nodes[0].disk.add_account(&account("dora"), vec![address("dora@example.org")]);
    let gateway = world.gateway(0).unwrap();
    gateway.reload_accounts().await.unwrap();
    for postmaster in
        ["postmaster@tox", "PostMaster@tox.internal", "POSTMASTER@example.org", "postmaster+x@tox"]
    {
        assert_eq!(gateway.account_with_address(&address(postmaster)), Some(account("anna")), "{postmaster}");
    }
    for other in ["postmaster@example.com", "postmasters@tox"] {
        assert_eq!(gateway.account_with_address(&address(other)), None, "{other}");
    }
    world.submit("olga", &["Postmaster@tox"], &crate::testing::mail_text("olga@tox", "x")).await.unwrap();
    world.wait_for("the mail", |world| world.mailbox("anna").len() == 1).await;
    // The owner may answer as postmaster, others may not.
    let from = || ReversePath::Mailbox(address("postmaster@tox"));
    let text = crate::testing::mail_text("postmaster@tox", "y");
    world.submit_as("anna", from(), &["olga@tox"], mail::Notify::default(), &text).await.unwrap();
    world.wait_for("the answer", |world| world.mailbox("olga").len() == 1).await;
    assert!(world.mailbox("olga")[0].contains("x-tox=pass"));
    assert!(world.submit_as("olga", from(), &["anna@tox"], mail::Notify::default(), &text).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_account_named_postmaster_keeps_its_mail_and_no_contact_gets_the_name() {
    let world = World::new(1, &[&["anna", "postmaster"], &["olga"], &["ben"]]).await;
    let gateway = world.gateway(0).unwrap();
    assert_eq!(gateway.account_with_address(&address("POSTMASTER@tox")), Some(account("postmaster")));
    let gateway = world.gateway(1).unwrap();
    let taken = gateway.add_contact(&account("olga"), account("postmaster"), tox_id("ben"), "").await;
    assert_eq!(taken, Err(crate::ContactError::AliasTaken(account("postmaster"))));
}

#[tokio::test(start_paused = true)]
async fn a_peer_reaches_the_postmaster_and_subaddresses_where_it_reaches_the_owner() {
    let world = World::new(1, &[&["anna", "olga"], &["ben"]]).await;
    world.introduce("anna", "ben").await;
    world.introduce("olga", "ben").await;
    let offer = |account_name: &'static str, number: u8, to: &str| {
        let reverse_path = ReversePath::Mailbox(address(&format!("{}@tox", tox_id("ben"))));
        let envelope = mail::Envelope::new(reverse_path, address(to));
        let digest = mail::BodyHasher::digest(b"x\r\n");
        let offered = crate::Offered { envelope, size: 3, digest };
        let gateway = world.gateway(0).unwrap();
        async move { gateway.offer(&account(account_name), key("ben"), mail::MailId([number; 16]), offered).await }
    };
    assert_eq!(offer("anna", 1, "Postmaster@tox").await, crate::Offer::AcceptFrom(0));
    assert_eq!(offer("anna", 2, "anna+x@tox").await, crate::Offer::AcceptFrom(0));
    assert!(matches!(offer("olga", 3, "postmaster@tox").await, crate::Offer::Refuse(_)));
    assert!(matches!(offer("olga", 4, "olga.x@tox").await, crate::Offer::Refuse(_)));
}
