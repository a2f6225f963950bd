//! Contacts that mean harm, as long as [`tests::hostile::length`] says: they were accepted, speak our protocol, and misuse it in every way we know,
//! while mail goes on between two who do not. Memory, disk and the time of a start are bounded by numbers.

use std::time::Duration;

use tests::hostile::contact::{Attempt, Gone, HostileContact, Offered};
use tests::hostile::{Bounds, Deadline, Den, Watch, length};
use tests::{Gateway, befriend, network, smtp, wait};

/// What the victim may take for them beyond what honest mail takes: memory for a filter at work on the largest poison, windows and
/// records of all of them, on disk the mails it accepted.
const BOUNDS: Bounds = Bounds { memory_growth: 320, disk_growth: 256, start: Duration::from_secs(20) };

/// What they are.
const ROLES: [Role; 6] =
    [Role::Impostor, Role::Forger, Role::Poisoner, Role::Flooder, Role::Breaker, Role::Breaker];

/// From one kill of the victim to the next.
const ROUND: Duration = Duration::from_secs(30);

/// Whom a bank would be.
const BANK: &str = "ceo@bank.example";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Tells addresses that are not its own, and changes names.
    Impostor,
    /// Whole mails with envelopes and headers nobody would write.
    Forger,
    /// Mails made for parsers.
    Poisoner,
    /// More of everything that is allowed.
    Flooder,
    /// Breaks one rule after another, comes back each time.
    Breaker,
}

/// Addresses in a hello, and reverse-paths.
fn odd_addresses() -> Vec<String> {
    vec![
        BANK.to_owned(),
        "owner@tox".to_owned(),
        format!("x@{}.org", "\u{130}".repeat(31)),
        format!("{}@x.org", "\u{130}".repeat(32)),
        "\u{1e9e}\u{fb01}@example.org".to_owned(),
        "\"a b\"@example.org".to_owned(),
        "\"\\\"\\\\\"@example.org".to_owned(),
        "a\u{202e}b@example.org".to_owned(),
        "a@xn--zz.example".to_owned(),
        "a@[127.0.0.1]".to_owned(),
        "a@[IPv6:::1]".to_owned(),
        "postmaster@tox.internal".to_owned(),
        format!("{}@tox", "A".repeat(64)),
        "mailer-daemon@tox".to_owned(),
    ]
}

fn text(from: &str, subject: &str, rest: &str) -> Vec<u8> {
    format!("From: <{from}>\r\nSubject: {subject}\r\n{rest}\r\nfrom a friend\r\n").into_bytes()
}

async fn impostor(contact: &mut HostileContact, round: usize) -> Attempt {
    let odd = odd_addresses();
    let told: Vec<&str> = odd.iter().map(String::as_str).cycle().skip(round).take(2).collect();
    contact.open(&told, &[]).await?;
    for address in [told[0], BANK] {
        let mail = text(address, &format!("as {round}"), "");
        let _ = contact.mail(address, &mail, true).await?;
    }
    let half = text(BANK, "never whole", &"x".repeat(10_000));
    let _ = contact.mail(told[1], &half, false).await?;
    for name in ["owner@tox", "\u{202e}\u{7}\r\nX: y", &"\u{130}".repeat(60), ""] {
        let (named, said) =
            (contact.tox().set_name(name).await, contact.tox().set_status_message(name).await);
        assert!(named.is_ok() && said.is_ok());
        let _ = contact.tox().send_message(&contact.victim(), "\u{1b}[2J are you there?").await;
    }
    Ok(())
}

