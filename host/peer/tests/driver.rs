//! Two drivers over an in-memory link, in paused time.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use clock::SimulatedClock;
use common::{body_of, hello, key, mail_id, offer};
use mail::{Acknowledgement, MailId, PublicKey, SentWhole};
use peer::limits::{self, WINDOW_MOST};
use peer::{
    BodyError, BodyHasher, Capabilities, Hello, Incoming, Interruption, Link, LinkClosed, Memory, Offer,
    OfferAnswer, Outgoing, Peer, ProtocolError, SessionEnd, Setup, TransferError, connect,
};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// A link to the other driver's `packet`, through a queue as Tox has one.
struct TestLink {
    queue: mpsc::Sender<Bytes>,
    closed: Arc<Notify>,
    is_closed: Arc<AtomicBool>,
    packets: AtomicU64,
    /// After so many packets the link is gone.
    breaks_after: u64,
}

#[async_trait]
impl Link for TestLink {
    async fn send(&self, packets: Vec<Vec<u8>>) -> Result<(), LinkClosed> {
        for packet in packets {
            if self.packets.fetch_add(1, Ordering::Relaxed) >= self.breaks_after {
                self.is_closed.store(true, Ordering::Relaxed);
                self.closed.notify_one();
            }
            if self.is_closed.load(Ordering::Relaxed) {
                return Err(LinkClosed);
            }
            self.queue.send(packet.into()).await.map_err(|_| LinkClosed)?;
        }
        Ok(())
    }
}

/// A gateway's store.
#[derive(Default)]
struct Gateway {
    bodies: Mutex<HashMap<MailId, Vec<u8>>>,
    received: Mutex<HashMap<MailId, Vec<u8>>>,
    completed: Mutex<HashMap<MailId, usize>>,
    interrupted: Mutex<Vec<(MailId, Interruption)>>,
    hellos: AtomicU64,
    records: Mutex<Vec<Vec<u8>>>,
    written: AtomicU64,
    open: Mutex<HashMap<MailId, bool>>,
    /// Mails whose calls take long.
    slow_complete: Mutex<Vec<MailId>>,
    slow_write: Mutex<Vec<MailId>>,
    slow_offer: Mutex<Vec<MailId>>,
}

const SLOW: Duration = Duration::from_secs(60);

async fn slowly(mails: &Mutex<Vec<MailId>>, mail: MailId) {
    let slow = mails.lock().unwrap().contains(&mail);
    if slow {
        sleep(SLOW).await;
    }
}

impl Gateway {
    fn add(&self, from: u8, number: u8, size: usize) -> Offer {
        let mail = mail_id(from, number);
        let body = body_of(mail, size);
        let offer = offer(mail, &body);
        self.bodies.lock().unwrap().insert(mail, body);
        offer
    }

    fn completed(&self, mail: MailId) -> usize {
        self.completed.lock().unwrap().get(&mail).copied().unwrap_or(0)
    }

    fn is_open(&self, mail: MailId) -> bool {
        self.open.lock().unwrap().get(&mail).copied().unwrap_or(false)
    }

    #[track_caller]
    fn set_open(&self, mail: MailId, open: bool) {
        let before = self.open.lock().unwrap().insert(mail, open);
        assert_eq!(before.unwrap_or(false), !open, "calls for {mail} out of order");
    }
}

#[async_trait]
impl Outgoing for Gateway {
    async fn read(&self, mail: MailId, offset: u64, max: usize) -> Result<Bytes, BodyError> {
        let bodies = self.bodies.lock().unwrap();
        let body = bodies.get(&mail).ok_or(BodyError::Gone)?;
        let from = usize::try_from(offset).unwrap();
        Ok(Bytes::copy_from_slice(&body[from..(from + max).min(body.len())]))
    }
}

#[async_trait]
impl Incoming for Gateway {
    async fn hello(&self, _from: PublicKey, _hello: Hello) {
        self.hellos.fetch_add(1, Ordering::Relaxed);
    }

