//! The handle of an instance.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use mail::{Nospam, PublicKey, ToxId};
use tokio::sync::{oneshot, watch};

use crate::error::{AddFriendError, Gone, NodeError, SendError, StartError, TextError};
use crate::event::{Connection, MessageId};
use crate::lanes::{Lanes, Outgoing};
use crate::limits;
use crate::node::Node;
use crate::options::{Options, Proxy};
use crate::owner::{self, Owner, ResolvedNode};
use crate::queue::{Events, Queue};
use crate::saved::SavedData;

/// A running instance: one identity on the Tox network. Clones are handles of the same instance; it stops when
/// the last is dropped, and friends notice at once.
///
/// No call blocks: those that need the owning thread are futures, the others read what is at hand.
#[derive(Clone)]
pub struct Tox {
    instance: Arc<Instance>,
}

struct Instance {
    id: Mutex<ToxId>,
    dht_key: PublicKey,
    udp_port: Option<u16>,
    tcp_port: Option<u16>,
    proxied: bool,
    ipv6: bool,
    lanes: Arc<Lanes>,
    queue: Arc<Queue>,
    stopped: watch::Receiver<bool>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.lanes.stop();
    }
}

impl fmt::Debug for Tox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Tox").field(&self.public_key()).finish()
    }
}

impl Tox {
    /// Starts an instance and its thread. It contacts nobody but the nodes of its saved data (and, where that
    /// is switched on, the local network) until [`Self::add_node`].
    ///
    /// # Errors
    /// [`StartError`]; nothing keeps running then.
    pub async fn start(options: Options) -> Result<(Self, Events), StartError> {
        let (proxied, ipv6) = (options.proxy != Proxy::None, options.ipv6);
        let lanes = Arc::new(Lanes::default());
        let queue = Arc::new(Queue::default());
        let (started, starting) = oneshot::channel();
        let (stop, stopped) = watch::channel(false);
        let (thread_lanes, thread_queue) = (Arc::clone(&lanes), Arc::clone(&queue));
        supervisor::vital_thread("tox", move || {
            owner::run(options, thread_lanes, thread_queue, started, stop)
        })
        .map_err(StartError::Thread)?;
        let identity = starting.await.map_err(|_| StartError::Resources)??;
        let instance = Instance {
            id: Mutex::new(identity.id),
            dht_key: identity.dht_key,
            udp_port: identity.udp_port,
            tcp_port: identity.tcp_port,
            proxied,
            ipv6,
            lanes,
            queue: Arc::clone(&queue),
            stopped,
        };
        Ok((Self { instance: Arc::new(instance) }, Events::new(queue)))
    }

    /// Stops the instance, whoever else has a handle, and returns when its thread is done: its ports are free,
    /// friends who are online were told.
    pub async fn shutdown(&self) {
        self.instance.lanes.stop();
        let mut stopped = self.instance.stopped.clone();
        // An error means that the sender is gone, and with it the thread.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }

    /// The own Tox ID, with the present nospam.
    #[must_use]
    pub fn id(&self) -> ToxId {
        *self.instance.id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The own public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.id().key
    }

    /// The key others need to use this instance as a node. A new one at each start.
    #[must_use]
    pub fn dht_key(&self) -> PublicKey {
        self.instance.dht_key
    }

    /// The UDP port in use; `None` without UDP.
    #[must_use]
    pub fn udp_port(&self) -> Option<u16> {
        self.instance.udp_port
    }

    /// The TCP port of the relay; `None` where this is none.
    #[must_use]
    pub fn tcp_port(&self) -> Option<u16> {
        self.instance.tcp_port
    }

    /// How the network is reached at this moment.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.instance.lanes.own_connection()
    }

    /// How a friend is reached at this moment; `None` if they are no friend.
    #[must_use]
    pub fn friend_connection(&self, friend: &PublicKey) -> Option<Connection> {
        self.instance.lanes.connection(friend)
    }

