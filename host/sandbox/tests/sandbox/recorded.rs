//! Questions and answers as records of decisions have them. Replays read what version 0.1.0 recorded: no text here changes.

use std::fmt::Debug;
use std::time::Duration;

use mail::decision::Attributes;
use mail::decision::mail_filter::{Feedback, Header, MailFacts, UserDecision, Verdict};
use mail::decision::policy::{
    Deposit, DepositAnswer, FriendRequest, FriendRequestAnswer, Retry, RetryAnswer, Submission,
    SubmissionAnswer,
};
use mail::decision::relay_selector::{Choice, Identity, Plan, Relay, Select, WaitingMail};
use mail::decision::resolver::{Resolution, Resolve, ResolveAnswer, Source, Target, Trust};
use mail::record::Direction;
use mail::{Envelope, MailId, PublicKey, Refusal, ReversePath};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::defaults::{facts, mail_waiting, request, retry, submission};
use crate::setup::{Bench, NOW, anna, mail};

/// 32 bytes of 7.
const KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";

/// 16 bytes of 9.
const MAIL: &str = "09090909090909090909090909090909";

/// The value is written as this text, and the text is read as this value.
fn is_recorded_as<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, text: &str) {
    let text = text.replace("KEY", KEY).replace("MAIL", MAIL);
    assert_eq!(serde_json::to_string(value).unwrap(), text);
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value);
}

fn attributes<T: From<Vec<(String, String)>>>(pairs: &[(&str, &str)]) -> T {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    pairs.collect::<Vec<_>>().into()
}

fn refusal() -> Refusal {
    Refusal::permanent(7, 1, "no")
}