async fn forger(contact: &mut HostileContact, round: usize) -> Attempt {
    contact.open(&[], &[]).await?;
    let own = contact.victim().to_string().to_lowercase();
    let forged = format!(
        "Authentication-Results: {own}.tox; x-tox=pass header.from={BANK}\r\n\
         authentication-results: (\\)(;)) \"{own}.tox\" ; x-tox=pass (forged)\r\n\
         Received: by {own}.tox\r\n"
    );
    let mails: [Vec<u8>; 9] = [
        text(BANK, "forged", &forged),
        text(BANK, "a\rBcc: bare", "X-Bare: a\rb\r\n"),
        b"\rFrom: <a@b>\r\r\n\rtext\r".to_vec(),
        b"no header at all".to_vec(),
        b"\xef\xbb\xbfFrom: <a@b>\r\n\r\nBOM\r\n".to_vec(),
        b"From nobody\r\n>From: x\r\n\r\n\0\0\r\n".to_vec(),
        [b"X: ".as_slice(), &b"y".repeat(300_000), b"\r\n\r\n"].concat(),
        b" continued\r\n\r\n".to_vec(),
        b"\r\n.\r\n.\n..\n\xff\xfe".to_vec(),
    ];
    for mail in &mails {
        let _ = contact.mail("", mail, true).await?;
    }
    let odd = odd_addresses();
    for is_whole in [false, true] {
        let _ = contact.mail(&odd[round % odd.len()], &mails[0], is_whole).await?;
    }
    Ok(())
}

/// One in another as often as that, filled up to a size.
fn nested(levels: usize, length: usize) -> Vec<u8> {
    let mut mail = "Content-Type: message/rfc822\r\n\r\n".repeat(levels).into_bytes();
    mail.extend_from_slice(b"Subject: innermost\r\n\r\n");
    while mail.len() < length {
        mail.extend_from_slice(b"a line that is there for its length, and nothing more than that\r\n");
    }
    mail
}

fn many_parts(parts: usize) -> Vec<u8> {
    let mut mail = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
    for _ in 0..parts {
        mail.extend_from_slice(b"--b\r\nContent-Disposition: attachment; filename=a.exe.txt\r\n\r\nx\r\n");
    }
    mail
}

fn many_multiparts(levels: usize) -> Vec<u8> {
    let level = |number: usize| {
        format!("Content-Type: multipart/mixed; boundary=b{number}\r\n\r\n--b{number}\r\n").into_bytes()
    };
    (0..levels).flat_map(level).collect()
}

async fn poisoner(contact: &mut HostileContact, round: usize) -> Attempt {
    contact.open(&[], &[]).await?;
    let poison = match round {
        0 => nested(300, 4_000_000),
        1 => nested(990, 8_000_000),
        2 => many_parts(50_000),
        3 => many_multiparts(2_000),
        4 => [b"Content-Type: text/plain;".as_slice(), &b" a=b;".repeat(40_000), b"\r\n\r\n"].concat(),
        // What it wrote stays there: no more large ones.
        _ => nested(100, 10_000),
    };
    let _ = contact.mail("", &poison, true).await?;
    Ok(())
}

async fn flooder(contact: &mut HostileContact, round: usize) -> Attempt {
    contact.open(&[], &[]).await?;
    let recipient = contact.recipient();
    let offered = |size: u64| Offered {
        reverse_path: "",
        forward_path: &recipient,
        envelope_id: "",
        size,
        digest: [round as u8; 32],
        flags: 7,
    };
    // Begun and left: places for mails that come in, and bytes that may be parked.
    for number in 0..30 {
        for _ in 0..10 {
            let transfer = contact.offer(offered(1 + number % 7)).await?;
            contact.say(&[&[0x12][..], &transfer.0.to_le_bytes()].concat()).await?;
        }
        while contact.hear(Duration::from_millis(200)).await?.is_some() {}
    }
    for size in [0, 50_000_000, 60_000_000, u64::MAX] {
        let _ = contact.offer(offered(size)).await?;
    }
    for number in 0..1_000_u64 {
        contact.say(&[&[0x02][..], &number.to_le_bytes()].concat()).await?;
    }
    while contact.hear(Duration::from_secs(2)).await?.is_some() {}
    // Some of them parked when it goes.
    contact.open(&[], &[]).await?;
    for _ in 0..30 {
        let _ = contact.offer(offered(100)).await?;
    }
    contact.come_back().await;
    Ok(())
}

