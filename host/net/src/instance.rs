//! The Tox instance of one account and its sessions with friends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};
use std::time::Duration;

use gateway::Gateway;
use mail::{AccountName, Address, Clock, Monotonic, PublicKey};
use offline::OfflineMail;
use peer::{Capabilities, Hello, Nonce, Peer, SessionEnd, Setup};
use tokio::task::JoinHandle;
use tox::{Events, Node, Tox};

use crate::incoming::AccountMail;
use crate::link::FriendLink;
use crate::network::{AccountStorage, ToxNetwork};
use crate::outgoing::OutgoingMails;

/// An account on the network.
pub struct Instance {
    /// The account it belongs to.
    pub account: AccountName,
    /// Its Tox instance.
    pub tox: Tox,
    /// Mails on their way out.
    pub(crate) outgoing: Arc<OutgoingMails>,
    nodes: Vec<Node>,
    clock: Arc<dyn Clock>,
    memory: peer::Memory,
    addresses: RwLock<Vec<Address>>,
    friends: Mutex<HashMap<PublicKey, Friend>>,
    /// Taken by the task that reads them.
    events: Mutex<Option<Events>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    pub(crate) storage: Arc<dyn AccountStorage>,
    offline: Arc<OnceLock<Weak<OfflineMail>>>,
}

/// What is known of a friend while the program runs.
#[derive(Default)]
struct Friend {
    connected: bool,
    session: Option<Session>,
    /// Sessions in a row that ended as protocol errors.
    broken: u32,
    held_until: Option<Monotonic>,
}

struct Session {
    handle: Peer,
    number: u64,
    greeted: bool,
}

impl Instance {
    pub(crate) fn new(account: AccountName, tox: Tox, events: Events, network: &ToxNetwork) -> Arc<Self> {
        Arc::new(Self {
            account,
            tox,
            outgoing: Arc::new(OutgoingMails::new(network.storage.clone())),
            nodes: network.settings.nodes.clone(),
            clock: Arc::clone(&network.clock),
            memory: network.memory.clone(),
            addresses: RwLock::default(),
            friends: Mutex::default(),
            events: Mutex::new(Some(events)),
            tasks: Mutex::default(),
            storage: Arc::clone(&network.storage),
            offline: Arc::clone(&network.offline),
        })
    }

    /// Joins the network and hands events to the core, until [`Self::stop`].
    pub(crate) fn run(self: &Arc<Self>, gateway: &Arc<Gateway>) {
        let Some(events) = lock(&self.events).take() else { return };
        let mut tasks = lock(&self.tasks);
        tasks.push(supervisor::job("join", join(self.tox.clone(), self.nodes.clone())));
        let (instance, gateway) = (Arc::clone(self), Arc::clone(gateway));
        let events = Arc::new(tokio::sync::Mutex::new(events));
        let listen = move || Arc::clone(&instance).listen(Arc::clone(&events), Arc::clone(&gateway));
        tasks.push(supervisor::keep("network", listen));
    }

    /// Ends all sessions and stops the Tox instance.
    pub async fn stop(&self) {
        let handles: Vec<Peer> = {
            let mut friends = lock(&self.friends);
            friends
                .values_mut()
                .filter_map(|friend| friend.session.take())
                .map(|session| session.handle)
                .collect()
        };
        for handle in handles {
            handle.disconnect().await;
        }
        // With the nodes and relays of now the next start finds the network sooner.
        self.save().await;
        self.tox.shutdown().await;
        for task in lock(&self.tasks).drain(..) {
            task.abort();
        }
    }

    /// Offline mail, where there is any.
    pub(crate) fn offline(&self) -> Option<Arc<OfflineMail>> {
        self.offline.get().and_then(Weak::upgrade)
    }