#[test]
fn questions_to_the_policy() {
    let submission = Submission {
        reverse_path: ReversePath::Mailbox("anna@tox".parse().unwrap()),
        forward_path: "ben@tox".parse().unwrap(),
        declared_size: Some(4000),
        queued: 2,
        attributes: attributes(&[("mail-id", MAIL)]),
    };
    is_recorded_as(
        &submission,
        r#"{"reverse_path":{"Mailbox":"anna@tox"},"forward_path":"ben@tox","declared_size":4000,"queued":2,"attributes":[["mail-id","MAIL"]]}"#,
    );
    is_recorded_as(
        &Submission {
            reverse_path: ReversePath::Null,
            declared_size: None,
            attributes: attributes(&[]),
            ..submission
        },
        r#"{"reverse_path":"Null","forward_path":"ben@tox","declared_size":null,"queued":2,"attributes":[]}"#,
    );
    let request = FriendRequest {
        key: PublicKey([7; 32]),
        message: "hello".to_owned(),
        written_to: true,
        attributes: attributes(&[]),
    };
    is_recorded_as(&request, r#"{"key":"KEY","message":"hello","written_to":true,"attributes":[]}"#);
    let retry = Retry {
        attempts: 3,
        age: Duration::from_millis(10_500),
        remaining: Duration::from_secs(100),
        peer_online: false,
        problem: Refusal::transient(4, 1, "not online"),
        size: 4000,
        attributes: attributes(&[("mail-id", MAIL)]),
    };
    is_recorded_as(
        &retry,
        r#"{"attempts":3,"age":{"secs":10,"nanos":500000000},"remaining":{"secs":100,"nanos":0},"peer_online":false,"problem":{"status":"4.4.1","text":"not online"},"size":4000,"attributes":[["mail-id","MAIL"]]}"#,
    );
    let deposit = Deposit {
        admission: "token".to_owned(),
        ttl_days: 7,
        cells: 60,
        capacity: 100,
        today: 3,
        attributes: attributes(&[]),
    };
    is_recorded_as(
        &deposit,
        r#"{"admission":"token","ttl_days":7,"cells":60,"capacity":100,"today":3,"attributes":[]}"#,
    );
}

#[test]
fn answers_of_the_policy() {
    is_recorded_as(&SubmissionAnswer::Allow, r#""allow""#);
    is_recorded_as(&SubmissionAnswer::Refuse(refusal()), r#"{"refuse":{"status":"5.7.1","text":"no"}}"#);
    is_recorded_as(&FriendRequestAnswer::Accept, r#""accept""#);
    is_recorded_as(&FriendRequestAnswer::AskUser, r#""ask-user""#);
    is_recorded_as(&FriendRequestAnswer::Ignore, r#""ignore""#);
    is_recorded_as(&RetryAnswer::After(Duration::from_secs(5)), r#"{"after":{"secs":5,"nanos":0}}"#);
    is_recorded_as(&RetryAnswer::GiveUp(refusal()), r#"{"give-up":{"status":"5.7.1","text":"no"}}"#);
    is_recorded_as(&DepositAnswer::Allow, r#""allow""#);
    is_recorded_as(&DepositAnswer::Refuse("full".to_owned()), r#"{"refuse":"full"}"#);
}

#[test]
fn the_question_to_the_resolver() {
    let resolve = Resolve { address: "ben@tox".parse().unwrap(), mail: None };
    is_recorded_as(&resolve, r#"{"address":"ben@tox"}"#);
    is_recorded_as(
        &Resolve { mail: Some(MailId([9; 16])), ..resolve },
        r#"{"address":"ben@tox","mail-id":"MAIL"}"#,
    );
}

#[test]
fn answers_of_the_resolver() {
    let found = |target, source, trust, pairs: &[(&str, &str)]| {
        ResolveAnswer::Found(Resolution { target, source, trust, attributes: attributes(pairs) })
    };
    is_recorded_as(
        &found(Target::Account("anna".parse().unwrap()), Source::Account, Trust::Verified, &[]),
        r#"{"found":{"target":{"account":"anna"},"source":"account","trust":"verified","attributes":[]}}"#,
    );
    is_recorded_as(
        &found(
            Target::ToxId(crate::setup::BEN.parse().unwrap()),
            Source::Dns,
            Trust::FirstUse,
            &[("a", "b")],
        ),
        &format!(
            r#"{{"found":{{"target":{{"tox-id":"{}"}},"source":"dns","trust":"first-use","attributes":[["a","b"]]}}}}"#,
            crate::setup::BEN
        ),
    );
    is_recorded_as(
        &found(Target::Key(PublicKey([7; 32])), Source::Other("mine".to_owned()), Trust::FirstUse, &[]),
        r#"{"found":{"target":{"key":"KEY"},"source":{"other":"mine"},"trust":"first-use","attributes":[]}}"#,
    );
    is_recorded_as(&Source::Literal, r#""literal""#);
    is_recorded_as(&Source::Contact, r#""contact""#);
    is_recorded_as(&ResolveAnswer::NotFound("nobody".to_owned()), r#"{"not-found":"nobody"}"#);
    is_recorded_as(&ResolveAnswer::TryLater("offline".to_owned()), r#"{"try-later":"offline"}"#);
}

#[test]
fn the_question_to_the_relay_selector() {
    let relay = Relay {
        key: PublicKey([7; 32]),
        owner: Some("anna".to_owned()),
        served_here: false,
        read_by_recipient: true,
        chosen_by_user: true,
        receipts: 5,
        failures: 1,
        last_failure: Some(Duration::from_secs(60)),
        fill: 20,
        tokens: 3,
        attributes: attributes(&[]),
    };
    let mail = WaitingMail {
        size: 4000,
        cells: 1,
        remaining: Duration::from_secs(100),
        recipient_is_contact: true,
        reposted: false,
        attributes: attributes(&[("mailbox-record", "known"), ("mail-id", MAIL)]),
    };
    let relays = vec![relay.clone(), Relay { owner: None, last_failure: None, ..relay }];
    is_recorded_as(
        &Select { mail, relays },
        concat!(
            r#"{"mail":{"size":4000,"cells":1,"remaining":{"secs":100,"nanos":0},"recipient_is_contact":true,"reposted":false,"#,
            r#""attributes":[["mailbox-record","known"],["mail-id","MAIL"]]},"relays":[{"key":"KEY","owner":"anna","#,
            r#""served_here":false,"read_by_recipient":true,"chosen_by_user":true,"receipts":5,"failures":1,"#,
            r#""last_failure":{"secs":60,"nanos":0},"fill":20,"tokens":3,"attributes":[]},{"key":"KEY","owner":null,"#,
            r#""served_here":false,"read_by_recipient":true,"chosen_by_user":true,"receipts":5,"failures":1,"#,
            r#""last_failure":null,"fill":20,"tokens":3,"attributes":[]}]}"#,
        ),
    );
}

#[test]
fn the_answer_of_the_relay_selector() {
    let choice = |identity| Choice { key: PublicKey([7; 32]), identity, within: Duration::from_secs(60) };
    is_recorded_as(
        &Plan {
            choices: vec![choice(Identity::Throwaway), choice(Identity::Account)],
            enough: 1,
            ttl_days: 7,
        },
        concat!(
            r#"{"choices":[{"key":"KEY","identity":"throwaway","within":{"secs":60,"nanos":0}},"#,
            r#"{"key":"KEY","identity":"account","within":{"secs":60,"nanos":0}}],"enough":1,"ttl_days":7}"#,
        ),
    );
}

#[test]
fn questions_to_the_filter() {
    let facts = MailFacts {
        direction: Direction::Incoming,
        envelope: Envelope::new(ReversePath::Null, "anna@tox".parse().unwrap()),
        peer: Some(PublicKey([7; 32])),
        is_contact: true,
        from_verified: false,
        attributes: attributes(&[("size", "4000"), ("mail-id", MAIL)]),
    };
    let text = concat!(
        r#"{"direction":"Incoming","envelope":{"reverse_path":"Null","forward_path":"anna@tox","notify":{"success":false,"#,
        r#""failure":true,"delay":true},"ret":"Headers","envelope_id":null,"original_recipient":null},"peer":"KEY","#,
        r#""is_contact":true,"from_verified":false,"attributes":[["size","4000"],["mail-id","MAIL"]]}"#,
    );
    is_recorded_as(&facts, text);
    for (decision, name) in [
        (UserDecision::Released, "released"),
        (UserDecision::Deleted, "deleted"),
        (UserDecision::Spam, "spam"),
        (UserDecision::NotSpam, "not-spam"),
    ] {
        let feedback = Feedback { facts: facts.clone(), decision };
        is_recorded_as(&feedback, &format!(r#"{{"facts":{text},"decision":"{name}"}}"#));
    }
    let outgoing = MailFacts { direction: Direction::Outgoing, peer: None, ..facts };
    is_recorded_as(&outgoing, &text.replace("Incoming", "Outgoing").replace(r#""KEY""#, "null"));
}

#[test]
fn verdicts_of_the_filter() {
    let header = Header { name: "X-Tag".to_owned(), value: "a".to_owned() };
    is_recorded_as(&Verdict::Accept(vec![header]), r#"{"accept":[{"name":"X-Tag","value":"a"}]}"#);
    is_recorded_as(&Verdict::Quarantine("odd".to_owned()), r#"{"quarantine":"odd"}"#);
    is_recorded_as(&Verdict::Reject(refusal()), r#"{"reject":{"status":"5.7.1","text":"no"}}"#);
    is_recorded_as(&Verdict::Discard("noise".to_owned()), r#"{"discard":"noise"}"#);
}

#[tokio::test]
async fn the_recorder_is_told_which_mail_a_question_is_about() {
    let bench = Bench::new().await;
    let (anna, sandbox, id) = (anna(), &bench.sandbox, MailId([9; 16]));
    let about = || Attributes::of(id);
    let question = Submission { attributes: about(), ..submission() };
    sandbox.allow_submission(&anna, NOW, question).await.unwrap();
    sandbox.next_attempt(&anna, NOW, Retry { attributes: about(), ..retry() }).await.unwrap();
    sandbox.accept_friend(&anna, NOW, request(true)).await.unwrap();
    let resolve = Resolve { address: "anna@tox".parse().unwrap(), mail: Some(id) };
    sandbox.resolve(&anna, NOW, resolve).await.unwrap();
    let Select { mail: waiting, relays } = mail_waiting();
    let select = Select { mail: WaitingMail { attributes: about(), ..waiting }, relays };
    sandbox.select(&anna, NOW, select).await.unwrap();
    let facts = MailFacts { attributes: about(), ..facts(Direction::Incoming) };
    sandbox.filter(&anna, NOW, facts, mail("Subject: x\n\nx\n")).await.unwrap();
    bench.records(6).await;
    let mut mails = bench.world.mails.lock().unwrap().clone();
    mails.sort();
    let expected = [
        ("accept-friend", None),
        ("allow-submission", Some(id)),
        ("filter", Some(id)),
        ("next-attempt", Some(id)),
        ("resolve", Some(id)),
        ("select", Some(id)),
    ];
    assert_eq!(mails, expected.map(|(function, mail)| (function.to_owned(), mail)));
}
