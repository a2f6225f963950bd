//! Friends, names, messages, and what survives a restart.

use mail::{Nospam, ToxId};
use tox::{AddFriendError, Connection, Event, Options, SavedData, SendError, TextError, Tox};

use crate::support::{Peer, friends, private, soon};

#[tokio::test]
async fn names_and_messages_reach_the_friend_and_receipts_come_back() {
    let (mut a, mut b, _keeper, _node) = friends().await;
    let (a_key, b_key) = (a.key(), b.key());

    a.tox.set_name("Ada \u{1f600}").await.unwrap();
    let name = Event::Name { key: a_key, name: "Ada \u{1f600}".to_owned() };
    b.until("the name", |event| (event == name).then_some(())).await;

    a.tox.set_status_message("writing mail").await.unwrap();
    let status = Event::StatusMessage { key: a_key, text: "writing mail".to_owned() };
    b.until("the status message", |event| (event == status).then_some(())).await;

    let first = a.tox.send_message(&b_key, "one").await.unwrap();
    let second = a.tox.send_message(&b_key, &"2".repeat(1372)).await.unwrap();
    assert_ne!(first, second);
    for text in ["one".to_owned(), "2".repeat(1372)] {
        let message = Event::Message { key: a_key, text };
        b.until("the message", |event| (event == message).then_some(())).await;
    }
    for message in [first, second] {
        let receipt = Event::Receipt { key: b_key, message };
        a.until("the receipt", |event| (event == receipt).then_some(())).await;
    }

    let error = TextError::TooLong { bytes: 129, most: 128 };
    assert_eq!(a.tox.set_name(&"n".repeat(129)).await, Err(error));
    let error = TextError::TooLong { bytes: 1008, most: 1007 };
    assert_eq!(a.tox.set_status_message(&"s".repeat(1008)).await, Err(error));
}

#[tokio::test]
async fn after_a_restart_identity_and_friends_are_the_same() {
    let (a, mut b, _keeper, node) = friends().await;
    let (id, friend) = (a.tox.id(), b.key());
    let saved = a.tox.saved().await.unwrap();
    assert_eq!(saved.public_key(), id.key);
    a.tox.shutdown().await;
    b.friend_offline(id.key).await;

    // Through bytes, as the store keeps it.
    let saved = SavedData::new(saved.as_bytes().to_vec()).unwrap();
    let mut again = Peer::start(Options { saved: Some(saved), ..private() }, &node).await;
    assert_eq!(again.tox.id(), id);
    assert_eq!(again.tox.friends().await.unwrap(), [friend]);
    tokio::join!(again.friend_online(friend), b.friend_online(id.key));
    b.tox.send_packet(&id.key, vec![160, 1]).await.unwrap();
    assert_eq!(again.packet().await, [160, 1]);

    // Deleting a friend: they see it, and it is part of what is stored.
    assert!(again.tox.delete_friend(friend).await.unwrap());
    again.friend_offline(friend).await;
    again.until("the saved data changed", |event| (event == Event::SavedDataChanged).then_some(())).await;
    assert_eq!(again.tox.friends().await.unwrap(), []);
    assert_eq!(again.tox.friend_connection(&friend), None);
    assert!(!again.tox.delete_friend(friend).await.unwrap());
    b.friend_offline(id.key).await;
}

#[tokio::test]
async fn every_change_to_be_stored_is_told() {
    let (tox, events) = Tox::start(private()).await.unwrap();
    let mut peer = Peer { tox, events };
    let changed = |event| (event == Event::SavedDataChanged).then_some(());
    peer.until("a new identity is to be stored", changed).await;

    let id = peer.tox.id();
    peer.tox.set_nospam(Nospam([1, 2, 3, 4])).await.unwrap();
    peer.until("the nospam is to be stored", changed).await;
    assert_eq!(peer.tox.id(), ToxId { key: id.key, nospam: Nospam([1, 2, 3, 4]) });

    let friend = ToxId { key: id_of_another().await, nospam: Nospam([0; 4]) };
    peer.tox.add_friend(friend, "hello").await.unwrap();
    peer.until("the friend is to be stored", changed).await;
    assert_eq!(peer.tox.friends().await.unwrap(), [friend.key]);
    assert_eq!(peer.tox.friend_connection(&friend.key), Some(Connection::None));

    let saved = peer.tox.saved().await.unwrap();
    peer.tox.shutdown().await;
    let (again, _events) = Tox::start(Options { saved: Some(saved), ..private() }).await.unwrap();
    assert_eq!(again.id().nospam, Nospam([1, 2, 3, 4]));
    assert_eq!(again.friends().await.unwrap(), [friend.key]);
}

#[tokio::test]
async fn who_cannot_become_a_friend_is_refused() {
    let (tox, _events) = Tox::start(private()).await.unwrap();
    let other = ToxId { key: id_of_another().await, nospam: Nospam([5; 4]) };
    assert_eq!(tox.add_friend(tox.id(), "me").await, Err(AddFriendError::OwnKey));
    assert_eq!(tox.add_friend(other, "").await, Err(AddFriendError::MessageEmpty));
    assert_eq!(tox.add_friend(other, &"m".repeat(1017)).await, Err(AddFriendError::MessageTooLong));
    tox.add_friend(other, &"m".repeat(1016)).await.unwrap();
    assert_eq!(tox.add_friend(other, "again").await, Err(AddFriendError::AlreadyFriend));
    assert_eq!(tox.accept_friend(other.key).await, Err(AddFriendError::AlreadyFriend));
    // With another nospam the request goes out anew.
    tox.add_friend(ToxId { nospam: Nospam([6; 4]), ..other }, "again").await.unwrap();
    assert_eq!(tox.friends().await.unwrap(), [other.key]);
}

#[tokio::test]
async fn dropping_the_last_handle_ends_the_instance() {
    let (tox, mut events) = Tox::start(private()).await.unwrap();
    let port = tox.udp_port().unwrap();
    let clone = tox.clone();
    drop(tox);
    assert_eq!(clone.friends().await.unwrap(), [], "one handle is left");
    drop(clone);
    soon("the events end", async { while events.next().await.is_some() {} }).await;
    // The thread is past `tox_kill`: its port is free.
    std::net::UdpSocket::bind(("0.0.0.0", port)).unwrap();
}

#[tokio::test]
async fn after_shutdown_every_handle_says_so() {
    let (tox, mut events) = Tox::start(private()).await.unwrap();
    let clone = tox.clone();
    soon("the thread ends", tox.shutdown()).await;
    soon("and again", clone.shutdown()).await;
    assert_eq!(clone.friends().await, Err(tox::Gone));
    let gone = clone.send_packet(&mail::PublicKey([1; 32]), vec![160]).await;
    assert_eq!(gone, Err(SendError::Gone(tox::Gone)));
    assert!(gone.unwrap_err().to_string().contains("start it again"));
    soon("the events end", async { while events.next().await.is_some() {} }).await;
}

/// A key that somebody could have.
async fn id_of_another() -> mail::PublicKey {
    let (tox, _events) = Tox::start(private()).await.unwrap();
    tox.public_key()
}
