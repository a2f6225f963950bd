//! The world: several gateways on one network, boards, one simulated clock.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use clock::SimulatedClock;
use drops::point::Secret;
use gateway::testing::{Companion, Process};
use mail::decision::policy::FriendRequestAnswer;
use mail::{BodyHasher, Nospam, PublicKey, ToxId};

use super::boards::Host;
use super::node::Node;

/// The core's world.
pub(crate) type Sim = gateway::testing::World;

/// Who there is, each with a gateway of their own.
const CAST: [&[&str]; 5] = [&["anna"], &["ben"], &["cleo"], &["dora"], &["emil"]];

/// All gateways and boards.
pub(crate) struct World {
    pub clock: Arc<SimulatedClock>,
    pub hosts: Vec<Arc<Host>>,
    pub sim: Arc<Sim>,
    pub nodes: Vec<Arc<Node>>,
}

/// The Tox secret key of an account: made of its name.
pub(crate) fn secret(name: &str) -> Secret {
    Secret::from_bytes(BodyHasher::digest(name.as_bytes()).0)
}

/// The Tox ID that belongs to it.
pub(crate) fn tox_id(name: &str) -> ToxId {
    ToxId { key: PublicKey(secret(name).point().0), nospam: Nospam([1; 4]) }
}

impl World {
    /// Nobody runs yet, and nobody knows a board.
    pub fn new(boards: u8) -> Self {
        let world = Self::of(7, &CAST, boards);
        for node in &world.nodes {
            node.answers_requests(FriendRequestAnswer::Accept);
        }
        world
    }

    /// A world of gateways with these accounts.
    pub fn of(seed: u64, cast: &[&[&str]], boards: u8) -> Self {
        let sim = Sim::asleep(seed, cast, tox_id);
        let (clock, random) = (Arc::clone(&sim.clock), Arc::clone(&sim.random));
        let hosts: Vec<_> = (0..boards).map(|number| Host::new(100 + number, &clock, &random)).collect();
        let node = |number| Arc::new(Node::new(&sim, number, &hosts));
        let nodes: Vec<_> = (0..cast.len()).map(node).collect();
        sim.accompany(Arc::new(Nodes(nodes.clone())));
        Self { clock, hosts, sim, nodes }
    }

    /// A gateway that knows these boards.
    pub fn node(&self, name: &str, boards: &[usize]) -> Arc<Node> {
        let node = &self.nodes[self.sim.whereabouts(name).0];
        let hosts: Vec<_> = boards.iter().map(|number| &self.hosts[*number]).collect();
        node.reads(&hosts);
        Arc::clone(node)
    }

    pub async fn pass(&self, time: Duration) {
        self.sim.let_pass(time).await;
    }

    pub fn deposits(&self) -> u64 {
        self.hosts.iter().map(|host| host.deposits.load(Ordering::Relaxed)).sum()
    }
}

/// Offline mail goes with every process of a gateway.
struct Nodes(Vec<Arc<Node>>);

#[async_trait]
impl Companion for Nodes {
    async fn made(&self, _world: &Arc<Sim>, node: usize, process: &Process) {
        self.0[node].process_made(process).await;
    }

    fn started(&self, node: usize) {
        self.0[node].process_started();
    }

    async fn ended(&self, node: usize) {
        self.0[node].process_ended().await;
    }
}
