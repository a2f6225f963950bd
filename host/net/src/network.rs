//! All accounts on the network, as the core sees them.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, Weak};

use async_trait::async_trait;
use gateway::Gateway;
use gateway::ports::{Network, NetworkError, TransferFailure};
use mail::record::OutboxEntry;
use mail::storage::{Bodies, Identities, Reception};
use mail::{AccountName, Acknowledgement, Address, Clock, MailId, PublicKey, SentWhole, ToxId};
use offline::OfflineMail;
use peer::{Offer, TransferError};
use tox::{Connection, Node, Options, PortRange, Proxy, StartError};

use crate::instance::Instance;

/// How all instances reach the network.
#[derive(Clone, Debug)]
pub struct NetworkSettings {
    /// Nodes to start from.
    pub nodes: Vec<Node>,
    /// Whether UDP is used.
    pub udp: bool,
    /// What everything goes through.
    pub proxy: Proxy,
    /// UDP port of the first account; one of `ports` where not said.
    pub port: Option<u16>,
    /// UDP ports of all others.
    pub ports: PortRange,
    /// TCP port of the first account's relay.
    pub tcp_port: Option<u16>,
}

impl NetworkSettings {
    /// Whether all of the network is on this machine, as in the demo and in tests: then nothing is tried that
    /// would leave it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let is_loopback = |node: &Node| {
            node.host == "localhost" || node.host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
        };
        self.nodes.iter().all(is_loopback)
    }

    /// How an instance is started; the ports are for the `first` one.
    #[must_use]
    pub fn options(&self, saved: Option<tox::SavedData>, first: bool) -> Options {
        let local = self.is_local();
        Options {
            saved,
            udp: self.udp,
            ports: self.port.filter(|_| first).map_or(self.ports, PortRange::one),
            tcp_relay_port: self.tcp_port.filter(|_| first),
            proxy: self.proxy.clone(),
            ipv6: !local,
            local_discovery: false,
            hole_punching: !local,
            name: None,
        }
    }
}

/// What instances need of storage: what they save, the bodies of mails on their way out, and the
/// beginnings of those that come in.
pub trait AccountStorage: Bodies + Reception + Identities {}

impl<T: Bodies + Reception + Identities> AccountStorage for T {}

/// All Tox instances of the gateway.
pub struct ToxNetwork {
    pub(crate) settings: NetworkSettings,
    pub(crate) storage: Arc<dyn AccountStorage>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) memory: peer::Memory,
    gateway: OnceLock<Weak<Gateway>>,
    pub(crate) offline: Arc<OnceLock<Weak<OfflineMail>>>,
    instances: RwLock<HashMap<AccountName, Arc<Instance>>>,
    /// Nodes that came after the start.
    added: RwLock<Vec<Node>>,
}

impl ToxNetwork {
    /// A network without instances.
    #[must_use]
    pub fn new(
        settings: NetworkSettings,
        storage: Arc<dyn AccountStorage>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            settings,
            storage,
            clock,
            memory: peer::Memory::default(),
            gateway: OnceLock::new(),
            offline: Arc::default(),
            instances: RwLock::default(),
            added: RwLock::default(),
        })
    }

    /// The core that events go to. Before this, instances run but nothing they say is looked at.
    pub fn connect(&self, gateway: &Arc<Gateway>) {
        // Set once, by `up`; a second call would change nothing.
        let _ = self.gateway.set(Arc::downgrade(gateway));
        for instance in self.all() {
            instance.run(gateway);
        }
    }

    /// From now on mailbox records are handed over in hellos. A second call changes nothing.
    pub fn use_offline(&self, offline: &Arc<OfflineMail>) {
        let _first_one_stays = self.offline.set(Arc::downgrade(offline));
    }

    /// Tells friends in sessions that their mailbox record of an account changed.
    pub fn announce_record(&self, account: &AccountName) {
        let Some(instance) = self.instance(account) else { return };
        for friend in instance.greeted_friends() {
            let instance = Arc::clone(&instance);
            supervisor::job("tell-record", async move { instance.tell_record(friend).await });
        }
    }

    /// Starts the instance of an account, with its saved data or (None) a new identity. The saved data of a new one
    /// is not stored yet.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn start(
        self: &Arc<Self>,
        account: &AccountName,
        saved: Option<tox::SavedData>,
        first: bool,
    ) -> Result<Arc<Instance>, StartError> {
        let (tox, events) = tox::Tox::start(self.settings.options(saved, first)).await?;
        let instance = Instance::new(account.clone(), tox, events, self);
        self.instances
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(account.clone(), Arc::clone(&instance));
        if let Some(gateway) = self.gateway.get().and_then(Weak::upgrade) {
            instance.run(&gateway);
        }
        Ok(instance)
    }

    /// Stops the instance of an account that could not be made whole.
    pub async fn discard(&self, account: &AccountName) {
        let instance = self.instances.write().unwrap_or_else(PoisonError::into_inner).remove(account);
        if let Some(instance) = instance {
            instance.stop().await;
        }
    }

    /// Stops all instances; friends who are online were told when this returns.
    pub async fn stop(&self) {
        for instance in self.all() {
            instance.stop().await;
        }
    }

    /// The instance of an account.
    #[must_use]
    pub fn instance(&self, account: &AccountName) -> Option<Arc<Instance>> {
        self.instances.read().unwrap_or_else(PoisonError::into_inner).get(account).cloned()
    }

    fn all(&self) -> Vec<Arc<Instance>> {
        self.instances.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// How an account reaches the network.
    #[must_use]
    pub fn connection(&self, account: &AccountName) -> Connection {
        self.instance(account).map_or(Connection::None, |instance| instance.tox.connection())
    }

    /// Nodes to start from.
    #[must_use]
    pub fn nodes(&self) -> u64 {
        let added = self.added.read().unwrap_or_else(PoisonError::into_inner).len();
        (self.settings.nodes.len() + added) as u64
    }

    /// The account that has this key, if its instance runs.
    #[must_use]
    pub fn account_of(&self, key: PublicKey) -> Option<AccountName> {
        let instances = self.instances.read().unwrap_or_else(PoisonError::into_inner);
        instances.iter().find(|(_, instance)| instance.tox.id().key == key).map(|(name, _)| name.clone())
    }

    /// Joins the network through more nodes, with all accounts.
    pub async fn add_nodes(&self, nodes: Vec<Node>) {
        for instance in self.all() {
            for node in &nodes {
                if let Err(error) = instance.tox.add_node(node).await {
                    tracing::warn!(%error, host = node.host, "a Tox node cannot be used");
                }
            }
        }
        self.added.write().unwrap_or_else(PoisonError::into_inner).extend(nodes);
    }

    fn known(&self, account: &AccountName) -> Result<Arc<Instance>, NetworkError> {
        self.instance(account).ok_or_else(|| NetworkError::NoInstance(account.clone()))
    }
}

