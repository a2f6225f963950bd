//! The whole way of a deposit and of a reading over Tox, on a private network in this process: durable deposits a second, cells and
//! readers served a second.
//!
//! The layer is `relay` on `tox` and `drops`: throwaways behind their proxies, Tox TCP relays, the board with its store.
//! Stamps cost next to nothing here, so that only the way is measured. Each connection to a Tox TCP relay carries 1 MB/s each way: what c-toxcore sends over
//! loopback without such a line comes in pieces so large that it stops for good (`relay::limits::PROXY_PIECE_BYTES` says why).
//!
//! `cargo bench -p relay --bench boards -- [CELLS]`: 256 cells by each of the depositors by default.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used)] // Measuring needs the real clock.

#[allow(dead_code, reason = "the tests of the network need more of it")]
#[path = "../tests/network/support.rs"]
mod support;

use std::sync::Arc;
use std::time::Instant;

use drops::board::Quotas;
use mail::PublicKey;
use relay::proxy::hand_on;
use relay::{BoardSession, Purpose, Sessions};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;

use support::{Network, bring, cheap, deposit, read_until_it_ends};

/// Sessions at once; a gateway has six at most.
const SESSIONS: usize = 4;
/// Cells of one session, as the protocol bounds them.
const SESSION_CELLS: u32 = 128;

#[tokio::main]
async fn main() {
    let cells: u32 = std::env::args()
        .skip(1)
        .find(|argument| argument != "--bench")
        .map_or(256, |text| text.parse().expect("a number of cells"));
    let mut network = Network::start(4).await;
    for node in &mut network.nodes {
        node.tcp_port = Some(line(node.tcp_port.expect("a relay")).await);
    }
    let directory = tempfile::tempdir().unwrap();
    let quotas = Quotas { day_cells: 1_000_000, ..cheap() };
    let board = network.board(&directory, quotas).await;
    let sessions = network.sessions().await;
    let mut connecting = vec![];
    for at_once in [1, SESSIONS] {
        let (mut taken, mut seconds) = (0, 0.0);
        for round in 0..cells.div_ceil(SESSION_CELLS) {
            let mut open: Vec<BoardSession> = vec![];
            for _ in 0..at_once {
                let start = Instant::now();
                open.push(opened(&sessions, board.key(), Purpose::Depositing).await);
                connecting.push(start.elapsed().as_secs_f64());
            }
            let start = Instant::now();
            let mut running = vec![];
            for (place, mut session) in (0_u64..).zip(open) {
                let first = (at_once as u64 * 1_000_000) + place * 100_000 + u64::from(round * SESSION_CELLS);
                let deposits = (0..SESSION_CELLS)
                    .map(|number| deposit(number, first + u64::from(number), None))
                    .collect();
                running.push(tokio::spawn(async move { bring(&mut session, deposits).await.0.len() }));
            }
            for one in running {
                taken += one.await.unwrap();
            }
            seconds += start.elapsed().as_secs_f64();
        }
        println!(
            "over Tox, deposits of {at_once} session(s), one after the other in each: {:.0}/s durable",
            taken as f64 / seconds
        );
    }
    let held = usize::try_from(board.status().await.unwrap().cells).unwrap();
    let together = Arc::new(Barrier::new(SESSIONS));
    let readers: Vec<_> = (0..SESSIONS)
        .map(|_| {
            let (sessions, key, together) = (sessions.clone(), board.key(), Arc::clone(&together));
            tokio::spawn(async move {
                let mut session = opened(&sessions, key, Purpose::Reading).await;
                together.wait().await;
                let start = Instant::now();
                (read_until_it_ends(&mut session, held).await.len(), start.elapsed().as_secs_f64())
            })
        })
        .collect();
    let (mut sent, mut times, mut broken) = (0, vec![], 0);
    for reader in readers {
        let (cells, time) = reader.await.unwrap();
        sent += cells;
        broken += usize::from(cells < held);
        times.push(time);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "over Tox, {SESSIONS} readers of {held} cells each at once: {:.0} cells/s together; they took {times:.0?} s, {broken} ended early",
        sent as f64 / times[times.len() - 1]
    );
    connecting.sort_by(f64::total_cmp);
    println!(
        "over Tox, from opening a session to the board being there: {:.1} s (median of {}), {:.1} s at most",
        connecting[connecting.len() / 2],
        connecting.len(),
        connecting[connecting.len() - 1]
    );
    board.stop().await;
}

/// A port whose connections lead to another one over a line of 1 MB/s.
async fn line(to: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let Ok(far) = TcpStream::connect(("127.0.0.1", to)).await else { continue };
            tokio::spawn(carry(near, far));
        }
    });
    port
}

async fn carry(mut near: TcpStream, mut far: TcpStream) -> std::io::Result<()> {
    let ((mut from_near, mut to_near), (mut from_far, mut to_far)) = (near.split(), far.split());
    tokio::select! {
        ended = hand_on(&mut from_near, &mut to_far) => ended,
        ended = hand_on(&mut from_far, &mut to_near) => ended,
    }
}

/// A session, at the first attempt that gets one: not each finds its board, and gateways try again too.
async fn opened(sessions: &Sessions, board: PublicKey, purpose: Purpose) -> BoardSession {
    loop {
        if let Ok(session) = sessions.open(board, purpose).await {
            return session;
        }
    }
}
