//! A board that is killed in the middle of deposits: its receipts stay true.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use drops::message::Receipt;
use mail::PublicKey;
use relay::{Identity, Purpose, Serving, Setup};
use tox::{Node, Options, SavedData};

use crate::support::{Everybody, Network, bring, bring_until, cheap, clock, deposit, private};

const DIRECTORY: &str = "RELAY_TEST_DIRECTORY";
const NODES: &str = "RELAY_TEST_NODES";

/// Not a test of its own: the process that serves the board until it is killed.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let directory = Path::new(&directory);
    let kept = directory.join("identity");
    let saved = std::fs::read(&kept).ok().map(|bytes| SavedData::new(bytes).unwrap());
    let identity = Identity::start(Options { saved, ..private() }).await.unwrap();
    std::fs::write(&kept, identity.saved().await.unwrap().as_bytes()).unwrap();
    let nodes: Vec<Node> =
        std::env::var(NODES).unwrap().split(' ').map(|node| node.parse().unwrap()).collect();
    let cells = directory.join("cells.redb");
    let setup = Setup {
        cells,
        quotas: cheap(),
        room: Box::new(|| true),
        owner: relay::OwnerMark([1; 8]),
        nodes,
        policy: std::sync::Arc::new(Everybody),
        clock: clock(),
    };
    let serving = Serving::start(identity, setup).await.unwrap();
    println!("\nserving {}", serving.key());
    std::future::pending::<()>().await;
}

/// Starts the process; gives its board's key.
fn serve(directory: &Path, network: &Network) -> (Child, PublicKey) {
    let nodes: Vec<String> = network.nodes.iter().map(ToString::to_string).collect();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["killed::child", "--exact", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(NODES, nodes.join(" "))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut keys = lines.filter_map(|line| line.strip_prefix("serving ")?.parse().ok());
    let key = keys.next().expect("the board is served");
    (child, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_board_has_everything_it_gave_a_receipt_for() {
    let network = Network::start(4).await;
    let directory = tempfile::tempdir().unwrap();
    let sessions = network.sessions().await;
    let mut promised: Vec<(u32, Receipt)> = vec![];
    let (mut child, key) = serve(directory.path(), &network);
    for round in 0..2 {
        let mut session = sessions.open(key, Purpose::Depositing).await.unwrap();
        let numbers = round * 100..round * 100 + 100;
        let deposits = numbers.map(|number| deposit(number, number.into(), None)).collect();
        let (receipts, not_taken) = bring_until(&mut session, deposits, |receipts| {
            // In the middle: the next deposits are on their way or being committed.
            if receipts == 10 + round as usize * 7 {
                child.kill().unwrap();
                child.wait().unwrap();
            }
        })
        .await;
        assert!(!not_taken.is_empty(), "it was killed in the middle");
        promised.extend(receipts);
        drop(session);
        let again = serve(directory.path(), &network);
        assert_eq!(again.1, key, "the same board");
        child = again.0;
    }
    assert!(promised.len() >= 27);
    // A cell that is there gets the very same receipt; one that was lost would get a new one.
    for part in promised.chunks(16) {
        let mut session = sessions.open(key, Purpose::Depositing).await.unwrap();
        let deposits = part.iter().map(|(tag, _)| deposit(*tag, (*tag).into(), None)).collect();
        let (receipts, _) = bring(&mut session, deposits).await;
        assert_eq!(receipts, part);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
