//! Drives a [`Session`] with tokio: packets, calls to the daemon, time.
//!
//! One task per session. It never waits for the disk, for a filter or for the link: every call to the daemon runs in a
//! task of its own and comes back as an event, and sending is one future that is polled beside everything else.

use std::collections::HashMap;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use mail::{Acknowledgement, Clock, MailId, PublicKey, Refusal};
use supervisor::attempt;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinHandle;
use tracing::Instrument;

use crate::error::{BodyError, STORE_TROUBLE_WAIT, SessionEnd, TransferError};
use crate::handle::{Command, Flood, Peer, Reply};
use crate::hello::Hello;
use crate::limits::{
    BATCH_PACKETS, COMMANDS, FAREWELL, PACKETS_WAITING, RECEIVE_BATCH_PACKETS, SEND_BYTES, TICK,
};
use crate::memory::{Memory, Share};
use crate::message::Transfer;
use crate::offer::Offer;
use crate::ports::{Incoming, Link, LinkClosed, Outgoing};
use crate::session::{Action, Interruption, OfferAnswer, Reception, Session, UnsendableHello};
use mail::BodyHasher;

/// The name under which the supervisor counts calls to the daemon.
const TASK: &str = "peer-call";

/// A call panicked: the peer hears something at once, and tries again.
fn try_later() -> Acknowledgement {
    let reason = Refusal::transient(3, 0, "the recipient's gateway failed at this mail");
    Acknowledgement::TryLater { reason, after: STORE_TROUBLE_WAIT }
}

fn failed() -> BodyError {
    BodyError::Store("a fault of the gateway itself; its log says more".to_owned())
}

/// Everything a session needs.
#[derive(Clone)]
pub struct Setup {
    /// The friend.
    pub peer: PublicKey,
    /// Our hello, with a fresh nonce.
    pub hello: Hello,
    /// The way to the friend.
    pub link: Arc<dyn Link>,
    /// Bodies to send.
    pub outgoing: Arc<dyn Outgoing>,
    /// Where mails go that come.
    pub incoming: Arc<dyn Incoming>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Memory shared by all sessions.
    pub memory: Memory,
}

/// A session on a connection that was just made, and the handle to it. Nothing happens before [`Driver::run`].
///
/// # Errors
/// The hello is one that no peer would take.
pub fn connect(setup: Setup) -> Result<(Peer, Driver), UnsendableHello> {
    let session = Session::new(setup.peer, setup.hello.clone(), setup.clock.monotonic())?;
    let (commands, commands_in) = mpsc::channel(COMMANDS);
    let (packets, packets_in) = mpsc::channel(PACKETS_WAITING);
    let (events, events_in) = mpsc::unbounded_channel();
    let flood = Flood::default();
    let driver = Driver {
        session,
        state: State {
            share: Share::new(setup.hello.window),
            setup,
            events,
            jobs: HashMap::new(),
            admissions: HashMap::new(),
            replies: HashMap::new(),
            send_permits: HashMap::new(),
            greeting: false,
            end: None,
        },
        commands: commands_in,
        packets: packets_in,
        events: events_in,
        flood: flood.clone(),
    };
    Ok((Peer { commands, packets, flood }, driver))
}

/// Runs a session; made by [`connect`].
pub struct Driver {
    session: Session,
    state: State,
    commands: mpsc::Receiver<Command>,
    packets: mpsc::Receiver<Bytes>,
    events: mpsc::UnboundedReceiver<Event>,
    flood: Flood,
}

/// What is kept beside the session.
struct State {
    setup: Setup,
    share: Share,
    events: mpsc::UnboundedSender<Event>,
    /// The last call for each incoming mail: the next one waits for it.
    jobs: HashMap<MailId, Job>,
    /// Accepted by the owner, waiting for memory.
    admissions: HashMap<Reception, (MailId, JoinHandle<()>)>,
    replies: HashMap<MailId, Reply>,
    /// Memory of outgoing mails whose body is being sent.
    send_permits: HashMap<MailId, OwnedSemaphorePermit>,
    /// The owner is looking at a hello: other actions wait.
    greeting: bool,
    end: Option<SessionEnd>,
}

struct Job {
    handle: JoinHandle<()>,
    /// `complete` may go on after the session.
    outlives: bool,
}