    /// Tells a friend in a session the account's mailbox record as it is now.
    pub(crate) async fn tell_record(&self, friend: PublicKey) {
        let (Some(offline), Some(session)) = (self.offline(), self.session(friend)) else { return };
        match offline.record_for(&self.account, friend).await {
            Ok(Some(record)) => session.record(record).await,
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, account = %self.account, %friend, "no mailbox record"),
        }
    }

    /// Friends who said hello.
    pub(crate) fn greeted_friends(&self) -> Vec<PublicKey> {
        let friends = lock(&self.friends);
        let is_greeted = |friend: &Friend| {
            friend.session.as_ref().is_some_and(|session| session.greeted && !session.handle.is_over())
        };
        friends.iter().filter(|(_, friend)| is_greeted(friend)).map(|(key, _)| *key).collect()
    }

    pub(crate) fn set_addresses(&self, addresses: Vec<Address>) {
        *self.addresses.write().unwrap_or_else(PoisonError::into_inner) = addresses;
    }

    /// Whether the friend has said hello.
    #[must_use]
    pub fn is_online(&self, friend: PublicKey) -> bool {
        lock(&self.friends)
            .get(&friend)
            .and_then(|friend| friend.session.as_ref())
            .is_some_and(|session| session.greeted && !session.handle.is_over())
    }

    pub(crate) fn session(&self, friend: PublicKey) -> Option<Peer> {
        let friends = lock(&self.friends);
        let session = friends.get(&friend)?.session.as_ref()?;
        Some(session.handle.clone()).filter(|handle| !handle.is_over())
    }

    /// A mail was acknowledged: earlier breaches are forgiven.
    pub(crate) fn behaved(&self, friend: PublicKey) {
        if let Some(friend) = lock(&self.friends).get_mut(&friend) {
            friend.broken = 0;
        }
    }

    pub(crate) fn greeted(&self, friend: PublicKey) {
        if let Some(session) = lock(&self.friends).get_mut(&friend).and_then(|friend| friend.session.as_mut())
        {
            session.greeted = true;
        }
    }

    /// A friend came online.
    pub(crate) fn connected(self: &Arc<Self>, friend: PublicKey, gateway: &Arc<Gateway>) {
        let now = self.clock.monotonic();
        let held = {
            let mut friends = lock(&self.friends);
            let friend = friends.entry(friend).or_default();
            friend.connected = true;
            if friend.session.as_ref().is_some_and(|session| !session.handle.is_over()) {
                return;
            }
            friend.held_until.filter(|until| *until > now)
        };
        match held {
            None => self.open(friend, gateway),
            Some(until) => self.open_later(friend, gateway, until.since(now)),
        }
    }

    pub(crate) fn open_later(self: &Arc<Self>, friend: PublicKey, gateway: &Arc<Gateway>, after: Duration) {
        let (instance, gateway) = (Arc::clone(self), Arc::downgrade(gateway));
        supervisor::job("hold", async move {
            instance.clock.sleep(after).await;
            let is_connected = lock(&instance.friends).get(&friend).is_some_and(|friend| friend.connected);
            if let Some(gateway) = gateway.upgrade().filter(|_| is_connected) {
                instance.connected(friend, &gateway);
            }
        });
    }

    fn open(self: &Arc<Self>, friend: PublicKey, gateway: &Arc<Gateway>) {
        let mut nonce = [0; 16];
        if let Err(error) = getrandom::fill(&mut nonce) {
            return tracing::error!(%error, "the operating system gives no random bytes");
        }
        let addresses = self.addresses.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut hello = Hello {
            max_mail: gateway.max_mail_bytes(),
            ..Hello::new(self.tox.id(), addresses, Nonce(nonce))
        };
        if let Some(offline) = self.offline() {
            hello.capabilities = Capabilities::RECORDS;
            if let Some(record) = offline.record(&self.account, friend) {
                hello.capabilities = hello.capabilities.and(Capabilities::DROPS);
                hello.mailbox_record = Some(record);
            }
        }
        let setup = Setup {
            peer: friend,
            hello,
            link: Arc::new(FriendLink { tox: self.tox.clone(), friend }),
            outgoing: Arc::clone(&self.outgoing) as Arc<dyn peer::Outgoing>,
            incoming: Arc::new(AccountMail {
                instance: Arc::downgrade(self),
                gateway: Arc::downgrade(gateway),
            }),
            clock: Arc::clone(&self.clock),
            memory: self.memory.clone(),
        };
        let (handle, driver) = match peer::connect(setup) {
            Ok(made) => made,
            Err(error) => return tracing::error!(%error, "no session with {friend}"),
        };
        let number = {
            let mut friends = lock(&self.friends);
            let known = friends.entry(friend).or_default();
            let number = known.session.as_ref().map_or(0, |session| session.number + 1);
            known.session = Some(Session { handle, number, greeted: false });
            number
        };
        let (instance, gateway) = (Arc::clone(self), Arc::downgrade(gateway));
        tokio::spawn(async move {
            let end = supervisor::attempt("peer-session", driver.run()).await;
            let end = end.unwrap_or(SessionEnd::Failed);
            if let Some(gateway) = gateway.upgrade() {
                instance.ended(friend, number, &end, &gateway);
            }
        });
    }

    /// A session ended: a breach puts the friend on hold.
    fn ended(self: &Arc<Self>, friend: PublicKey, number: u64, end: &SessionEnd, gateway: &Arc<Gateway>) {
        let hold = {
            let mut friends = lock(&self.friends);
            let Some(known) = friends.get_mut(&friend) else { return };
            if known.session.as_ref().is_none_or(|session| session.number != number) {
                return;
            }
            if let Some(session) = &mut known.session {
                session.greeted = false;
            }
            match end {
                SessionEnd::Disconnected => None,
                SessionEnd::ProtocolError(_) | SessionEnd::Failed => {
                    known.broken = known.broken.saturating_add(1);
                    let hold = peer::limits::hold(known.broken);
                    known.held_until = Some(Monotonic(self.clock.monotonic().0.saturating_add(hold)));
                    Some(hold)
                }
            }
        };
        gateway.peer_offline(&self.account, friend);
        if let Some(hold) = hold {
            tracing::warn!(account = %self.account, %friend, %end, ?hold, "a contact is on hold");
            self.open_later(friend, gateway, hold);
        }
    }

    /// A friend went offline.
    pub(crate) fn disconnected(&self, friend: PublicKey) {
        let handle = {
            let mut friends = lock(&self.friends);
            let Some(known) = friends.get_mut(&friend) else { return };
            known.connected = false;
            if let Some(session) = &mut known.session {
                session.greeted = false;
            }
            known.session.as_ref().map(|session| session.handle.clone())
        };
        if let Some(handle) = handle {
            supervisor::job("disconnect", async move { handle.disconnect().await });
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What friends with another Tox client see.
const STATUS_MESSAGE: &str = "A mail gateway (Toxmail): write to me by mail, nobody reads messages here.";

async fn join(tox: Tox, nodes: Vec<Node>) {
    if let Err(error) = tox.set_status_message(STATUS_MESSAGE).await {
        tracing::debug!(%error, "no status message");
    }
    for node in &nodes {
        if let Err(error) = tox.add_node(node).await {
            tracing::warn!(%error, host = node.host, "a Tox node cannot be used");
        }
    }
}
