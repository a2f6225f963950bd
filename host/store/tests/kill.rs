//! A process that uses the store is killed; what it had reported as durable is there.

#![allow(clippy::unwrap_used, reason = "what fails here is a failed test")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use mail::storage::{Bodies as _, Reception as _};
use store::Store;

mod common;

use common::*;

/// Set for the process to be killed: its data directory.
const DIRECTORY: &str = "STORE_TEST_DIRECTORY";

async fn deliver(store: &Store, number: u32) {
    let text: Bytes = format!("mail {number}").into_bytes().into();
    let body = stage(store, &text).await.unwrap();
    store.deliver_own(mail(bob(), body.id, body.size), body).await.unwrap();
}

/// Run by the test below in a process of its own: delivers and says so, until it is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs for ever; the other test starts it"]
async fn deliver_until_killed() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    let store = open(Path::new(&dir));
    let first = u32::try_from(store.mailbox_count(&bob()).await.unwrap().0).unwrap();
    // Something unfinished for the next start to tidy.
    let mut half = store.new_body();
    half.write(bytes(2_000_000, 0)).await.unwrap();
    for number in first.. {
        deliver(&store, number).await;
        println!("\ndelivered {number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_reported_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    with_accounts(dir.path()).await.close();
    let mut known = 0;
    for round in 1..=5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["deliver_until_killed", "--exact", "--ignored", "--nocapture"])
            .env(DIRECTORY, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let delivered = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("delivered ").and_then(|number| number.parse::<u32>().ok()));
        for number in delivered.take(20 * round) {
            assert_eq!(number, known);
            known += 1;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let store = open(dir.path());
        let found = mails(&store, &bob()).await;
        assert!(found.len() >= known as usize, "{} of {known}", found.len());
        for (number, mail) in found.iter().enumerate() {
            assert_eq!(*mail, whole(&format!("mail {number}").into_bytes().into()));
        }
        known = u32::try_from(found.len()).unwrap();
        assert_eq!(assert_sound(&store).await.bodies, u64::from(known));
    }
}
