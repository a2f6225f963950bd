//! Boards that mean harm, as long as [`tests::hostile::length`] says: the user named them, or a contact's record did. Mail goes on both ways, and by an
//! honest board too. Memory, disk and the time of a start are bounded by numbers.

use std::time::Duration;

use drops::cell::BoardKey;
use drops::mailbox::Period;
use drops::point::Secret;
use drops::record::MailboxRecord;
use mail::Wall;
use serde_json::Value;
use tempfile::TempDir;
use tests::hostile::board::{self, Behaviour};
use tests::hostile::contact::HostileContact;
use tests::hostile::{Bounds, Deadline, Den, Watch, length};
use tests::{Gateway, befriend, network, wait};

use crate::impatient;

/// The bound of unfinished mails (64 MB) in memory and on disk, the cells being scanned, a throwaway or ten.
const BOUNDS: Bounds = Bounds { memory_growth: 384, disk_growth: 256, start: Duration::from_secs(20) };

/// Letters by the honest board.
const LETTERS: usize = 2;

/// From one kill of the victim to the next.
const ROUND: Duration = Duration::from_secs(30);

/// A record that names these boards.
fn record(contact: &HostileContact, boards: &[BoardKey], made: Wall) -> Vec<u8> {
    let keys = vec![(Period::at(made), Secret::from_bytes([3; 32]).point())];
    let (owner, boards) = (contact.tox_id(), boards.to_vec());
    MailboxRecord { made, owner, keys, boards, tokens: vec![], owners: vec![] }.encode().expect("a record")
}

/// A contact whose record names boards.
async fn names_boards(mut contact: HostileContact, boards: Vec<BoardKey>, made: Wall) {
    loop {
        let record = record(&contact, &boards, made);
        if contact.open(&[], &record).await.is_err() {
            contact.come_back().await;
            continue;
        }
        while matches!(contact.hear(Duration::from_secs(30)).await, Ok(Some(_) | None)) {}
    }
}

/// How many cells the honest board holds.
fn cells(relay: &Gateway) -> u64 {
    let relays = relay.json(&["relay", "list"]);
    let own = relays.as_array().expect("a list").iter().find_map(|relay| relay["serving"]["cells"].as_u64());
    own.expect("it serves one")
}

#[test]
fn boards_that_mean_harm_stop_fill_and_fool_nobody() {
    let network = network();
    let relay = Gateway::start_relay(TempDir::new().unwrap(), network);
    let (mut anna, mut ben) = (impatient::gateway(""), impatient::gateway(""));
    for gateway in [&anna, &ben] {
        let _ = gateway.json(&["relay", "add", &relay.tox_id()]);
    }
    befriend(&anna, &ben, ["anna", "ben"]);
    let watch = Watch::new("hostile boards", &ben, BOUNDS);

    // Each begins with another of the ways to behave. Who lies is left for a month, so that comes last.
    let mut den = Den::default();
    let victim = ben.tox_id().parse::<mail::ToxId>().unwrap();
    let ways = Behaviour::ALL.len() - 1;
    let named: Vec<BoardKey> = (0..drops::limits::RECORD_BOARDS)
        .map(|first| {
            let mut behaviours = Behaviour::ALL[..ways].to_vec();
            behaviours.rotate_left(first % ways);
            behaviours.push(Behaviour::Lies);
            board::serve(&mut den, &network.nodes, behaviours, victim.key)
        })
        .collect();
    let contact = den.now(HostileContact::start(&network.nodes, victim));
    let key = contact.key();
    wait::until("the request", || {
        let requests = ben.json(&["contact", "requests"]);
        requests.as_array()?.iter().any(|request| request["key"] == key.as_str()).then_some(())
    });
    let _ = ben.json(&["contact", "accept", &key, "collector"]);
    den.spawn(names_boards(contact, named.clone(), board::now()));
    wait::until("a reading of one of them", || {
        let relays = ben.json(&["relay", "list"]);
        let is_named = |relay: &Value| named.iter().any(|key| relay["key"] == key.to_string().as_str());
        relays.as_array()?.iter().any(is_named).then_some(())
    });

    let deadline = Deadline::set(length());
    let mut sent = vec![];
    while !deadline.is_over() {
        let round = Deadline::set(ROUND);
        while !round.is_over() {
            for (from, to) in [(&anna, &ben), (&ben, &anna)] {
                let text = format!("beside bad boards, number {}", sent.len());
                let mail = impatient::letter(from, to, &text);
                from.submit(&to.address(), &mail);
                let _ = to.wait_for_mail(&mail);
                sent.push(mail);
            }
        }
        watch.check("under attack", &ben);
        watch.restart(&mut ben);
    }

    // By the honest board: while he is away she leaves letters there and goes.
    ben.kill();
    let (before, mut letters) = (cells(&relay), vec![]);
    for number in 0..LETTERS {
        let letter = impatient::letter(&anna, &ben, &format!("over the honest board, number {number}"));
        anna.submit(&ben.address(), &letter);
        letters.push(letter);
    }
    wait::until("letters on the honest board", || (cells(&relay) >= before + LETTERS as u64).then_some(()));
    assert!(anna.stop().success());
    ben.restart();
    for letter in &letters {
        let _ = ben.wait_for_mail(letter);
    }
    watch.check("after letters by the honest board", &ben);
    watch.restart(&mut ben);
    den.end();
    anna.restart();
    let last = impatient::letter(&anna, &ben, "after all of it");
    anna.submit(&ben.address(), &last);
    let _ = ben.wait_for_mail(&last);

    let mails = [ben.mails(), anna.mails()].concat();
    let count = |text: &Vec<u8>| mails.iter().filter(|mail| mail.ends_with(text)).count();
    assert!(sent.iter().chain(&letters).chain([&last]).all(|letter| count(letter) == 1), "each once");
    assert!(!ben.log().contains("panicked"), "{}", ben.log());
    println!(
        "hostile boards: {} honest mails, {LETTERS} of them by a board, each once",
        sent.len() + LETTERS
    );
}
