use std::time::Duration;

use mail::record::Pin;
use mail::{Address, PublicKey};

use super::*;
use crate::Settings;
use crate::lock::lock;
use crate::ports::StorageError;
use crate::ports::decisions::{
    Resolution, ResolutionSource, ResolutionTarget, ResolveAnswer, SubmissionAnswer, Trust,
};
use crate::testing::{Fault, World, account, address, failure, key, mail_text, tox_id};

async fn anna_and_ben() -> Arc<World> {
    let world = World::new(1, &[&["anna", "olga"], &["ben"]]).await;
    world.introduce("anna", "ben").await;
    world
}

fn begin(world: &World) -> Submission {
    let from = ReversePath::Mailbox(address("anna@tox"));
    world.gateway(0).unwrap().begin(&account("anna"), from, None, Return::Headers, None).unwrap()
}

async fn recipient(world: &World, to: &str) -> Result<(), Refusal> {
    begin(world).recipient(address(to), Notify::default(), None).await
}

async fn refused(world: &World, to: &str) -> (String, String) {
    let refusal = recipient(world, to).await.unwrap_err();
    (refusal.status.to_string(), refusal.text().to_owned())
}

/// What stands in the outbox once everybody is gone.
async fn submit_offline(world: &World, to: &[&str], text: &str) -> Vec<OutboxEntry> {
    world.set_reachable(1, false).await;
    world.submit("anna", to, text).await.unwrap();
    world.nodes[0].disk.outbox()
}

fn whole(world: &World, entry: &OutboxEntry) -> Vec<u8> {
    [&entry.prefix[..], &lock(&world.nodes[0].disk.0).bodies[&entry.body]].concat()
}

