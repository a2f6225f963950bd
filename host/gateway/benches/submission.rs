//! What submission costs in the core alone: ports that do nothing, no disk, no components.
//!
//! `cargo bench -p gateway --bench submission`

use ::clock::SystemClock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use gateway::ports::*;
use gateway::{Gateway, Settings};
use mail::decision::mail_filter::{MailFacts, MessageBytes, Verdict};
use mail::decision::policy::{self, FriendRequestAnswer, Retry, RetryAnswer, Submission, SubmissionAnswer};
use mail::decision::resolver::{Resolution, Resolve, ResolveAnswer, Source, Target, Trust};
use mail::decision::{DecisionFailure, Decisions};
use mail::record::NewMail;
use mail::record::*;
use mail::storage::{Bodies, BodyWriter, Outbox, People, Quarantine, Reception, StorageError};
use mail::*;
use tokio::time::Instant;

const MAILS: usize = 2000;
const SESSIONS: usize = 10;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for (sessions, size) in [(1, 4096), (SESSIONS, 4096), (SESSIONS, 1_000_000)] {
        let mails = if size > 100_000 { MAILS / 20 } else { MAILS };
        let gateway = gateway().await?;
        let start = Instant::now();
        let tasks: Vec<_> =
            (0..sessions).map(|_| tokio::spawn(session(gateway.clone(), mails, size))).collect();
        for task in tasks {
            task.await??;
        }
        let seconds = start.elapsed().as_secs_f64();
        let count = u32::try_from(sessions * mails)?;
        println!("{sessions:2} sessions, {size:7} bytes: {:8.0} mails a second", f64::from(count) / seconds);
        gateway.stop().await;
    }
    Ok(())
}

async fn gateway() -> Result<Arc<Gateway>, StorageError> {
    let clock = Arc::new(SystemClock::new());
    let (nothing, random) = (Arc::new(Nothing::default()), Arc::new(Counter::default()));
    let settings = Settings::default();
    let gateway =
        Gateway::new(nothing.clone(), nothing.clone(), nothing.clone(), nothing, random, clock, settings);
    let gateway = Arc::new(gateway);
    gateway.start().await?;
    Ok(gateway)
}

async fn session(gateway: Arc<Gateway>, mails: usize, size: usize) -> Result<(), Refusal> {
    let anna = anna();
    let to: Address = Address::at_tox(&id(2).to_string()).map_err(|_| Refusal::permanent(1, 1, "address"))?;
    let header = "From: <anna@tox>\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@x>\r\n\r\n";
    let text = Bytes::from([header.as_bytes(), &vec![b'x'; size - header.len()]].concat());
    for _ in 0..mails {
        let mut submission =
            gateway.begin_submission(&anna, ReversePath::Null, None, Return::Headers, None)?;
        submission.recipient(to.clone(), Notify::default(), None).await?;
        for at in (0..size).step_by(65_536) {
            submission.write(text.slice(at..size.min(at + 65_536))).await?;
        }
        submission.finish().await?;
    }
    Ok(())
}

fn anna() -> AccountName {
    AccountName::try_from("anna".to_owned()).unwrap_or_else(|_| std::process::abort())
}

fn id(number: u8) -> ToxId {
    ToxId { key: PublicKey([number; 32]), nospam: Nospam([0; 4]) }
}

#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Random for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        bytes.iter_mut().zip(next).for_each(|(byte, next)| *byte = next);
    }
}

/// All other ports: nothing is stored, nobody is online, everything is allowed.
#[derive(Default)]
struct Nothing(AtomicU64);

struct Counted(StagedBody);

#[async_trait]
impl BodyWriter for Counted {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        self.0.size += bytes.len() as u64;
        Ok(())
    }
    async fn finish(self: Box<Self>) -> Result<StagedBody, StorageError> {
        Ok(self.0)
    }
}

#[async_trait]
impl Bodies for Nothing {
    fn new_body(&self) -> Box<dyn BodyWriter> {
        let id = BodyId(self.0.fetch_add(1, Ordering::Relaxed));
        Box::new(Counted(StagedBody { id, size: 0 }))
    }

    fn read_body_blocking(&self, _: BodyId, _: u64, _: usize) -> Result<Bytes, StorageError> {
        Ok(Bytes::new())
    }

