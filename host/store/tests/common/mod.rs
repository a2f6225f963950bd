//! What the tests of the store share.
#![allow(dead_code, reason = "each test program uses a part")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
pub use clock::ManualClock;
use mail::record::{
    Account, Arrival, ArrivalKey, BodyId, MailboxEntry, Marks, OutboxEntry, Partial, Route, StagedBody,
};
use mail::storage::{Bodies as _, StorageError};
use mail::{
    AccountName, Acknowledgement, Address, BodyDigest, Clock, ComponentDigest, Envelope, MailId, PublicKey,
    ReversePath, ToxId, Wall,
};
use store::{NewMail, OpenOptions, Store};

pub const PREFIX: &[u8] = b"Received: here\r\n";

pub fn alice() -> AccountName {
    "alice".parse().unwrap()
}

pub fn bob() -> AccountName {
    "bob".parse().unwrap()
}

pub fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub fn id(number: u8) -> MailId {
    MailId([number; 16])
}

pub fn component(number: u8) -> ComponentDigest {
    ComponentDigest([number; 32])
}

pub fn key(number: u8) -> PublicKey {
    PublicKey([number; 32])
}

pub fn tox_id(number: u8) -> ToxId {
    ToxId { key: key(number), nospam: mail::Nospam([1, 2, 3, 4]) }
}

pub fn options() -> OpenOptions {
    OpenOptions::new(Arc::new(clock()))
}

pub fn open(dir: &Path) -> Store {
    Store::open(dir, options()).unwrap()
}

pub fn account(name: AccountName, owner: bool) -> Account {
    Account { id: 0, name, owner, addresses: Vec::new(), created: Wall(1) }
}

/// A store with alice (the owner) and bob.
pub async fn with_accounts(dir: &Path) -> Store {
    with_accounts_and(dir, options()).await
}

pub async fn with_accounts_and(dir: &Path, options: OpenOptions) -> Store {
    let store = Store::open(dir, options).unwrap();
    store.create_account(account(alice(), true), None, "hash".to_owned()).await.unwrap();
    store.create_account(account(bob(), false), None, "hash".to_owned()).await.unwrap();
    store
}

pub fn envelope() -> Envelope {
    Envelope::new(ReversePath::Mailbox(address("alice@tox")), address("bob@tox"))
}

/// A body of `size` bytes that differ.
pub fn bytes(size: usize, seed: u8) -> Bytes {
    (0..size).map(|at| (at as u8).wrapping_mul(31).wrapping_add((at >> 8) as u8) ^ seed).collect()
}

pub async fn stage(store: &Store, bytes: &Bytes) -> Result<StagedBody, StorageError> {
    let mut writer = store.new_body();
    for piece in bytes.chunks(40_000) {
        writer.write(Bytes::copy_from_slice(piece)).await?;
    }
    writer.finish().await
}

pub fn entry(id: MailId, body: StagedBody) -> OutboxEntry {
    OutboxEntry {
        id,
        account: alice(),
        envelope: envelope(),
        route: Route::Local(bob()),
        prefix: PREFIX.to_vec(),
        body: body.id,
        size: body.size + PREFIX.len() as u64,
        digest: BodyDigest([1; 32]),
        created: Wall(1),
        expires: Wall(2),
        attempts: 0,
        next_attempt: None,
        last_problem: None,
        marks: Marks::default(),
    }
}

pub fn mail(account: AccountName, body: BodyId, body_bytes: u64) -> NewMail {
    let entry = MailboxEntry {
        number: 0,
        uidl: MailId([0; 16]),
        received: Wall(1),
        prefix: PREFIX.to_vec(),
        body,
        size: body_bytes + PREFIX.len() as u64,
        sender: None,
        envelope: envelope(),
    };
    NewMail { account, entry, quarantine: None }
}

pub fn arrival_key(number: u8) -> ArrivalKey {
    ArrivalKey { sender: key(9), account: bob(), mail: id(number) }
}

pub fn partial(size: u64) -> Partial {
    Partial {
        body: BodyId(0),
        durable: 0,
        size,
        digest: BodyDigest([1; 32]),
        envelope: envelope(),
        touched: clock().wall(),
    }
}

pub fn arrival() -> Arrival {
    Arrival { digest: BodyDigest([1; 32]), acknowledgement: Acknowledgement::Delivered, when: Wall(1000) }
}

/// The whole mails of a mailbox, prefix and body.
pub async fn mails(store: &Store, account: &AccountName) -> Vec<Bytes> {
    let mut mails = Vec::new();
    for item in store.mailbox_list(account).await.unwrap() {
        let mail = store.mailbox_read(account, item.number, 0, usize::MAX).await.unwrap();
        assert_eq!(mail.len() as u64, item.size);
        mails.push(mail);
    }
    mails
}

/// A mail as POP3 gives it.
pub fn whole(body: &Bytes) -> Bytes {
    [PREFIX, body].concat().into()
}

pub async fn assert_sound(store: &Store) -> store::Report {
    let report = store.verify().await.unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(report.unreadable, []);
    report
}

/// Waits until `holds`, at most ten seconds.
pub async fn eventually<F>(what: &str, mut holds: impl FnMut() -> F)
where
    F: Future<Output = bool>,
{
    let clock = clock();
    let end = clock.monotonic().0 + Duration::from_secs(10);
    while !holds().await {
        assert!(clock.monotonic().0 < end, "{what} did not come in ten seconds");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A clock that stands at 22 November 2026 until a test advances it.
pub fn clock() -> ManualClock {
    ManualClock::at(mail::Wall(1_795_349_568_000))
}