#[tokio::test(start_paused = true)]
async fn ok_means_durable() {
    let world = anna_and_ben().await;
    world.set_reachable(1, false).await;
    let ids = world.submit("anna", &["ben@tox"], &mail_text("anna@tox", "one")).await.unwrap();
    world.crash(0, usize::MAX).await;
    let outbox = world.nodes[0].disk.outbox();
    assert_eq!(outbox.iter().map(|entry| entry.id).collect::<Vec<_>>(), ids);
    // What was decided before there was a mail is found by its id all the same.
    let asked = lock(&world.nodes[0].script.0).submissions.iter().map(|facts| facts.id).collect::<Vec<_>>();
    assert_eq!((&asked, &lock(&world.nodes[0].script.0).resolved_for), (&ids, &ids));
    world.start(0).await;
    world.set_reachable(1, true).await;
    world.wait_for("the mail", |world| world.mailbox("ben").len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn bcc_goes_and_the_rest_stays_as_it_was() {
    let world = anna_and_ben().await;
    let text = "Bcc: olga@tox,\r\n ben@tox\r\nFrom: <anna@tox>\r\nDate: x\r\nMessage-ID: <1@x>\r\n\r\n\r\n.\r\nBcc: body";
    let entries = submit_offline(&world, &["ben@tox"], text).await;
    let bytes = String::from_utf8(whole(&world, &entries[0])).unwrap();
    assert!(bytes.starts_with("Received: by "), "{bytes}");
    assert!(bytes.ends_with(text.strip_prefix("Bcc: olga@tox,\r\n ben@tox\r\n").unwrap()));
    assert_eq!(bytes.matches("Date: ").count(), 1);
    assert_eq!(bytes.matches("Message-ID: ").count(), 1);
    assert!(!bytes.contains("olga"));
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_added_and_the_digest_is_over_all() {
    let world = anna_and_ben().await;
    for body in
        ["\r\nno header\r\n".to_owned(), format!("Subject: x\r\n\r\n{}", "z".repeat(300_000)), String::new()]
    {
        world.set_reachable(1, false).await;
        let entries = submit_offline(&world, &["ben@tox"], &body).await;
        let entry = entries.last().unwrap();
        let bytes = whole(&world, entry);
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.starts_with("Date: Sun, 22 Nov 2026"), "{text}");
        assert!(text.contains("\r\nMessage-ID: <") && text.contains("\r\nReceived: by "));
        let mut hasher = mail::BodyHasher::new();
        hasher.update(&bytes);
        assert_eq!((entry.digest, entry.size), (hasher.finish(), bytes.len() as u64));
        let (account, id) = (account("anna"), entry.id);
        world.gateway(0).unwrap().cancel(&account, id).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_header_section_without_end_is_carried_without_additions() {
    let world = anna_and_ben().await;
    let text = format!(
        "{}Bcc: secret@tox\r\n\r\nbody\r\n",
        "X-Filler: abcdefghijklmnopqrstuvwxyz\r\n".repeat(10_000)
    );
    let entries = submit_offline(&world, &["ben@tox"], &text).await;
    let bytes = String::from_utf8(whole(&world, &entries[0])).unwrap();
    assert!(bytes.starts_with("Received: ") && !bytes.contains("Date: "));
    assert!(bytes.ends_with("abcdefghijklmnopqrstuvwxyz\r\n\r\nbody\r\n") && !bytes.contains("secret"));
}

#[tokio::test(start_paused = true)]
async fn each_recipient_gets_an_entry_and_the_same_one_twice_gets_one() {
    let world = anna_and_ben().await;
    let id = format!("{}@tox", tox_id("ben"));
    let to = ["ben@tox", "ben@tox.internal", &id, "olga@tox", "anna@tox"];
    let entries = submit_offline(&world, &to, &mail_text("anna@tox", "one")).await;
    assert_eq!(entries.len(), 3);
    assert!(entries.windows(2).all(|pair| pair[0].body == pair[1].body && pair[0].digest == pair[1].digest));
    let routes: Vec<_> = entries.iter().filter(|entry| matches!(entry.route, Route::Local(_))).collect();
    assert_eq!(routes.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_recipient_twice_wants_what_either_wanted() {
    let world = anna_and_ben().await;
    let mut submission = begin(&world);
    submission.recipient(address("ben@tox"), Notify::NEVER, None).await.unwrap();
    let success = Notify { success: true, ..Notify::NEVER };
    submission.recipient(address("ben@tox"), success, None).await.unwrap();
    submission.finish().await.unwrap();
    world.wait_for("the receipt", |world| world.mailbox("anna").len() == 1).await;
    assert!(world.mailbox("anna")[0].contains("Action: delivered"));
}

#[tokio::test(start_paused = true)]
async fn unknown_recipients_are_refused_with_what_to_do() {
    let world = anna_and_ben().await;
    let (status, text) = refused(&world, "nobody@tox").await;
    assert_eq!(status, "5.1.1");
    assert!(text.contains("toxmail contact add"), "{text}");
    let (status, text) = refused(&world, &format!("{}@tox", key("stranger"))).await;
    assert_eq!(status, "5.1.1");
    assert!(text.contains("76 digits"), "{text}");
    assert!(recipient(&world, &format!("{}@tox", key("ben"))).await.is_ok());
    assert!(recipient(&world, &format!("{}@tox", tox_id("stranger"))).await.is_ok());
    assert!(recipient(&world, &format!("{}@tox", key("olga"))).await.is_ok(), "an account here");
}

#[tokio::test(start_paused = true)]
async fn each_slot_that_fails_gets_its_rule() {
    let world = anna_and_ben().await;
    let script = &world.nodes[0].script;
    script.set(|answers| answers.submission = Some(Err(failure())));
    assert_eq!(refused(&world, "ben@tox").await.0, "4.3.0");
    script.set(|answers| {
        answers.submission = None;
        drop(answers.resolve.insert(address("ben@tox"), Err(failure())));
    });
    assert_eq!(refused(&world, "ben@tox").await.0, "4.4.3");
    script.set(|answers| {
        answers.resolve.clear();
        answers.outgoing = Some(Err(failure()));
    });
    let refusal = world.submit("anna", &["ben@tox"], "x").await.unwrap_err();
    assert_eq!(refusal.status.to_string(), "4.3.0");
    let failed = lock(&world.nodes[0].heard.0)
        .iter()
        .filter_map(|event| match event {
            Event::DecisionFailed { slot, .. } => Some(*slot),
            _ => None,
        })
        .collect::<Vec<_>>();
    assert_eq!(failed, ["policy", "resolver", "mail-filter"]);
    world.nodes[0].disk.assert_no_orphans();
}

#[tokio::test(start_paused = true)]
async fn the_policy_may_refuse_and_is_told_what_is_queued() {
    let world = anna_and_ben().await;
    submit_offline(&world, &["ben@tox"], "x").await;
    let refusal = Refusal::permanent(7, 1, "not on Sundays");
    let answer = Some(Ok(SubmissionAnswer::Refuse(refusal.clone())));
    world.nodes[0].script.set(|answers| answers.submission = answer);
    assert_eq!(recipient(&world, "ben@tox").await.unwrap_err(), refusal);
    let queued =
        lock(&world.nodes[0].script.0).submissions.iter().map(|facts| facts.queued).collect::<Vec<_>>();
    assert_eq!(queued, [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn trouble_with_dns_is_passing_and_a_missing_name_is_not() {
    let world = anna_and_ben().await;
    let try_later = ResolveAnswer::TryLater("the name server does not answer".to_owned());
    let not_found = ResolveAnswer::NotFound("no such domain".to_owned());
    world.nodes[0].script.set(|answers| {
        answers.resolve.insert(address("a@example.org"), Ok(try_later));
        answers.resolve.insert(address("b@example.org"), Ok(not_found));
    });
    let (status, text) = refused(&world, "a@example.org").await;
    assert_eq!(status, "4.4.3");
    assert!(text.contains("the name server does not answer"));
    let (status, text) = refused(&world, "b@example.org").await;
    assert_eq!(status, "5.1.1");
    assert!(text.contains("no such domain"));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_leads_to_another_key_is_held_until_the_user_confirms() {
    let world = anna_and_ben().await;
    let (gateway, name) = (world.gateway(0).unwrap(), address("ben@example.org"));
    let script = &world.nodes[0].script;
    script.dns("ben@example.org", tox_id("ben"));
    recipient(&world, "ben@example.org").await.unwrap();
    let pin = gateway.pin(&account("anna"), &name).await.unwrap().unwrap();
    assert_eq!((pin.key, pin.changed_to), (key("ben"), None));
    script.dns("ben@example.org", tox_id("mallory"));
    let (status, text) = refused(&world, "ben@example.org").await;
    assert_eq!(status, "4.7.5");
    assert!(text.contains("confirm it"), "{text}");
    let pin = gateway.pin(&account("anna"), &name).await.unwrap().unwrap();
    assert_eq!((pin.key, pin.changed_to), (key("ben"), Some(tox_id("mallory"))));
    let confirmed = gateway.confirm_pin(&account("anna"), &name).await.unwrap().unwrap();
    assert_eq!(confirmed.key, key("mallory"));
    recipient(&world, "ben@example.org").await.unwrap();
    assert_eq!(gateway.confirm_pin(&account("anna"), &name).await.unwrap(), None::<Pin>);
}

#[tokio::test(start_paused = true)]
async fn a_resolver_cannot_name_an_account_that_is_not_there() {
    let world = anna_and_ben().await;
    let target = ResolutionTarget::Account(account("ghost"));
    let resolution = Resolution { target, source: ResolutionSource::Account, trust: Trust::Verified };
    let answer = Ok(ResolveAnswer::Found(resolution));
    world.nodes[0].script.set(|answers| drop(answers.resolve.insert(address("ghost@tox"), answer)));
    assert_eq!(refused(&world, "ghost@tox").await.0, "5.1.1");
}

#[tokio::test(start_paused = true)]
async fn a_mail_has_a_hundred_recipients_at_most() {
    let world = anna_and_ben().await;
    let mut submission = begin(&world);
    let unknown = |number: u8| Address::at_tox(&ToxIdOf(PublicKey([number; 32])).text()).unwrap();
    for number in 0..100 {
        submission.recipient(unknown(number), Notify::default(), None).await.unwrap();
    }
    let refusal = submission.recipient(unknown(100), Notify::default(), None).await.unwrap_err();
    assert_eq!(refusal.status.to_string(), "4.5.3");
    submission.recipient(unknown(5), Notify::default(), None).await.expect("it is one of them");
}

struct ToxIdOf(PublicKey);

impl ToxIdOf {
    fn text(&self) -> String {
        mail::ToxId { key: self.0, nospam: mail::Nospam([0; 4]) }.to_string()
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_over_the_limit_is_refused_at_mail_and_at_the_byte_over() {
    let world = anna_and_ben().await;
    *lock(&world.nodes[0].settings) = Settings { max_mail_bytes: 1000, ..Settings::default() };
    world.crash(0, 0).await;
    world.start(0).await;
    let gateway = world.gateway(0).unwrap();
    let declared = gateway.begin(&account("anna"), ReversePath::Null, Some(1001), Return::Headers, None);
    assert_eq!(declared.err().unwrap().status.to_string(), "5.3.4");
    let fitting = world.submit("anna", &["ben@tox"], &"x".repeat(1000)).await;
    assert!(fitting.is_ok());
    let refusal = world.submit("anna", &["ben@tox"], &"x".repeat(1001)).await.unwrap_err();
    assert_eq!(refusal.status.to_string(), "5.3.4");
    assert!(refusal.text().contains("1000 bytes"));
    gateway.set_max_mail_bytes(1001);
    assert!(world.submit("anna", &["ben@tox"], &"x".repeat(1001)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_mail_without_recipients_is_refused() {
    let world = anna_and_ben().await;
    assert!(begin(&world).finish().await.unwrap_err().status.is_permanent());
}

#[tokio::test(start_paused = true)]
async fn filters_see_the_mail_as_it_leaves_and_may_add_headers() {
    let world = anna_and_ben().await;
    let added =
        vec![("X-Seen".to_owned(), "yes\r\nBcc: no".to_owned()), ("bad name".to_owned(), "x".to_owned())];
    world.nodes[0].script.set(|answers| answers.outgoing = Some(Ok(FilterAnswer::Accept(added))));
    let text = format!("Bcc: olga@tox\r\n{}{}", mail_text("anna@tox", "one"), "long".repeat(50_000));
    let entries = submit_offline(&world, &["ben@tox"], &text).await;
    let bytes = whole(&world, &entries[0]);
    let (facts, seen) = lock(&world.nodes[0].script.0).filtered[0].clone();
    assert!(facts.from_verified && facts.is_contact && facts.peer == Some(key("ben")));
    assert!(!String::from_utf8_lossy(&seen).contains("olga"));
    assert_eq!(bytes, [b"X-Seen: yes  Bcc: no\r\n", &seen[..]].concat());
    let mut hasher = mail::BodyHasher::new();
    hasher.update(&bytes);
    assert_eq!(entries[0].digest, hasher.finish());
}

#[tokio::test(start_paused = true)]
async fn a_filter_may_reject_set_aside_or_throw_away() {
    let world = anna_and_ben().await;
    let (gateway, script) = (world.gateway(0).unwrap(), &world.nodes[0].script);
    let refusal = Refusal::permanent(7, 1, "no card numbers by mail");
    script.set(|answers| answers.outgoing = Some(Ok(FilterAnswer::Reject(refusal.clone()))));
    assert_eq!(world.submit("anna", &["ben@tox"], "x").await.unwrap_err(), refusal);

    script.set(|answers| answers.outgoing = Some(Ok(FilterAnswer::Discard("noise".to_owned()))));
    let ids = world.submit("anna", &["ben@tox"], "x").await.unwrap();
    let outcome = world.nodes[0].disk.outcome(ids[0]);
    assert_eq!(outcome, Some(Outcome::Discarded { reason: "noise".to_owned() }));
    world.nodes[0].disk.assert_no_orphans();

    script.set(|answers| answers.outgoing = Some(Ok(FilterAnswer::Quarantine("a password".to_owned()))));
    world.submit("anna", &["ben@tox", "olga@tox"], &mail_text("anna@tox", "held")).await.unwrap();
    let held = gateway.quarantine(&account("anna")).await.unwrap();
    assert_eq!(held.len(), 2);
    assert_eq!(held[0].reason, "a password");
    world.let_pass(Duration::from_secs(60)).await;
    assert!(world.mailbox("ben").is_empty() && world.nodes[0].disk.outbox().is_empty());
    for entry in held {
        gateway.release(&account("anna"), entry.mail.uidl).await.unwrap();
    }
    world.wait_for("both", |world| world.mailbox("ben").len() == 1 && world.mailbox("olga").len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn each_recipient_has_a_filter_answer_of_its_own() {
    let world = anna_and_ben().await;
    let discard = FilterAnswer::Discard("not to olga".to_owned());
    world.nodes[0].script.set(|answers| drop(answers.outgoing_to.insert(address("olga@tox"), discard)));
    let ids = world.submit("anna", &["ben@tox", "olga@tox"], &mail_text("anna@tox", "one")).await.unwrap();
    world.wait_for("ben's", |world| world.mailbox("ben").len() == 1).await;
    assert!(matches!(world.nodes[0].disk.outcome(ids[1]), Some(Outcome::Discarded { .. })));
    assert!(world.mailbox("olga").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_accepts_nothing_and_keeps_nothing() {
    let world = anna_and_ben().await;
    world.storage(0).plan(Fault::Fail(1, StorageError::Full));
    let refusal = world.submit("anna", &["ben@tox"], "x").await.unwrap_err();
    assert_eq!(refusal.status.to_string(), "4.3.1");
    assert!(refusal.text().contains("free some space"));
    assert!(world.nodes[0].disk.outbox().is_empty());
    world.nodes[0].disk.assert_no_orphans();
}

#[tokio::test(start_paused = true)]
async fn a_dropped_submission_leaves_nothing() {
    let world = anna_and_ben().await;
    let mut submission = begin(&world);
    submission.recipient(address("ben@tox"), Notify::default(), None).await.unwrap();
    submission.write(Bytes::from_static(b"From: a\r\n")).await.unwrap();
    drop(submission);
    world.nodes[0].disk.assert_no_orphans();
    assert!(world.nodes[0].disk.outbox().is_empty());
}

#[test]
fn the_reply_names_the_entries() {
    let id = MailId([1; 16]);
    assert_eq!(Accepted { ids: vec![id] }.to_string(), format!("queued as {id}"));
    assert_eq!(Accepted { ids: vec![id, id, id] }.to_string(), format!("queued as {id} and 2 more"));
}
