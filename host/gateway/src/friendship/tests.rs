use std::time::Duration;

use std::sync::Arc;

use super::*;
use crate::lock::lock;
use crate::testing::{World, account, failure, key, mail_text, tox_id};

async fn strangers() -> Arc<World> {
    World::new(1, &[&["anna"], &["ben"]]).await
}

fn state(world: &World, own: &str, peer: &str) -> Option<ContactState> {
    let (node, name) = world.whereabouts(own);
    let contacts = world.gateway(node).unwrap().contacts(&name);
    contacts.iter().find(|contact| contact.key == key(peer)).map(|contact| contact.state)
}

#[tokio::test(start_paused = true)]
async fn who_is_asked_becomes_a_contact_when_they_accept() {
    let world = strangers().await;
    let (anna, ben) = (world.gateway(0).unwrap(), world.gateway(1).unwrap());
    anna.add_contact(&account("anna"), account("benny"), tox_id("ben"), "hello\r\nben").await.unwrap();
    assert_eq!(state(&world, "anna", "ben"), Some(ContactState::Requested));
    world.let_pass(Duration::from_secs(1)).await;
    let requests = ben.friend_requests(&account("ben")).await.unwrap();
    assert_eq!((requests[0].key, requests[0].message.as_str()), (key("anna"), "hello  ben"));
    ben.accept_request(&account("ben"), key("anna"), Some(account("annie"))).await.unwrap();
    world.wait_for("both", |world| state(world, "anna", "ben") == Some(ContactState::Confirmed)).await;
    assert_eq!(state(&world, "ben", "anna"), Some(ContactState::Confirmed));
    assert!(ben.friend_requests(&account("ben")).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_mail_to_a_stranger_asks_first_and_goes_out_when_they_accept() {
    let world = strangers().await;
    let to = format!("{}@tox", tox_id("ben"));
    world.submit("anna", &[&to], &mail_text("anna@tox", "first")).await.unwrap();
    world.let_pass(Duration::from_secs(10)).await;
    assert_eq!(state(&world, "anna", "ben"), Some(ContactState::Requested));
    let entry = &world.nodes[0].disk.outbox()[0];
    assert!(entry.last_problem.as_ref().unwrap().text().contains("has not accepted"));
    let ben = world.gateway(1).unwrap();
    let contact = ben.accept_request(&account("ben"), key("anna"), None).await.unwrap();
    assert!(contact.alias.as_str().starts_with("tox-"));
    world.wait_for("the mail", |world| world.mailbox("ben").len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn requests_are_sent_again_on_a_schedule_and_after_a_restart() {
    let world = strangers().await;
    let anna = world.gateway(0).unwrap();
    anna.add_contact(&account("anna"), account("benny"), tox_id("ben"), "").await.unwrap();
    let sent = |world: &World| lock(&world.net.state).requests.len();
    assert_eq!(sent(&world), 1);
    world.let_pass(Duration::from_secs(4 * 24 * 3600)).await;
    assert_eq!(sent(&world), 7, "after 10 minutes, 1 hour, 6 hours, then each day");
    lock(&world.net.state).friends.clear();
    world.crash(0, 0).await;
    world.start(0).await;
    assert_eq!(sent(&world), 8);
}

#[tokio::test(start_paused = true)]
async fn the_policy_decides_about_requests_and_the_user_when_it_fails() {
    let cases = [
        (Some(Ok(FriendRequestAnswer::Accept)), Asked::Contact, Some(ContactState::Confirmed), 0),
        (Some(Ok(FriendRequestAnswer::Ignore)), Asked::Ignored, None, 0),
        (Some(Ok(FriendRequestAnswer::AskUser)), Asked::Waits, None, 1),
        (Some(Err(failure())), Asked::Waits, None, 1),
        (None, Asked::Waits, None, 1),
    ];
    for (answer, asked, contact, waiting) in cases {
        let world = strangers().await;
        world.nodes[1].script.set(|answers| answers.friend_request = answer.clone());
        let ben = world.gateway(1).unwrap();
        let long = "x".repeat(5000);
        assert_eq!(ben.friend_request(&account("ben"), key("anna"), &long).await, Ok(asked));
        assert_eq!(state(&world, "ben", "anna"), contact, "{answer:?}");
        let requests = ben.friend_requests(&account("ben")).await.unwrap();
        assert_eq!(requests.len(), waiting, "{answer:?}");
        assert!(requests.iter().all(|request| request.message.len() == limits::FRIEND_REQUEST_BYTES));
    }
}

#[tokio::test(start_paused = true)]
async fn no_room_for_a_request_or_a_contact_is_an_answer_of_its_own() {
    let world = strangers().await;
    let ben = world.gateway(1).unwrap();
    lock(&world.nodes[1].disk.0).request_limit = 1;
    let name = account("ben");
    let ask = |of| ben.friend_request(&name, key(of), "hi");
    assert_eq!(ask("anna").await, Ok(Asked::Waits));
    assert_eq!(ask("dora").await, Ok(Asked::NoRoom));
    assert_eq!(ben.knock(&account("ben"), key("dora"), "hi").await, Ok(Asked::NoRoom));
    assert_eq!(ben.knock(&account("ben"), key("anna"), "hi").await, Ok(Asked::Waits));
    ben.decline_request(&account("ben"), key("anna")).await.unwrap();
    assert_eq!(ask("dora").await, Ok(Asked::Waits));
    world.nodes[1].script.set(|answers| answers.friend_request = Some(Ok(FriendRequestAnswer::Accept)));
    lock(&world.nodes[1].disk.0).contact_limit = 0;
    assert_eq!(ask("olga").await, Ok(Asked::NoRoom));
    assert!(ben.contacts(&account("ben")).is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_was_declined_or_blocked_is_ignored_until_the_user_adds_them() {
    let world = World::new(1, &[&["anna"], &["ben"], &["carla"]]).await;
    world.introduce("anna", "ben").await;
    let ben = world.gateway(1).unwrap();
    let name = account("ben");
    let ask = |of| ben.friend_request(&name, key(of), "hi");
    assert_eq!(ask("carla").await, Ok(Asked::Waits));
    ben.decline_request(&name, key("carla")).await.unwrap();
    assert_eq!(ask("carla").await, Ok(Asked::Ignored));
    assert_eq!(ben.knock(&name, key("carla"), "hi").await, Ok(Asked::Ignored));
    assert!(ben.friend_requests(&name).await.unwrap().is_empty());
    ben.remove_contact(&name, key("anna"), true).await.unwrap();
    assert_eq!(ask("anna").await, Ok(Asked::Ignored));
    ben.add_contact(&name, account("anna"), tox_id("anna"), "").await.unwrap();
    assert_eq!(ask("anna").await, Ok(Asked::Contact));
    // Another name for the same person: mail to the old name is for nobody.
    let renamed = ben.rename_contact(&name, key("anna"), account("annie")).await.unwrap();
    assert_eq!(renamed.alias, account("annie"));
    assert_eq!(ben.rename_contact(&name, key("anna"), account("annie")).await, Ok(renamed));
    let taken = ben.rename_contact(&name, key("anna"), account("ben")).await;
    assert_eq!(taken, Err(ContactError::AliasTaken(account("ben"))));
    let nobody = ben.rename_contact(&name, key("carla"), account("c")).await;
    assert_eq!(nobody, Err(ContactError::NoContact));
    world.submit("ben", &["annie@tox"], &mail_text("ben@tox", "by the new name")).await.unwrap();
    assert!(world.submit("ben", &["anna@tox"], &mail_text("ben@tox", "by the old one")).await.is_err());
    world.wait_for("the mail", |world| world.mailbox("anna").len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn the_policy_learns_whether_the_account_wrote_to_them() {
    let world = strangers().await;
    let ben = world.gateway(1).unwrap();
    let to = format!("{}@tox", tox_id("anna"));
    world.set_reachable(0, false).await;
    world.submit("ben", &[&to], &mail_text("ben@tox", "hello")).await.unwrap();
    world.let_pass(Duration::from_secs(1)).await;
    ben.remove_contact(&account("ben"), key("anna"), false).await.unwrap();
    ben.friend_request(&account("ben"), key("anna"), "hi").await.unwrap();
    ben.friend_request(&account("ben"), key("dora"), "hi").await.unwrap();
    let facts = lock(&world.nodes[1].script.0).friend_requests.clone();
    assert_eq!(facts.iter().map(|facts| facts.written_to).collect::<Vec<_>>(), [true, false]);
}

#[tokio::test(start_paused = true)]
async fn two_who_ask_each_other_are_contacts() {
    let world = strangers().await;
    for (node, own, peer) in [(0, "anna", "ben"), (1, "ben", "anna")] {
        let gateway = world.gateway(node).unwrap();
        gateway.add_contact(&account(own), account(peer), tox_id(peer), "").await.unwrap();
    }
    world
        .wait_for("both", |world| {
            state(world, "anna", "ben") == Some(ContactState::Confirmed)
                && state(world, "ben", "anna") == Some(ContactState::Confirmed)
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn writing_to_somebody_who_asked_accepts_them() {
    let world = strangers().await;
    let anna = world.gateway(0).unwrap();
    anna.add_contact(&account("anna"), account("ben"), tox_id("ben"), "").await.unwrap();
    world.let_pass(Duration::from_secs(1)).await;
    let to = format!("{}@tox", tox_id("anna"));
    world.submit("ben", &[&to], &mail_text("ben@tox", "yes")).await.unwrap();
    world.wait_for("the mail", |world| world.mailbox("anna").len() == 1).await;
    assert_eq!(state(&world, "ben", "anna"), Some(ContactState::Confirmed));
}

#[tokio::test(start_paused = true)]
async fn names_mean_one_person() {
    let world = World::new(1, &[&["anna", "olga"], &["ben"], &["carla"]]).await;
    world.introduce("anna", "ben").await;
    let anna = world.gateway(0).unwrap();
    let add = |alias: &str, id| {
        let (anna, alias) = (anna.clone(), account(alias));
        async move { anna.add_contact(&account("anna"), alias, id, "").await.map(drop) }
    };
    assert_eq!(add("ben", tox_id("carla")).await, Err(ContactError::AliasTaken(account("ben"))));
    assert_eq!(add("olga", tox_id("carla")).await, Err(ContactError::AliasTaken(account("olga"))));
    assert_eq!(add("benjamin", tox_id("ben")).await, Err(ContactError::Known(account("ben"))));
    assert_eq!(add("o", tox_id("olga")).await, Err(ContactError::Local(account("olga"))));
    let mut impossible = tox_id("carla");
    impossible.key.0[31] |= 0x80;
    assert_eq!(add("i", impossible).await, Err(ContactError::ImpossibleKey));
    let address = format!("{impossible}@tox").parse().unwrap();
    let refusal = anna.look_up(&account("anna"), &address).await.unwrap_err();
    assert!(refusal.to_string().contains("5.1.3"), "{refusal}");
    assert_eq!(add("c", tox_id("carla")).await, Ok(()));
    let missing = anna.accept_request(&account("anna"), key("dora"), None).await;
    assert_eq!(missing, Err(ContactError::NoRequest));
    assert_eq!(anna.decline_request(&account("anna"), key("dora")).await, Err(ContactError::NoRequest));
    assert_eq!(anna.remove_contact(&account("anna"), key("dora"), false).await, Err(ContactError::NoContact));
    let ghost = anna.add_contact(&account("ghost"), account("x"), tox_id("carla"), "").await;
    assert_eq!(ghost, Err(ContactError::NoAccount(account("ghost"))));
}

#[tokio::test(start_paused = true)]
async fn the_friend_list_follows_the_store_at_the_start() {
    let world = World::new(1, &[&["anna"], &["ben"], &["carla"]]).await;
    world.introduce("anna", "ben").await;
    {
        let mut net = lock(&world.net.state);
        net.friends.remove(&(key("anna"), key("ben")));
        net.friends.insert((key("anna"), key("carla")));
    }
    world.crash(0, 0).await;
    world.start(0).await;
    let net = lock(&world.net.state);
    assert!(net.friends.contains(&(key("anna"), key("ben"))), "a contact becomes a friend again");
    assert!(!net.friends.contains(&(key("anna"), key("carla"))), "who is no contact is no friend");
}

#[tokio::test(start_paused = true)]
async fn mail_for_a_removed_contact_bounces() {
    let world = strangers().await;
    world.introduce("anna", "ben").await;
    world.set_reachable(1, false).await;
    world.submit("anna", &["ben@tox"], &mail_text("anna@tox", "late")).await.unwrap();
    world.let_pass(Duration::from_secs(5)).await;
    world.gateway(0).unwrap().remove_contact(&account("anna"), key("ben"), false).await.unwrap();
    world.wait_for("the bounce", |world| world.mailbox("anna").len() == 1).await;
    assert!(world.mailbox("anna")[0].contains("removed from your contacts"));
    assert!(world.nodes[0].disk.outbox().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_address_is_looked_up_for_adding_a_contact() {
    let world = strangers().await;
    world.nodes[0].script.dns("ben@example.org", tox_id("ben"));
    let anna = world.gateway(0).unwrap();
    let id = anna.look_up(&account("anna"), &"ben@example.org".parse().unwrap()).await.unwrap();
    assert_eq!(id, tox_id("ben"));
    let refusal = anna.look_up(&account("anna"), &"x@example.org".parse().unwrap()).await.unwrap_err();
    assert_eq!(refusal.status.to_string(), "5.1.1");
}
