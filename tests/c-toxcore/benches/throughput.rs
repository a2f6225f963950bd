//! How fast sessions are on loopback: `toxnet` (R) and c-toxcore (C), each as sender and as receiver.
//!
//!     cargo bench -p c-toxcore --bench throughput [-- MEGABYTES]
//!
//! For each pair it prints what arrived in order, in MB/s (10^6 bytes of packets of full size, ids included), in three runs
//! over one session, and the processor time of the whole process for each megabyte. The first run begins on an idle
//! session. Then the time of one packet on an idle session.

// A measuring tool is where the machine's clock belongs, and it may panic.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use c_toxcore::{C, R};
use tox::Event as CEvent;
use toxnet::PublicKey;
use toxnet::session::Urgency;

const PACKET: usize = 1373;
const RUNS: usize = 3;
const SAMPLES: usize = 200;

fn main() {
    let megabytes = std::env::args().filter_map(|text| text.parse().ok()).next().unwrap_or(200);
    let pairs = [("R to R", r_to_r as fn(usize)), ("R to C", r_to_c), ("C to R", c_to_r), ("C to C", c_to_c)];
    for (name, pair) in pairs {
        println!("{name}");
        // C is slow: less is enough to see its rate.
        pair(if name == "R to R" { megabytes } else { megabytes / 4 } * 1_000_000 / PACKET);
    }
    println!("one packet on an idle session");
    latency();
}

/// Prints a run.
fn report(packets: usize, took: Duration, processor: Duration) {
    let megabytes = (packets * PACKET) as f64 / 1e6;
    let milliseconds = processor.as_secs_f64() * 1000.0 / megabytes;
    println!("  {:.1} MB/s, {milliseconds:.1} ms of processor time a MB", megabytes / took.as_secs_f64());
}

/// Processor time of this process so far, from the kernel's clock ticks of 10 ms.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: u64 =
        fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

/// An R on a thread of its own that counts what comes, and answers nothing.
struct Receiver {
    key: PublicKey,
    dht: PublicKey,
    at: std::net::SocketAddr,
    got: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Receiver {
    fn start(friend: PublicKey) -> Self {
        let mut r = R::start();
        r.sessions.allow(friend).unwrap();
        let (got, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let receiver = Self {
            key: r.key(),
            dht: r.sessions.dht_key(),
            at: r.address(),
            got: Arc::clone(&got),
            stop: Arc::clone(&stop),
        };
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                r.turn(Duration::from_millis(5));
                got.fetch_add(r.packets.drain(..).count(), Ordering::Relaxed);
            }
        });
        receiver
    }

    fn got(&self) -> usize {
        self.got.load(Ordering::Relaxed)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Sends from an R, and turns it until all has arrived.
fn send(r: &mut R, peer: &PublicKey, packets: usize, mut got: impl FnMut() -> usize) {
    let mut sent = 0;
    r.until(600, |r| {
        while sent < packets && r.sessions.send(peer, Urgency::Bulk, vec![160; PACKET]).is_ok() {
            sent += 1;
        }
        got() >= packets
    });
}

fn r_to_r(packets: usize) {
    let mut r = R::start();
    let receiver = Receiver::start(r.key());
    r.connect(&receiver.key, receiver.dht, receiver.at);
    r.until(10, |r| r.online.contains(&receiver.key));
    for _ in 0..RUNS {
        let (began, processor, before) = (Instant::now(), processor_time(), receiver.got());
        send(&mut r, &receiver.key, packets, || receiver.got() - before);
        report(packets, began.elapsed(), processor_time() - processor);
    }
}

fn friends() -> (R, C) {
    let (mut r, c) = (R::start(), C::start());
    c.befriend(&r.key());
    r.connect(&c.key(), c.dht_key(), c.address());
    let key = r.key();
    r.until(30, |r| r.online.contains(&c.key()) && c.is_online(&key));
    (r, c)
}

fn count(c: &C) -> usize {
    c.events().iter().filter(|event| matches!(event, CEvent::Packet { .. })).count()
}

fn r_to_c(packets: usize) {
    let (mut r, c) = friends();
    for _ in 0..RUNS {
        let (began, processor, mut got) = (Instant::now(), processor_time(), 0);
        send(&mut r, &c.key(), packets, || {
            got += count(&c);
            got
        });
        report(packets, began.elapsed(), processor_time() - processor);
    }
}

fn c_to_r(packets: usize) {
    let (mut r, c) = friends();
    for _ in 0..RUNS {
        let (began, processor) = (Instant::now(), processor_time());
        c.send_all(&r.key(), std::iter::repeat_n(vec![160; PACKET], packets));
        let mut got = 0;
        r.until(600, |r| {
            got += r.packets.drain(..).filter(|data| data[0] == 160).count();
            got >= packets
        });
        report(packets, began.elapsed(), processor_time() - processor);
    }
}

fn c_to_c(packets: usize) {
    let (a, b) = (C::start(), C::start());
    a.befriend(&b.key());
    b.befriend(&a.key());
    a.use_node(&b);
    b.use_node(&a);
    let end = Instant::now() + Duration::from_secs(90);
    while !(a.is_online(&b.key()) && b.is_online(&a.key())) {
        assert!(Instant::now() < end, "the two did not meet");
        std::thread::sleep(Duration::from_millis(50));
    }
    for _ in 0..RUNS {
        let (began, processor, mut got) = (Instant::now(), processor_time(), 0);
        a.send_all(&b.key(), std::iter::repeat_n(vec![160; PACKET], packets));
        while got < packets {
            std::thread::sleep(Duration::from_millis(2));
            got += count(&b);
        }
        report(packets, began.elapsed(), processor_time() - processor);
    }
}

/// The times of single packets, each long after the one before.
fn latency() {
    let mut r = R::start();
    let receiver = Receiver::start(r.key());
    r.connect(&receiver.key, receiver.dht, receiver.at);
    r.until(10, |r| r.online.contains(&receiver.key));
    let times = (0..SAMPLES).map(|_| one(&mut r, &receiver.key, || receiver.got())).collect();
    percentiles("R to R", times);
    let (mut r, c) = friends();
    let mut got = 0;
    let times = (0..SAMPLES)
        .map(|_| {
            one(&mut r, &c.key(), || {
                got += count(&c);
                got
            })
        })
        .collect();
    percentiles("R to C", times);
}

fn one(r: &mut R, peer: &PublicKey, mut got: impl FnMut() -> usize) -> Duration {
    let idle = r.now() + Duration::from_millis(70);
    r.until(5, |r| r.now() > idle);
    let (before, began) = (got(), Instant::now());
    r.sessions.send(peer, Urgency::Urgent, vec![161; 100]).unwrap();
    r.work();
    while got() == before {
        assert!(began.elapsed() < Duration::from_secs(5));
        r.turn(Duration::from_micros(100));
    }
    began.elapsed()
}

fn percentiles(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
    println!("  {name}: p50 {:.2} ms, p99 {:.2} ms", at(50), at(99));
}
