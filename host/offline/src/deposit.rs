//! One session of a depositor: throwaway, stamps, receipts.

use std::sync::Arc;
use std::time::Duration;

use drops::cell::BoardKey;
use drops::depositor::{Deposit, DepositEvent, DepositSession, NotTaken};
use drops::limits::ANSWER_TIME;
use drops::message::{Receipt, Refusal};
use drops::session::{BoardSession, Purpose};
use drops::stamp::{Challenge, Stamp};
use drops::token::Token;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::limits::STAMP_SLICE;
use crate::ports::SessionIdentity;
use crate::shared::Shared;

/// The result of a session.
#[derive(Debug, Default)]
pub(crate) struct Deposited {
    /// Receipts, checked, by number of the cell.
    pub receipts: Vec<(u32, Receipt)>,
    /// Cells that were not taken: number, and whether they must be sealed again.
    pub not_taken: Vec<(u32, bool)>,
    /// A cell left for the board, whatever became of it.
    pub was_sent: bool,
    /// Tokens that were not shown.
    pub unspent: Vec<Token>,
    /// The board broke the rules.
    pub is_broken: bool,
    /// What went wrong, one line.
    pub problem: Option<String>,
}

/// Deposits cells in one session.
pub(crate) async fn deposit(
    shared: &Shared,
    board: BoardKey,
    identity: SessionIdentity,
    deposits: Vec<Deposit>,
    stop: &CancellationToken,
) -> Deposited {
    let tags: Vec<u32> = deposits.iter().map(|deposit| deposit.tag).collect();
    let unspent = || deposits.iter().filter_map(|deposit| deposit.token.clone()).collect();
    let opened = tokio::select! {
        biased;
        () = stop.cancelled() => return Deposited { unspent: unspent(), ..Deposited::default() },
        opened = shared.ports.boards.open(board, Purpose::Depositing, identity) => opened,
    };
    match opened {
        Err(error) => Deposited {
            not_taken: tags.into_iter().map(|tag| (tag, false)).collect(),
            unspent: unspent(),
            problem: Some(error.to_string()),
            ..Deposited::default()
        },
        Ok(session) => {
            let machine = DepositSession::new(board, deposits, shared.monotonic());
            let result = Deposited::default();
            Run { shared, session, machine, result, stop }.hold().await
        }
    }
}

struct Run<'a> {
    shared: &'a Shared,
    session: Box<dyn BoardSession>,
    machine: DepositSession,
    result: Deposited,
    stop: &'a CancellationToken,
}

impl Run<'_> {
    async fn hold(mut self) -> Deposited {
        let mut events = vec![self.machine.start(self.shared.monotonic())];
        loop {
            let mut next = vec![];
            for event in events {
                next.extend(self.handle(event).await);
            }
            if next.is_empty() && self.machine.is_over() {
                return self.result;
            }
            events = if next.is_empty() { self.hear().await } else { next };
        }
    }

    /// Waits for the board.
    async fn hear(&mut self) -> Vec<DepositEvent> {
        let clock = Arc::clone(&self.shared.ports.clock);
        let heard = tokio::select! {
            biased;
            () = self.stop.cancelled() => return self.machine.ended(),
            heard = self.session.receive() => heard,
            () = clock.sleep(ANSWER_TIME + Duration::from_secs(1)) => {
                return self.machine.tick(self.shared.monotonic());
            }
        };
        match heard {
            Ok(message) => self.machine.receive(&message, self.shared.monotonic(), self.shared.wall()),
            Err(error) => {
                self.result.problem = Some(error.to_string());
                self.machine.ended()
            }
        }
    }

    async fn handle(&mut self, event: DepositEvent) -> Vec<DepositEvent> {
        match event {
            DepositEvent::Send(message) => {
                self.result.was_sent = self.machine.was_sent();
                if let Err(error) = self.session.send(&message).await {
                    self.result.problem = Some(error.to_string());
                    return self.machine.ended();
                }
            }
            DepositEvent::Work { challenge, bits } => {
                let stamp = tokio::select! {
                    biased;
                    () = self.stop.cancelled() => None,
                    stamp = work(self.shared, challenge, bits) => stamp,
                };
                return match stamp {
                    Some(stamp) => self.machine.stamped(stamp, self.shared.monotonic()),
                    None => self.machine.ended(),
                };
            }
            DepositEvent::Receipt { tag, receipt } => self.result.receipts.push((tag, receipt)),
            DepositEvent::NotTaken { tag, why, unspent } => {
                self.result.unspent.extend(unspent);
                let reseal = matches!(why, NotTaken::Refused(Refusal::NameTaken | Refusal::Point));
                if let NotTaken::Refused(refusal) = why {
                    self.result.problem = Some(refusal.to_string());
                }
                self.result.not_taken.push((tag, reseal));
            }
            DepositEvent::Broken(violation) => {
                self.result.is_broken = true;
                self.result.problem = Some(violation.to_string());
            }
            DepositEvent::Done => {}
        }
        vec![]
    }
}

/// Searches a stamp on the worker threads, slice by slice: what else waits for them gets its turn in between. Dropped, the search
/// ends soon.
async fn work(shared: &Shared, challenge: Challenge, bits: u8) -> Option<Stamp> {
    let mut from = 0;
    loop {
        let (sender, receiver) = oneshot::channel();
        shared.ports.workers.run(Box::new(move || {
            // Nobody waits for it any more: nothing is lost.
            let _unheard = sender.send(challenge.search(bits, from, STAMP_SLICE));
        }));
        match receiver.await {
            Ok(None) => from += STAMP_SLICE,
            Ok(found) => return found,
            Err(_) => return None,
        }
    }
}
