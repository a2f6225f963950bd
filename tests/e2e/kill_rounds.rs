//! Gateways killed with SIGKILL at random moments, over real Tox: every mail that got 250 arrives exactly once.
//!
//! Ten rounds by default. More with `TOXMAIL_KILL_ROUNDS=200 cargo test --release --workspace --test e2e kill_rounds`, five pairs of
//! gateways at a time. `TOXMAIL_KILL_SEED` repeats the choices of a run; the moments are as repeatable as the machine is.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tests::gateway::wait_online;
use tests::{Gateway, befriend, network, smtp, wait};

const PAIRS: usize = 5;

/// Mails of one side and round; sent until the round ends.
const MAILS: usize = 40;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// A small generator (xorshift): a test's choices need no better one.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What a mail program knows about the mails it sent.
#[derive(Default)]
struct Sent {
    /// Got 250.
    accepted: Vec<String>,
    /// The gateway died before it answered: such a mail may arrive, once.
    unknown: Vec<String>,
}

impl Sent {
    fn add(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        self.unknown.extend(other.unknown);
    }
}

/// What a mail program needs for sending.
struct Sender {
    smtp: SocketAddr,
    account: String,
    password: String,
    address: String,
}

impl Sender {
    fn of(gateway: &Gateway) -> Self {
        Self {
            smtp: gateway.smtp(),
            account: gateway.account(),
            password: gateway.password(),
            address: gateway.address(),
        }
    }

    /// Sends mails until told to stop, all are sent, or the gateway is gone.
    fn send_until(&self, recipient: &str, label: &str, stop: &AtomicBool) -> Sent {
        let mut sent = Sent::default();
        let Ok(mut client) = Client::login(self) else { return sent };
        for number in 0..MAILS {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let id = format!("{label}-{number}");
            match client.send(&self.address, recipient, &text(&id, number)) {
                Ok(()) => sent.accepted.push(id),
                Err(_) => {
                    sent.unknown.push(id);
                    break;
                }
            }
        }
        sent
    }
}

/// Mostly small mails; some are large enough to be killed in the middle of.
fn text(id: &str, number: usize) -> Vec<u8> {
    let lines = if number % 8 == 5 { 20_000 } else { 20 + number };
    let mut text = format!("Subject: {id}\r\n\r\n").into_bytes();
    for line in 0..lines {
        text.extend_from_slice(format!("line {line} of mail {id}\r\n").as_bytes());
    }
    text
}

/// An SMTP client for which a gateway that dies is nothing special.
struct Client(BufReader<TcpStream>);

impl Client {
    fn login(sender: &Sender) -> io::Result<Self> {
        let stream = TcpStream::connect(sender.smtp)?;
        stream.set_read_timeout(Some(wait::DEADLINE))?;
        let mut client = Self(BufReader::new(stream));
        client.expect("220")?;
        client.say("EHLO client.test", "250")?;
        let login = smtp::base64(format!("\0{}\0{}", sender.account, sender.password).as_bytes());
        client.say(&format!("AUTH PLAIN {login}"), "235")?;
        Ok(client)
    }

    fn send(&mut self, from: &str, to: &str, text: &[u8]) -> io::Result<()> {
        self.say(&format!("MAIL FROM:<{from}>"), "250")?;
        self.say(&format!("RCPT TO:<{to}>"), "250")?;
        self.say("DATA", "354")?;
        self.0.get_mut().write_all(&smtp::stuffed(text))?;
        self.expect("250")
    }

    fn say(&mut self, line: &str, code: &str) -> io::Result<()> {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes())?;
        self.expect(code)
    }

    /// Only a gateway that is gone may leave a command without the right answer.
    fn expect(&mut self, code: &str) -> io::Result<()> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            assert!(line.starts_with(code), "{line}");
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(());
            }
        }
    }
}

/// Two gateways and what was sent from each to the other.
struct Pair {
    gateways: [Gateway; 2],
    sent: [Sent; 2],
}

const NAMES: [&str; 2] = ["anna", "ben"];

impl Pair {
    fn start() -> Self {
        let gateways = [Gateway::start(network()), Gateway::start(network())];
        befriend(&gateways[0], &gateways[1], NAMES);
        Self { gateways, sent: [Sent::default(), Sent::default()] }
    }

