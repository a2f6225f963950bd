use clock::ManualClock;

use mail::Wall;
use proptest::prelude::*;

use super::*;

fn log(kept: usize) -> EventLog {
    EventLog::keeping(Arc::new(ManualClock::at(Wall(7))), kept)
}

fn id(heard: &Heard) -> u64 {
    match heard {
        Heard::Event(event) => event.id,
        Heard::Gap { .. } => panic!("a gap"),
    }
}

#[tokio::test]
async fn events_come_in_order_with_increasing_ids() {
    let log = log(10);
    log.publish("before", None, &1);
    let mut listener = log.listen();
    let hearing = tokio::spawn(async move { [listener.next().await, listener.next().await] });
    log.publish("a", None, &1);
    log.publish("b", Some(&"anna".parse().unwrap()), &2);
    let heard = hearing.await.unwrap();
    assert_eq!([id(&heard[0]), id(&heard[1])], [7002, 7003]);
}

#[tokio::test]
async fn who_comes_back_hears_what_was_missed_and_of_what_is_gone() {
    let log = log(3);
    for number in 0..5 {
        log.publish("n", None, &number);
    }
    // 7001 to 7005 were published, 7003 to 7005 are kept.
    let mut back = log.listen_after(7004);
    assert_eq!(id(&back.next().await), 7005);
    let mut late = log.listen_after(7002);
    assert_eq!(id(&late.next().await), 7003);
    let mut too_late = log.listen_after(7001);
    assert_eq!(too_late.next().await, Heard::Gap { after: 7002 });
    assert_eq!(id(&too_late.next().await), 7003);
    let mut from_the_future = log.listen_after(u64::MAX);
    assert_eq!(from_the_future.next().await, Heard::Gap { after: 7005 });
    log.publish("n", None, &5);
    assert_eq!(id(&from_the_future.next().await), 7006);
}

#[tokio::test]
async fn a_restart_is_a_gap_and_ids_go_on() {
    let mut listener = EventLog::keeping(Arc::new(ManualClock::at(Wall(8))), 3).listen_after(7005);
    assert_eq!(listener.next().await, Heard::Gap { after: 8000 });
}

#[tokio::test]
async fn a_large_event_is_replaced() {
    let log = log(3);
    let mut listener = log.listen();
    log.publish("large", None, &"x".repeat(EVENT_BYTES + 1));
    let Heard::Event(event) = listener.next().await else { panic!("a gap") };
    assert!(event.data.to_string().len() < 100);
}

proptest! {
    /// Whatever is published and heard in whatever order: every event once and in order, or a gap.
    #[test]
    fn nothing_is_lost_unnoticed(kept in 1_usize..5, steps in proptest::collection::vec(any::<bool>(), 0..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let log = log(kept);
            let mut listener = log.listen();
            let (mut published, mut place) = (7000, 7000);
            for publish in steps {
                if publish {
                    log.publish("n", None, &0);
                    published += 1;
                } else if place < published {
                    match listener.next().await {
                        Heard::Event(event) => {
                            prop_assert_eq!(event.id, place + 1);
                            place += 1;
                        }
                        Heard::Gap { after } => {
                            prop_assert!(after > place && published - after == kept as u64);
                            place = after;
                        }
                    }
                }
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn events_of_a_removed_account_are_not_told_to_the_next_one_of_its_name() {
    let log = log(10);
    let (anna, ben) = ("anna".parse().unwrap(), "ben".parse().unwrap());
    for account in [&anna, &ben, &anna] {
        log.publish("submitted", Some(account), &"secret");
    }
    let mut listener = log.listen_after(7000);
    log.forget(&anna);
    assert!(log.newest(10, |event| event.account.as_ref() == Some(&anna)).is_empty());
    let mut heard = Vec::new();
    for _ in 0..3 {
        let Heard::Event(event) = listener.next().await else { panic!("a gap") };
        heard.push((event.id, event.kind.clone(), event.account.clone(), event.data.clone()));
    }
    let of_ben = (7002, "submitted".to_owned(), Some(ben), serde_json::json!("secret"));
    let nothing = |id: u64| (id, FORGOTTEN.to_owned(), None, serde_json::Value::Null);
    assert_eq!(heard, [nothing(7001), of_ben, nothing(7003)]);
}
