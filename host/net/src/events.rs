//! Hands the events of a Tox instance to the core.

use std::sync::Arc;

use bytes::Bytes;
use gateway::{ContactError, Gateway};
use mail::PublicKey;
use mail::storage::StorageError;
use tokio::sync::Mutex;
use tox::{Connection, Event, Events};

use crate::instance::Instance;
use crate::limits::{EVENT_BATCH, SESSION_ANEW};

/// What an event is about.
#[derive(Clone, Copy)]
enum About {
    /// A packet of a friend's session.
    Session(PublicKey),
    /// A friend who comes or goes.
    Connection(PublicKey, Connection),
    Other,
}

impl About {
    const fn of(event: &Event) -> Self {
        match event {
            Event::Packet { key, .. } => Self::Session(*key),
            Event::FriendConnection { key, connection } => Self::Connection(*key, *connection),
            _ => Self::Other,
        }
    }
}

impl Instance {
    /// Hands events to the core until the instance stops.
    pub(crate) async fn listen(self: Arc<Self>, events: Arc<Mutex<Events>>, gateway: Arc<Gateway>) {
        let mut events = events.lock().await;
        loop {
            let batch = events.next_batch(EVENT_BATCH).await;
            if batch.is_empty() {
                return;
            }
            for event in batch {
                let about = About::of(&event);
                // One that fails takes none of the others with it.
                if supervisor::attempt("network-event", self.handle(event, &gateway)).await.is_none() {
                    self.make_good(about, &gateway).await;
                }
            }
        }
    }

    /// Makes good for a lost event: what it was about begins again.
    async fn make_good(self: &Arc<Self>, about: About, gateway: &Arc<Gateway>) {
        match about {
            // Without one of its packets a session would wait for ever.
            About::Session(key) => {
                if let Some(session) = self.session(key) {
                    session.disconnect().await;
                    self.open_later(key, gateway, SESSION_ANEW);
                }
            }
            About::Connection(key, connection) => {
                let event = Event::FriendConnection { key, connection };
                let _second_try = supervisor::attempt("network-event", self.handle(event, gateway)).await;
            }
            // They come again by themselves.
            About::Other => {}
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
                supervisor::job("friend-connected", async move {
                    report(gateway.friend_connected(&account, key).await);
                    // The saved data now know how this friend was reached.
                    instance.save().await;
                });
            }
            Event::FriendRequest { key, message } => {
                tracing::info!(account = %self.account, %key, "friend request");
                let (gateway, account) = (Arc::clone(gateway), self.account.clone());
                // A component may think about it: other events do not wait.
                supervisor::job("friend-request", async move {
                    report(gateway.friend_request(&account, key, &message).await.map(drop))
                });
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
    pub(crate) async fn save(&self) {
        let saved = match self.tox.saved().await {
            Ok(saved) => saved,
            Err(error) => return tracing::debug!(%error, "nothing to save"),
        };
        let saved = zeroize::Zeroizing::new(saved.as_bytes().to_vec());
        match self.storage.put_tox_saved(&self.account, saved).await {
            Ok(()) => {}
            // The account is just being made, together with its Tox data, or just being removed.
            Err(StorageError::NotFound) => tracing::debug!(account = %self.account, "no account to save for"),
            Err(error) => tracing::error!(%error, account = %self.account, "Tox data were not stored"),
        }
    }
}

fn report(result: Result<(), ContactError>) {
    if let Err(error) = result {
        tracing::warn!(%error, "a contact was not brought up to date");
    }
}
