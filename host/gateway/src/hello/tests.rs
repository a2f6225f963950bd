use std::time::Duration;

use super::*;
use crate::testing::{World, account, address, key, mail_text, tox_id};

async fn world() -> std::sync::Arc<World> {
    let world = World::new(1, &[&["anna", "olga"], &["ben"], &["carla"]]).await;
    world.introduce("anna", "ben").await;
    world.introduce("anna", "carla").await;
    world
}

async fn told(world: &World, addresses: &[&str]) -> Vec<String> {
    let gateway = world.gateway(0).unwrap();
    let addresses = addresses.iter().map(|text| address(text)).collect();
    gateway.peer_hello(&account("anna"), key("ben"), tox_id("ben"), addresses).await.unwrap();
    let contacts = gateway.contacts(&account("anna"));
    let ben = contacts.iter().find(|contact| contact.key == key("ben")).unwrap();
    ben.addresses.iter().map(ToString::to_string).collect()
}

#[tokio::test(start_paused = true)]
async fn hello_brings_a_contact_up_to_date() {
    let world = world().await;
    assert_eq!(
        told(&world, &["ben@example.org", "Benny@tox.internal"]).await,
        ["ben@example.org", "benny@tox"]
    );
    assert_eq!(told(&world, &["ben@example.com"]).await, ["ben@example.com"]);
    let disk = crate::lock::lock(&world.nodes[0].disk.0).contacts[&(account("anna"), key("ben"))].clone();
    assert_eq!(disk.addresses, [address("ben@example.com")]);
}

#[tokio::test(start_paused = true)]
async fn a_claim_to_another_key_is_not_even_kept() {
    let world = world().await;
    let own = format!("{}@tox", key("ben")).to_lowercase();
    let claims = [&format!("{}@tox", key("carla")), &format!("{}@tox", tox_id("anna")), &own];
    assert_eq!(told(&world, &claims.map(String::as_str)).await, [own]);
}

#[tokio::test(start_paused = true)]
async fn claims_are_bounded() {
    let world = world().await;
    let many: Vec<String> = (0..100).map(|number| format!("b{number}@example.org")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(told(&world, &many).await.len(), limits::TOLD_ADDRESSES);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_tox_id_breaks_the_protocol() {
    let world = world().await;
    let gateway = world.gateway(0).unwrap();
    let hello = gateway.peer_hello(&account("anna"), key("ben"), tox_id("carla"), Vec::new()).await;
    assert_eq!(hello, Err(HelloError::ForeignToxId));
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_received_mail_reaches_its_sender() {
    let world = world().await;
    // Ben writes as ben@tox; anna knows him under another alias, and told addresses lead back.
    let gateway = world.gateway(0).unwrap();
    gateway.remove_contact(&account("anna"), key("ben"), false).await.unwrap();
    let benjamin =
        gateway.add_contact(&account("anna"), account("benjamin"), tox_id("ben"), "").await.unwrap();
    assert_eq!(benjamin.alias, account("benjamin"));
    world
        .wait_for("ben online", |world| {
            let contacts = world.gateway(0).unwrap().contacts(&account("anna"));
            contacts.iter().any(|contact| contact.addresses.contains(&address("ben@tox")))
        })
        .await;
    world.submit("ben", &["anna@tox"], &mail_text("ben@tox", "question")).await.unwrap();
    world.wait_for("the question", |world| world.mailbox("anna").len() == 1).await;
    assert!(world.mailbox("anna")[0].contains("x-tox=pass"));
    world.submit("anna", &["ben@tox"], &mail_text("anna@tox", "answer")).await.unwrap();
    world.let_pass(Duration::from_secs(5)).await;
    assert!(world.mailbox("ben")[0].contains("Subject: answer"));
}