    async fn read_body(&self, _: BodyId, _: u64, _: usize) -> Result<Bytes, StorageError> {
        Ok(Bytes::new())
    }

    async fn discard_body(&self, _: StagedBody) -> Result<(), StorageError> {
        Ok(())
    }
}

#[async_trait]
impl Outbox for Nothing {
    async fn enqueue(
        &self,
        _: StagedBody,
        _: Vec<OutboxEntry>,
        _: Vec<QuarantineEntry>,
    ) -> Result<(), StorageError> {
        Ok(())
    }

    async fn outbox_page(&self, _: Option<MailId>, _: usize) -> Result<Vec<OutboxEntry>, StorageError> {
        Ok(Vec::new())
    }

    /// Ended already: what the schedule does is not measured.
    async fn outbox_entry(&self, _: MailId) -> Result<Option<OutboxEntry>, StorageError> {
        Ok(None)
    }

    async fn update_outbox(&self, _: OutboxEntry) -> Result<(), StorageError> {
        Ok(())
    }

    async fn finish_outbox(
        &self,
        _: MailId,
        _: Outcome,
        _: Vec<(NewMail, StagedBody)>,
    ) -> Result<(), StorageError> {
        Ok(())
    }

    async fn record_ended(&self, _: Vec<(OutboxEntry, Outcome)>) -> Result<(), StorageError> {
        Ok(())
    }

    async fn deliver_local(
        &self,
        _: MailId,
        _: NewMail,
        _: Vec<(NewMail, StagedBody)>,
    ) -> Result<(), StorageError> {
        Ok(())
    }

    async fn has_written_to(&self, _: &AccountName, _: PublicKey) -> Result<bool, StorageError> {
        Ok(false)
    }
}

#[async_trait]
impl Reception for Nothing {
    async fn arrival(&self, _: &ArrivalKey) -> Result<Option<Arrival>, StorageError> {
        Ok(None)
    }

    async fn partial(&self, _: &ArrivalKey) -> Result<Option<Partial>, StorageError> {
        Ok(None)
    }

    async fn begin_partial(&self, _: &ArrivalKey, partial: Partial) -> Result<Partial, StorageError> {
        Ok(partial)
    }

    async fn append_partial(&self, _: &ArrivalKey, _: u64, _: Bytes) -> Result<u64, StorageError> {
        Ok(0)
    }

    async fn settle_partial(&self, _: &ArrivalKey) -> Result<(), StorageError> {
        Ok(())
    }

    async fn drop_partial(&self, _: &ArrivalKey) -> Result<(), StorageError> {
        Ok(())
    }

    async fn parked_bytes(&self, _: PublicKey) -> Result<(u64, u64), StorageError> {
        Ok((0, 0))
    }

    async fn partials_of(&self, _: PublicKey) -> Result<Vec<ArrivalKey>, StorageError> {
        Ok(Vec::new())
    }

    async fn finish_partial(
        &self,
        _: &ArrivalKey,
        _: Option<NewMail>,
        _: Arrival,
    ) -> Result<(), StorageError> {
        Ok(())
    }

    async fn finish_partial_with(
        &self,
        _: &ArrivalKey,
        _: NewMail,
        _: StagedBody,
        _: Arrival,
    ) -> Result<(), StorageError> {
        Ok(())
    }

    async fn deliver_own(&self, _: NewMail, _: StagedBody) -> Result<(), StorageError> {
        Ok(())
    }

    async fn sweep(&self, _: Wall, _: Wall) -> Result<(), StorageError> {
        Ok(())
    }
}

#[async_trait]
impl Quarantine for Nothing {
    async fn quarantine(&self, _: &AccountName) -> Result<Vec<QuarantineEntry>, StorageError> {
        Ok(Vec::new())
    }

    async fn release(&self, _: &AccountName, _: MailId) -> Result<Option<OutboxEntry>, StorageError> {
        Ok(None)
    }

    async fn delete_quarantined(&self, _: &AccountName, _: MailId) -> Result<(), StorageError> {
        Ok(())
    }

    async fn empty_bin(&self, _: Wall) -> Result<u64, StorageError> {
        Ok(0)
    }
}

#[async_trait]
impl People for Nothing {
    async fn accounts(&self) -> Result<Vec<Account>, StorageError> {
        Ok(vec![Account { id: 0, name: anna(), owner: true, addresses: Vec::new(), created: Wall(0) }])
    }

