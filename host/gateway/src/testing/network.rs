//! A network of several gateways: who is friends with whom, who is online, and transfers between them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mail::record::OutboxEntry;
use mail::storage::Storage;
use mail::{AccountName, Acknowledgement, Address, MailId, PublicKey, SentWhole, ToxId};
use tokio::sync::Notify;

use super::world::{SeededRandom, World};
use crate::lock::lock;
use crate::ports::{Network, NetworkError, TransferFailure};
use crate::{Gateway, Offer, Offered, ReceptionError};

/// What goes wrong on the way, each as a chance in a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// At each piece: the connection breaks.
    pub broken: u32,
    /// After the recipient's commit: the acknowledgement is lost.
    pub ack_lost: u32,
    /// A second connection transfers the same mail at the same time.
    pub twice: u32,
}

/// What all gateways of a world share.
#[derive(Default)]
pub struct Net {
    /// Everything that is known and under way.
    pub state: Mutex<NetState>,
    /// Told when a transfer is cancelled.
    pub cancelled: Notify,
}

/// What is known and under way on the network.
#[derive(Default)]
pub struct NetState {
    /// Tox IDs, and the node and account they belong to.
    pub ids: BTreeMap<PublicKey, (usize, AccountName, ToxId)>,
    /// Friend lists.
    pub friends: BTreeSet<(PublicKey, PublicKey)>,
    /// Nodes that are reachable.
    pub reachable: BTreeSet<usize>,
    /// Pairs that said hello.
    pub online: BTreeSet<(PublicKey, PublicKey)>,
    /// Addresses to tell.
    pub told: BTreeMap<PublicKey, Vec<Address>>,
    /// Mails whose transfers are to end.
    pub cancelled: BTreeSet<MailId>,
    /// Friend requests sent: from, to, message.
    pub requests: Vec<(PublicKey, PublicKey, String)>,
    /// What goes wrong.
    pub faults: Faults,
    /// How long a piece takes.
    pub piece_time: Duration,
    /// Transfers under way.
    pub in_flight: usize,
    /// The most there were.
    pub most_in_flight: usize,
    /// Mails in the order their transfers began.
    pub begun: Vec<MailId>,
    /// Answers this instead of transferring.
    pub instead: Option<Result<Acknowledgement, TransferFailure>>,
}

/// One gateway's connection to the network, as long as its process lives.
pub(crate) struct NodeNetwork {
    pub world: Weak<World>,
    pub accounts: BTreeMap<AccountName, ToxId>,
    pub dead: Arc<AtomicBool>,
    pub storage: Arc<dyn Storage>,
    pub random: Arc<SeededRandom>,
}

/// Counts a transfer as long as it lives.
struct InFlight(Arc<World>);

impl Drop for InFlight {
    fn drop(&mut self) {
        lock(&self.0.net.state).in_flight -= 1;
    }
}

impl NodeNetwork {
    fn key(&self, account: &AccountName) -> PublicKey {
        self.accounts[account].key
    }

    fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    fn chance(&self, per_thousand: u32) -> bool {
        per_thousand > 0 && self.random.below(1000) < u64::from(per_thousand)
    }

    /// The peer protocol, in short: offer, pieces, end, acknowledgement.
    async fn run(
        &self,
        world: &World,
        own: PublicKey,
        peer: PublicKey,
        entry: &OutboxEntry,
        sent: &SentWhole,
    ) -> Result<Acknowledgement, TransferFailure> {
        let (gateway, account) = self.connected(world, own, peer)?;
        let faults = lock(&world.net.state).faults;
        let offered = Offered { envelope: entry.envelope.clone(), size: entry.size, digest: entry.digest };
        let mut offset = match gateway.offer(&account, own, entry.id, offered).await {
            Offer::AcceptFrom(offset) => offset,
            Offer::AlreadyHave(acknowledgement) => return Ok(acknowledgement),
            Offer::Refuse(refusal) => return Ok(Acknowledgement::Refused(refusal)),
            Offer::Later { reason, after } => return Ok(Acknowledgement::TryLater { reason, after }),
            Offer::ProtocolError(why) => return Err(TransferFailure::Protocol(why)),
        };
        let piece_time = lock(&world.net.state).piece_time;
        while offset < entry.size {
            tokio::time::sleep(piece_time).await;
            if self.chance(faults.broken) {
                return Err(TransferFailure::Disconnected);
            }
            self.connected(world, own, peer)?;
            let bytes = self.piece(entry, offset).await?;
            let length = bytes.len() as u64;
            match gateway.receive(&account, own, entry.id, offset, bytes).await {
                Ok(_durable) => offset += length,
                Err(ReceptionError::Protocol(why)) => return Err(TransferFailure::Protocol(why)),
                Err(_) => return Err(TransferFailure::Disconnected),
            }
        }
        sent.set();
        let acknowledgement = match gateway.complete(&account, own, entry.id).await {
            Ok(acknowledgement) => acknowledgement,
            Err(ReceptionError::Protocol(why)) => return Err(TransferFailure::Protocol(why)),
            Err(_) => return Err(TransferFailure::Disconnected),
        };
        tokio::time::sleep(piece_time).await;
        if self.chance(faults.ack_lost) {
            return Err(TransferFailure::Disconnected);
        }
        self.connected(world, own, peer)?;
        Ok(acknowledgement)
    }