#[async_trait]
impl Network for ToxNetwork {
    fn tox_id(&self, account: &AccountName) -> Option<ToxId> {
        self.instance(account).map(|instance| instance.tox.id())
    }

    fn is_online(&self, account: &AccountName, peer: PublicKey) -> bool {
        self.instance(account).is_some_and(|instance| instance.is_online(peer))
    }

    async fn transfer(
        &self,
        account: &AccountName,
        peer: PublicKey,
        entry: &OutboxEntry,
        sent: &SentWhole,
    ) -> Result<Acknowledgement, TransferFailure> {
        let instance = self.instance(account).ok_or(TransferFailure::Disconnected)?;
        let handle = instance.session(peer).ok_or(TransferFailure::Disconnected)?;
        let _registered = instance.outgoing.register(entry);
        let offer = Offer::new(entry.id, entry.envelope.clone(), entry.size, entry.digest);
        let word = handle.transfer(offer, sent.clone()).await.map_err(|error| failure(error, entry.size))?;
        instance.behaved(peer);
        Ok(word)
    }

    fn cancel(&self, account: &AccountName, peer: PublicKey, id: MailId) {
        if let Some(handle) = self.instance(account).and_then(|instance| instance.session(peer)) {
            supervisor::job("cancel", async move { handle.cancel(id).await });
        }
    }

    async fn request_friend(
        &self,
        account: &AccountName,
        id: ToxId,
        message: &str,
    ) -> Result<(), NetworkError> {
        let instance = self.known(account)?;
        match instance.tox.add_friend(id, message).await {
            // c-toxcore repeats a request by itself until it is answered.
            Ok(()) | Err(tox::AddFriendError::AlreadyFriend) => Ok(()),
            Err(error) => Err(NetworkError::tox(error)),
        }
    }

    async fn accept_friend(&self, account: &AccountName, peer: PublicKey) -> Result<(), NetworkError> {
        let instance = self.known(account)?;
        match instance.tox.accept_friend(peer).await {
            Ok(()) | Err(tox::AddFriendError::AlreadyFriend) => Ok(()),
            Err(error) => Err(NetworkError::tox(error)),
        }
    }

    async fn friends(&self, account: &AccountName) -> Result<Vec<PublicKey>, NetworkError> {
        self.known(account)?.tox.friends().await.map_err(NetworkError::tox)
    }

    async fn remove_friend(&self, account: &AccountName, peer: PublicKey) -> Result<(), NetworkError> {
        self.known(account)?.tox.delete_friend(peer).await.map_err(NetworkError::tox)?;
        Ok(())
    }

    fn set_addresses(&self, account: &AccountName, addresses: Vec<Address>) {
        if let Some(instance) = self.instance(account) {
            instance.set_addresses(addresses);
        }
    }
}

fn failure(error: TransferError, size: u64) -> TransferFailure {
    match error {
        TransferError::Disconnected | TransferError::NoHello => TransferFailure::Disconnected,
        TransferError::Cancelled => TransferFailure::Cancelled,
        TransferError::TooLarge { max } => TransferFailure::TooLarge { limit: max, size },
        TransferError::ProtocolError(error) => TransferFailure::Protocol(error.to_string()),
        other => TransferFailure::Local(other.to_string()),
    }
}
