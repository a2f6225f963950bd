use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use mail::decision::policy::FriendRequestAnswer;
use mail::record::{ContactState, Outcome};
use mail::{Acknowledgement, BodyHasher, Envelope, MailId, Refusal, ReversePath};

use super::Received;
use crate::lock::lock;
use crate::ports::Copies;
use crate::testing::{ScriptedRelays, World, account, address, key, mail_text, tox_id};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A mail of anna's to ben, who is away, and the relays anna uses.
async fn waiting() -> (Arc<World>, MailId, Arc<ScriptedRelays>) {
    let world = World::new(1, &[&["anna"], &["ben"]]).await;
    world.introduce("anna", "ben").await;
    let relays = Arc::new(ScriptedRelays::default());
    world.gateway(0).unwrap().use_relays(Arc::clone(&relays) as Arc<_>);
    world.set_reachable(1, false).await;
    let id = world.submit("anna", &["ben@tox"], &mail_text("anna@tox", "one")).await.unwrap()[0];
    world.let_pass(Duration::from_secs(1)).await;
    (world, id, relays)
}

fn envelope() -> Envelope {
    let from = ReversePath::Mailbox(address(&format!("{}@tox", tox_id("anna"))));
    Envelope::new(from, address(&format!("{}@tox", tox_id("ben"))))
}

