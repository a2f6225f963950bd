//! What a Tox instance tells, handed to the core.

use std::sync::Arc;

use bytes::Bytes;
use gateway::{ContactError, Gateway};
use mail::PublicKey;
use tox::{Connection, Event, Events};

use super::instance::Instance;

/// Events taken at once.
const BATCH: usize = 256;

impl Instance {
    /// Hands events to the core until the instance stops.
    pub(super) async fn listen(self: Arc<Self>, mut events: Events, gateway: Arc<Gateway>) {
        loop {
            let batch = events.next_batch(BATCH).await;
            if batch.is_empty() {
                return;
            }
            for event in batch {
                self.handle(event, &gateway).await;
            }
        }
    }

    async fn handle(self: &Arc<Self>, event: Event, gateway: &Arc<Gateway>) {
        match event {
            Event::Packet { key, bytes } => self.packet(key, bytes),
            Event::FriendConnection { key, connection: Connection::None } => self.disconnected(key),
            Event::FriendConnection { key, .. } => {
                self.connected(key, gateway);
                let (gateway, account) = (Arc::clone(gateway), self.account.clone());
                let instance = Arc::clone(self);
                tokio::spawn(async move {
                    report(gateway.friend_connected(&account, key).await);
                    // The saved data now know how this friend was reached.
                    instance.save().await;
                });
            }
            Event::FriendRequest { key, message } => {
                tracing::info!(account = %self.account, %key, "friend request");
                let (gateway, account) = (Arc::clone(gateway), self.account.clone());
                // A component may think about it: other events do not wait.
                tokio::spawn(async move { report(gateway.friend_request(&account, key, &message).await) });
            }
            Event::SavedDataChanged => self.save().await,
            Event::Overflow { key } => {
                tracing::warn!(account = %self.account, %key, "a contact sends faster than it may");
                if let Some(session) = self.session(key) {
                    session.disconnect().await;
                }
                self.tox.resume(&key);
            }
            Event::SelfConnection(connection) => {
                tracing::info!(account = %self.account, ?connection, "Tox");
                if connection != Connection::None {
                    self.save().await;
                }
            }
            // Nobody reads messages here, as the status message says; answering could go on for ever between two gateways.
            Event::Message { .. }
            | Event::Receipt { .. }
            | Event::Name { .. }
            | Event::StatusMessage { .. } => {}
        }
    }

    fn packet(&self, key: PublicKey, bytes: Vec<u8>) {
        let is_ours = bytes.first() == Some(&peer::limits::PACKET_ID.get());
        if let Some(session) = self.session(key).filter(|_| is_ours) {
            session.packet(Bytes::from(bytes));
        }
    }

    /// Stores the Tox data: the store is the truth.
    pub(super) async fn save(&self) {
        let saved = match self.tox.saved().await {
            Ok(saved) => saved,
            Err(error) => return tracing::debug!(%error, "nothing to save"),
        };
        let saved = zeroize::Zeroizing::new(saved.as_bytes().to_vec());
        match self.store.put_tox_saved(&self.account, saved).await {
            Ok(()) => {}
            // The account is just being made, together with its Tox data, or just being removed.
            Err(store::Error::NotFound) => tracing::debug!(account = %self.account, "no account to save for"),
            Err(error) => tracing::error!(%error, account = %self.account, "Tox data were not stored"),
        }
    }
}

fn report(result: Result<(), ContactError>) {
    if let Err(error) = result {
        tracing::warn!(%error, "a contact was not brought up to date");
    }
}