    fn connected(
        &self,
        world: &World,
        own: PublicKey,
        peer: PublicKey,
    ) -> Result<(Arc<Gateway>, AccountName), TransferFailure> {
        let state = lock(&world.net.state);
        let online = !self.is_dead() && state.online.contains(&(own, peer));
        let target = state.ids.get(&peer).map(|(node, account, _)| (*node, account.clone()));
        drop(state);
        let target = target.filter(|_| online).ok_or(TransferFailure::Disconnected)?;
        let gateway = world.gateway(target.0).ok_or(TransferFailure::Disconnected)?;
        Ok((gateway, target.1))
    }

    async fn piece(&self, entry: &OutboxEntry, offset: u64) -> Result<Bytes, TransferFailure> {
        let prefix = entry.prefix.len() as u64;
        if offset < prefix {
            return Ok(Bytes::copy_from_slice(&entry.prefix[usize::try_from(offset).unwrap()..]));
        }
        let read = self.storage.read_body(entry.body, offset - prefix, 4000).await;
        read.map_err(|error| TransferFailure::Local(error.to_string()))
    }
}

#[async_trait]
impl Network for NodeNetwork {
    fn tox_id(&self, account: &AccountName) -> Option<ToxId> {
        self.accounts.get(account).copied()
    }

    fn is_online(&self, account: &AccountName, peer: PublicKey) -> bool {
        let Some(world) = self.world.upgrade() else { return false };
        !self.is_dead() && lock(&world.net.state).online.contains(&(self.key(account), peer))
    }

    async fn transfer(
        &self,
        account: &AccountName,
        peer: PublicKey,
        entry: &OutboxEntry,
        sent: &SentWhole,
    ) -> Result<Acknowledgement, TransferFailure> {
        let world = self.world.upgrade().ok_or(TransferFailure::Disconnected)?;
        let own = self.key(account);
        let (faults, piece_time, instead) = {
            let mut state = lock(&world.net.state);
            state.in_flight += 1;
            state.most_in_flight = state.most_in_flight.max(state.in_flight);
            state.begun.push(entry.id);
            state.cancelled.remove(&entry.id);
            (state.faults, state.piece_time, state.instead.clone())
        };
        let _in_flight = InFlight(world.clone());
        if let Some(answer) = instead {
            tokio::time::sleep(piece_time).await;
            return answer;
        }
        let cancelled = async {
            while !lock(&world.net.state).cancelled.contains(&entry.id) {
                world.net.cancelled.notified().await;
            }
        };
        let transfer = async {
            if self.chance(faults.twice) {
                let run = || self.run(&world, own, peer, entry, sent);
                let (one, other) = tokio::join!(run(), run());
                return one.or(other);
            }
            self.run(&world, own, peer, entry, sent).await
        };
        tokio::select! {
            biased;
            result = transfer => result,
            () = cancelled => Err(TransferFailure::Cancelled),
        }
    }

    fn cancel(&self, _account: &AccountName, _peer: PublicKey, id: MailId) {
        if let Some(world) = self.world.upgrade() {
            lock(&world.net.state).cancelled.insert(id);
            world.net.cancelled.notify_waiters();
        }
    }

    async fn request_friend(
        &self,
        account: &AccountName,
        id: ToxId,
        message: &str,
    ) -> Result<(), NetworkError> {
        let world = self.world.upgrade().filter(|_| !self.is_dead());
        let world = world.ok_or_else(|| NetworkError::NoInstance(account.clone()))?;
        let own = self.key(account);
        let target = {
            let mut state = lock(&world.net.state);
            state.friends.insert((own, id.key));
            state.requests.push((own, id.key, message.to_owned()));
            state.ids.get(&id.key).cloned()
        };
        // As in Tox: a wrong nospam is never answered.
        if let Some((node, account, known)) = target
            && known == id
            && let Some(gateway) = world.gateway(node)
        {
            let message = message.to_owned();
            tokio::spawn(async move { gateway.friend_request(&account, own, &message).await });
        }
        Ok(())
    }

    async fn accept_friend(&self, account: &AccountName, peer: PublicKey) -> Result<(), NetworkError> {
        let world = self.world.upgrade().filter(|_| !self.is_dead());
        let world = world.ok_or_else(|| NetworkError::NoInstance(account.clone()))?;
        lock(&world.net.state).friends.insert((self.key(account), peer));
        world.connect_soon();
        Ok(())
    }

    async fn friends(&self, account: &AccountName) -> Result<Vec<PublicKey>, NetworkError> {
        let world = self.world.upgrade().ok_or_else(|| NetworkError::NoInstance(account.clone()))?;
        let state = lock(&world.net.state);
        let own = self.key(account);
        Ok(state.friends.iter().filter(|(of, _)| *of == own).map(|(_, friend)| *friend).collect())
    }

    async fn remove_friend(&self, account: &AccountName, peer: PublicKey) -> Result<(), NetworkError> {
        let world = self.world.upgrade().ok_or_else(|| NetworkError::NoInstance(account.clone()))?;
        let own = self.key(account);
        let mut state = lock(&world.net.state);
        state.friends.remove(&(own, peer));
        state.online.remove(&(own, peer));
        state.online.remove(&(peer, own));
        Ok(())
    }

    fn set_addresses(&self, account: &AccountName, addresses: Vec<Address>) {
        // An account that was added while the gateway runs is not on the network.
        if let (Some(world), Some(id)) = (self.world.upgrade(), self.accounts.get(account)) {
            lock(&world.net.state).told.insert(id.key, addresses);
        }
    }
}
