//! The four default components answer right through real WebAssembly.

use std::time::Duration;

use mail::decision::Attributes;
use mail::decision::mail_filter::{MailFacts, Verdict};
use mail::decision::policy::{
    Deposit, DepositAnswer, FriendRequest, FriendRequestAnswer, Retry, RetryAnswer, Submission,
    SubmissionAnswer,
};
use mail::decision::relay_selector::{Identity, Relay, Select, WaitingMail};
use mail::decision::resolver::{Resolve, ResolveAnswer, Source, Target, Trust};
use mail::record::Direction;
use mail::{Envelope, PublicKey, Refusal, ReversePath};
use sandbox::Slot;
use sandbox::capabilities::{DnsError, TxtAnswer};
use sandbox::record::CapabilityCall;

use crate::setup::{BEN, Bench, NOW, anna, mail};

pub fn submission() -> Submission {
    Submission {
        reverse_path: ReversePath::Mailbox("anna@tox".parse().unwrap()),
        forward_path: "ben@tox".parse().unwrap(),
        declared_size: Some(4000),
        queued: 0,
        attributes: Attributes::default(),
    }
}

pub fn retry() -> Retry {
    Retry {
        attempts: 1,
        age: Duration::from_secs(10),
        remaining: Duration::from_secs(100_000),
        peer_online: false,
        problem: Refusal::transient(4, 1, "not online"),
        size: 4000,
        attributes: Attributes::default(),
    }
}

pub fn facts(direction: Direction) -> MailFacts {
    MailFacts {
        direction,
        envelope: Envelope::new(ReversePath::Null, "anna@tox".parse().unwrap()),
        peer: Some(PublicKey([7; 32])),
        is_contact: true,
        from_verified: true,
        attributes: Attributes::default(),
    }
}

pub fn request(written_to: bool) -> FriendRequest {
    FriendRequest {
        key: PublicKey([7; 32]),
        message: "hello".into(),
        written_to,
        attributes: Attributes::default(),
    }
}

pub fn deposit(admission: &str) -> Deposit {
    Deposit {
        admission: admission.into(),
        ttl_days: 7,
        cells: 60,
        capacity: 100,
        today: 3,
        attributes: Attributes::default(),
    }
}

fn relay(number: u8, owner: &str) -> Relay {
    Relay {
        key: PublicKey([number; 32]),
        owner: Some(owner.into()),
        served_here: false,
        read_by_recipient: true,
        chosen_by_user: true,
        receipts: 5,
        failures: 0,
        last_failure: None,
        fill: 20,
        tokens: 3,
        attributes: Attributes::default(),
    }
}

/// A mail, and four relays of three owners.
pub fn mail_waiting() -> Select {
    Select {
        mail: WaitingMail {
            size: 4000,
            cells: 1,
            remaining: Duration::from_secs(8 * 24 * 3600),
            recipient_is_contact: true,
            reposted: false,
            attributes: Attributes::default(),
        },
        relays: vec![relay(1, "anna"), relay(2, "anna"), relay(3, "ben"), relay(4, "cleo")],
    }
}

#[tokio::test]
async fn policy() {
    let bench = Bench::new().await;
    let (anna, sandbox) = (anna(), &bench.sandbox);
    assert_eq!(sandbox.allow_submission(&anna, NOW, submission()).await, Ok(SubmissionAnswer::Allow));
    assert_eq!(
        sandbox.accept_friend(&anna, NOW, request(true)).await,
        Ok(FriendRequestAnswer::AskUser),
        "the user is asked by default"
    );
    assert_eq!(
        sandbox.next_attempt(&anna, NOW, retry()).await,
        Ok(RetryAnswer::After(Duration::from_secs(300)))
    );
    assert_eq!(sandbox.allow_deposit(&anna, NOW, deposit("token")).await, Ok(DepositAnswer::Allow));
    let refused = sandbox.allow_deposit(&anna, NOW, deposit("stamp")).await;
    assert!(matches!(refused, Ok(DepositAnswer::Refuse(text)) if text.contains("token")));
}

#[tokio::test]
async fn policy_settings_reach_the_component() {
    let bench = Bench::with(|set| {
        set.entry(Slot::Policy).settings = vec![("accept-friends".into(), "written-to".into())];
    })
    .await;
    let ask = |written_to| bench.sandbox.accept_friend(&ANNA, NOW, request(written_to));
    let (known, unknown) = (ask(true).await, ask(false).await);
    assert_eq!(known, Ok(FriendRequestAnswer::Accept));
    assert_eq!(unknown, Ok(FriendRequestAnswer::AskUser));
}

async fn resolve(bench: &Bench, address: &str) -> ResolveAnswer {
    let question = Resolve { address: address.parse().unwrap(), mail: None };
    bench.sandbox.resolve(&anna(), NOW, question).await.unwrap()
}

