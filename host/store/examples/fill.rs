//! Fills the store of a gateway that is stopped, to see how its pages do with much in it:
//! `cargo run --release -p store --example fill DATA-DIRECTORY [MAILS]`.
//!
//! Puts MAILS (100 000) into the mailbox of the owner, a tenth as many into quarantine and into the outbox, and as many decisions
//! into the record.

use std::sync::Arc;

use bytes::Bytes;
use clock::SystemClock;
use mail::record::{
    BodyId, Contact, ContactState, Destination, MailboxEntry, Marks, OutboxEntry, Route, SetAside,
};
use mail::storage::{Bodies as _, Outbox as _, People as _, Reception as _, StorageError};
use mail::{AccountName, Address, BodyDigest, Clock, Envelope, MailId, PublicKey, ReversePath, Wall};
use store::{NewMail, OpenOptions, Store};
use tokio::task::JoinSet;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const BODY: &[u8] = b"Subject: filled\r\n\r\nA mail among many.\r\n";

/// A decision as the gateway records one; `FACTS` is what the component was told.
const RECORD: &str = r#"{"slot":"policy","function":"next-attempt","entry":"policy","account":"owner","component":"0000000000000000000000000000000000000000000000000000000000000000","facts":"FACTS","capability_calls":[],"capability_calls_dropped":0,"outcome":{"Ok":"\"allow\""},"log":[],"log_lines_dropped":0,"when":0,"duration":{"secs":0,"nanos":1000}}"#;

/// Mails put in at once: they share commits.
const AT_ONCE: u64 = 500;

/// To whom the mails in the outbox go; never online.
const FRIEND: PublicKey = PublicKey([7; 32]);

/// What becomes of a mail.
#[derive(Clone, Copy)]
enum Place {
    Mailbox,
    Quarantine,
    Outbox,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("name the data directory of a gateway that is stopped")?;
    let mails: u64 = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = Store::open(&directory, OpenOptions::new(Arc::clone(&clock)))?;
    let accounts = store.accounts().await?;
    let owner = accounts.into_iter().find(|account| account.owner).ok_or("there is no owner")?.name;
    store.put_contact(&owner, friend(clock.wall())?).await?;
    for (place, count) in
        [(Place::Mailbox, mails), (Place::Quarantine, mails / 10), (Place::Outbox, mails / 10)]
    {
        for _ in 0..count.div_ceil(AT_ONCE) {
            let mut tasks = JoinSet::new();
            for _ in 0..AT_ONCE {
                tasks.spawn(put(store.clone(), owner.clone(), place, clock.wall()));
            }
            while let Some(result) = tasks.join_next().await {
                result??;
            }
        }
    }
    let record = |mail: MailId| {
        let facts =
            format!(r#"{{\"size\":4096,\"attributes\":[[\"size\",\"4096\"],[\"mail-id\",\"{mail}\"]]}}"#);
        Bytes::from(RECORD.replace("FACTS", &facts))
    };
    for number in 0..mails {
        let mail = MailId(u128::from(number).to_be_bytes());
        store.append_decision("policy", mail::ComponentDigest([1; 32]), &owner, Some(mail), record(mail))?;
        if number % 2000 == 0 {
            store.flush().await?;
        }
    }
    store.close();
    Ok(())
}

fn friend(since: Wall) -> Result<Contact, Failure> {
    let (alias, addresses) = ("filled".parse()?, Vec::new());
    Ok(Contact { alias, key: FRIEND, tox_id: None, addresses, state: ContactState::Confirmed, since })
}

async fn put(store: Store, owner: AccountName, place: Place, now: Wall) -> Result<(), StorageError> {
    let mut writer = store.new_body();
    writer.write(Bytes::from_static(BODY)).await?;
    let body = writer.finish().await?;
    let address: Address =
        Address::at_tox(owner.as_str()).unwrap_or_else(|_| unreachable!("an account's name"));
    let envelope = Envelope::new(ReversePath::Mailbox(address.clone()), address);
    if let Place::Outbox = place {
        let entry = waiting(owner, envelope, body.id, body.size, now);
        return store.enqueue(body, vec![entry], Vec::new()).await;
    }
    let entry = MailboxEntry {
        number: 0,
        uidl: MailId([0; 16]),
        received: now,
        prefix: Vec::new(),
        body: body.id,
        size: body.size,
        sender: None,
        envelope,
    };
    let quarantine = matches!(place, Place::Quarantine).then(|| SetAside::quarantined("filled".to_owned()));
    store.deliver_own(NewMail { account: owner, entry, quarantine }, body).await
}

fn waiting(owner: AccountName, envelope: Envelope, body: BodyId, size: u64, now: Wall) -> OutboxEntry {
    let mut id = [0; 16];
    // Spread over the table as random ids are.
    id[..8].copy_from_slice(&body.0.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    OutboxEntry {
        id: MailId(id),
        account: owner,
        envelope,
        route: Route::Remote(Destination::Contact(FRIEND)),
        prefix: Vec::new(),
        body,
        size,
        digest: BodyDigest([1; 32]),
        created: now,
        expires: Wall(now.0 + 86_400_000),
        attempts: 0,
        next_attempt: None,
        last_problem: None,
        marks: Marks::default(),
    }
}