/// A call to the daemon came back.
enum Event {
    Greeted,
    Read {
        transfer: Transfer,
        mail: MailId,
        result: Result<Bytes, BodyError>,
        permit: Option<OwnedSemaphorePermit>,
    },
    Answered {
        reception: Reception,
        mail: MailId,
        size: u64,
        answer: OfferAnswer,
    },
    Admitted {
        reception: Reception,
        mail: MailId,
        size: u64,
        hasher: BodyHasher,
        permit: Option<OwnedSemaphorePermit>,
    },
    Written {
        reception: Reception,
        result: Result<(), BodyError>,
    },
    Completed {
        reception: Reception,
        mail: MailId,
        word: Acknowledgement,
    },
}

type Sending = Pin<Box<dyn Future<Output = Result<(), LinkClosed>> + Send>>;

impl Driver {
    /// Runs the session until the connection ends or the peer breaks the protocol. Do not drop the future while mails are
    /// under way ([`Peer::disconnect`] ends it): their `interrupted` would be missing.
    #[tracing::instrument(name = "peer", skip_all, fields(peer = %self.state.setup.peer))]
    pub async fn run(mut self) -> SessionEnd {
        let clock = Arc::clone(&self.state.setup.clock);
        let mut sending: Option<Sending> = None;
        let mut received = Vec::with_capacity(RECEIVE_BATCH_PACKETS);
        let mut tick = sleep(&clock, TICK);
        let mut farewell: Option<Sleep> = None;
        loop {
            if self.flood.is_set() {
                self.session.flooded();
            }
            self.act();
            if sending.is_none() {
                sending = self.next_batch();
            }
            let over = self.session.is_over();
            if over {
                if sending.is_none() || self.state.end == Some(SessionEnd::Disconnected) {
                    break;
                }
                farewell.get_or_insert_with(|| sleep(&clock, FAREWELL));
            }
            tokio::select! {
                sent = maybe(&mut sending) => {
                    sending = None;
                    if sent.is_err() {
                        self.session.disconnected();
                    }
                }
                count = self.packets.recv_many(&mut received, RECEIVE_BATCH_PACKETS), if !over => {
                    self.take(count, &mut received);
                }
                Some(event) = self.events.recv() => self.event(event),
                command = self.commands.recv(), if !over => self.command(command),
                () = &mut tick => {
                    self.session.tick(clock.monotonic());
                    tick = sleep(&clock, TICK);
                }
                () = maybe(&mut farewell) => break,
            }
        }
        self.state.finish(self.events).await
    }

    fn next_batch(&mut self) -> Option<Sending> {
        let mut packets = Vec::new();
        self.session.transmit(BATCH_PACKETS, &mut packets);
        if packets.is_empty() {
            return None;
        }
        let link = Arc::clone(&self.state.setup.link);
        Some(Box::pin(async move { link.send(packets).await }))
    }

    fn take(&mut self, count: usize, received: &mut Vec<Bytes>) {
        if count == 0 {
            self.session.disconnected();
        }
        let now = self.state.setup.clock.monotonic();
        for packet in received.drain(..) {
            self.session.packet(now, packet);
        }
    }

    fn command(&mut self, command: Option<Command>) {
        match command {
            Some(Command::Transfer(offer, reply)) => {
                let mail = offer.mail;
                match self.session.offer(*offer) {
                    Ok(()) => drop(self.state.replies.insert(mail, reply)),
                    Err(error) => drop(reply.outcome.send(Err(error))),
                }
            }
            Some(Command::Cancel(mail)) => self.session.cancel(mail),
            Some(Command::Record(record)) => {
                let now = self.state.setup.clock.monotonic();
                if let Err(error) = self.session.record(now, record) {
                    tracing::warn!(%error, "a mailbox record cannot be sent");
                }
            }
            Some(Command::Disconnect) | None => self.session.disconnected(),
        }
    }

