use bytes::Bytes;
use mail::{Notify, Return, ReversePath};

use crate::lock::lock;
use crate::testing::{World, account, address};

/// The account is removed, and another one of its name is made.
async fn replace(world: &World, name: &str) {
    let gateway = world.gateway(0).unwrap();
    gateway.forget_account(&account(name)).await.unwrap();
    world.nodes[0].disk.remove_account(&account(name));
    world.nodes[0].disk.add_account(&account(name), Vec::new());
    gateway.reload_accounts().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn mail_to_a_removed_account_bounces_and_never_reaches_the_next_one_of_its_name() {
    let world = World::new(1, &[&["anna", "ben"]]).await;
    lock(&world.nodes[0].disk.0).mailbox_limit = 0;
    world.submit("anna", &["ben@tox"], "Subject: for the old ben\r\n\r\nsecret\r\n").await.unwrap();
    world.let_pass(std::time::Duration::from_secs(60)).await;
    lock(&world.nodes[0].disk.0).mailbox_limit = usize::MAX;
    replace(&world, "ben").await;
    world.wait_for("the bounce", |world| world.mailbox("anna").len() == 1).await;
    assert!(world.mailbox("anna")[0].contains("was removed"), "{}", world.mailbox("anna")[0]);
    world.let_pass(std::time::Duration::from_secs(48 * 3600)).await;
    assert!(world.mailbox("ben").is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_removed_account_began_to_send_is_refused_though_its_name_is_anothers_now() {
    let world = World::new(1, &[&["anna", "ben"]]).await;
    let gateway = world.gateway(0).unwrap();
    let reverse_path = ReversePath::Mailbox(address("ben@tox"));
    let mut begun =
        gateway.begin_submission(&account("ben"), reverse_path, None, Return::Headers, None).unwrap();
    begun.recipient(address("anna@tox"), Notify::default(), None).await.unwrap();
    begun.write(Bytes::from_static(b"Subject: x\r\n\r\nx\r\n")).await.unwrap();
    replace(&world, "ben").await;
    let refusal = begun.finish().await.unwrap_err();
    assert!(refusal.text().contains("removed"), "{refusal:?}");
    world.let_pass(std::time::Duration::from_secs(60)).await;
    assert!(world.mailbox("anna").is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_next_account_of_a_name_has_no_contacts_of_the_one_before() {
    let world = World::new(1, &[&["anna"], &["ben"]]).await;
    world.introduce("anna", "ben").await;
    let gateway = world.gateway(0).unwrap();
    assert_eq!(gateway.contacts(&account("anna")).len(), 1);
    // Also where nobody said that the first one goes.
    world.nodes[0].disk.remove_account(&account("anna"));
    world.nodes[0].disk.add_account(&account("anna"), Vec::new());
    gateway.reload_accounts().await.unwrap();
    assert!(gateway.contacts(&account("anna")).is_empty());
}