#[tokio::test]
async fn resolver() {
    let bench = Bench::new().await;
    bench.world.dns.lock().unwrap().extend([
        (
            "cleo._tox.example.org".to_owned(),
            Ok(TxtAnswer { records: vec![format!("v=tox1;id={BEN}")], secure: false }),
        ),
        ("dora._tox.example.org".to_owned(), Err(DnsError::Unavailable("no route".into()))),
    ]);
    let id: mail::ToxId = BEN.parse().unwrap();

    let ResolveAnswer::Found(literal) = resolve(&bench, &format!("{BEN}@tox.internal")).await else {
        panic!()
    };
    assert_eq!((literal.target, literal.source), (Target::ToxId(id), Source::Literal));

    let ResolveAnswer::Found(contact) = resolve(&bench, "ben@example.org").await else { panic!() };
    assert_eq!((contact.target, contact.source), (Target::ToxId(id), Source::Contact));

    let ResolveAnswer::Found(account) = resolve(&bench, "anna@tox").await else { panic!() };
    assert_eq!(account.target, Target::Account(anna()));

    let ResolveAnswer::Found(dns) = resolve(&bench, "cleo@example.org").await else { panic!() };
    assert_eq!((dns.target, dns.source, dns.trust), (Target::ToxId(id), Source::Dns, Trust::FirstUse));

    assert!(matches!(resolve(&bench, "nobody@tox").await, ResolveAnswer::NotFound(_)));
    assert!(matches!(resolve(&bench, "nobody@example.org").await, ResolveAnswer::NotFound(_)));
    let ResolveAnswer::TryLater(text) = resolve(&bench, "dora@example.org").await else { panic!() };
    assert!(text.contains("no route"), "{text}");
}

#[tokio::test]
async fn relay_selector() {
    let bench = Bench::new().await;
    let plan = bench.sandbox.select(&anna(), NOW, mail_waiting()).await.unwrap();
    let keys: Vec<u8> = plan.choices.iter().map(|choice| choice.key.0[0]).collect();
    assert_eq!((keys, plan.enough, plan.ttl_days), (vec![1, 3, 4], 2, 7));
    assert!(plan.choices.iter().all(|choice| choice.identity == Identity::Throwaway));
}

const WITH_PROGRAM: &str = "\
From: ben@tox
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

look at this
--b
Content-Type: application/octet-stream; name=\"holiday.jpg.exe\"
Content-Disposition: attachment; filename=\"holiday.jpg.exe\"
Content-Transfer-Encoding: base64

TVo=
--b--
";

#[tokio::test]
async fn mail_filter() {
    let bench = Bench::new().await;
    let verdict = bench.sandbox.filter(&anna(), NOW, facts(Direction::Incoming), mail(WITH_PROGRAM)).await;
    assert_eq!(verdict, Ok(Verdict::Accept(vec![])), "all mail passes by default");
}

#[tokio::test]
async fn mail_filter_sets_programs_aside_when_asked() {
    let bench = Bench::with(|set| {
        set.entry(Slot::MailFilter).settings = vec![("quarantine-executables".into(), "yes".into())];
    })
    .await;
    let filter = |direction| bench.sandbox.filter(&ANNA, NOW, facts(direction), mail(WITH_PROGRAM));
    let Ok(Verdict::Quarantine(why)) = filter(Direction::Incoming).await else { panic!() };
    assert!(why.contains("holiday.jpg.exe"), "{why}");
    assert_eq!(filter(Direction::Outgoing).await, Ok(Verdict::Accept(vec![])));
}

static ANNA: std::sync::LazyLock<mail::AccountName> = std::sync::LazyLock::new(anna);

#[tokio::test]
async fn a_decision_is_recorded_with_facts_and_what_the_gateway_told() {
    let bench = Bench::new().await;
    resolve(&bench, "ben@tox").await;
    let records = bench.records(1).await;
    let record = &records[0];
    assert_eq!((record.slot, record.function.as_str()), (Slot::Resolver, "resolve"));
    assert_eq!(record.component, bench.sha256("default-resolver"));
    assert_eq!(record.facts, r#"{"address":"ben@tox"}"#);
    assert!(record.outcome.as_ref().unwrap().contains(BEN));
    let [CapabilityCall::AccountOf { answer: None, .. }, CapabilityCall::Contact { by, answer: Some(_), .. }] =
        record.capability_calls.as_slice()
    else {
        panic!("{:?}", record.capability_calls)
    };
    assert_eq!(by, "alias");
}

#[tokio::test]
async fn trouble_of_the_gateway_is_not_blamed_on_the_component() {
    let bench = Bench::new().await;
    let question = Resolve { address: "broken@tox".parse().unwrap(), mail: None };
    let error = bench.sandbox.resolve(&anna(), NOW, question).await.unwrap_err();
    assert_eq!(error.failure, sandbox::Failure::Gateway("the store is broken".into()));
    bench.records(1).await;
    let status = bench.sandbox.status();
    assert_eq!(status[1].health.failures, 0);
}