    fn event(&mut self, event: Event) {
        let session = &mut self.session;
        match event {
            Event::Greeted => self.state.greeting = false,
            Event::Read { transfer, mail, result, permit } => {
                if let Some(permit) = permit
                    && self.state.replies.contains_key(&mail)
                {
                    self.state.send_permits.insert(mail, permit);
                }
                match result {
                    Ok(bytes) => session.body(transfer, bytes),
                    Err(error) => session.body_failed(transfer, error),
                }
            }
            Event::Answered { reception, mail, size, answer: OfferAnswer::Accept(hasher) } => {
                self.state.admit(reception, mail, size, hasher);
            }
            Event::Answered { reception, answer, .. } => drop(session.answer(reception, answer)),
            Event::Admitted { reception, mail, size, hasher, permit } => {
                self.state.admissions.remove(&reception);
                if session.answer(reception, OfferAnswer::Accept(hasher)) {
                    self.state.share.accept(mail, size, permit);
                } else {
                    self.state.interrupted(mail, Interruption::Disconnected);
                }
            }
            Event::Written { reception, result } => match result {
                Ok(()) => session.written(reception),
                Err(_) => session.write_failed(reception),
            },
            Event::Completed { reception, mail, word } => {
                self.state.share.release(mail);
                session.completed(reception, word);
            }
        }
    }

    fn act(&mut self) {
        let over = self.session.is_over();
        while (over || !self.state.greeting)
            && let Some(action) = self.session.next_action()
        {
            match action {
                // Too late for what only starts something.
                Action::Offered { .. } | Action::Read { .. } | Action::Hello(_) | Action::Record(_)
                    if over => {}
                action => self.state.act(action),
            }
        }
    }
}

impl State {
    fn act(&mut self, action: Action) {
        match action {
            Action::Hello(hello) => self.greet(*hello),
            Action::Record(record) => self.renewed(record),
            Action::Read { transfer, mail, offset, max } => self.read(transfer, mail, offset, max),
            Action::Offered { reception, offer } => self.offered(reception, *offer),
            Action::Write { reception, mail, offset, bytes } => {
                let (incoming, from) = self.incoming();
                self.spawn(mail, false, async move {
                    let write = attempt(TASK, incoming.write(from, mail, offset, bytes)).await;
                    let result = write.unwrap_or_else(|| Err(failed()));
                    if let Err(error) = &result {
                        tracing::warn!(%mail, %error, "an incoming mail could not be stored");
                    }
                    Some(Event::Written { reception, result })
                });
            }
            Action::Complete { reception, mail } => {
                let (incoming, from) = self.incoming();
                self.spawn(mail, true, async move {
                    let word = attempt(TASK, incoming.complete(from, mail)).await;
                    let word = word.unwrap_or_else(try_later);
                    Some(Event::Completed { reception, mail, word })
                });
            }
            Action::Interrupted { mail, why } => self.interrupted(mail, why),
            Action::SentWhole { mail } => {
                self.replies.get(&mail).into_iter().for_each(|reply| reply.sent.set())
            }
            Action::Outcome { mail, result } => self.outcome(mail, result),
            Action::Ended(end) => self.end = Some(end),
        }
    }

    fn incoming(&self) -> (Arc<dyn Incoming>, PublicKey) {
        (Arc::clone(&self.setup.incoming), self.setup.peer)
    }

    fn greet(&mut self, hello: Hello) {
        tracing::debug!(version = hello.highest_version, "hello");
        self.greeting = true;
        let (incoming, from) = self.incoming();
        let events = self.events.clone();
        tokio::spawn(async move {
            attempt(TASK, incoming.hello(from, hello)).await;
            // Nobody listens any more when the session is over.
            let _ = events.send(Event::Greeted);
        });
    }

    /// As with a hello: what follows waits until the owner has seen it.
    fn renewed(&mut self, record: Vec<u8>) {
        self.greeting = true;
        let (incoming, from) = self.incoming();
        let events = self.events.clone();
        tokio::spawn(async move {
            attempt(TASK, incoming.record(from, record)).await;
            // Nobody listens any more when the session is over.
            let _ = events.send(Event::Greeted);
        });
    }

