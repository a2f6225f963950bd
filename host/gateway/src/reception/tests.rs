use std::sync::Arc;

use bytes::Bytes;
use mail::decision::mail_filter::Header;
use mail::{Address, BodyHasher, ReversePath};

use super::*;
use crate::lock::lock;
use crate::testing::{Fault, World, account, address, busy, key, mail_text, tox_id};

const ID: MailId = MailId([9; 16]);

/// Anna's gateway, which ben's writes to by hand.
struct Wire {
    world: Arc<World>,
}

impl Wire {
    async fn new() -> Self {
        let world = World::new(1, &[&["anna"], &["ben"], &["carla"]]).await;
        world.introduce("anna", "ben").await;
        Self { world }
    }

    fn gateway(&self) -> Arc<crate::Gateway> {
        self.world.gateway(0).unwrap()
    }

    async fn offer(&self, id: MailId, text: &str) -> Offer {
        self.gateway().offer(&account("anna"), key("ben"), id, offered(text)).await
    }

    async fn write(&self, id: MailId, offset: usize, text: &str) -> Result<u64, ReceptionError> {
        let bytes = Bytes::copy_from_slice(&text.as_bytes()[offset..]);
        self.gateway().receive(&account("anna"), key("ben"), id, offset as u64, bytes).await
    }

    async fn complete(&self, id: MailId) -> Result<Acknowledgement, ReceptionError> {
        self.gateway().complete(&account("anna"), key("ben"), id).await
    }

    async fn send(&self, id: MailId, text: &str) -> Acknowledgement {
        assert_eq!(self.offer(id, text).await, Offer::AcceptFrom(0));
        self.write(id, 0, text).await.unwrap();
        self.complete(id).await.unwrap()
    }

    fn mailbox(&self) -> Vec<String> {
        self.world.mailbox("anna")
    }
}

fn anna() -> Address {
    address(&format!("{}@tox", tox_id("anna")))
}

fn offered(text: &str) -> Offered {
    let mut hasher = BodyHasher::new();
    hasher.update(text.as_bytes());
    let reverse_path = ReversePath::Mailbox(address(&format!("{}@tox", tox_id("ben"))));
    let envelope = Envelope::new(reverse_path, anna());
    Offered { envelope, size: text.len() as u64, digest: hasher.finish() }
}

#[tokio::test(start_paused = true)]
async fn a_mail_comes_in_with_its_trace_before_it() {
    let wire = Wire::new().await;
    let text = mail_text(&format!("{}@tox", key("ben")), "one");
    assert_eq!(wire.send(ID, &text).await, Acknowledgement::Delivered);
    let mail = &wire.mailbox()[0];
    assert!(mail.ends_with(&text));
    let flat = mail.replace("\r\n ", " ");
    let own = key("anna").to_string().to_lowercase();
    let fields: Vec<&str> = flat.lines().map(|line| line.split(':').next().unwrap()).take(4).collect();
    assert_eq!(fields, ["Return-Path", "Delivered-To", "Authentication-Results", "Received"]);
    assert!(flat.contains(&format!("Authentication-Results: {own}.tox; x-tox=pass")));
    assert!(flat.contains("with TOX id 0909"));
    assert!(!flat.contains("Reply-To"));
}

#[tokio::test(start_paused = true)]
async fn the_same_mail_again_gets_the_same_answer_and_is_stored_once() {
    let wire = Wire::new().await;
    let text = mail_text("ben@tox", "one");
    wire.send(ID, &text).await;
    assert_eq!(wire.offer(ID, &text).await, Offer::AlreadyHave(Acknowledgement::Delivered));
    assert_eq!(wire.mailbox().len(), 1);
    let other = mail_text("ben@tox", "another");
    assert!(matches!(wire.offer(ID, &other).await, Offer::ProtocolError(_)));
}