    fn round(&mut self, number: usize, choices: &mut Choices) {
        for (gateway, other) in self.gateways.iter().zip([NAMES[1], NAMES[0]]) {
            wait_online(gateway, other);
        }
        let senders = [0, 1].map(|side: usize| Sender::of(&self.gateways[side]));
        let stop = AtomicBool::new(false);
        let victims: &[usize] = [&[0][..], &[1], &[0, 1]][usize::try_from(choices.below(3)).expect("0 to 2")];
        let moment = Duration::from_millis(choices.below(2500));
        std::thread::scope(|scope| {
            let threads = [0, 1].map(|side: usize| {
                let (sender, stop) = (&senders[side], &stop);
                let label = format!("{number}-{}", NAMES[side]);
                scope.spawn(move || sender.send_until(&format!("{}@tox", NAMES[1 - side]), &label, stop))
            });
            // The one wait of these tests that is for a time: the moment is to be a random one.
            std::thread::sleep(moment);
            for &victim in victims {
                self.gateways[victim].kill();
            }
            stop.store(true, Ordering::Relaxed);
            for (side, thread) in threads.into_iter().enumerate() {
                self.sent[side].add(thread.join().expect("the sender ends"));
            }
        });
        for &victim in victims {
            self.gateways[victim].restart();
        }
    }

    /// Waits for everything that was accepted, and counts.
    fn check(&self) -> usize {
        for gateway in &self.gateways {
            wait::until("an empty outbox", || {
                (gateway.json(&["status"])["outbox"]["queued"] == 0).then_some(())
            });
        }
        for (sent, recipient) in self.sent.iter().zip([&self.gateways[1], &self.gateways[0]]) {
            let mails =
                wait::until("the mailbox", || Some(recipient.mails()).filter(|mails| !mails.is_empty()));
            let arrived = count(&mails);
            for id in &sent.accepted {
                assert_eq!(arrived.get(id.as_str()), Some(&1), "mail {id} got 250");
            }
            for (id, times) in &arrived {
                assert_eq!(*times, 1, "mail {id} arrived {times} times");
                assert!(sent.accepted.contains(id) || sent.unknown.contains(id), "nobody sent {id}");
            }
        }
        self.sent.iter().map(|sent| sent.accepted.len()).sum()
    }
}

/// How often each mail is there; each has to be whole.
fn count(mails: &[Vec<u8>]) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for mail in mails {
        let mail = String::from_utf8_lossy(mail);
        let subject = mail.lines().find_map(|line| line.strip_prefix("Subject: ")).expect("a subject");
        let number = subject.rsplit('-').next().and_then(|number| number.parse().ok()).expect("a number");
        assert!(mail.as_bytes().ends_with(&text(subject, number)), "mail {subject} is damaged");
        *found.entry(subject.to_owned()).or_default() += 1;
    }
    found
}

#[test]
fn every_mail_that_got_250_arrives_exactly_once_whoever_is_killed_when() {
    let rounds = usize::try_from(setting("TOXMAIL_KILL_ROUNDS").unwrap_or(10)).expect("rounds");
    let seed = setting("TOXMAIL_KILL_SEED").unwrap_or_else(|| {
        use std::hash::{BuildHasher as _, Hasher as _};
        std::collections::hash_map::RandomState::new().build_hasher().finish()
    });
    println!("{rounds} rounds with TOXMAIL_KILL_SEED={seed}");
    let mails: usize = std::thread::scope(|scope| {
        let pairs: Vec<_> = (0..PAIRS.min(rounds))
            .map(|pair| {
                scope.spawn(move || {
                    let mut choices = Choices((seed ^ (pair as u64 + 1)) | 1);
                    let mut gateways = Pair::start();
                    for number in (pair..rounds).step_by(PAIRS) {
                        gateways.round(number, &mut choices);
                    }
                    gateways.check()
                })
            })
            .collect();
        pairs.into_iter().map(|pair| pair.join().expect("a pair failed")).sum()
    });
    println!("{rounds} rounds, {mails} mails accepted, each arrived exactly once");
}
