//! How fast custom lossless packets go from one instance to another on this machine.
//!
//!     cargo bench -p tox --bench throughput -- [MEGABYTES]
//!
//! Prints one line per run: what the consumer took, in MB/s (10^6 bytes of packets of full size, ids included), with at
//! most 1 MiB on the way, as between gateways. The first run starts on a connection that was idle, and shows how
//! c-toxcore's congestion control grows; the others start at its speed.
// A measuring tool is where the machine's clock belongs.
#![allow(clippy::disallowed_methods)]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;
use tox::{Connection, Event, Events, Node, Options, Tox, limits};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let megabytes: usize = std::env::args()
        .skip(1)
        .find(|argument| argument != "--bench")
        .map_or(Ok(200), |text| text.parse())?;
    let count = megabytes * 1_000_000 / limits::PACKET_BYTES;
    let begin = Instant::now();
    let (keeper, _keeper_events) = Tox::start(Options { tcp_relay_port: Some(34_599), ..private() }).await?;
    let node = Node {
        host: "127.0.0.1".to_owned(),
        port: keeper.udp_port().ok_or("no UDP port")?,
        key: keeper.dht_key(),
        tcp_port: keeper.tcp_port(),
    };
    let (a, mut a_events) = Tox::start(private()).await?;
    let (b, mut b_events) = Tox::start(private()).await?;
    a.add_node(&node).await?;
    b.add_node(&node).await?;
    a.accept_friend(b.public_key()).await?;
    b.accept_friend(a.public_key()).await?;
    online(&mut a_events).await?;
    online(&mut b_events).await?;
    println!("friends after {:.1} s", begin.elapsed().as_secs_f64());
    for run in 1..=3 {
        let begin = Instant::now();
        let (from, to) = (a.clone(), b.public_key());
        let window = Arc::new(Semaphore::new(1024 * 1024 / limits::PACKET_BYTES));
        let room = Arc::clone(&window);
        let sender = tokio::spawn(async move {
            for _ in 0..count {
                if let Ok(place) = room.acquire().await {
                    place.forget();
                }
                from.send_packet(&to, vec![160; limits::PACKET_BYTES]).await?;
            }
            Ok::<_, tox::SendError>(())
        });
        take(&mut b_events, count, &window).await?;
        let seconds = begin.elapsed().as_secs_f64();
        sender.await??;
        println!("run {run}: {:.1} MB/s ({megabytes} MB in {seconds:.1} s)", megabytes as f64 / seconds);
    }
    Ok(())
}

fn private() -> Options {
    Options { ipv6: false, hole_punching: false, ..Options::default() }
}

async fn online(events: &mut Events) -> Result<(), &'static str> {
    while let Some(event) = events.next().await {
        if matches!(event, Event::FriendConnection { connection: Connection::Udp, .. }) {
            return Ok(());
        }
    }
    Err("the instance stopped")
}

async fn take(events: &mut Events, count: usize, window: &Semaphore) -> Result<(), &'static str> {
    let mut taken = 0;
    while taken < count {
        let batch = events.next_batch(256).await;
        if batch.is_empty() || batch.iter().any(|event| matches!(event, Event::Overflow { .. })) {
            return Err("the consumer was too slow, or the instance stopped");
        }
        let packets = batch.iter().filter(|event| matches!(event, Event::Packet { .. })).count();
        window.add_permits(packets);
        taken += packets;
    }
    Ok(())
}
