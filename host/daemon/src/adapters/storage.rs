//! Plugs `store` into the core's port [`Storage`]: the same methods, with the core's errors.

use async_trait::async_trait;
use bytes::Bytes;
use gateway::ports::{BodyWriter, Storage, StorageError};
use mail::record::{
    Account, Arrival, ArrivalKey, BodyId, Contact, FriendRequest, NewMail, OutboxEntry, Outcome, Partial,
    Pin, QuarantineEntry, StagedBody,
};
use mail::{AccountName, Address, MailId, PublicKey, Wall};
use store::Store;

/// The store, as the core sees it.
pub struct StoreAdapter(pub Store);

struct Body(store::BodyWriter);

#[async_trait]
impl BodyWriter for Body {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        self.0.write(bytes).await.map_err(storage_error)
    }

    async fn finish(self: Box<Self>) -> Result<StagedBody, StorageError> {
        self.0.finish().await.map_err(storage_error)
    }
}

/// The core's word for an error of the store.
pub fn storage_error(error: store::Error) -> StorageError {
    match error {
        store::Error::NotFound => StorageError::NotFound,
        store::Error::Exists(name) => StorageError::Exists(name),
        store::Error::LimitReached(limit) => StorageError::LimitReached(limit),
        store::Error::Full => StorageError::Full,
        other => StorageError::Failed(other.to_string()),
    }
}

#[async_trait]
impl Storage for StoreAdapter {
    fn new_body(&self) -> Box<dyn BodyWriter> {
        Box::new(Body(self.0.new_body()))
    }

    fn read_body_blocking(&self, body: BodyId, offset: u64, max: usize) -> Result<Bytes, StorageError> {
        self.0.read_body_blocking(body, offset, max).map_err(storage_error)
    }

    async fn read_body(&self, body: BodyId, offset: u64, max: usize) -> Result<Bytes, StorageError> {
        self.0.read_body(body, offset, max).await.map_err(storage_error)
    }

    async fn discard_body(&self, body: StagedBody) -> Result<(), StorageError> {
        self.0.discard_body(body).await.map_err(storage_error)
    }

    async fn enqueue(
        &self,
        body: StagedBody,
        entries: Vec<OutboxEntry>,
        quarantined: Vec<QuarantineEntry>,
    ) -> Result<(), StorageError> {
        self.0.enqueue(body, entries, quarantined).await.map_err(storage_error)
    }

    async fn outbox_page(&self, after: Option<MailId>, max: usize) -> Result<Vec<OutboxEntry>, StorageError> {
        self.0.outbox_page(after, max).await.map_err(storage_error)
    }

    async fn outbox_entry(&self, id: MailId) -> Result<Option<OutboxEntry>, StorageError> {
        self.0.outbox_entry(id).await.map_err(storage_error)
    }

    async fn update_outbox(&self, entry: OutboxEntry) -> Result<(), StorageError> {
        self.0.update_outbox(entry).await.map_err(storage_error)
    }

    async fn finish_outbox(
        &self,
        id: MailId,
        outcome: Outcome,
        reports: Vec<(NewMail, StagedBody)>,
    ) -> Result<(), StorageError> {
        self.0.finish_outbox(id, outcome, reports).await.map_err(storage_error)
    }

    async fn record_ended(&self, ended: Vec<(OutboxEntry, Outcome)>) -> Result<(), StorageError> {
        self.0.record_ended(ended).await.map_err(storage_error)
    }

    async fn deliver_local(
        &self,
        id: MailId,
        mail: NewMail,
        reports: Vec<(NewMail, StagedBody)>,
    ) -> Result<(), StorageError> {
        self.0.deliver_local(id, mail, reports).await.map_err(storage_error)
    }

    async fn arrival(&self, key: &ArrivalKey) -> Result<Option<Arrival>, StorageError> {
        self.0.arrival(key).await.map_err(storage_error)
    }

    async fn partial(&self, key: &ArrivalKey) -> Result<Option<Partial>, StorageError> {
        self.0.partial(key).await.map_err(storage_error)
    }

    async fn begin_partial(&self, key: &ArrivalKey, partial: Partial) -> Result<Partial, StorageError> {
        self.0.begin_partial(key, partial).await.map_err(storage_error)
    }

    async fn append_partial(&self, key: &ArrivalKey, offset: u64, bytes: Bytes) -> Result<u64, StorageError> {
        self.0.append_partial(key, offset, bytes).await.map_err(storage_error)
    }

