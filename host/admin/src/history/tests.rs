use clock::ManualClock;

use super::*;

fn at(milliseconds: u64) -> (Arc<ManualClock>, History) {
    let clock = Arc::new(ManualClock::at(Wall(milliseconds)));
    (clock.clone(), History::new(clock))
}

#[test]
fn figures_are_added_up_by_minute_and_hour() {
    let (clock, history) = at(10 * HOUR);
    history.submitted();
    history.ended(true, Duration::from_secs(2));
    clock.set_wall(Wall(10 * HOUR + MINUTE));
    history.submitted();
    history.ended(false, Duration::from_secs(9));
    history.arrived(true);
    history.decided(Slot::Policy, Duration::from_micros(30));
    history.decided(Slot::Policy, Duration::from_micros(10));
    let figures = history.figures();
    assert_eq!(figures.minutes.len(), 2);
    assert_eq!(figures.minutes[0].start.0, Wall(10 * HOUR));
    assert_eq!(figures.minutes[0].delivery.calls, 1);
    let [hour] = &figures.hours[..] else { panic!("{figures:?}") };
    assert_eq!((hour.submitted, hour.delivered, hour.returned), (2, 1, 1));
    assert_eq!((hour.arrived, hour.quarantined), (1, 1));
    assert_eq!((hour.delivery.microseconds, hour.delivery.longest), (2_000_000, 2_000_000));
    let policy = hour.components[&Slot::Policy];
    assert_eq!((policy.calls, policy.microseconds, policy.longest), (2, 40, 30));
}

#[test]
fn what_is_old_goes_and_the_rest_is_kept_over_a_restart() {
    let (clock, history) = at(0);
    for minute in 0..10_000 {
        clock.set_wall(Wall(minute * MINUTE));
        history.submitted();
    }
    let figures = history.figures();
    assert_eq!(figures.minutes.len(), HISTORY_MINUTES);
    assert_eq!(figures.hours.iter().map(|hour| hour.submitted).sum::<u64>(), 10_000);
    let saved = history.save();
    let again = History::new(clock.clone());
    again.restore(&saved);
    assert_eq!(again.figures(), figures);
    // Nothing happened for a day: the hour is empty, the days are not.
    clock.set_wall(Wall(10_000 * MINUTE + 24 * HOUR));
    assert_eq!(again.figures().minutes, []);
    assert!(!again.figures().hours.is_empty());
    again.restore(b"no figures");
    again.restore(br#"{"minutes":[]}"#);
    assert!(!again.figures().hours.is_empty());
}

#[test]
fn a_clock_that_is_set_back_adds_to_the_newest() {
    let (clock, history) = at(10 * HOUR);
    history.submitted();
    clock.set_wall(Wall(5 * HOUR));
    history.submitted();
    clock.set_wall(Wall(10 * HOUR));
    assert_eq!(history.figures().minutes[0].submitted, 2);
}
