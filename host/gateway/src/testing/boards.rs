//! Drop relays for whole gateways, in short: copies that wait, readers that come now and then, acknowledgements that go back the same way.
//! What a gateway knows of its copies is on its disk; each change there can be its last.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mail::record::{OutboxEntry, Route};
use mail::{AccountName, Acknowledgement, BodyDigest, Envelope, MailId, PublicKey, Wall};

use super::companion::Companion;
use super::storage::MemoryStorage;
use super::world::{Process, World};
use crate::Received;
use crate::lock::lock;
use crate::ports::{Copies, DropRelays};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long a copy waits.
const HELD: Duration = DAY.saturating_mul(7);
/// How long after that an answer may come.
const ANSWER: Duration = DAY.saturating_mul(3);
/// Nothing heard for so long: posted again.
const PATIENCE: Duration = DAY.saturating_mul(2);
const REPOSTS: u32 = 2;

/// All boards, and what each gateway has on disk about them.
#[derive(Default)]
pub(crate) struct SimBoards {
    pub state: Mutex<BoardState>,
}

#[derive(Default)]
pub(crate) struct BoardState {
    /// Every parcel ever posted, by number.
    posted: Vec<Posted>,
    /// Of a gateway's mails.
    stories: BTreeMap<(usize, MailId), Story>,
    /// Parcels a gateway has answered.
    answered: BTreeSet<(usize, usize)>,
    /// Words that are to be posted.
    owed: BTreeMap<(usize, usize), Posted>,
    /// Chance in a thousand that boards lose a parcel of words.
    pub words_lost: u32,
    pub reposts: u32,
    /// Mails that came by a board first.
    pub received: u32,
}

#[derive(Clone)]
struct Posted {
    from: PublicKey,
    to: PublicKey,
    until: Wall,
    what: What,
}

#[derive(Clone)]
enum What {
    Mail(MailId, Envelope, Bytes),
    Word(MailId, BodyDigest, Acknowledgement),
}

#[derive(Clone, Default)]
struct Story {
    submitted: Wall,
    tried: bool,
    handed_over: Option<Wall>,
    until: Wall,
    reposts: u32,
}

/// What one process of a gateway sees of it.
pub(crate) struct NodeRelays {
    boards: Arc<SimBoards>,
    world: Weak<World>,
    node: usize,
    storage: Arc<MemoryStorage>,
    running: Mutex<BTreeSet<MailId>>,
}

impl SimBoards {
    /// The view of a process that has just started; it reads until it is dead.
    pub fn process(
        self: &Arc<Self>,
        world: Weak<World>,
        node: usize,
        storage: Arc<MemoryStorage>,
    ) -> Arc<NodeRelays> {
        let running = Mutex::default();
        let relays = Arc::new(NodeRelays { boards: Arc::clone(self), world, node, storage, running });
        tokio::spawn(Arc::clone(&relays).read());
        relays
    }
}

impl NodeRelays {
    fn is_dead(&self) -> bool {
        self.storage.dead().load(std::sync::atomic::Ordering::Relaxed)
    }

    fn below(&self, end: u64) -> u64 {
        self.world.upgrade().map_or(0, |world| world.random.below(end))
    }

    fn now(&self) -> Wall {
        self.world.upgrade().map_or(Wall(0), |world| mail::Clock::wall(&*world.clock))
    }

    /// Changes what is on this gateway's disk about boards.
    async fn change(&self, change: impl FnOnce(&mut BoardState) + Send) -> Option<()> {
        self.storage.step(|| change(&mut lock(&self.boards.state))).await.ok()
    }

    async fn deposit(self: Arc<Self>, entry: OutboxEntry) {
        let id = entry.id;
        tokio::time::sleep(Duration::from_secs(self.below(300))).await;
        let _either_way_over = self.try_deposit(entry).await;
        lock(&self.running).remove(&id);
    }

    async fn try_deposit(&self, entry: OutboxEntry) -> Option<()> {
        let Route::Remote(destination) = &entry.route else { return None };
        let world = self.world.upgrade()?;
        let from = world.nodes[self.node].accounts.get(&entry.account)?.key;
        let (wire, body) = world.gateway(self.node)?.outgoing(entry.id, 1 << 20).await.ok()??;
        let (place, now) = ((self.node, entry.id), self.now());
        self.change(|state| {
            let story = state.stories.entry(place).or_default();
            (story.submitted, story.tried) = (entry.created, true);
        })
        .await?;
        let what = What::Mail(entry.id, wire.envelope, body?);
        let until = now.plus(HELD);
        // On the board; then, if it lives that long, on disk that it is there.
        lock(&self.boards.state).posted.push(Posted { from, to: destination.key(), until, what });
        self.change(|state| {
            let again = state.stories.get(&place).is_some_and(|story| story.handed_over.is_some());
            state.reposts += u32::from(again);
            let story = state.stories.entry(place).or_default();
            story.reposts += u32::from(again);
            (story.handed_over, story.until) = (Some(now), until);
        })
        .await
    }