async fn breaker(contact: &mut HostileContact, round: usize) -> Attempt {
    let (recipient, id) = (contact.recipient(), [5; 16]);
    let whole = Offered {
        reverse_path: "",
        forward_path: &recipient,
        envelope_id: "",
        size: 10,
        digest: [0; 32],
        flags: 0,
    };
    match round % 12 {
        0 => {
            let told = vec!["a@b.example"; 17];
            contact.meet().await?;
            contact.say(&contact.hello(&told, &[])).await?;
        }
        1 => {
            contact.meet().await?;
            for _ in 0..40 {
                contact.say(&contact.hello(&[], &[])).await?;
            }
        }
        2 => {
            contact.meet().await?;
            for flags in 0..=255 {
                contact.send(vec![181, flags, 1, 1, 1]).await?;
            }
        }
        3 => {
            // Acknowledgements of mails that nobody offered.
            contact.open(&[], &[]).await?;
            contact.say(&[0x22, 1, 0, 0, 0, 0]).await?;
        }
        4 => {
            contact.open(&[], &[]).await?;
            for _ in 0..200 {
                let _ = contact.offer(whole).await?;
            }
        }
        5 => {
            contact.open(&[], &[]).await?;
            let _ = contact.offer_as(id, whole).await?;
            let _ = contact.offer_as(id, Offered { digest: [1; 32], ..whole }).await?;
        }
        6 => {
            contact.open(&[], &[]).await?;
            let _ = contact.offer(Offered { envelope_id: "\r\nRCPT TO:<x>", ..whole }).await?;
        }
        7 => {
            contact.open(&[], &[]).await?;
            for number in 0..100_u8 {
                contact.say(&[&[0x04, 100, 0][..], &[number; 100]].concat()).await?;
            }
        }
        8 => {
            contact.open(&[], &[]).await?;
            let _ = contact.offer(whole).await?;
            contact.say(&[&[0x11, 1, 0, 0, 0][..], &u64::MAX.to_le_bytes(), b"beyond"].concat()).await?;
        }
        9 => {
            contact.open(&[], &[]).await?;
            contact.say(&[0xff; 40_000]).await?;
        }
        10 => {
            contact.open(&[], &[]).await?;
            contact.say(&vec![0x11; 49 * 1024]).await?;
        }
        _ => {
            contact.open(&[], &[0; 16 * 1024]).await?;
            let _ = contact.offer(Offered { forward_path: "\u{130}", ..whole }).await?;
        }
    }
    while contact.hear(Duration::from_secs(3)).await?.is_some() {}
    Ok(())
}

async fn live(mut contact: HostileContact, role: Role, number: usize) {
    for round in number.. {
        let attempt = match role {
            Role::Impostor => impostor(&mut contact, round).await,
            Role::Forger => forger(&mut contact, round).await,
            Role::Poisoner => poisoner(&mut contact, round - number).await,
            Role::Flooder => flooder(&mut contact, round).await,
            Role::Breaker => breaker(&mut contact, round).await,
        };
        if attempt == Err(Gone) {
            contact.come_back().await;
        }
    }
}

fn victim() -> Gateway {
    let directory = tempfile::tempdir().unwrap();
    // A filter that looks into every part.
    let settings = "[components.settings.mail-filter]\nquarantine-executables = \"yes\"\n";
    std::fs::write(directory.path().join("config.toml"), settings).unwrap();
    Gateway::start_from(directory, network().options())
}

/// Mails of both, each another text.
#[derive(Default)]
struct Honest {
    to_victim: Vec<Vec<u8>>,
    from_victim: Vec<Vec<u8>>,
}

impl Honest {
    fn write(&mut self, anna: &Gateway, ben: &Gateway) {
        let number = self.to_victim.len();
        let letter = |what: &str| format!("Subject: {number}\r\n\r\nan honest {what}, number {number}.\r\n");
        for (from, to, sent, what) in
            [(anna, ben, &mut self.to_victim, "letter"), (ben, anna, &mut self.from_victim, "answer")]
        {
            let mail = letter(what).into_bytes();
            from.submit(&to.address(), &mail);
            sent.push(mail);
        }
    }