    /// Reads a block; before the first one, waits for memory to hold it.
    fn read(&mut self, transfer: Transfer, mail: MailId, offset: u64, max: usize) {
        let has_memory = self.send_permits.contains_key(&mail);
        let (memory, outgoing, events) =
            (self.setup.memory.clone(), Arc::clone(&self.setup.outgoing), self.events.clone());
        tokio::spawn(async move {
            let permit =
                if has_memory { None } else { memory.send(SEND_BYTES.min(max * 3 / 2) as u64).await };
            let read = attempt(TASK, outgoing.read(mail, offset, max)).await;
            let result = read.unwrap_or_else(|| Err(failed()));
            let _ = events.send(Event::Read { transfer, mail, result, permit });
        });
    }

    fn offered(&mut self, reception: Reception, offer: Offer) {
        let (incoming, from) = self.incoming();
        let (mail, size) = (offer.mail, offer.size);
        self.spawn(mail, false, async move {
            let answer = attempt(TASK, incoming.offer(from, &offer)).await;
            let answer = answer.unwrap_or_else(|| OfferAnswer::Acknowledge(try_later()));
            Some(Event::Answered { reception, mail, size, answer })
        });
    }

    /// The owner accepts; the peer hears of it when there is memory for its bytes.
    fn admit(&mut self, reception: Reception, mail: MailId, size: u64, hasher: BodyHasher) {
        let size = size.saturating_sub(hasher.length());
        let missing = self.share.missing(size);
        let (memory, events) = (self.setup.memory.clone(), self.events.clone());
        let handle = tokio::spawn(async move {
            let permit = if missing == 0 { None } else { memory.receive(missing).await };
            let _ = events.send(Event::Admitted { reception, mail, size, hasher, permit });
        });
        self.admissions.insert(reception, (mail, handle));
    }

    fn interrupted(&mut self, mail: MailId, why: Interruption) {
        self.share.release(mail);
        let (incoming, from) = self.incoming();
        self.spawn(mail, false, async move {
            attempt(TASK, incoming.interrupted(from, mail, why)).await;
            None
        });
    }

    fn outcome(&mut self, mail: MailId, result: Result<Acknowledgement, TransferError>) {
        self.send_permits.remove(&mail);
        match &result {
            Ok(word) => tracing::debug!(%mail, ?word, "acknowledged"),
            Err(error) => tracing::debug!(%mail, %error, "not transferred"),
        }
        if let Some(reply) = self.replies.remove(&mail) {
            // Who dropped its future does not want to know.
            let _ = reply.outcome.send(result);
        }
    }

    /// Runs a call for an incoming mail after the one before for the same mail.
    fn spawn(
        &mut self,
        mail: MailId,
        outlives: bool,
        call: impl Future<Output = Option<Event>> + Send + 'static,
    ) {
        let before = self.jobs.remove(&mail).filter(|job| !job.handle.is_finished());
        let events = self.events.clone();
        let job = async move {
            if let Some(before) = before {
                // A call that panicked was counted, and answered for.
                let _ = before.handle.await;
            }
            if let Some(event) = call.await {
                let _ = events.send(event);
            }
        };
        let handle = tokio::spawn(job.in_current_span());
        self.jobs.retain(|_, job| !job.handle.is_finished());
        self.jobs.insert(mail, Job { handle, outlives });
    }

    /// Waits for the calls under way, and takes back what was accepted too late.
    async fn finish(mut self, mut events: mpsc::UnboundedReceiver<Event>) -> SessionEnd {
        for (_, (mail, handle)) in std::mem::take(&mut self.admissions) {
            handle.abort();
            self.interrupted(mail, Interruption::Disconnected);
        }
        self.wait().await;
        while let Ok(event) = events.try_recv() {
            if let Event::Answered { mail, answer: OfferAnswer::Accept(_), .. } = event {
                self.interrupted(mail, Interruption::Disconnected);
            }
        }
        self.wait().await;
        let end = self.end.unwrap_or(SessionEnd::Disconnected);
        tracing::debug!(%end, "session over");
        end
    }

    async fn wait(&mut self) {
        for (_, job) in self.jobs.drain() {
            if !job.outlives {
                let _ = job.handle.await;
            }
        }
    }
}

type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

fn sleep(clock: &Arc<dyn Clock>, duration: std::time::Duration) -> Sleep {
    let clock = Arc::clone(clock);
    Box::pin(async move { clock.sleep(duration).await })
}

/// The future, if there is one; else never ready.
async fn maybe<F: Future + Unpin>(future: &mut Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}