    /// Changes the nospam, so that requests to the old Tox ID are no longer seen. Friends stay.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn set_nospam(&self, nospam: Nospam) -> Result<(), Gone> {
        self.call(move |owner| {
            owner.engine.set_nospam(nospam);
            owner.saved_data_changed();
        })
        .await?;
        self.instance.id.lock().unwrap_or_else(PoisonError::into_inner).nospam = nospam;
        Ok(())
    }

    /// Sets the name friends see.
    ///
    /// # Errors
    /// [`TextError::TooLong`] beyond [`limits::NAME_BYTES`], [`TextError::Gone`].
    pub async fn set_name(&self, name: &str) -> Result<(), TextError> {
        self.set_text(name, limits::NAME_BYTES, |owner, name| owner.engine.set_name(name)).await
    }

    /// Sets the status message friends see.
    ///
    /// # Errors
    /// [`TextError::TooLong`] beyond [`limits::STATUS_MESSAGE_BYTES`], [`TextError::Gone`].
    pub async fn set_status_message(&self, text: &str) -> Result<(), TextError> {
        let most = limits::STATUS_MESSAGE_BYTES;
        self.set_text(text, most, |owner, text| owner.engine.set_status_message(text)).await
    }

    async fn set_text(
        &self,
        text: &str,
        most: usize,
        set: impl FnOnce(&mut Owner, &str) -> bool + Send + 'static,
    ) -> Result<(), TextError> {
        let (bytes, text) = (text.len(), text.to_owned());
        let done = self.call(move |owner| {
            let done = set(owner, &text);
            if done {
                owner.saved_data_changed();
            }
            done
        });
        if done.await? { Ok(()) } else { Err(TextError::TooLong { bytes, most }) }
    }

    /// Uses a node: asks it for peers, and if it is a Tox TCP relay, relays through it. Remembered while the
    /// instance runs, and asked again whenever the network is lost. A name is resolved once, here.
    ///
    /// # Errors
    /// [`NodeError`]; an unreachable node is no error, it just does not help.
    pub async fn add_node(&self, node: &Node) -> Result<(), NodeError> {
        let addresses: Vec<_> = self
            .resolve(node)
            .await?
            .into_iter()
            .filter(|address| self.instance.ipv6 || address.is_ipv4())
            .take(limits::ADDRESSES_PER_NODE)
            .map(|address| ResolvedNode { address, port: node.port, key: node.key, tcp_port: node.tcp_port })
            .collect();
        let host = node.host.clone();
        self.call(move |owner| owner.add_node(&host, &addresses)).await?
    }

    async fn resolve(&self, node: &Node) -> Result<Vec<IpAddr>, NodeError> {
        if let Ok(address) = node.host.parse() {
            return Ok(vec![address]);
        }
        if self.instance.proxied {
            return Err(NodeError::NameBehindProxy(node.host.clone()));
        }
        // Tokio asks the system's resolver on a thread of its own for such calls.
        match tokio::net::lookup_host((node.host.as_str(), node.port)).await {
            Ok(found) => Ok(found.map(|address: SocketAddr| address.ip()).collect()),
            Err(_) => Err(NodeError::NotFound(node.host.clone())),
        }
    }

    /// Makes somebody a friend and sends them a request, again and again until they accept.
    ///
    /// # Errors
    /// [`AddFriendError`]; the message has 1 to [`limits::FRIEND_REQUEST_BYTES`] bytes.
    pub async fn add_friend(&self, id: ToxId, message: &str) -> Result<(), AddFriendError> {
        let message = message.to_owned();
        self.call(move |owner| owner.add_friend(&id, &message)).await?
    }

    /// Makes somebody a friend who asked for it, or whose key is known to have this instance as a friend.
    ///
    /// # Errors
    /// [`AddFriendError::AlreadyFriend`], [`AddFriendError::OwnKey`], [`AddFriendError::Memory`],
    /// [`AddFriendError::Gone`].
    pub async fn accept_friend(&self, key: PublicKey) -> Result<(), AddFriendError> {
        self.call(move |owner| owner.accept_friend(key)).await?
    }

    /// Deletes a friend, who sees this instance go offline; `false` if there was none of this key. Events of
    /// theirs may still wait to be taken.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn delete_friend(&self, key: PublicKey) -> Result<bool, Gone> {
        self.call(move |owner| owner.delete_friend(&key)).await
    }

    /// All friends, accepted or only asked, in no order.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn friends(&self) -> Result<Vec<PublicKey>, Gone> {
        self.call(|owner| owner.friends()).await
    }

    /// What to store. Contains the secret key.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn saved(&self) -> Result<SavedData, Gone> {
        self.call(|owner| owner.engine.saved()).await?.map_err(|_| Gone)
    }

    /// Sends a custom lossless packet: [`limits::PACKET_BYTES`] at most, its first byte in
    /// [`limits::PACKET_IDS`].
    ///
    /// Waits while the friend's lane is full; other friends' lanes go on. When it returns, the packet has its
    /// place in order, and arrives unless the connection breaks: packets of a broken connection are lost, and
    /// the peer protocol starts anew with the next. Packets sent one after the other arrive in that order.
    /// May be cancelled: the packet is then not sent.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send_packet(&self, friend: &PublicKey, packet: Vec<u8>) -> Result<(), SendError> {
        check_length(packet.len(), limits::PACKET_BYTES)?;
        if !packet.first().is_some_and(|id| limits::PACKET_IDS.contains(id)) {
            return Err(SendError::Malformed);
        }
        self.instance.lanes.send(friend, Outgoing::Packet(packet)).await
    }

    /// Sends a text message of 1 to [`limits::MESSAGE_BYTES`] bytes. Waits its turn behind packets sent before.
    /// [`crate::Event::Receipt`] with the returned id tells that the friend's client has it.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send_message(&self, friend: &PublicKey, text: &str) -> Result<MessageId, SendError> {
        check_length(text.len(), limits::MESSAGE_BYTES)?;
        if text.is_empty() {
            return Err(SendError::Malformed);
        }
        let (reply, id) = oneshot::channel();
        self.instance.lanes.send(friend, Outgoing::Message(text.to_owned(), reply)).await?;
        // Dropped unsent: the session ended, or the instance.
        id.await.map_err(|_| {
            if *self.instance.stopped.borrow() { SendError::Gone(Gone) } else { SendError::NotConnected }
        })
    }

    /// Takes events of this friend again after [`crate::Event::Overflow`].
    pub fn resume(&self, friend: &PublicKey) {
        self.instance.queue.resume(friend);
    }

    /// Has the owning thread do something, and waits for what it answers.
    async fn call<T: Send + 'static>(
        &self,
        command: impl FnOnce(&mut Owner) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let (reply, answer) = oneshot::channel();
        self.instance.lanes.command(Box::new(move |owner| {
            // Nobody listens where the caller was cancelled: it is done all the same.
            drop(reply.send(command(owner)));
        }))?;
        answer.await.map_err(|_| Gone)
    }
}

fn check_length(bytes: usize, most: usize) -> Result<(), SendError> {
    if bytes > most { Err(SendError::TooLong { bytes, most }) } else { Ok(()) }
}