    async fn settle_partial(&self, key: &ArrivalKey) -> Result<(), StorageError> {
        self.0.settle_partial(key).await.map_err(storage_error)
    }

    async fn drop_partial(&self, key: &ArrivalKey) -> Result<(), StorageError> {
        self.0.drop_partial(key).await.map_err(storage_error)
    }

    async fn parked_bytes(&self, sender: PublicKey) -> Result<(u64, u64), StorageError> {
        self.0.parked_bytes(sender).await.map_err(storage_error)
    }

    async fn partials_of(&self, sender: PublicKey) -> Result<Vec<ArrivalKey>, StorageError> {
        self.0.partials_of(sender).await.map_err(storage_error)
    }

    async fn finish_partial(
        &self,
        key: &ArrivalKey,
        mail: Option<NewMail>,
        arrival: Arrival,
    ) -> Result<(), StorageError> {
        self.0.finish_partial(key, mail, arrival).await.map_err(storage_error)
    }

    async fn finish_partial_with(
        &self,
        key: &ArrivalKey,
        mail: NewMail,
        body: StagedBody,
        arrival: Arrival,
    ) -> Result<(), StorageError> {
        self.0.finish_partial_with(key, mail, body, arrival).await.map_err(storage_error)
    }

    async fn deliver_own(&self, mail: NewMail, body: StagedBody) -> Result<(), StorageError> {
        self.0.deliver_own(mail, body).await.map_err(storage_error)
    }

    async fn sweep(&self, arrivals_before: Wall, partials_before: Wall) -> Result<(), StorageError> {
        self.0.sweep(arrivals_before, partials_before).await.map_err(storage_error)
    }

    async fn quarantine(&self, account: &AccountName) -> Result<Vec<QuarantineEntry>, StorageError> {
        self.0.quarantine(account).await.map_err(storage_error)
    }

    async fn release(
        &self,
        account: &AccountName,
        uidl: MailId,
    ) -> Result<Option<OutboxEntry>, StorageError> {
        self.0.release(account, uidl).await.map_err(storage_error)
    }

    async fn delete_quarantined(&self, account: &AccountName, uidl: MailId) -> Result<(), StorageError> {
        self.0.delete_quarantined(account, uidl).await.map_err(storage_error)
    }

    async fn empty_bin(&self, now: Wall) -> Result<u64, StorageError> {
        self.0.empty_bin(now).await.map_err(storage_error)
    }

    async fn accounts(&self) -> Result<Vec<Account>, StorageError> {
        self.0.accounts().await.map_err(storage_error)
    }

    async fn contacts(&self, account: &AccountName) -> Result<Vec<Contact>, StorageError> {
        self.0.contacts(account).await.map_err(storage_error)
    }

    async fn put_contact(&self, account: &AccountName, contact: Contact) -> Result<(), StorageError> {
        self.0.put_contact(account, contact).await.map_err(storage_error)
    }

    async fn remove_contact(&self, account: &AccountName, key: PublicKey) -> Result<(), StorageError> {
        self.0.remove_contact(account, key).await.map_err(storage_error)
    }

    async fn friend_requests(&self, account: &AccountName) -> Result<Vec<FriendRequest>, StorageError> {
        self.0.friend_requests(account).await.map_err(storage_error)
    }

    async fn put_friend_request(
        &self,
        account: &AccountName,
        request: FriendRequest,
    ) -> Result<(), StorageError> {
        self.0.put_friend_request(account, request).await.map_err(storage_error)
    }

    async fn remove_friend_request(&self, account: &AccountName, key: PublicKey) -> Result<(), StorageError> {
        self.0.remove_friend_request(account, key).await.map_err(storage_error)
    }

    async fn pins(&self, account: &AccountName) -> Result<Vec<Pin>, StorageError> {
        self.0.pins(account).await.map_err(storage_error)
    }

    async fn unreadable_pins(&self, account: &AccountName) -> Result<Vec<Address>, StorageError> {
        self.0.unreadable_pins(account).await.map_err(storage_error)
    }

    async fn put_pin(&self, account: &AccountName, pin: Pin) -> Result<(), StorageError> {
        self.0.put_pin(account, pin).await.map_err(storage_error)
    }

    async fn has_written_to(&self, account: &AccountName, key: PublicKey) -> Result<bool, StorageError> {
        self.0.has_written_to(account, key).await.map_err(storage_error)
    }
}