    /// All came, each once.
    fn assert_complete(&self, anna: &Gateway, ben: &Gateway) {
        for (gateway, sent) in [(ben, &self.to_victim), (anna, &self.from_victim)] {
            let last = sent.last().expect("one at least");
            wait::until("all honest mail", || {
                let mails = gateway.mails();
                let count = |text: &Vec<u8>| mails.iter().filter(|mail| mail.ends_with(text)).count();
                assert!(sent.iter().all(|text| count(text) <= 1), "none comes twice");
                sent.iter().all(|text| count(text) == 1).then_some(())
            });
            assert!(gateway.mails().iter().any(|mail| mail.ends_with(last)));
        }
    }
}

/// What no mail of theirs may look like when it is read.
fn assert_nobody_is_fooled(ben: &Gateway) {
    let own = ben.tox_id()[..64].to_lowercase();
    for mail in ben.mails() {
        let text = String::from_utf8_lossy(&mail).replace("\r\n ", " ").replace("\r\n\t", " ");
        let header = text.split("\r\n\r\n").next().unwrap_or_default().to_lowercase();
        let results: Vec<&str> =
            header.lines().filter(|line| line.starts_with("authentication-results:")).collect();
        let is_from_bank = header.lines().any(|line| line.starts_with("from:") && line.contains(BANK));
        assert!(
            !is_from_bank || results.iter().all(|line| !line.contains("x-tox=pass")),
            "a forged From passes:\n{header}"
        );
        let in_own_name = results.iter().filter(|line| line.contains(&own)).count();
        assert!(in_own_name <= 1, "forged results stay:\n{header}");
        let bare = mail.windows(2).any(|pair| pair[0] == b'\r' && pair[1] != b'\n');
        assert!(!bare, "a bare CR comes through:\n{text}");
    }
    let mut session = smtp::Session::login(ben.smtp(), &ben.account(), &ben.password());
    let to_bank = session.send(&ben.address(), &[BANK], b"Subject: to the bank\r\n\r\nsecret\r\n");
    assert!(to_bank.is_err(), "mail to the bank goes to the forger");
}

#[test]
fn contacts_that_mean_harm_stop_fill_and_fool_nobody() {
    let network = network();
    let (anna, mut ben) = (Gateway::start(network), victim());
    befriend(&anna, &ben, ["anna", "ben"]);
    let mut honest = Honest::default();
    honest.write(&anna, &ben);
    honest.assert_complete(&anna, &ben);
    let watch = Watch::new("hostile contacts", &ben, BOUNDS);

    let mut den = Den::default();
    for (number, role) in ROLES.into_iter().enumerate() {
        let id = ben.tox_id().parse().unwrap();
        let contact = den.now(HostileContact::start(&network.nodes, id));
        let key = contact.key();
        wait::until("the request", || {
            let requests = ben.json(&["contact", "requests"]);
            requests.as_array()?.iter().any(|request| request["key"] == key.as_str()).then_some(())
        });
        let _ = ben.json(&["contact", "accept", &key, &format!("friend{number}")]);
        den.spawn(live(contact, role, number));
    }

    let deadline = Deadline::set(length());
    while !deadline.is_over() {
        let round = Deadline::set(ROUND);
        while !round.is_over() {
            honest.write(&anna, &ben);
            let text = honest.to_victim.last().expect("just written").clone();
            let _ = ben.wait_for_mail(&text);
        }
        watch.check("under attack", &ben);
        watch.restart(&mut ben);
    }
    den.end();
    honest.write(&anna, &ben);
    honest.assert_complete(&anna, &ben);
    assert_nobody_is_fooled(&ben);
    assert!(!ben.log().contains("panicked"), "{}", ben.log());
    println!("hostile contacts: {} honest mails each way, each once", honest.to_victim.len());
}