    async fn record(&self, _from: PublicKey, record: Vec<u8>) {
        self.records.lock().unwrap().push(record);
    }

    async fn offer(&self, _from: PublicKey, offer: &Offer) -> OfferAnswer {
        slowly(&self.slow_offer, offer.mail).await;
        if self.completed(offer.mail) > 0 {
            return OfferAnswer::Acknowledge(Acknowledgement::Delivered);
        }
        self.set_open(offer.mail, true);
        let mut hasher = BodyHasher::new();
        hasher.update(self.received.lock().unwrap().entry(offer.mail).or_default());
        OfferAnswer::Accept(hasher)
    }

    async fn write(
        &self,
        _from: PublicKey,
        mail: MailId,
        offset: u64,
        bytes: Bytes,
    ) -> Result<(), BodyError> {
        slowly(&self.slow_write, mail).await;
        assert!(self.is_open(mail), "interrupted before its write returned");
        let mut all = self.received.lock().unwrap();
        let received = all.entry(mail).or_default();
        assert_eq!(received.len() as u64, offset);
        received.extend_from_slice(&bytes);
        self.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    async fn complete(&self, _from: PublicKey, mail: MailId) -> Acknowledgement {
        slowly(&self.slow_complete, mail).await;
        *self.completed.lock().unwrap().entry(mail).or_default() += 1;
        self.set_open(mail, false);
        Acknowledgement::Delivered
    }

    async fn interrupted(&self, _from: PublicKey, mail: MailId, why: Interruption) {
        self.set_open(mail, false);
        self.interrupted.lock().unwrap().push((mail, why));
    }
}

/// Two gateways, connected.
struct Pair {
    peers: [Peer; 2],
    runs: [JoinHandle<SessionEnd>; 2],
    memory: Memory,
    /// To the second, for a first that starts anew.
    link: Arc<TestLink>,
    /// Who gets the packets of each way.
    targets: [Arc<Mutex<Peer>>; 2],
}

fn setup(number: u8, run: u64, gateway: &Arc<Gateway>, link: Arc<dyn Link>, memory: &Memory) -> Setup {
    Setup {
        peer: key(3 - number),
        hello: Hello {
            // The second alone takes records in the session.
            capabilities: if number == 2 { Capabilities::RECORDS } else { Capabilities::NONE },
            ..hello(number, run)
        },
        link,
        outgoing: gateway.clone(),
        incoming: gateway.clone(),
        clock: Arc::new(SimulatedClock::new()),
        memory: memory.clone(),
    }
}

/// Connects them; the way from the first breaks after some packets.
fn connect_pair(gateways: &[Arc<Gateway>; 2], run: u64, breaks_after: u64, memory: &Memory) -> Pair {
    let is_closed = Arc::new(AtomicBool::new(false));
    let closed = Arc::new(Notify::new());
    let (queues, mut ends): (Vec<_>, Vec<_>) = (0..2).map(|_| mpsc::channel::<Bytes>(256)).unzip();
    let link = |side: usize, breaks_after| {
        Arc::new(TestLink {
            queue: queues[1 - side].clone(),
            closed: closed.clone(),
            is_closed: is_closed.clone(),
            packets: AtomicU64::new(0),
            breaks_after,
        })
    };
    let first_link = link(0, breaks_after);
    let (first, first_driver) = connect(setup(1, run, &gateways[0], first_link.clone(), memory)).unwrap();
    let (second, second_driver) = connect(setup(2, run, &gateways[1], link(1, u64::MAX), memory)).unwrap();
    let targets = [first.clone(), second.clone()].map(|peer| Arc::new(Mutex::new(peer)));
    for target in targets.clone().into_iter().rev() {
        let mut queue = ends.pop().unwrap();
        tokio::spawn(async move {
            while let Some(packet) = queue.recv().await {
                target.lock().unwrap().packet(packet);
            }
        });
    }
    let peers = [first, second];
    let both = peers.clone();
    tokio::spawn(async move {
        closed.notified().await;
        for peer in both {
            peer.disconnect().await;
        }
    });
    Pair {
        runs: [tokio::spawn(first_driver.run()), tokio::spawn(second_driver.run())],
        peers,
        memory: memory.clone(),
        link: first_link,
        targets,
    }
}

fn gateways() -> [Arc<Gateway>; 2] {
    [Arc::default(), Arc::default()]
}

fn connected(gateways: &[Arc<Gateway>; 2]) -> Pair {
    connect_pair(gateways, 1, u64::MAX, &Memory::default())
}

/// Lets tasks run until the condition holds, for at most five minutes of paused time.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(300), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test(start_paused = true)]
async fn mails_go_both_ways() {
    let gateways = gateways();
    let pair = connected(&gateways);
    let mut transfers = tokio::task::JoinSet::new();
    for (side, from) in [(0, 1), (1, 2)] {
        for number in 0..60 {
            let offer = gateways[side].add(from, number, usize::from(number) * 4000);
            let peer = pair.peers[side].clone();
            transfers.spawn(async move { peer.transfer(offer, SentWhole::default()).await });
        }
    }
    for result in transfers.join_all().await {
        assert_eq!(result, Ok(Acknowledgement::Delivered));
    }
    for side in 0..2 {
        let received = gateways[side].received.lock().unwrap();
        assert_eq!(*received, *gateways[1 - side].bodies.lock().unwrap());
        assert_eq!(gateways[side].hellos.load(Ordering::Relaxed), 1);
    }
    assert_eq!(pair.memory.free_to_receive(), limits::RECEIVE_MEMORY as u64);
    assert_eq!(pair.memory.free_to_send(), limits::SEND_MEMORY as u64);
    pair.peers[0].disconnect().await;
    let [first, second] = pair.runs;
    assert_eq!(first.await.unwrap(), SessionEnd::Disconnected);
    drop(pair.peers);
    second.abort();
}

#[tokio::test(start_paused = true)]
async fn what_is_slow_holds_up_nothing_else() {
    let gateways = gateways();
    let pair = connected(&gateways);
    let slow: Vec<Offer> = (1..=3).map(|number| gateways[0].add(1, number, 3_000_000)).collect();
    gateways[1].slow_complete.lock().unwrap().push(slow[0].mail);
    gateways[1].slow_write.lock().unwrap().push(slow[1].mail);
    gateways[1].slow_offer.lock().unwrap().push(slow[2].mail);
    let began = Instant::now();
    for offer in slow {
        let peer = pair.peers[0].clone();
        tokio::spawn(async move { peer.transfer(offer, SentWhole::default()).await });
    }
    sleep(Duration::from_secs(1)).await;
    let quick = gateways[0].add(1, 9, 100_000);
    assert_eq!(pair.peers[0].transfer(quick, SentWhole::default()).await, Ok(Acknowledgement::Delivered));
    assert!(began.elapsed() < SLOW / 10, "{:?}", began.elapsed());
    let done = || gateways[1].completed(mail_id(1, 1)) == 1;
    until("the slow one is complete", done).await;
    assert!(began.elapsed() >= SLOW);
}

#[tokio::test(start_paused = true)]
async fn after_a_break_it_resumes_where_it_was() {
    let gateways = gateways();
    let large = gateways[0].add(1, 1, 2_000_000);
    let mut breaks = 0;
    for run in 1.. {
        let pair = connect_pair(&gateways, run, 400, &Memory::default());
        let result = pair.peers[0].transfer(large.clone(), SentWhole::default()).await;
        if result == Ok(Acknowledgement::Delivered) {
            break;
        }
        assert_eq!(result, Err(TransferError::Disconnected));
        breaks += 1;
        for end in pair.runs {
            assert_eq!(end.await.unwrap(), SessionEnd::Disconnected);
        }
        assert!(!gateways[1].is_open(large.mail), "interrupted before the driver returns");
        assert_eq!(pair.memory.free_to_receive(), limits::RECEIVE_MEMORY as u64);
    }
    assert!(breaks >= 3);
    assert_eq!(gateways[1].completed(large.mail), 1);
    assert_eq!(gateways[1].written.load(Ordering::Relaxed), 2_000_000, "nothing came twice");
    let interrupted = gateways[1].interrupted.lock().unwrap();
    assert!(interrupted.iter().all(|(_, why)| *why == Interruption::Disconnected));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_starts_anew_waits_for_the_calls_of_before() {
    let gateways = gateways();
    let pair = connected(&gateways);
    let mail = gateways[0].add(1, 1, 300_000);
    gateways[1].slow_write.lock().unwrap().push(mail.mail);
    let peer = pair.peers[0].clone();
    let again = mail.clone();
    let transfer = tokio::spawn(async move { peer.transfer(again, SentWhole::default()).await });
    sleep(Duration::from_secs(1)).await;
    // The first gateway is killed and back before Tox notices; a write at the second is under way.
    pair.peers[0].disconnect().await;
    assert_eq!(transfer.await.unwrap(), Err(TransferError::Disconnected));
    let (first, driver) = connect(setup(1, 2, &gateways[0], pair.link.clone(), &pair.memory)).unwrap();
    *pair.targets[0].lock().unwrap() = first.clone();
    tokio::spawn(driver.run());
    assert_eq!(first.transfer(mail, SentWhole::default()).await, Ok(Acknowledgement::Delivered));
    assert_eq!(gateways[1].written.load(Ordering::Relaxed), 300_000);
    assert_eq!(gateways[1].hellos.load(Ordering::Relaxed), 2);
    assert_eq!(*gateways[1].interrupted.lock().unwrap(), [(mail_id(1, 1), Interruption::Disconnected)]);
    assert_eq!(pair.memory.free_to_receive(), limits::RECEIVE_MEMORY as u64);
}

#[tokio::test(start_paused = true)]
async fn a_mail_accepted_too_late_is_interrupted() {
    let gateways = gateways();
    let pair = connected(&gateways);
    let mail = gateways[0].add(1, 1, 1000);
    gateways[1].slow_offer.lock().unwrap().push(mail.mail);
    let (peer, sent) = (pair.peers[0].clone(), SentWhole::default());
    let watched = sent.clone();
    let transfer = tokio::spawn(async move { peer.transfer(mail, watched).await });
    sleep(Duration::from_secs(1)).await;
    for peer in &pair.peers {
        peer.disconnect().await;
    }
    assert_eq!(transfer.await.unwrap(), Err(TransferError::Disconnected));
    assert!(!sent.is_set(), "nothing was sent");
    for end in pair.runs {
        assert_eq!(end.await.unwrap(), SessionEnd::Disconnected);
    }
    assert_eq!(*gateways[1].interrupted.lock().unwrap(), [(mail_id(1, 1), Interruption::Disconnected)]);
}

#[tokio::test(start_paused = true)]
async fn a_mail_being_completed_is_completed_without_the_session() {
    let gateways = gateways();
    let pair = connected(&gateways);
    let mail = gateways[0].add(1, 1, 1000);
    gateways[1].slow_complete.lock().unwrap().push(mail.mail);
    let (peer, sent) = (pair.peers[0].clone(), SentWhole::default());
    let (again, watched) = (mail.clone(), sent.clone());
    let transfer = tokio::spawn(async move { peer.transfer(again, watched).await });
    sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    for peer in &pair.peers {
        peer.disconnect().await;
    }
    for end in pair.runs {
        end.await.unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(1), "it did not wait for the filter");
    assert!(transfer.await.unwrap().is_err());
    assert!(sent.is_set(), "the peer may have it");
    until("the mail is complete", || gateways[1].completed(mail_id(1, 1)) == 1).await;
    // Offered again, it gets the acknowledgement it missed, and nothing is sent.
    let pair = connect_pair(&gateways, 2, u64::MAX, &Memory::default());
    assert_eq!(pair.peers[0].transfer(mail, SentWhole::default()).await, Ok(Acknowledgement::Delivered));
    assert_eq!(gateways[1].written.load(Ordering::Relaxed), 1000);
    assert!(gateways[1].interrupted.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn garbage_ends_the_session_and_the_peer_hears_why() {
    let gateways = gateways();
    let pair = connected(&gateways);
    let mail = gateways[0].add(1, 1, 1000);
    assert!(pair.peers[0].transfer(mail, SentWhole::default()).await.is_ok());
    pair.peers[0].packet(Bytes::from_static(&[181, 3, 0x77, 1, 2, 3]));
    let [first, second] = pair.runs;
    let Ok(SessionEnd::ProtocolError(ours)) = first.await else { panic!("it goes on") };
    assert_eq!(ours.code(), 2);
    let Ok(SessionEnd::ProtocolError(ProtocolError::Remote { code, text })) = second.await else {
        panic!("the peer was not told")
    };
    assert_eq!((code, text.contains("unknown message type")), (2, true));
    assert!(pair.peers[0].is_over());
    let late = gateways[0].add(1, 2, 1000);
    assert_eq!(pair.peers[0].transfer(late, SentWhole::default()).await, Err(TransferError::Disconnected));
}

#[tokio::test(start_paused = true)]
async fn a_flood_ends_the_session() {
    let gateways = gateways();
    let pair = connected(&gateways);
    let mail = gateways[0].add(1, 1, 1000);
    assert!(pair.peers[0].transfer(mail, SentWhole::default()).await.is_ok());
    for _ in 0..=limits::PACKETS_WAITING {
        pair.peers[0].packet(Bytes::from_static(&[181, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0]));
    }
    let [first, _second] = pair.runs;
    assert_eq!(first.await.unwrap(), SessionEnd::ProtocolError(ProtocolError::Flood));
}

/// A link that takes nothing and never fails.
struct StuckLink;

#[async_trait]
impl Link for StuckLink {
    async fn send(&self, _packets: Vec<Vec<u8>>) -> Result<(), LinkClosed> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_stuck_link_keeps_nobody() {
    let gateway = Arc::<Gateway>::default();
    let start = || {
        let (peer, driver) = connect(setup(1, 1, &gateway, Arc::new(StuckLink), &Memory::default())).unwrap();
        (peer, tokio::spawn(driver.run()))
    };
    let (peer, run) = start();
    let began = Instant::now();
    peer.disconnect().await;
    assert_eq!(run.await.unwrap(), SessionEnd::Disconnected);
    assert!(began.elapsed() < Duration::from_millis(100));
    // Last words get a few seconds.
    let (peer, run) = start();
    peer.packet(Bytes::from_static(&[181, 3, 1]));
    assert!(matches!(run.await.unwrap(), SessionEnd::ProtocolError(_)));
    assert!(began.elapsed() < limits::FAREWELL * 2);
    // Mails come back when no hello comes.
    let (peer, _run) = start();
    let mail = gateway.add(1, 1, 1000);
    assert_eq!(peer.transfer(mail, SentWhole::default()).await, Err(TransferError::NoHello));
    // Without a handle there is no session.
    let (peer, run) = start();
    drop(peer);
    assert_eq!(run.await.unwrap(), SessionEnd::Disconnected);
}

#[tokio::test(start_paused = true)]
async fn cancel_stops_a_transfer() {
    let gateways = gateways();
    let pair = connected(&gateways);
    let mail = gateways[0].add(1, 1, 3_000_000);
    gateways[1].slow_write.lock().unwrap().push(mail.mail);
    let peer = pair.peers[0].clone();
    let transfer = tokio::spawn(async move { peer.transfer(mail, SentWhole::default()).await });
    sleep(Duration::from_secs(1)).await;
    pair.peers[0].cancel(mail_id(1, 1)).await;
    assert_eq!(transfer.await.unwrap(), Err(TransferError::Cancelled));
    until("the recipient knows", || !gateways[1].interrupted.lock().unwrap().is_empty()).await;
    assert_eq!(*gateways[1].interrupted.lock().unwrap(), [(mail_id(1, 1), Interruption::Cancelled)]);
    assert_eq!(pair.memory.free_to_receive(), limits::RECEIVE_MEMORY as u64);
}

#[tokio::test(start_paused = true)]
async fn all_sessions_share_one_memory() {
    let memory = Memory::new(0, 0);
    let most = u64::from(WINDOW_MOST);
    let mut pairs = Vec::new();
    let mut transfers = tokio::task::JoinSet::new();
    // Ten senders; each could fill its window of 2 MiB, while there are 8 MiB.
    for _ in 0..10 {
        let gateways = gateways();
        let pair = connect_pair(&gateways, 1, u64::MAX, &memory);
        for number in 0..5 {
            let mail = gateways[0].add(1, number, 2_500_000);
            gateways[1].slow_write.lock().unwrap().push(mail.mail);
            let peer = pair.peers[0].clone();
            transfers.spawn(async move { peer.transfer(mail, SentWhole::default()).await });
        }
        pairs.push((pair, gateways));
    }
    until("the memory is used up", || memory.free_to_receive() == 0).await;
    sleep(SLOW / 2).await;
    let written: u64 = pairs.iter().map(|(_, gateways)| gateways[1].written.load(Ordering::Relaxed)).sum();
    assert_eq!(written, 0, "nothing was written yet");
    let accepted = pairs.iter().filter(|(_, gateways)| gateways[1].is_open(mail_id(1, 0))).count();
    assert_eq!(accepted, 10, "all owners accepted; the memory decides who sends");
    for (_, gateways) in &pairs {
        gateways[1].slow_write.lock().unwrap().clear();
    }
    for result in transfers.join_all().await {
        assert_eq!(result, Ok(Acknowledgement::Delivered));
    }
    assert_eq!(memory.free_to_receive(), most);
    assert_eq!(memory.free_to_send(), most);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_changes_in_a_session_is_told_to_who_takes_records_and_not_too_often() {
    let gateways = gateways();
    let pair = connected(&gateways);
    // The second takes records, the first does not: see `hello`.
    until("open", || gateways.iter().all(|gateway| gateway.hellos.load(Ordering::Relaxed) > 0)).await;
    for number in 1..=3 {
        pair.peers[0].record(vec![number; 100]).await;
        pair.peers[1].record(vec![number; 100]).await;
        // An offer comes after it.
        let offer = gateways[0].add(1, number, 10);
        assert_eq!(pair.peers[0].transfer(offer, SentWhole::default()).await, Ok(Acknowledgement::Delivered));
    }
    assert_eq!(*gateways[1].records.lock().unwrap(), [vec![1; 100]]);
    pair.peers[0].record(vec![1; 100]).await;
    sleep(limits::RECORD_PAUSE * 2).await;
    assert_eq!(gateways[1].records.lock().unwrap().len(), 1, "it knows that one");
    pair.peers[0].record(vec![4; 100]).await;
    pair.peers[0].record(vec![5; 100]).await;
    sleep(limits::RECORD_PAUSE * 2).await;
    assert_eq!(*gateways[1].records.lock().unwrap(), [vec![1; 100], vec![4; 100], vec![5; 100]]);
    assert!(gateways[0].records.lock().unwrap().is_empty(), "it has not said that it takes them");
}
