//! The core, as offline mail sees it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_trait::async_trait;
use bytes::Bytes;
use drops::point::Secret;
use gateway::ports::Network as _;
use gateway::{Asked, Gateway, Received};
use mail::record::{ContactState, OutboxEntry};
use mail::storage::Identities as _;
use mail::{AccountName, Acknowledgement, BodyDigest, Envelope, MailId, PublicKey};
use offline::ports::{Core, Failure, Identity};
use store::Store;

use super::Parts;
use net::ToxNetwork;

/// Core, network and store.
pub struct GatewayCore {
    gateway: Weak<Gateway>,
    network: Arc<ToxNetwork>,
    store: Store,
    /// Secret keys of identities that run, by public key: another account of the same name has another one. Reading one walks
    /// through all of the Tox data.
    secrets: Mutex<HashMap<PublicKey, Secret>>,
}

fn failure(error: impl ToString) -> Failure {
    Failure(error.to_string())
}

impl GatewayCore {
    pub fn new(parts: &Parts<'_>) -> Self {
        Self {
            gateway: Arc::downgrade(parts.gateway),
            network: Arc::clone(parts.network),
            store: parts.store.clone(),
            secrets: Mutex::default(),
        }
    }

    fn gateway(&self) -> Result<Arc<Gateway>, Failure> {
        self.gateway.upgrade().ok_or_else(|| failure("the gateway is stopping"))
    }

    /// The secret key of an account whose public key is `key`.
    async fn secret(&self, account: &AccountName, key: PublicKey) -> Option<Secret> {
        let known = self.secrets.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if known.is_some() {
            return known;
        }
        let saved = self.store.tox_saved(account).await.ok().flatten()?;
        let saved = tox::SavedData::new(saved.to_vec()).ok()?;
        if saved.public_key() != key {
            return None;
        }
        let secret = Secret::from_bytes(*saved.secret_key());
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.retain(|key, _| self.network.account_of(*key).is_some());
        secrets.insert(key, secret.clone());
        Some(secret)
    }
}

#[async_trait]
impl Core for GatewayCore {
    fn accounts(&self) -> Vec<AccountName> {
        self.gateway().map(|gateway| gateway.accounts()).unwrap_or_default()
    }

    async fn identity(&self, account: &AccountName) -> Option<Identity> {
        let tox_id = self.network.tox_id(account)?;
        let secret = self.secret(account, tox_id.key).await?;
        Some(Identity { secret, tox_id })
    }

    fn is_online(&self, account: &AccountName, key: PublicKey) -> bool {
        self.network.is_online(account, key)
    }

    fn contact(&self, account: &AccountName, key: PublicKey) -> Option<ContactState> {
        let gateway = self.gateway().ok()?;
        gateway.contact(account, key).map(|contact| contact.state)
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
        match self.gateway() {
            Ok(gateway) => gateway.receive_whole(account, sender, id, envelope, body).await,
            Err(error) => Received::Later(error.to_string()),
        }
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

    fn record_changed(&self, account: &AccountName) {
        self.network.announce_record(account);
    }

    fn outbox_changed(&self, account: &AccountName, id: MailId, what: &str) {
        if let Ok(gateway) = self.gateway() {
            gateway.tell_outbox_changed(account, id, what);
        }
    }
}
