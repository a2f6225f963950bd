use std::time::Duration;

use mail::decision::policy::SubmissionAnswer;
use mail::decision::resolver::{Resolution, ResolveAnswer, Source, Target, Trust};
use mail::record::Pin;
use mail::storage::StorageError;
use mail::{Address, PublicKey};

use super::*;
use crate::Settings;
use crate::lock::lock;
use crate::pins::{HeldName, PinError};
use crate::testing::{Fault, World, account, address, busy, failure, key, mail_text, tox_id};

async fn anna_and_ben() -> Arc<World> {
    let world = World::new(1, &[&["anna", "olga"], &["ben"]]).await;
    world.introduce("anna", "ben").await;
    world
}

fn begin(world: &World) -> Submission {
    let from = ReversePath::Mailbox(address("anna@tox"));
    world.gateway(0).unwrap().begin_submission(&account("anna"), from, None, Return::Headers, None).unwrap()
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
    let asked = lock(&world.nodes[0].script.0)
        .submissions
        .iter()
        .filter_map(|facts| facts.attributes.mail)
        .collect::<Vec<_>>();
    assert_eq!((&asked, &lock(&world.nodes[0].script.0).resolved_for), (&ids, &ids));
    world.start(0).await;
    world.set_reachable(1, true).await;
    world.wait_for("the mail", |world| world.mailbox("ben").len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn bcc_goes_and_the_rest_stays_as_it_was() {
    let world = anna_and_ben().await;
    let removed =
        "Bcc: olga@tox,\r\n ben@tox\r\nRESENT-bcc \t:\r\n\tolga@tox\r\nResent-Bcc\r\n : olga@tox\r\n";
    let text = "Bcc: olga@tox,\r\n ben@tox\r\nRESENT-bcc \t:\r\n\tolga@tox\r\nResent-Bcc\r\n : olga@tox\r\nFrom: <anna@tox>\r\nDate: x\r\nMessage-ID: <1@x>\r\n\r\n\r\n.\r\nBcc: body";
    let entries = submit_offline(&world, &["ben@tox"], text).await;
    let bytes = String::from_utf8(whole(&world, &entries[0])).unwrap();
    assert!(bytes.starts_with("Received: by "), "{bytes}");
    assert!(bytes.ends_with(text.strip_prefix(removed).unwrap()));
    assert_eq!(bytes.matches("Date: ").count(), 1);
    assert_eq!(bytes.matches("Message-ID: ").count(), 1);
    assert!(!bytes.contains("olga"));
}

#[tokio::test(start_paused = true)]
async fn what_mail_programs_could_not_read_is_mended_and_who_sent_it_is_said() {
    let world = anna_and_ben().await;
    let header = "Date: x\r\nMessage-ID: <1@x>\r\n\r\nHello.\r\n";
    for (text, rest) in [
        (format!("\u{feff}{header}"), header.to_owned()),
        (format!("From anna Thu Jan  1 00:00:00 1970\r\n>From x\r\n{header}"), header.to_owned()),
        ("Hello.\r\nBcc: me\r\n".to_owned(), "\r\nHello.\r\nBcc: me\r\n".to_owned()),
        (" Hello.\r\n".to_owned(), "\r\n Hello.\r\n".to_owned()),
        ("From me to you\r\n".to_owned(), "\r\nFrom me to you\r\n".to_owned()),
        (
            format!("X: 1\r\n{}", "text \r\n".repeat(20_000)),
            format!("X: 1\r\n\r\n{}", "text \r\n".repeat(20_000)),
        ),
    ] {
        let entries = submit_offline(&world, &["ben@tox"], &text).await;
        let entry = entries.last().unwrap();
        let bytes = String::from_utf8(whole(&world, entry)).unwrap();
        let prefix = bytes.strip_suffix(rest.as_str()).unwrap_or_else(|| panic!("{bytes:.500}"));
        assert!(
            prefix.contains("From: <anna@tox>\r\n") && prefix.lines().last().unwrap().ends_with("+0000"),
            "{prefix}"
        );
        assert_eq!(entry.size, bytes.len() as u64);
        world.gateway(0).unwrap().cancel(&account("anna"), entry.id).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_with_a_from_gets_no_second() {
    let world = anna_and_ben().await;
    let entries = submit_offline(&world, &["ben@tox"], "FROM : x@y\r\n\r\n").await;
    assert!(!String::from_utf8(whole(&world, &entries[0])).unwrap().contains("From:"));
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
async fn outgoing_mail_waits_for_busy_filters_within_the_time_of_its_session() {
    let world = anna_and_ben().await;
    let script = world.nodes[0].script.clone();
    script.set(|answers| answers.outgoing = Some(Err(busy())));
    let free = {
        let script = script.clone();
        async move {
            tokio::time::sleep(crate::limits::FILTERS_WAIT / 2).await;
            script.set(|answers| answers.outgoing = None);
        }
    };
    let (sent, ()) = tokio::join!(world.submit("anna", &["ben@tox"], "x"), free);
    sent.expect("the filters had a place in time");
    script.set(|answers| answers.outgoing = Some(Err(busy())));
    let before = tokio::time::Instant::now();
    let refusal = world.submit("anna", &["ben@tox"], "x").await.unwrap_err();
    assert_eq!(refusal.status.to_string(), "4.3.2");
    assert!(before.elapsed() >= crate::limits::FILTERS_WAIT, "{:?}", before.elapsed());
    assert!(before.elapsed() < 2 * crate::limits::FILTERS_WAIT, "{:?}", before.elapsed());
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
    let pin = gateway.pin(&account("anna"), &name).unwrap();
    assert_eq!((pin.key, pin.changed_to), (key("ben"), None));
    script.dns("ben@example.org", tox_id("mallory"));
    let (status, text) = refused(&world, "ben@example.org").await;
    assert_eq!(status, "4.7.5");
    assert!(text.contains("confirm it"), "{text}");
    let pin = gateway.pin(&account("anna"), &name).unwrap();
    assert_eq!((pin.key, pin.changed_to), (key("ben"), Some(tox_id("mallory"))));
    let confirmed = gateway.confirm_pin(&account("anna"), &name).await.unwrap();
    assert_eq!(confirmed.key, key("mallory"));
    recipient(&world, "ben@example.org").await.unwrap();
    let nothing = gateway.confirm_pin(&account("anna"), &name).await.unwrap_err();
    assert!(matches!(nothing, PinError::NothingWaits), "{nothing:?}");
}

#[tokio::test(start_paused = true)]
async fn a_name_whose_pin_cannot_be_read_is_held_until_the_user_confirms() {
    let world = anna_and_ben().await;
    let (anna, name) = (account("anna"), address("ben@example.org"));
    world.nodes[0].script.dns("ben@example.org", tox_id("ben"));
    recipient(&world, "ben@example.org").await.unwrap();
    // Damaged while nobody looks; the disk leads elsewhere then.
    world.crash(0, 0).await;
    world.nodes[0].disk.damage_pins(&anna);
    // Another spelling, as version 0.1.0 pinned each for itself.
    let (other, first_seen) = (address("BEN+x@example.org"), mail::Wall(0));
    let pin = Pin { address: other, key: key("mallory"), first_seen, changed_to: None };
    world.nodes[0].disk.add_pin(&anna, pin);
    world.start(0).await;
    let gateway = world.gateway(0).unwrap();
    assert_eq!(gateway.held_names(&anna), [HeldName::Lost { address: name.clone(), leads_to: None }]);
    let unknown = gateway.confirm_pin(&anna, &name).await.unwrap_err();
    assert!(matches!(unknown, PinError::KeyUnknown), "{unknown:?}");
    world.nodes[0].script.dns("ben@example.org", tox_id("mallory"));
    world.nodes[0].script.dns("BEN+x@example.org", tox_id("mallory"));
    for spelling in ["ben@example.org", "BEN+x@example.org"] {
        let (status, text) = refused(&world, spelling).await;
        assert_eq!(status, "4.7.5");
        assert!(text.contains("can no longer read") && text.contains("pin accept"), "{text}");
    }
    let held = HeldName::Lost { address: name.clone(), leads_to: Some(key("mallory")) };
    assert_eq!(gateway.held_names(&anna), [held]);
    assert_eq!(gateway.confirm_pin(&anna, &name).await.unwrap().key, key("mallory"));
    recipient(&world, "ben@example.org").await.unwrap();
    assert_eq!(gateway.held_names(&anna), []);
    // And after the next start: what was confirmed is on disk.
    world.crash(0, 0).await;
    world.start(0).await;
    recipient(&world, "ben@example.org").await.unwrap();
    world.nodes[0].script.dns("ben@example.org", tox_id("ben"));
    assert!(refused(&world, "ben@example.org").await.1.contains("used to lead"), "it is pinned");
}

/// What a resolver makes up.
fn made_up(target: Target, source: Source, trust: Trust) -> ResolveAnswer {
    ResolveAnswer::Found(Resolution { target, source, trust, attributes: Vec::new() })
}

/// The resolver answers this for an address from now on.
fn answers(world: &World, to: &str, answer: ResolveAnswer) {
    let to = address(to);
    world.nodes[0].script.set(|answers| drop(answers.resolve.insert(to, Ok(answer))));
}

const SOURCES: [Source; 4] = [Source::Literal, Source::Account, Source::Contact, Source::Dns];

#[tokio::test(start_paused = true)]
async fn a_pin_holds_whatever_source_and_trust_a_resolver_claims() {
    let world = anna_and_ben().await;
    let gateway = world.gateway(0).unwrap();
    world.nodes[0].script.dns("eve@example.org", tox_id("eve"));
    recipient(&world, "eve@example.org").await.unwrap();
    let mallory = Target::ToxId(tox_id("mallory"));
    for source in SOURCES.into_iter().chain([Source::Other("mine".to_owned())]) {
        for trust in [Trust::Verified, Trust::FirstUse] {
            answers(&world, "eve@example.org", made_up(mallory.clone(), source.clone(), trust));
            assert_eq!(refused(&world, "eve@example.org").await.0, "4.7.5", "{source:?} {trust:?}");
            // Another spelling of the mailbox is the same name.
            answers(&world, "EVE+x@example.org", made_up(mallory.clone(), source.clone(), trust));
            assert_eq!(refused(&world, "EVE+x@example.org").await.0, "4.7.5", "{source:?} {trust:?}");
        }
    }
    let to_account = made_up(Target::Account(account("anna")), Source::Account, Trust::Verified);
    answers(&world, "eve@example.org", to_account);
    assert_eq!(refused(&world, "eve@example.org").await.0, "4.7.5");
    assert!(gateway.contact(&account("anna"), key("mallory")).is_none());
    // An account that is not on Tox yet.
    world.nodes[0].disk.add_account(&account("dora"), Vec::new());
    gateway.reload_accounts().await.unwrap();
    let to_dora = Target::Account(account("dora"));
    answers(&world, "eve@example.org", made_up(to_dora, Source::Account, Trust::Verified));
    assert_eq!(refused(&world, "eve@example.org").await.0, "4.4.3");
}

#[tokio::test(start_paused = true)]
async fn every_name_is_pinned_at_first_use_whatever_a_resolver_calls_its_source_and_trust() {
    let world = anna_and_ben().await;
    let gateway = world.gateway(0).unwrap();
    for (number, source) in SOURCES.into_iter().enumerate() {
        for (trust, domain) in [(Trust::Verified, "example.org"), (Trust::FirstUse, "tox")] {
            let name = format!("n{number}@{domain}");
            answers(&world, &name, made_up(Target::ToxId(tox_id("eve")), source.clone(), trust));
            recipient(&world, &name).await.unwrap();
            assert_eq!(gateway.pin(&account("anna"), &address(&name)).unwrap().key, key("eve"), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_contacts_name_a_literal_and_an_account_lead_to_nobody_else() {
    let world = anna_and_ben().await;
    let gateway = world.gateway(0).unwrap();
    let literal = format!("{}@tox", tox_id("ben"));
    let by_key = format!("{}@tox", key("ben"));
    for to in ["ben@tox", "BEN+x@tox.internal", &literal, &by_key, "anna@tox", "postmaster@tox"] {
        for source in SOURCES {
            answers(&world, to, made_up(Target::ToxId(tox_id("mallory")), source, Trust::Verified));
            let (status, text) = refused(&world, to).await;
            assert_eq!(status, "4.7.5", "{to}");
            assert!(text.contains("another resolver"), "{text}");
        }
    }
    let account_target = Target::Account(account("anna"));
    answers(&world, "ben@tox", made_up(account_target, Source::Contact, Trust::Verified));
    assert_eq!(refused(&world, "ben@tox").await.0, "4.7.5");
    assert_eq!(gateway.contacts(&account("anna")).len(), 1, "nobody was asked to be a contact");
    let asked = crate::lock::lock(&world.net.state).friends.iter().any(|pair| pair.1 == key("mallory"));
    assert!(!asked);
    let heard = lock(&world.nodes[0].heard.0);
    assert!(heard.iter().any(|event| matches!(event, crate::ports::Event::DecisionFailed { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_name_at_tox_that_a_contact_told_leads_to_nobody_else() {
    let world = anna_and_ben().await;
    let gateway = world.gateway(0).unwrap();
    let told = vec![address("benny@tox")];
    gateway.peer_hello(&account("anna"), key("ben"), tox_id("ben"), told).await.unwrap();
    let mallory = Target::ToxId(tox_id("mallory"));
    answers(&world, "benny@tox", made_up(mallory, Source::Contact, Trust::Verified));
    assert_eq!(refused(&world, "benny@tox").await.0, "4.7.5");
    let ben = Target::Key(key("ben"));
    answers(&world, "benny@tox", made_up(ben, Source::Contact, Trust::Verified));
    recipient(&world, "benny@tox").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_resolver_cannot_name_an_account_that_is_not_there() {
    let world = anna_and_ben().await;
    let target = Target::Account(account("ghost"));
    let answer = Ok(made_up(target, Source::Account, Trust::Verified));
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
    let declared =
        gateway.begin_submission(&account("anna"), ReversePath::Null, Some(1001), Return::Headers, None);
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
    let added = [("X-Seen", "yes\r\nBcc: no"), ("bad name", "x")]
        .map(|(name, value)| Header { name: name.to_owned(), value: value.to_owned() })
        .to_vec();
    world.nodes[0].script.set(|answers| answers.outgoing = Some(Ok(Verdict::Accept(added))));
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
    script.set(|answers| answers.outgoing = Some(Ok(Verdict::Reject(refusal.clone()))));
    assert_eq!(world.submit("anna", &["ben@tox"], "x").await.unwrap_err(), refusal);

    script.set(|answers| answers.outgoing = Some(Ok(Verdict::Discard("noise".to_owned()))));
    world.submit("anna", &["ben@tox"], "x").await.unwrap();
    let binned = gateway.quarantine(&account("anna")).await.unwrap();
    assert!(binned[0].delete_at.is_some());
    gateway.delete_quarantined(&account("anna"), binned[0].mail.uidl).await.unwrap();
    gateway.set_bin_time(Duration::ZERO);
    let ids = world.submit("anna", &["ben@tox"], "x").await.unwrap();
    let outcome = world.nodes[0].disk.outcome(ids[0]);
    assert_eq!(outcome, Some(Outcome::Discarded { reason: "noise".to_owned() }));
    world.nodes[0].disk.assert_no_orphans();

    script.set(|answers| answers.outgoing = Some(Ok(Verdict::Quarantine("a password".to_owned()))));
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
    let discard = Verdict::Discard("not to olga".to_owned());
    world.nodes[0].script.set(|answers| drop(answers.outgoing_to.insert(address("olga@tox"), discard)));
    let ids = world.submit("anna", &["ben@tox", "olga@tox"], &mail_text("anna@tox", "one")).await.unwrap();
    world.wait_for("ben's", |world| world.mailbox("ben").len() == 1).await;
    assert_eq!(world.nodes[0].disk.outcome(ids[1]), None);
    let binned = world.gateway(0).unwrap().quarantine(&account("anna")).await.unwrap();
    assert!(binned.len() == 1 && binned[0].delete_at.is_some());
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