    /// Every few hours.
    async fn read(self: Arc<Self>) {
        loop {
            tokio::time::sleep(Duration::from_secs(1800 + self.below(3 * 3600))).await;
            if self.is_dead() || self.visit().await.is_none() {
                return;
            }
        }
    }

    async fn visit(&self) -> Option<()> {
        let (world, now) = (self.world.upgrade()?, self.now());
        let accounts: BTreeMap<PublicKey, AccountName> =
            world.nodes[self.node].accounts.iter().map(|(name, id)| (id.key, name.clone())).collect();
        drop(world);
        let found: Vec<(usize, Posted)> = {
            let state = lock(&self.boards.state);
            let all = state.posted.iter().cloned().enumerate();
            let is_ours = |(number, posted): &(usize, Posted)| {
                accounts.contains_key(&posted.to)
                    && posted.until > now
                    && !state.answered.contains(&(self.node, *number))
            };
            all.filter(is_ours).collect()
        };
        for (number, posted) in found {
            self.take(number, &accounts[&posted.to], posted).await?;
        }
        let owed: Vec<((usize, usize), Posted)> = {
            let state = lock(&self.boards.state);
            state
                .owed
                .range((self.node, 0)..=(self.node, usize::MAX))
                .map(|(at, word)| (*at, word.clone()))
                .collect()
        };
        for (at, word) in owed {
            let is_lost = self.below(1000) < u64::from(lock(&self.boards.state).words_lost);
            if !is_lost {
                lock(&self.boards.state).posted.push(Posted { until: self.now().plus(HELD), ..word });
            }
            self.change(|state| drop(state.owed.remove(&at))).await?;
        }
        Some(())
    }

    async fn take(&self, number: usize, account: &AccountName, posted: Posted) -> Option<()> {
        let gateway = self.world.upgrade()?.gateway(self.node)?;
        let Posted { from, to, until, what } = posted;
        match what {
            What::Mail(id, envelope, body) => {
                let digest = mail::BodyHasher::digest(&body);
                let word = match gateway.receive_whole(account, from, id, envelope, body).await {
                    Received::Acknowledged(word) => word,
                    Received::Stranger | Received::Later(_) => return (!self.is_dead()).then_some(()),
                    Received::Broken(why) => panic!("a mail from a board breaks the rules: {why}"),
                };
                let answer = Posted { from: to, to: from, until, what: What::Word(id, digest, word) };
                self.change(|state| {
                    state.received += 1;
                    state.answered.insert((self.node, number));
                    state.owed.insert((self.node, number), answer);
                })
                .await
            }
            What::Word(id, digest, word) => {
                // Read again and again until it expires: it changes nothing twice.
                let told = gateway.acknowledged(account, from, id, digest, word).await;
                (told.is_ok() || !self.is_dead()).then_some(())
            }
        }
    }
}

/// Of one process, for its gateway.
pub(crate) struct Handle(pub Arc<NodeRelays>);

#[async_trait]
impl DropRelays for Handle {
    async fn leave_copies(&self, entry: &OutboxEntry) -> Copies {
        let now = self.0.now();
        let is_due = {
            let state = lock(&self.0.boards.state);
            let story = state.stories.get(&(self.0.node, entry.id));
            story.is_none_or(|story| {
                story.handed_over.is_none_or(|since| story.reposts < REPOSTS && now.since(since) >= PATIENCE)
            })
        };
        if is_due && lock(&self.0.running).insert(entry.id) {
            tokio::spawn(Arc::clone(&self.0).deposit(entry.clone()));
        }
        self.copies(entry.id)
    }

    fn copies(&self, id: MailId) -> Copies {
        let state = lock(&self.0.boards.state);
        let Some(story) = state.stories.get(&(self.0.node, id)) else { return Copies::default() };
        let latest = story.submitted.plus(mail::limits::EXPIRY_LONGEST);
        let answer = story.handed_over.map(|_| story.until.plus(ANSWER).min(latest));
        Copies {
            complete: usize::from(story.until > self.0.now()),
            answer_until: answer,
            may_have_arrived: story.tried,
            note: None,
        }
    }

    fn reaches_strangers(&self) -> bool {
        false
    }

    fn ended(&self, id: MailId) {
        if !self.0.is_dead() {
            lock(&self.0.boards.state).stories.remove(&(self.0.node, id));
        }
    }

    fn contacts_changed(&self, _account: &AccountName) {}
}

/// The boards, as processes that start and end see them.
pub(crate) struct OnBoards(pub Arc<SimBoards>);

#[async_trait]
impl Companion for OnBoards {
    async fn made(&self, world: &Arc<World>, node: usize, process: &Process) {
        let relays = self.0.process(Arc::downgrade(world), node, process.storage.clone());
        process.gateway.use_relays(Arc::new(Handle(relays)));
    }

    fn started(&self, _node: usize) {}

    async fn ended(&self, _node: usize) {}
}