/// Hands what anna's outbox has to ben, as a drop relay would.
async fn carry(world: &World, id: MailId) -> Received {
    let (entry, body) = world.gateway(0).unwrap().outgoing(id, 1 << 20).await.unwrap().unwrap();
    let ben = world.gateway(1).unwrap();
    ben.receive_whole(&account("ben"), key("anna"), id, entry.envelope, body.unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn a_mail_and_its_acknowledgement_go_by_relay_and_the_direct_way_shows_it_once() {
    let (world, id, relays) = waiting().await;
    assert_eq!(*lock(&relays.left), [id]);
    assert_eq!(carry(&world, id).await, Received::Acknowledged(Acknowledgement::Delivered));
    assert_eq!(carry(&world, id).await, Received::Acknowledged(Acknowledgement::Delivered));
    assert_eq!(world.mailbox("ben").len(), 1);
    assert!(world.mailbox("ben")[0].contains("Authentication-Results: "));
    world.set_reachable(1, true).await;
    world.let_pass(Duration::from_secs(60)).await;
    assert_eq!(world.mailbox("ben").len(), 1, "it came directly too");
    assert_eq!(world.nodes[0].disk.outcome(id), Some(Outcome::Delivered));
    assert_eq!(*lock(&relays.ended), [id]);
}

#[tokio::test(start_paused = true)]
async fn words_of_others_and_about_other_mails_are_ignored() {
    let (world, id, relays) = waiting().await;
    let (anna, gateway) = (account("anna"), world.gateway(0).unwrap());
    let digest = gateway.outbox_entry(&anna, id).await.unwrap().unwrap().digest;
    let delivered = Acknowledgement::Delivered;
    gateway.acknowledged(&anna, key("eve"), id, digest, delivered.clone()).await.unwrap();
    let other = BodyHasher::digest(b"another mail");
    gateway.acknowledged(&anna, key("ben"), id, other, delivered.clone()).await.unwrap();
    gateway.acknowledged(&anna, key("ben"), MailId([9; 16]), digest, delivered.clone()).await.unwrap();
    assert_eq!(world.nodes[0].disk.outcome(id), None);
    gateway.acknowledged(&anna, key("ben"), id, digest, delivered).await.unwrap();
    assert_eq!(world.nodes[0].disk.outcome(id), Some(Outcome::Delivered));
    assert_eq!(*lock(&relays.ended), [id]);
}

#[tokio::test(start_paused = true)]
async fn copies_are_left_at_once_when_the_recipient_goes_away_in_the_middle() {
    let world = World::new(1, &[&["anna"], &["ben"]]).await;
    world.introduce("anna", "ben").await;
    let relays = Arc::new(ScriptedRelays::default());
    world.gateway(0).unwrap().use_relays(Arc::clone(&relays) as Arc<_>);
    lock(&world.net.state).piece_time = Duration::from_secs(10);
    let id = world.submit("anna", &["ben@tox"], "x").await.unwrap()[0];
    world.let_pass(Duration::from_secs(5)).await;
    assert!(lock(&relays.left).is_empty(), "he is online");
    world.set_reachable(1, false).await;
    world.let_pass(Duration::from_secs(10)).await;
    assert_eq!(*lock(&relays.left), [id]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_relay_bounces() {
    let (world, id, _) = waiting().await;
    let (anna, gateway) = (account("anna"), world.gateway(0).unwrap());
    let digest = gateway.outbox_entry(&anna, id).await.unwrap().unwrap().digest;
    let refusal = Refusal::permanent(7, 1, "not wanted");
    let word = Acknowledgement::Refused(refusal.clone());
    gateway.acknowledged(&anna, key("ben"), id, digest, word).await.unwrap();
    assert_eq!(world.nodes[0].disk.outcome(id), Some(Outcome::Bounced(refusal)));
    assert!(world.mailbox("anna")[0].contains("not wanted"));
}

#[tokio::test(start_paused = true)]
async fn as_long_as_copies_wait_the_mail_does_and_the_outbox_says_so() {
    let (world, id, relays) = waiting().await;
    let (anna, gateway) = (account("anna"), world.gateway(0).unwrap());
    let created = gateway.outbox_entry(&anna, id).await.unwrap().unwrap().created;
    let until = created.plus(17 * DAY);
    *lock(&relays.copies) =
        Copies { complete: 3, answer_until: Some(until), may_have_arrived: true, note: None };
    world.let_pass(16 * DAY).await;
    let entry = gateway.outbox_entry(&anna, id).await.unwrap().unwrap();
    assert_eq!(entry.expires, until);
    assert!(entry.last_problem.unwrap().text().contains("copies wait on 3 drop relays"));
    world.let_pass(2 * DAY).await;
    assert!(matches!(world.nodes[0].disk.outcome(id), Some(Outcome::Bounced(_))));
    let report = world.mailbox("anna").pop().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(report.contains("17 days") && report.contains("it may have arrived"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_stranger_is_heard_after_the_user_accepted() {
    let world = World::new(1, &[&["anna"], &["ben"]]).await;
    let ben = world.gateway(1).unwrap();
    let text = Bytes::from(mail_text("anna@tox", "hello"));
    let name = account("ben");
    let take = || ben.receive_whole(&name, key("anna"), MailId([1; 16]), envelope(), text.clone());
    assert_eq!(take().await, Received::Stranger);
    world.nodes[1].script.set(|answers| answers.friend_request = Some(Ok(FriendRequestAnswer::AskUser)));
    for _ in 0..3 {
        assert_eq!(ben.knock(&account("ben"), key("anna"), "a mail").await, Ok(crate::Asked::Waits));
    }
    assert_eq!(lock(&world.nodes[1].script.0).friend_requests.len(), 1, "asked once");
    ben.accept_request(&account("ben"), key("anna"), None).await.unwrap();
    assert_eq!(take().await, Received::Acknowledged(Acknowledgement::Delivered));
    assert_eq!(world.mailbox("ben").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_alone_is_enough_where_relays_reach_strangers_and_an_answer_confirms() {
    let world = World::new(1, &[&["anna"], &["ben"]]).await;
    world.set_reachable(1, false).await;
    let spelled = format!("{}@tox", key("ben"));
    let refused = world.submit("anna", &[&spelled], "x").await.unwrap_err();
    assert!(refused.text().contains("toxmail relay add"), "{refused}");
    let relays = Arc::new(ScriptedRelays::default());
    relays.reach.store(true, Ordering::Relaxed);
    let gateway = world.gateway(0).unwrap();
    gateway.use_relays(Arc::clone(&relays) as Arc<_>);
    let id = world.submit("anna", &[&spelled], &mail_text("anna@tox", "hello")).await.unwrap()[0];
    world.let_pass(Duration::from_secs(1)).await;
    assert_eq!(*lock(&relays.left), [id]);
    let contact = gateway.contacts(&account("anna")).remove(0);
    assert_eq!((contact.key, contact.state), (key("ben"), ContactState::Requested));
    assert_eq!(gateway.knock(&account("anna"), key("ben"), "").await, Ok(crate::Asked::Contact));
    assert_eq!(gateway.contacts(&account("anna")).remove(0).state, ContactState::Confirmed);
}
