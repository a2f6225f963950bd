//! The bounds of the event queue.

use super::*;

const KEY: PublicKey = PublicKey([1; 32]);
const OTHER: PublicKey = PublicKey([2; 32]);

fn packet(key: PublicKey, bytes: usize) -> Event {
    Event::Packet { key, bytes: vec![160; bytes] }
}

fn events() -> (Arc<Queue>, Events) {
    let queue = Arc::new(Queue::default());
    (Arc::clone(&queue), Events::new(queue))
}

async fn rest(queue: &Queue, events: &mut Events) -> Vec<Event> {
    queue.end();
    let mut all = Vec::new();
    while let Some(event) = events.next().await {
        all.push(event);
    }
    all
}

#[tokio::test]
async fn a_flood_of_packets_ends_in_one_overflow_and_others_go_on() {
    let (queue, mut events) = events();
    for _ in 0..10_000 {
        queue.push(packet(KEY, 1373));
    }
    queue.push(packet(OTHER, 5));
    let fit = limits::UNDELIVERED_BYTES_PER_FRIEND / (1373 + limits::EVENT_OVERHEAD_BYTES);
    let all = rest(&queue, &mut events).await;
    assert_eq!(all.len(), fit + 2);
    assert_eq!(all[fit], Event::Overflow { key: KEY });
    assert_eq!(all[fit + 1], packet(OTHER, 5));
}

#[tokio::test]
async fn only_resume_ends_an_overflow() {
    let (queue, mut events) = events();
    for _ in 0..10_000 {
        queue.push(packet(KEY, 1373));
    }
    while events.next().await != Some(Event::Overflow { key: KEY }) {}
    queue.push(packet(KEY, 1));
    queue.push(Event::FriendConnection { key: KEY, connection: Connection::None });
    queue.resume(&KEY);
    queue.push(packet(KEY, 2));
    let expected = [Event::FriendConnection { key: KEY, connection: Connection::None }, packet(KEY, 2)];
    assert_eq!(rest(&queue, &mut events).await, expected);
    assert!(queue.state().friends.is_empty(), "nothing is kept of a friend of whom nothing waits");
    assert_eq!(queue.state().bytes, 0);
}

#[tokio::test]
async fn many_friends_together_stay_within_bounds() {
    let (queue, _events) = events();
    for friend in 0..100 {
        for _ in 0..4000 {
            queue.push(packet(PublicKey([friend; 32]), 1373));
        }
    }
    let state = queue.state();
    let most = limits::UNDELIVERED_BYTES
        + limits::UNDELIVERED_BYTES_PER_FRIEND
        + 100 * limits::UNDELIVERED_BYTES_PER_FRIEND_CROWDED;
    assert!(state.bytes <= most, "{}", state.bytes);
    assert_eq!(state.events.iter().filter(|event| matches!(event, Event::Overflow { .. })).count(), 100);
}

#[tokio::test]
async fn of_a_flood_of_connection_changes_the_first_and_the_newest_come() {
    let (queue, mut events) = events();
    for turn in 0..10_001 {
        let connection = if turn % 2 == 0 { Connection::Udp } else { Connection::None };
        queue.push(Event::FriendConnection { key: KEY, connection });
    }
    queue.push(Event::FriendConnection { key: KEY, connection: Connection::Tcp });
    let all = rest(&queue, &mut events).await;
    assert_eq!(all.len(), limits::UNDELIVERED_CONNECTION_CHANGES + 1);
    assert_eq!(all.last(), Some(&Event::FriendConnection { key: KEY, connection: Connection::Tcp }));
}

#[tokio::test]
async fn a_flood_of_requests_is_cut() {
    let (queue, mut events) = events();
    for key in 0..=255 {
        queue.push(Event::FriendRequest { key: PublicKey([key; 32]), message: "spam".to_owned() });
    }
    assert_eq!(rest(&queue, &mut events).await.len(), limits::UNDELIVERED_FRIEND_REQUESTS);
}

#[tokio::test]
async fn many_changes_of_the_saved_data_are_one_event() {
    let (queue, mut events) = events();
    for _ in 0..3 {
        queue.push(Event::SavedDataChanged);
    }
    assert_eq!(events.next().await, Some(Event::SavedDataChanged));
    queue.push(Event::SavedDataChanged);
    assert_eq!(rest(&queue, &mut events).await, [Event::SavedDataChanged]);
}

#[tokio::test]
async fn a_batch_has_what_waits_and_no_more_than_asked() {
    let (queue, mut events) = events();
    for bytes in 1..=5 {
        queue.push(packet(KEY, bytes));
    }
    assert_eq!(events.next_batch(3).await, [packet(KEY, 1), packet(KEY, 2), packet(KEY, 3)]);
    assert_eq!(events.next_batch(100).await.len(), 2);
    queue.end();
    assert!(events.next_batch(100).await.is_empty());
}

#[tokio::test]
async fn a_waiting_consumer_is_woken() {
    let (queue, mut events) = events();
    let waiting = tokio::spawn(async move { events.next().await });
    tokio::task::yield_now().await;
    queue.push(packet(KEY, 1));
    queue.wake();
    assert_eq!(waiting.await.unwrap(), Some(packet(KEY, 1)));
}

#[test]
fn without_a_consumer_nothing_is_kept() {
    let (queue, events) = events();
    queue.push(packet(KEY, 1));
    drop(events);
    queue.push(packet(KEY, 1));
    assert!(queue.state().events.is_empty());
    assert!(queue.state().friends.is_empty());
}