#[tokio::test(start_paused = true)]
async fn a_transfer_goes_on_where_the_store_is_durable_also_after_a_crash() {
    let wire = Wire::new().await;
    let text = mail_text("ben@tox", &"long".repeat(10_000));
    assert_eq!(wire.offer(ID, &text).await, Offer::AcceptFrom(0));
    let durable = wire.write(ID, 0, &text[..30_000]).await.unwrap();
    assert!(durable < 30_000, "the store of this test is lazy");
    assert_eq!(wire.offer(ID, &text).await, Offer::AcceptFrom(durable));
    wire.world.crash(0, 0).await;
    wire.world.start(0).await;
    assert_eq!(wire.write(ID, 0, &text).await, Err(ReceptionError::NotOffered));
    let Offer::AcceptFrom(offset) = wire.offer(ID, &text).await else { panic!("it goes on") };
    assert!(offset > 0);
    wire.write(ID, usize::try_from(offset).unwrap(), &text).await.unwrap();
    assert_eq!(wire.complete(ID).await.unwrap(), Acknowledgement::Delivered);
    assert!(wire.mailbox()[0].ends_with(&text));
}

#[tokio::test(start_paused = true)]
async fn two_connections_of_one_peer_do_no_harm() {
    let wire = Wire::new().await;
    let text = mail_text("ben@tox", &"x".repeat(5000));
    assert_eq!(wire.offer(ID, &text).await, Offer::AcceptFrom(0));
    assert_eq!(wire.offer(ID, &text).await, Offer::AcceptFrom(0));
    wire.write(ID, 0, &text[..3000]).await.unwrap();
    wire.write(ID, 0, &text[..4000]).await.unwrap();
    wire.write(ID, 2000, &text).await.unwrap();
    let (one, other) = tokio::join!(wire.complete(ID), wire.complete(ID));
    assert_eq!((one.unwrap(), other.unwrap()), (Acknowledgement::Delivered, Acknowledgement::Delivered));
    assert_eq!(wire.mailbox().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn lies_about_offset_size_and_digest_are_protocol_errors() {
    let wire = Wire::new().await;
    let text = mail_text("ben@tox", "one");
    assert_eq!(wire.complete(ID).await, Err(ReceptionError::NotOffered));
    wire.offer(ID, &text).await;
    let gap = wire.write(ID, 10, &text).await;
    assert_eq!(gap, Err(ReceptionError::Offset { expected: 0 }));
    assert_eq!(wire.complete(ID).await, Err(ReceptionError::Offset { expected: 0 }));
    let too_much = wire.write(ID, 0, &format!("{text}!")).await;
    assert!(matches!(too_much, Err(ReceptionError::Protocol(_))));
    let far =
        wire.gateway().receive(&account("anna"), key("ben"), ID, u64::MAX, Bytes::from_static(b"x")).await;
    assert!(matches!(far, Err(ReceptionError::Protocol(_))));
    wire.write(ID, 0, &text.replace("Hello", "Holla")).await.unwrap();
    assert!(matches!(wire.complete(ID).await, Err(ReceptionError::Protocol(_))));
    assert!(wire.mailbox().is_empty() && lock(&wire.world.nodes[0].disk.0).partials.is_empty());
    let other = mail_text("ben@tox", "two");
    wire.offer(ID, &text).await;
    assert!(matches!(wire.offer(ID, &other).await, Offer::ProtocolError(_)));
    assert_eq!(wire.offer(ID, &text).await, Offer::AcceptFrom(0));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_for_us_is_refused_before_a_byte_of_it_comes() {
    let wire = Wire::new().await;
    let gateway = wire.gateway();
    let to = |address: Address| {
        let mut offered = offered("x");
        offered.envelope.forward_path = address;
        offered
    };
    let status = |offer: &Offer| match offer {
        Offer::Refuse(refusal) => refusal.status.to_string(),
        other => panic!("{other:?}"),
    };
    let foreign = gateway.offer(&account("anna"), key("ben"), ID, to(address("carla@tox"))).await;
    assert_eq!(status(&foreign), "5.1.1");
    let nobody = gateway.offer(&account("nobody"), key("ben"), ID, offered("x")).await;
    assert_eq!(status(&nobody), "5.1.1");
    let huge = Offered { size: 50_000_001, ..offered("x") };
    assert_eq!(status(&gateway.offer(&account("anna"), key("ben"), ID, huge).await), "5.3.4");
    for own in ["anna@tox".to_owned(), format!("{}@tox", key("anna"))] {
        let id = wire.world.random.next().to_le_bytes().repeat(2).try_into().map(MailId).unwrap();
        assert_eq!(
            gateway.offer(&account("anna"), key("ben"), id, to(address(&own))).await,
            Offer::AcceptFrom(0)
        );
    }
    let stranger = gateway.offer(&account("anna"), key("carla"), ID, offered("x")).await;
    assert!(matches!(stranger, Offer::Later { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_peer_can_park_so_much_and_no_more() {
    let wire = Wire::new().await;
    let big = |number: u8| {
        let mut digest = offered("x").digest;
        digest.0[0] = number;
        Offered { size: 40_000_000, digest, ..offered("x") }
    };
    let mut accepted = 0;
    for number in 0..10 {
        let id = MailId([number; 16]);
        let offer = wire.gateway().offer(&account("anna"), key("ben"), id, big(number)).await;
        match offer {
            Offer::AcceptFrom(0) => accepted += 1,
            Offer::Later { reason, .. } => assert_eq!(reason.status.to_string(), "4.3.1"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(accepted, 3, "three times 40 MB are under 128 MB");
    let abandoned = MailId([0; 16]);
    wire.gateway().abandon(&account("anna"), key("ben"), abandoned).await.unwrap();
    let offer = wire.gateway().offer(&account("anna"), key("ben"), MailId([77; 16]), big(77)).await;
    assert_eq!(offer, Offer::AcceptFrom(0));
}

#[tokio::test(start_paused = true)]
async fn a_peer_can_begin_so_many_mails_and_no_more() {
    let wire = Wire::new().await;
    let mut later = 0;
    for number in 0..limits::RECEPTIONS_PER_PEER + 5 {
        let id = MailId((number as u128).to_be_bytes());
        later += usize::from(matches!(wire.offer(id, "x").await, Offer::Later { .. }));
    }
    assert_eq!(later, 5);
}

#[tokio::test(start_paused = true)]
async fn each_verdict_of_the_filter_is_answered_and_remembered() {
    let wire = Wire::new().await;
    let text = |verdict: &str| format!("From: ben@tox\r\nX-Verdict: {verdict}\r\n\r\nx\r\n");
    let refused = wire.send(MailId([1; 16]), &text("reject")).await;
    assert!(matches!(&refused, Acknowledgement::Refused(refusal) if refusal.text() == "the filter says no"));
    assert_eq!(wire.offer(MailId([1; 16]), &text("reject")).await, Offer::AlreadyHave(refused));
    assert_eq!(wire.send(MailId([2; 16]), &text("discard")).await, Acknowledgement::Delivered);
    assert_eq!(wire.send(MailId([3; 16]), &text("quarantine")).await, Acknowledgement::Delivered);
    assert!(wire.mailbox().is_empty());
    let mut held = wire.gateway().quarantine(&account("anna")).await.unwrap();
    held.retain(|entry| entry.delete_at.is_none());
    assert_eq!(held.len(), 1);
    wire.gateway().release(&account("anna"), held[0].mail.uidl).await.unwrap();
    assert_eq!(wire.mailbox().len(), 1);
    wire.world.nodes[0].disk.assert_no_orphans();
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_fails_marks_or_sets_aside() {
    let wire = Wire::new().await;
    let text = "From: ben@tox\r\nX-Verdict: trap\r\n\r\nx\r\n";
    assert_eq!(wire.send(MailId([1; 16]), text).await, Acknowledgement::Delivered);
    assert!(wire.mailbox()[0].contains("X-Toxmail-Unfiltered: it trapped\r\n"));
    wire.world.nodes[0].script.set(|answers| answers.quarantine_unfiltered = true);
    assert_eq!(wire.send(MailId([2; 16]), text).await, Acknowledgement::Delivered);
    assert_eq!(wire.mailbox().len(), 1);
    let held = wire.gateway().quarantine(&account("anna")).await.unwrap();
    assert_eq!(held[0].reason, "the filter failed: it trapped");
}

#[tokio::test(start_paused = true)]
async fn a_class_4_reject_of_incoming_mail_means_try_later() {
    let wire = Wire::new().await;
    let text = "From: ben@tox\r\nX-Verdict: later\r\n\r\nx\r\n";
    for attempt in 0..2 {
        let answer = if attempt == 0 { wire.send(ID, text).await } else { again(&wire, text).await };
        let Acknowledgement::TryLater { reason, after } = answer else { panic!("{answer:?}") };
        assert_eq!((reason.text(), reason.status.to_string().as_str()), ("ask me again", "4.7.1"));
        assert_eq!(after, limits::FILTER_LATER);
    }
    assert!(wire.mailbox().is_empty());
    // The filter changes its mind.
    let accept = Some(Ok(mail::decision::mail_filter::Verdict::Accept(Vec::new())));
    wire.world.nodes[0].script.set(|answers| answers.incoming = accept);
    assert_eq!(again(&wire, text).await, Acknowledgement::Delivered);
    assert_eq!(wire.mailbox().len(), 1);
    wire.world.nodes[0].disk.assert_no_orphans();
}

/// The mail is offered again, and what came of it is here still.
async fn again(wire: &Wire, text: &str) -> Acknowledgement {
    let offer = wire.offer(ID, text).await;
    let Offer::AcceptFrom(offset) = offer else { panic!("{offer:?}") };
    assert!(offset > 0, "nothing is left of what came");
    wire.write(ID, offset as usize, text).await.unwrap();
    wire.complete(ID).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn busy_filters_let_incoming_mail_wait_and_nothing_is_delivered_unfiltered() {
    let wire = Wire::new().await;
    let text = "From: ben@tox\r\n\r\nx\r\n";
    wire.world.nodes[0].script.set(|answers| answers.incoming = Some(Err(busy())));
    let answer = wire.send(ID, text).await;
    assert!(
        matches!(&answer, Acknowledgement::TryLater { after, .. } if *after == limits::FILTER_BUSY),
        "{answer:?}"
    );
    assert!(wire.mailbox().is_empty());
    assert!(wire.gateway().quarantine(&account("anna")).await.unwrap().is_empty());
    let is_told = |event: &Event| matches!(event, Event::DecisionFailed { slot: "mail-filter", .. });
    assert!(lock(&wire.world.nodes[0].heard.0).iter().any(is_told), "that filters are busy is told");
    wire.world.nodes[0].script.set(|answers| answers.incoming = None);
    assert_eq!(again(&wire, text).await, Acknowledgement::Delivered);
    assert!(!wire.mailbox()[0].contains("X-Toxmail-Unfiltered"));
}

#[tokio::test(start_paused = true)]
async fn filters_may_add_headers_and_know_who_sent_it() {
    let wire = Wire::new().await;
    let added = vec![Header { name: "X-Score".to_owned(), value: "grün".to_owned() }];
    wire.world.nodes[0].script.set(|answers| {
        answers.incoming = Some(Ok(mail::decision::mail_filter::Verdict::Accept(added)));
    });
    let text = mail_text("mallory@tox", "one");
    wire.send(ID, &text).await;
    let (facts, seen) = lock(&wire.world.nodes[0].script.0).filtered[0].clone();
    assert_eq!((facts.peer, facts.is_contact, facts.from_verified), (Some(key("ben")), true, false));
    assert_eq!(seen, text.as_bytes());
    let mail = &wire.mailbox()[0];
    assert!(mail.contains("X-Score: =?utf-8?B?Z3LDvG4=?=\r\n"));
    assert!(mail.contains("x-tox=fail"));
    assert!(mail.contains("Reply-To: <ben@tox>\r\n"), "an answer goes to who sent it: {mail}");
}

/// What is in the mailbox behind the headers that this gateway put before it.
fn behind_trace(mail: &str) -> &str {
    let received = mail.find("Received: from ").unwrap();
    let end =
        mail[received..].match_indices("\r\n").find(|(at, _)| !mail[received + at + 2..].starts_with(' '));
    &mail[received + end.unwrap().0 + 2..]
}

#[tokio::test(start_paused = true)]
async fn forged_results_in_our_names_are_taken_out_wherever_they_are() {
    let wire = Wire::new().await;
    let own = mail::header::authserv_id(key("anna"));
    let forged = [
        format!("Authentication-Results: {own}; x-tox=pass\r\n"),
        format!("authentication-results :\r\n (\\)) {own}\r\n ; x-tox=pass\r\n"),
        format!("Authentication-Results: \"{}\\{}\" 1; x-tox=pass\r\n", &own[..5], &own[5..]),
    ];
    let filler = "X-Filler: 0123456789012345678901234567890123456789\r\n".repeat(6000);
    let rest = "From: mallory@tox\r\n\r\nx\r\n";
    for (number, forged) in (1..).zip(&forged) {
        let id = |half: u8| MailId([2 * number + half; 16]);
        wire.send(id(0), &format!("{forged}{rest}")).await;
        wire.send(id(1), &format!("{filler}{forged}{rest}")).await;
        let mails = wire.mailbox();
        let [.., short, long] = mails.as_slice() else { panic!("two mails each") };
        assert_eq!(behind_trace(short), rest);
        assert!(behind_trace(long) == format!("{filler}{rest}"));
        for mail in [short, long] {
            assert!(!mail.contains("x-tox=pass") && mail.contains("X-Toxmail-Warning: "));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn results_in_the_name_of_another_account_here_are_taken_out_too() {
    let world = World::new(1, &[&["anna", "olga"], &["ben"]]).await;
    let olga = mail::header::authserv_id(key("olga"));
    let text = format!("Authentication-Results: {olga}; x-tox=pass\r\n{}", mail_text("anna@tox", "one"));
    world.submit("anna", &["olga@tox"], &text).await.unwrap();
    world.introduce("anna", "ben").await;
    world.submit("ben", &[&format!("{}@tox", tox_id("anna"))], &text).await.unwrap();
    world.wait_for("the mails", |world| world.mailbox("olga").len() + world.mailbox("anna").len() == 2).await;
    for mail in [&world.mailbox("olga")[0], &world.mailbox("anna")[0]] {
        assert_eq!(mail.matches("Authentication-Results: ").count(), 1, "{mail}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_programs_could_not_read_is_mended() {
    let wire = Wire::new().await;
    let text = mail_text("ben@tox", "one");
    for (number, before) in (1..).zip(["\u{feff}", "From ben Thu Jan  1 00:00:00 1970\r\n", ">From ben\r\n"])
    {
        wire.send(MailId([number; 16]), &format!("{before}{text}")).await;
        assert_eq!(behind_trace(wire.mailbox().last().unwrap()), text);
    }
    for (number, text) in
        (10..).zip([" x-tox=pass\r\nFrom: mallory@tox\r\n", "Hello\r\n", &"long text\r\n".repeat(10_000)])
    {
        wire.send(MailId([number; 16]), text).await;
        assert_eq!(behind_trace(wire.mailbox().last().unwrap()), format!("\r\n{text}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_with_a_cr_or_lf_alone_is_refused_for_good() {
    let wire = Wire::new().await;
    let texts = [
        "a: 1\r\n\r\nx\ry\r\n",
        "a: 1\nb: 2\r\n\r\n",
        "a: 1\r\n\r\n\r",
        "x\r\r\n",
        &format!("{}\n", "y".repeat(200_000)),
    ];
    for (number, text) in (1..).zip(texts) {
        let id = MailId([number; 16]);
        let Acknowledgement::Refused(refusal) = wire.send(id, text).await else { panic!("refused") };
        assert_eq!(refusal.status.to_string(), "5.6.0");
        assert!(matches!(wire.offer(id, text).await, Offer::AlreadyHave(Acknowledgement::Refused(_))));
    }
    assert!(wire.mailbox().is_empty());
    nothing_is_left(&wire);
}

/// No body without a record, and none staged.
fn nothing_is_left(wire: &Wire) {
    let disk = &wire.world.nodes[0].disk;
    disk.assert_no_orphans();
    assert!(lock(&disk.0).staged.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_mended_mail_leaves_nothing_behind_whatever_is_decided() {
    use mail::decision::mail_filter::Verdict;
    let wire = Wire::new().await;
    let text = format!("\u{feff}{}", mail_text("ben@tox", &"long".repeat(50_000)));
    let answers = [
        Verdict::Reject(Refusal::permanent(7, 1, "no")),
        Verdict::Discard("no".to_owned()),
        Verdict::Quarantine("no".to_owned()),
    ];
    for (number, answer) in (1..).zip(answers) {
        wire.world.nodes[0].script.set(|answers| answers.incoming = Some(Ok(answer)));
        wire.send(MailId([number; 16]), &text).await;
        nothing_is_left(&wire);
    }
    wire.world.nodes[0].script.set(|answers| answers.incoming = None);
    lock(&wire.world.nodes[0].disk.0).mailbox_limit = 0;
    assert!(matches!(wire.send(ID, &text).await, Acknowledgement::TryLater { .. }));
    nothing_is_left(&wire);
    lock(&wire.world.nodes[0].disk.0).mailbox_limit = 10;
    assert_eq!(wire.complete(ID).await.unwrap(), Acknowledgement::Delivered);
    nothing_is_left(&wire);
    assert!(wire.mailbox()[0].ends_with(text.strip_prefix('\u{feff}').unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_and_a_full_disk_mean_later_and_nothing_is_sent_twice() {
    let wire = Wire::new().await;
    let text = mail_text("ben@tox", "one");
    lock(&wire.world.nodes[0].disk.0).mailbox_limit = 0;
    let full = wire.send(ID, &text).await;
    assert!(
        matches!(&full, Acknowledgement::TryLater { reason, .. } if reason.status.to_string() == "4.2.2")
    );
    lock(&wire.world.nodes[0].disk.0).mailbox_limit = 10;
    wire.world.storage(0).plan(Fault::Fail(1, StorageError::Full));
    let disk_full = wire.complete(ID).await.unwrap();
    assert!(
        matches!(&disk_full, Acknowledgement::TryLater { reason, .. } if reason.status.to_string() == "4.3.1")
    );
    let Offer::AcceptFrom(offset) = wire.offer(ID, &text).await else { panic!("it goes on") };
    assert!(offset > 0);
    wire.write(ID, usize::try_from(offset).unwrap(), &text).await.unwrap();
    assert_eq!(wire.complete(ID).await.unwrap(), Acknowledgement::Delivered);
    assert_eq!(wire.mailbox().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_mail_whose_last_bytes_a_disk_fault_took_is_taken_again_from_there() {
    let wire = Wire::new().await;
    let text = mail_text("ben@tox", &"long".repeat(100_000));
    let (first, last) = text.split_at(300_000);
    wire.offer(ID, &text).await;
    wire.write(ID, 0, first).await.unwrap();
    wire.gateway().receive(&account("anna"), key("ben"), ID, 300_000, last.to_owned().into()).await.unwrap();
    wire.world.storage(0).plan(Fault::Fail(1, StorageError::failed("bad block")));
    assert!(matches!(wire.complete(ID).await, Ok(Acknowledgement::TryLater { .. })));
    // What was not on disk is gone, and the process goes on.
    wire.world.nodes[0].disk.crash(1);
    let Offer::AcceptFrom(offset) = wire.offer(ID, &text).await else { panic!("it goes on") };
    assert!(offset > 0 && offset <= 300_000, "{offset}");
    wire.write(ID, usize::try_from(offset).unwrap(), &text).await.unwrap();
    assert_eq!(wire.complete(ID).await, Ok(Acknowledgement::Delivered));
    assert!(wire.mailbox()[0].ends_with(&text));
    wire.world.nodes[0].disk.assert_no_orphans();
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_comes_back_begins_no_more_mails_than_before() {
    let wire = Wire::new().await;
    let id = |number: usize| MailId((number as u128).to_be_bytes());
    for number in 0..3 * limits::RECEPTIONS_PER_PEER {
        assert_eq!(wire.offer(id(number), "x").await, Offer::AcceptFrom(0), "{number}");
        if number % 10 == 0 {
            wire.gateway().peer_offline(&account("anna"), key("ben"));
        }
    }
    let begun = lock(&wire.world.nodes[0].disk.0).partials.keys().cloned().collect::<Vec<_>>();
    assert_eq!(begun.len(), limits::RECEPTIONS_PER_PEER);
    assert!(begun.iter().all(|key| key.mail > id(2 * limits::RECEPTIONS_PER_PEER - 1)), "the oldest go");
}

#[tokio::test(start_paused = true)]
async fn an_append_that_fails_is_started_again() {
    let wire = Wire::new().await;
    let text = mail_text("ben@tox", "one");
    wire.offer(ID, &text).await;
    wire.world.storage(0).plan(Fault::Fail(1, StorageError::failed("bad block")));
    assert!(matches!(wire.write(ID, 0, &text).await, Err(ReceptionError::Storage(_))));
    assert_eq!(wire.write(ID, 0, &text).await, Err(ReceptionError::NotOffered));
    assert_eq!(wire.send(ID, &text).await, Acknowledgement::Delivered);
}

#[tokio::test(start_paused = true)]
async fn a_removed_contact_still_gets_the_answers_given_before() {
    let wire = Wire::new().await;
    let text = mail_text("ben@tox", "one");
    wire.send(ID, &text).await;
    wire.gateway().remove_contact(&account("anna"), key("ben"), false).await.unwrap();
    assert_eq!(wire.offer(ID, &text).await, Offer::AlreadyHave(Acknowledgement::Delivered));
    assert!(matches!(wire.offer(MailId([8; 16]), &text).await, Offer::Later { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_a_filter_threw_away_can_be_restored_for_two_weeks() {
    let wire = Wire::new().await;
    let text = "From: ben@tox\r\nX-Verdict: discard\r\n\r\nx\r\n";
    assert_eq!(wire.send(MailId([1; 16]), text).await, Acknowledgement::Delivered);
    assert_eq!(wire.send(MailId([2; 16]), text).await, Acknowledgement::Delivered);
    let anna = account("anna");
    let held = wire.gateway().quarantine(&anna).await.unwrap();
    assert_eq!(held.len(), 2);
    assert_eq!(held[0].reason, "noise");
    let kept = held[0].delete_at.unwrap().since(held[0].mail.received);
    assert_eq!(kept, crate::limits::BIN_TIME);
    wire.gateway().release(&anna, held[0].mail.uidl).await.unwrap();
    assert_eq!(wire.mailbox().len(), 1);
    wire.world.let_pass(crate::limits::BIN_TIME + Duration::from_secs(2 * 3600)).await;
    assert!(wire.gateway().quarantine(&anna).await.unwrap().is_empty(), "the rest is gone");
    assert_eq!(wire.mailbox().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn where_no_bin_is_wanted_a_mail_that_is_thrown_away_is_gone() {
    let wire = Wire::new().await;
    wire.gateway().set_bin_time(Duration::ZERO);
    let text = "From: ben@tox\r\nX-Verdict: discard\r\n\r\nx\r\n";
    assert_eq!(wire.send(MailId([1; 16]), text).await, Acknowledgement::Delivered);
    assert!(wire.gateway().quarantine(&account("anna")).await.unwrap().is_empty());
    assert!(wire.mailbox().is_empty());
}
