//! Bytes a second of one large mail, and mails a second of many small ones, between two drivers in one process: protocol, digest and
//! scheduling, without Tox and without a disk.
//!
//!     cargo bench -p peer --bench throughput

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use clock::SystemClock;
use mail::{Acknowledgement, Envelope, MailId, Nospam, PublicKey, ReversePath, SentWhole, ToxId};
use peer::{
    BodyError, BodyHasher, Driver, Hello, Incoming, Interruption, Link, LinkClosed, Memory, Nonce, Offer,
    OfferAnswer, Outgoing, Peer, Setup, connect,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

struct Queue(mpsc::Sender<Vec<u8>>);

#[async_trait]
impl Link for Queue {
    async fn send(&self, packets: Vec<Vec<u8>>) -> Result<(), LinkClosed> {
        for packet in packets {
            self.0.send(packet).await.map_err(|_| LinkClosed)?;
        }
        Ok(())
    }
}

/// Reads zeros, writes nowhere.
struct Zeros;

#[async_trait]
impl Outgoing for Zeros {
    async fn read(&self, _mail: MailId, _offset: u64, max: usize) -> Result<Bytes, BodyError> {
        Ok(vec![0; max].into())
    }
}

#[async_trait]
impl Incoming for Zeros {
    async fn record(&self, _from: PublicKey, _record: Vec<u8>) {}

    async fn hello(&self, _from: PublicKey, _hello: Hello) {}

    async fn offer(&self, _from: PublicKey, _offer: &Offer) -> OfferAnswer {
        OfferAnswer::Accept(BodyHasher::new())
    }

    async fn write(&self, _: PublicKey, _: MailId, _: u64, _bytes: Bytes) -> Result<(), BodyError> {
        Ok(())
    }

    async fn complete(&self, _from: PublicKey, _mail: MailId) -> Acknowledgement {
        Acknowledgement::Delivered
    }

    async fn interrupted(&self, _from: PublicKey, _mail: MailId, _why: Interruption) {}
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn side(number: u8, queue: mpsc::Sender<Vec<u8>>) -> Result<(Peer, Driver), Failure> {
    let tox_id = ToxId { key: PublicKey([number; 32]), nospam: Nospam([0; 4]) };
    Ok(connect(Setup {
        peer: PublicKey([3 - number; 32]),
        hello: Hello::new(tox_id, Vec::new(), Nonce([number; 16])),
        link: Arc::new(Queue(queue)),
        outgoing: Arc::new(Zeros),
        incoming: Arc::new(Zeros),
        clock: Arc::new(SystemClock::new()),
        memory: Memory::default(),
    })?)
}

fn pump(mut packets: mpsc::Receiver<Vec<u8>>, peer: Peer) {
    tokio::spawn(async move {
        while let Some(packet) = packets.recv().await {
            peer.packet(packet.into());
        }
    });
}

fn offer(number: u32, size: u64) -> Result<Offer, Failure> {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_le_bytes());
    let digest = BodyHasher::digest(&vec![0; usize::try_from(size)?]);
    Ok(Offer::new(MailId(id), Envelope::new(ReversePath::Null, "user@tox".parse()?), size, digest))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (to_second, at_second) = mpsc::channel(256);
    let (to_first, at_first) = mpsc::channel(256);
    let (first, first_driver) = side(1, to_second)?;
    let (second, second_driver) = side(2, to_first)?;
    pump(at_second, second);
    pump(at_first, first.clone());
    tokio::spawn(first_driver.run());
    tokio::spawn(second_driver.run());

    let large = offer(0, 50_000_000)?;
    let began = Instant::now();
    first.transfer(large, SentWhole::default()).await?;
    println!("one mail of 50 MB: {:.0} MB/s", 50.0 / began.elapsed().as_secs_f64());

    let small = (1..=1000).map(|number| offer(number, 4096)).collect::<Result<Vec<_>, _>>()?;
    let began = Instant::now();
    let mut transfers = JoinSet::new();
    for offer in small {
        let peer = first.clone();
        transfers.spawn(async move { peer.transfer(offer, SentWhole::default()).await });
    }
    for result in transfers.join_all().await {
        result?;
    }
    println!("1 000 mails of 4 KB: {:.0} a second", 1000.0 / began.elapsed().as_secs_f64());
    Ok(())
}