    async fn contacts(&self, _: &AccountName) -> Result<Vec<Contact>, StorageError> {
        Ok(Vec::new())
    }

    async fn put_contact(&self, _: &AccountName, _: Contact) -> Result<(), StorageError> {
        Ok(())
    }

    async fn remove_contact(&self, _: &AccountName, _: PublicKey) -> Result<(), StorageError> {
        Ok(())
    }

    async fn friend_requests(&self, _: &AccountName) -> Result<Vec<FriendRequest>, StorageError> {
        Ok(Vec::new())
    }

    async fn put_friend_request(&self, _: &AccountName, _: FriendRequest) -> Result<(), StorageError> {
        Ok(())
    }

    async fn is_declined(&self, _: &AccountName, _: PublicKey) -> Result<bool, StorageError> {
        Ok(false)
    }

    async fn decline(&self, _: &AccountName, _: PublicKey, _: Wall) -> Result<(), StorageError> {
        Ok(())
    }

    async fn pins(&self, _: &AccountName) -> Result<Vec<Pin>, StorageError> {
        Ok(Vec::new())
    }

    async fn unreadable_pins(&self, _: &AccountName) -> Result<Vec<Address>, StorageError> {
        Ok(Vec::new())
    }

    async fn put_pin(&self, _: &AccountName, _: Pin) -> Result<(), StorageError> {
        Ok(())
    }
}

#[async_trait]
impl Network for Nothing {
    fn tox_id(&self, _: &AccountName) -> Option<ToxId> {
        Some(id(1))
    }
    fn is_online(&self, _: &AccountName, _: PublicKey) -> bool {
        false
    }
    async fn transfer(
        &self,
        _: &AccountName,
        _: PublicKey,
        _: &OutboxEntry,
        _: &SentWhole,
    ) -> Result<Acknowledgement, TransferFailure> {
        Err(TransferFailure::Disconnected)
    }
    fn cancel(&self, _: &AccountName, _: PublicKey, _: MailId) {}
    async fn request_friend(&self, _: &AccountName, _: ToxId, _: &str) -> Result<(), NetworkError> {
        Ok(())
    }
    async fn accept_friend(&self, _: &AccountName, _: PublicKey) -> Result<(), NetworkError> {
        Ok(())
    }
    async fn friends(&self, _: &AccountName) -> Result<Vec<PublicKey>, NetworkError> {
        Ok(Vec::new())
    }
    async fn remove_friend(&self, _: &AccountName, _: PublicKey) -> Result<(), NetworkError> {
        Ok(())
    }
    fn set_addresses(&self, _: &AccountName, _: Vec<Address>) {}
}

#[async_trait]
impl Decisions for Nothing {
    async fn submission(
        &self,
        _: &AccountName,
        _: Wall,
        _: Submission,
    ) -> Result<SubmissionAnswer, DecisionFailure> {
        Ok(SubmissionAnswer::Allow)
    }
    async fn friend_request(
        &self,
        _: &AccountName,
        _: Wall,
        _: policy::FriendRequest,
    ) -> Result<FriendRequestAnswer, DecisionFailure> {
        Ok(FriendRequestAnswer::AskUser)
    }
    async fn retry(&self, _: &AccountName, _: Wall, _: Retry) -> Result<RetryAnswer, DecisionFailure> {
        Ok(RetryAnswer::After(Duration::from_secs(60)))
    }
    async fn resolve(&self, _: &AccountName, _: Wall, _: Resolve) -> Result<ResolveAnswer, DecisionFailure> {
        Ok(ResolveAnswer::Found(Resolution {
            target: Target::ToxId(id(2)),
            source: Source::Literal,
            trust: Trust::Verified,
            attributes: Vec::new(),
        }))
    }
    async fn filter(
        &self,
        _: &AccountName,
        _: Wall,
        _: MailFacts,
        _: Arc<dyn MessageBytes>,
    ) -> Result<Verdict, DecisionFailure> {
        Ok(Verdict::Accept(Vec::new()))
    }
    fn quarantine_unfiltered(&self) -> bool {
        false
    }
}

impl Events for Nothing {
    fn publish(&self, _: Event) {}
}
