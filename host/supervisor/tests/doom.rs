//! What ends the process. One test: the reason to end belongs to the process, and the first one stays.

#![allow(clippy::unwrap_used, reason = "in tests that is the report")]

use std::time::Duration;

use supervisor::{TaskStatus, doomed, keep, status, vital_thread};

fn task(name: &str) -> TaskStatus {
    status().into_iter().find(|task| task.name == name).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_vital_thread_that_panics_and_a_task_that_fails_again_and_again_stay_down_and_doom_the_process() {
    let thread = vital_thread("vital", || panic!("out of order"));
    thread.unwrap().join().unwrap();
    assert_eq!(doomed().await, "`vital` failed: out of order");
    assert_eq!((task("vital").running, task("vital").down), (0, 1));

    let kept = keep("hopeless", || async { panic!("again") });
    let most = u64::from(supervisor::limits::MOST_IN_A_ROW);
    while status().iter().all(|task| task.name != "hopeless" || task.panics < most) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tokio::time::sleep(Duration::from_secs(100)).await;
    let known = task("hopeless");
    assert_eq!((known.down, known.running, known.panics), (1, 0, most));
    kept.abort();
}
