//! The real core, as offline mail sees it; what the daemon does, on the simulated network.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use bytes::Bytes;
use gateway::testing::Process;
use gateway::{Asked, Gateway, Received};
use mail::record::{ContactState, OutboxEntry};
use mail::{AccountName, Acknowledgement, BodyDigest, Envelope, MailId, PublicKey};

use super::disk::Disk;
use super::world::{Sim, secret};
use crate::ports::{Core, Failure, Identity};

/// One process of a gateway.
pub(crate) struct SimCore {
    sim: Weak<Sim>,
    node: usize,
    gateway: Weak<Gateway>,
    disk: Arc<Disk>,
}

fn failure(error: impl ToString) -> Failure {
    Failure(error.to_string())
}

impl SimCore {
    pub fn new(sim: &Weak<Sim>, node: usize, process: &Process, disk: &Arc<Disk>) -> Self {
        let gateway = Arc::downgrade(&process.gateway);
        Self { sim: Weak::clone(sim), node, gateway, disk: Arc::clone(disk) }
    }

    fn gateway(&self) -> Result<Arc<Gateway>, Failure> {
        self.gateway.upgrade().ok_or_else(|| failure("the process is gone"))
    }
}

#[async_trait]
impl Core for SimCore {
    fn accounts(&self) -> Vec<AccountName> {
        self.gateway().map(|gateway| gateway.accounts()).unwrap_or_default()
    }

    async fn identity(&self, account: &AccountName) -> Option<Identity> {
        let tox_id = *self.sim.upgrade()?.nodes[self.node].accounts.get(account)?;
        Some(Identity { secret: secret(account.as_str()), tox_id })
    }

    fn is_online(&self, account: &AccountName, key: PublicKey) -> bool {
        self.sim.upgrade().is_some_and(|sim| sim.is_online(self.node, account, key))
    }

    fn contact(&self, account: &AccountName, key: PublicKey) -> Option<ContactState> {
        self.gateway().ok()?.contact(account, key).map(|contact| contact.state)
    }

    fn contacts(&self, account: &AccountName) -> Vec<PublicKey> {
        let contacts = self.gateway().map(|gateway| gateway.contacts(account)).unwrap_or_default();
        let confirmed = contacts.iter().filter(|contact| contact.state == ContactState::Confirmed);
        confirmed.map(|contact| contact.key).collect()
    }

    async fn outgoing(
        &self,
        id: MailId,
        max: usize,
    ) -> Result<Option<(OutboxEntry, Option<Bytes>)>, Failure> {
        self.gateway()?.outgoing(id, max).await.map_err(failure)
    }

    async fn take(
        &self,
        account: &AccountName,
        sender: PublicKey,
        id: MailId,
        envelope: Envelope,
        body: Bytes,
    ) -> Received {
        let gateway = match self.gateway() {
            Ok(gateway) => gateway,
            Err(error) => return Received::Later(error.to_string()),
        };
        let received = gateway.receive_whole(account, sender, id, envelope, body).await;
        let is_taken = matches!(received, Received::Acknowledged(_));
        self.disk.taken.fetch_add(u64::from(is_taken), Ordering::Relaxed);
        received
    }

    async fn knock(&self, account: &AccountName, key: PublicKey, text: &str) -> Result<Asked, Failure> {
        self.gateway()?.knock(account, key, text).await.map_err(failure)
    }

    async fn is_waiting(&self, account: &AccountName, key: PublicKey) -> Result<bool, Failure> {
        let requests = self.gateway()?.friend_requests(account).await.map_err(failure)?;
        Ok(requests.iter().any(|request| request.key == key))
    }

    async fn acknowledged(
        &self,
        account: &AccountName,
        from: PublicKey,
        id: MailId,
        digest: BodyDigest,
        word: Acknowledgement,
    ) -> Result<(), Failure> {
        self.gateway()?.acknowledged(account, from, id, digest, word).await.map_err(failure)
    }

    fn record_changed(&self, _account: &AccountName) {
        self.disk.record_changes.fetch_add(1, Ordering::Relaxed);
    }

    fn outbox_changed(&self, account: &AccountName, id: MailId, what: &str) {
        if let Ok(gateway) = self.gateway() {
            gateway.tell_outbox_changed(account, id, what);
        }
    }
}
