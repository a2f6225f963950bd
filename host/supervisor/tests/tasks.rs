//! What a panic of a task leads to. Names of tasks differ among tests: what is known of them belongs to the process.

#![allow(clippy::unwrap_used, reason = "in tests that is the report")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use supervisor::{Kind, TaskStatus, blocking, job, keep, kept_thread, status};
use tokio::sync::mpsc;

fn task(name: &str) -> TaskStatus {
    status().into_iter().find(|task| task.name == name).unwrap()
}

#[tokio::test]
async fn a_kept_task_is_started_again_after_a_panic_and_its_panics_are_counted() {
    let (sender, mut starts) = mpsc::unbounded_channel();
    let count = Arc::new(AtomicU32::new(0));
    let task_of = keep("kept", move || {
        let (sender, number) = (sender.clone(), count.fetch_add(1, Ordering::SeqCst));
        async move {
            sender.send(number).unwrap();
            assert!(number >= 2, "start number {number}");
        }
    });
    task_of.await.unwrap();
    for number in 0..3 {
        assert_eq!(starts.recv().await, Some(number));
    }
    let known = task("kept");
    assert_eq!((known.kind, known.running, known.down, known.panics), (Kind::Kept, 0, 0, 2));
    assert_eq!(known.problem.as_deref(), Some("start number 1"));
}

#[tokio::test]
async fn a_kept_thread_is_started_again_after_a_panic() {
    let mut number = 0;
    let thread = kept_thread("kept-thread", std::thread::Builder::new(), move || {
        number += 1;
        assert!(number > 2, "start number {number}");
    });
    tokio::task::spawn_blocking(move || thread.unwrap().join()).await.unwrap().unwrap();
    assert_eq!(task("kept-thread").panics, 2);
}

#[tokio::test]
async fn a_job_that_panics_is_counted_and_whoever_waits_for_it_learns_of_it() {
    assert!(job("job", async { panic!("as ordered") }).await.unwrap_err().is_panic());
    let known = task("job");
    assert_eq!((known.running, known.panics, known.problem.as_deref()), (0, 1, Some("as ordered")));
    assert_eq!(job("job", async { 7 }).await.unwrap(), 7);
}

#[tokio::test]
async fn work_that_blocks_and_panics_is_counted_and_whoever_waits_for_it_learns_of_it() {
    assert!(blocking("blocking", || panic!("as ordered")).await.unwrap_err().is_panic());
    let known = task("blocking");
    assert_eq!((known.running, known.panics, known.problem.as_deref()), (0, 1, Some("as ordered")));
    assert_eq!(blocking("blocking", || 7).await.unwrap(), 7);
}

/// The program that people use has no way to be broken from outside.
#[cfg(not(feature = "faults"))]
#[test]
fn without_the_feature_no_fault_can_be_ordered() {
    let refused = supervisor::watch_faults(std::path::Path::new("/tmp"));
    assert_eq!(refused, Err(supervisor::NotATestBuild));
}
