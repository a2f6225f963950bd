//! Looking through cells is done in slices, on worker threads, and nothing else waits for it.

use std::sync::Arc;
use std::time::Duration;

use crate::limits::{SCAN_CELLS, SCAN_JOBS};
use crate::testing::{DAY, Held, World, simulated};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const MAILS: u8 = 8;
/// Of each: as many as a parcel can have.
const CELLS: usize = 64;

#[test]
fn a_long_scan_goes_in_slices_and_nothing_else_waits_for_it() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[0]), world.node("ben", &[0]));
        anna.befriend(&ben).await;
        anna.start().await;
        for number in 0..MAILS {
            let text = format!("{number}: {}", "x".repeat(950_000));
            anna.submit(&ben, &text).await;
        }
        world.pass(DAY).await;
        anna.stop().await;
        let cells = usize::from(MAILS) * CELLS;
        assert_eq!(world.deposits(), cells as u64);

        let workers = Arc::new(Held::default());
        ben.computes_with(Arc::clone(&workers) as Arc<_>);
        let other = world.node("cleo", &[]);
        other.befriend(&ben).await;
        ben.start().await;
        let mut minutes = 0;
        while workers.waiting() == 0 {
            world.pass(MINUTE).await;
            minutes += 1;
            assert!(minutes < 24 * 60, "the board is not read");
        }
        // As long as the threads do nothing (mail traffic has the cores), no more is piled up, and everything else goes on.
        for _ in 0..5 {
            world.pass(15 * SECOND).await;
            assert!(workers.waiting() <= SCAN_JOBS, "{} jobs wait", workers.waiting());
            let (offline, owner) = (ben.offline(), ben.account());
            let record = offline.record_for(&owner, other.key());
            let given = tokio::time::timeout(MINUTE, record).await.expect("it waits for the scan");
            assert!(given.unwrap().is_some());
        }
        // Now they get some time, slice by slice.
        let (mut slices, mut idle) = (0, 0);
        while ben.mails().len() < usize::from(MAILS) {
            if workers.run_next() {
                slices += 1;
                world.pass(SECOND).await;
            } else {
                idle += 1;
                assert!(idle < 3 * 24 * 60, "{} mails came", ben.mails().len());
                world.pass(MINUTE).await;
            }
            assert!(workers.waiting() <= SCAN_JOBS);
        }
        assert!(slices >= cells / SCAN_CELLS, "{slices} slices for {cells} cells");
        ben.stop().await;
    });
}
