//! The adversary: one board (or two) with its log to the millisecond, everybody's presence, contacts, boards and volumes, the code
//! and its constants. It weighs every explanation of what it saw by how likely the code is to produce it.
//!
//! Each question is answered three times: by *guessing*, with all of that but the board's log; by *presence*, with the moment of the
//! event added and nothing else (who was online then), which no scheme can hide whose sessions are held while a gateway runs;
//! and by the attack, with the whole log.

use std::collections::HashMap;
use std::time::Duration;

use drops::cell::Name;
use drops::limits::READING;
use drops::reader::Window;

use crate::world::{
    DAY, DepositLog, Dice, EVERY, HOUR, Log, MINUTE, Reading, SECOND, Scheme, SessionKind, SessionLog, Time,
    USERS,
};

/// How often the attack was right, and how often the best guess without the board's log.
#[derive(Clone, Copy, Debug, Default)]
pub struct Score {
    pub count: f64,
    pub attack: f64,
    pub presence: f64,
    pub guess: f64,
    pub paired: f64,
    pub paired_guess: f64,
}

impl Score {
    fn add(&mut self, attack: &[f64], presence: &[f64], guess: &[f64], truth: usize, other: usize) {
        self.count += 1.0;
        self.attack += is_top(attack, truth);
        self.presence += is_top(presence, truth);
        self.guess += is_top(guess, truth);
        self.paired += beats(attack, truth, other);
        self.paired_guess += beats(guess, truth, other);
    }

    fn share(&self, of: f64) -> f64 {
        if self.count > 0.0 { 100.0 * of / self.count } else { 0.0 }
    }

    /// Percent right.
    pub fn attack(&self) -> f64 {
        self.share(self.attack)
    }

    /// Percent right by the moment alone.
    pub fn presence(&self) -> f64 {
        self.share(self.presence)
    }

    /// Percent right without the log.
    pub fn guess(&self) -> f64 {
        self.share(self.guess)
    }

    /// Points above guessing.
    pub fn advantage(&self) -> f64 {
        self.attack() - self.guess()
    }

    /// Points above guessing when only two can be meant.
    pub fn paired_advantage(&self) -> f64 {
        self.share(self.paired) - self.share(self.paired_guess)
    }
}

/// One if `truth` has the highest weight; its share where several have.
fn is_top(weights: &[f64], truth: usize) -> f64 {
    let highest = weights.iter().copied().fold(0.0, f64::max);
    let ties = weights.iter().filter(|weight| **weight == highest).count();
    if weights[truth] == highest { 1.0 / ties as f64 } else { 0.0 }
}

fn beats(weights: &[f64], truth: usize, other: usize) -> f64 {
    match weights[truth].total_cmp(&weights[other]) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 0.0,
    }
}

/// What the attack found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scores {
    /// Whose reading session it is.
    pub session: Score,
    /// Whose depositing session it is.
    pub depositor: Score,
    /// Who reads what was deposited.
    pub reader: Score,
    /// With whom each user writes most by this board.
    pub pair: Score,
}

pub struct Adversary<'a> {
    log: &'a Log,
    scheme: Scheme,
    boards: &'a [usize],
    /// Who sends to whom: rate per edge, refined from the log.
    rate: Vec<Vec<f64>>,
    /// Time in which a sends by drops to b: a online, b offline.
    exposure: Vec<Vec<f64>>,
    /// Who fetched which cell, by weight.
    fetched: HashMap<Name, Vec<f64>>,
    /// Readings in order of time, where delays are switched off.
    readings: Vec<ReadingSeen>,
}

/// A reading session: when, whose by weight, and whether a deposit followed at once.
struct ReadingSeen {
    at: Time,
    whose: Vec<f64>,
    is_answered: bool,
}

impl<'a> Adversary<'a> {
    pub fn new(log: &'a Log, scheme: Scheme, boards: &'a [usize]) -> Self {
        let mut adversary = Self {
            log,
            scheme,
            boards,
            rate: vec![vec![0.0; USERS]; USERS],
            exposure: vec![vec![0.0; USERS]; USERS],
            fetched: HashMap::new(),
            readings: vec![],
        };
        adversary.measure_exposure();
        adversary.begin_with_volumes();
        adversary
    }

    fn is_online(&self, user: usize, at: Time) -> bool {
        self.stay(user, at).is_some()
    }

    /// The time online around `at`.
    fn stay(&self, user: usize, at: Time) -> Option<(Time, Time)> {
        let stays = &self.log.presence[user];
        let before = stays.partition_point(|(from, _)| *from <= at);
        stays[..before].last().copied().filter(|(_, to)| at < *to)
    }

    /// How long the user was online between two moments.
    fn time_online(&self, user: usize, since: Time, until: Time) -> Time {
        let within = |(from, to): &(Time, Time)| (*to).min(until).saturating_sub((*from).max(since));
        self.log.presence[user].iter().map(within).sum()
    }

    fn reads_here(&self, user: usize) -> bool {
        self.boards.iter().any(|board| self.log.boards_read[user].contains(board))
    }

    fn measure_exposure(&mut self) {
        for at in (0..self.log.end).step_by(20 * MINUTE as usize) {
            let online: Vec<bool> = (0..USERS).map(|user| self.is_online(user, at)).collect();
            for from in 0..USERS {
                for to in &self.log.contacts[from] {
                    if online[from] && (!online[*to] || self.scheme.copies_of_all) {
                        self.exposure[from][*to] += 1.0;
                    }
                }
            }
        }
    }

    /// What volumes alone say about edges: each user's mails spread over contacts by what those receive.
    fn begin_with_volumes(&mut self) {
        for from in 0..USERS {
            let total: f64 = self.log.contacts[from].iter().map(|to| self.log.received[*to] + 0.1).sum();
            for to in &self.log.contacts[from] {
                self.rate[from][*to] = (self.log.sent[from] + 0.1) * (self.log.received[*to] + 0.1) / total;
            }
        }
        // An acknowledgement goes the other way.
        let forth = self.rate.clone();
        for from in 0..USERS {
            for to in 0..USERS {
                self.rate[from][to] += 0.5 * forth[to][from];
            }
        }
    }

    /// Without the log: how often each user is expected to be the recipient here.
    fn prior_reader(&self) -> Vec<f64> {
        (0..USERS)
            .map(|to| {
                let expected: f64 =
                    (0..USERS).map(|from| self.rate[from][to] * self.exposure[from][to]).sum();
                if self.reads_here(to) { expected } else { 0.0 }
            })
            .collect()
    }

    /// Without the log: how often each user is expected to have a session here.
    fn prior_session(&self, kind: SessionKind) -> Vec<f64> {
        (0..USERS)
            .map(|user| match kind {
                SessionKind::Reading if !self.reads_here(user) => 0.0,
                SessionKind::Reading => {
                    let stays = self.log.presence[user].iter();
                    stays.map(|(from, to)| (to - from) as f64 / READING.as_millis() as f64).sum()
                }
                SessionKind::Depositing => (0..USERS)
                    .filter(|to| self.reads_here(*to))
                    .map(|to| self.rate[user][to] * self.exposure[user][to])
                    .sum(),
            })
            .collect()
    }

    /// How well each user explains a session.
    fn explain_session(&self, session: &SessionLog) -> Vec<f64> {
        if let Some(identity) = session.identity {
            return (0..USERS).map(|user| f64::from(u8::from(user == identity))).collect();
        }
        (0..USERS)
            .map(|user| {
                let Some((from, to)) = self.stay(user, session.begin) else { return 0.0 };
                match session.kind {
                    SessionKind::Reading => self.explain_reading(user, session, from, to),
                    SessionKind::Depositing => self.explain_depositing(user, session.begin),
                }
            })
            .collect()
    }

    fn explain_reading(&self, user: usize, session: &SessionLog, from: Time, to: Time) -> f64 {
        let reads = self.log.boards_read[user].contains(&session.board);
        if !reads || session.end > to + 30 * SECOND {
            return 0.0;
        }
        let since = session.begin - from;
        let mean = READING.as_millis() as f64;
        let unread = (-(since as f64) / mean).exp();
        match self.scheme.reading {
            // Without delays readings come with the gateway, and then by the clock.
            Reading::Visits if !self.scheme.delays => f64::from(u8::from(since % EVERY < SECOND)),
            // As likely in any minute; how far back it reads says how long ago the last one was.
            Reading::Visits => self.explain_window(user, session, from),
            Reading::Follow => {
                let first = unread / mean;
                let renewed = if since > 12 * HOUR { 1.0 / DAY as f64 } else { 0.0 };
                // Whose gateway stops with the session is nearly found.
                let end = if session.end.abs_diff(to) < SECOND { 1.0 } else { 1.0 / DAY as f64 };
                (first + renewed) * end
            }
        }
    }

    /// How well the window a session read fits: it goes back to the user's last reading but one. Readings come evenly while the
    /// gateway runs, so the chances of none, one and more since it started follow from the time.
    fn explain_window(&self, user: usize, session: &SessionLog, from: Time) -> f64 {
        let Some(window) = session.window else { return 0.0 };
        let chances = |time: Time| {
            let expected = time as f64 / READING.as_millis() as f64;
            let none = (-expected).exp();
            [none, none * expected, 1.0 - none - none * expected]
        };
        let stays = &self.log.presence[user];
        let before = stays.partition_point(|(begin, _)| *begin < from);
        // The window if the last reading but one was near the end of the stay so many before this one.
        let back_to = |stay: usize| {
            let end = before.checked_sub(stay).and_then(|number| stays.get(number)).map(|(_, end)| *end);
            Window::covering(end.map(|end| Duration::from_millis(session.begin.saturating_sub(end))))
        };
        let fits = |other: Window| f64::from(u8::from(other == window));
        // Readings needed in the stays before, one stay after the other.
        let earlier = |needed: usize| {
            let (mut left, mut sum) = ([0.0; 3], 0.0);
            left[needed] = 1.0;
            for stay in 1..=4 {
                let Some((begin, end)) = before.checked_sub(stay).and_then(|number| stays.get(number)) else {
                    break;
                };
                let [none, one, more] = chances(end - begin);
                sum += fits(back_to(stay)) * (left[1] * (one + more) + left[2] * more);
                left = [0.0, left[1] * none + left[2] * one, left[2] * none];
            }
            sum + (left[1] + left[2]) * fits(Window::All)
        };
        let [none, one, more] = chances(session.begin - from);
        // What is left for chance: a reading that failed, a stay that was cut short.
        1e-4 + more * fits(Window::TwoDays) + one * earlier(1) + none * earlier(2)
    }

    fn explain_depositing(&self, user: usize, at: Time) -> f64 {
        (0..USERS).filter(|to| self.reads_here(*to)).map(|to| self.explain_pair(user, to, at)).sum()
    }

    /// How well `from` writing to `to` explains a deposit: `from` is online, `to` was not.
    fn explain_pair(&self, from: usize, to: usize, at: Time) -> f64 {
        if self.rate[from][to] == 0.0 || !self.is_online(from, at) {
            return 0.0;
        }
        let within = if self.scheme.delays { self.scheme.within } else { 0 };
        let offline = (0..=4)
            .filter(|step| {
                let then = at.saturating_sub(within * step / 4);
                self.is_online(from, then) && (!self.is_online(to, then) || self.scheme.copies_of_all)
            })
            .count() as f64
            / 5.0;
        self.rate[from][to] * (offline + 0.001)
    }

    /// How well each recipient explains a deposit, and each pair.
    fn explain_deposit(&self, deposit: &DepositLog) -> (Vec<f64>, Vec<Vec<f64>>) {
        let identity = self.log.sessions[deposit.session].identity;
        let mut readers = vec![0.0; USERS];
        let mut pairs = vec![vec![0.0; USERS]; USERS];
        for from in 0..USERS {
            if identity.is_some_and(|identity| identity != from) {
                continue;
            }
            for to in &self.log.contacts[from] {
                if !self.log.boards_read[*to].contains(&deposit.board) {
                    continue;
                }
                let mut weight = self.explain_pair(from, *to, deposit.at);
                if let Some(asked_for) = deposit.asked_for {
                    weight = f64::from(u8::from(asked_for == *to));
                }
                if let Some(fetched) = self.fetched.get(&deposit.name) {
                    weight *= fetched[*to] + 1e-6;
                }
                weight *= self.chained(*to, deposit.at);
                readers[*to] += weight;
                pairs[from][*to] += weight;
            }
        }
        let total: f64 = readers.iter().sum();
        if total > 0.0 {
            readers.iter_mut().for_each(|weight| *weight /= total);
            pairs.iter_mut().flatten().for_each(|weight| *weight /= total);
        }
        (readers, pairs)
    }

    /// Without delays an acknowledgement right after a reading says that the reader found something: what came since
    /// its reading before.
    fn chained(&self, to: usize, at: Time) -> f64 {
        if self.scheme.delays {
            return 1.0;
        }
        let first = self.readings.iter().find(|reading| reading.at >= at && reading.whose[to] > 0.5);
        match first {
            Some(reading) if reading.is_answered => 6.0,
            _ => 0.3,
        }
    }

    fn normal(mut weights: Vec<f64>) -> Vec<f64> {
        let total: f64 = weights.iter().sum();
        if total > 0.0 {
            weights.iter_mut().for_each(|weight| *weight /= total);
        }
        weights
    }

    /// Reads the log and scores every question. With `refined`, rates are learned from the log; without, volumes are trusted.
    pub fn attack(&mut self, seed: u64, refined: bool) -> Scores {
        let mut dice = Dice::new(seed ^ 0x5eed);
        let mut scores = Scores::default();
        let log = self.log;
        let sessions: Vec<&SessionLog> =
            log.sessions.iter().filter(|session| self.boards.contains(&session.board)).collect();
        let deposits: Vec<&DepositLog> =
            log.deposits.iter().filter(|deposit| self.boards.contains(&deposit.board)).collect();
        let readers = self.prior_reader();
        let before: Vec<Vec<f64>> = self.expected();
        let priors = [SessionKind::Reading, SessionKind::Depositing].map(|kind| self.prior_session(kind));
        let (session_presence, deposit_presence) = self.by_presence(&sessions, &deposits, &priors[0]);
        for session in &sessions {
            if session.kind == SessionKind::Reading {
                self.note_reading(session, &deposits);
            }
        }
        if refined {
            self.refine(&deposits, &before);
        }
        for (session, presence) in sessions.iter().zip(&session_presence) {
            let prior = &priors[usize::from(session.kind == SessionKind::Depositing)];
            let other = other_than(&mut dice, session.user, prior);
            let score = match session.kind {
                SessionKind::Reading => &mut scores.session,
                SessionKind::Depositing => &mut scores.depositor,
            };
            score.add(&self.explain_session(session), presence, prior, session.user, other);
        }
        for (deposit, presence) in deposits.iter().zip(&deposit_presence) {
            let other = other_than(&mut dice, deposit.to, &readers);
            scores.reader.add(&self.explain_deposit(deposit).0, presence, &readers, deposit.to, other);
        }
        self.score_pairs(&deposits, &before, &mut scores.pair, &mut dice);
        scores
    }

    /// What the moment alone says of each session and each deposit: who was online then, and who was not.
    fn by_presence(
        &self,
        sessions: &[&SessionLog],
        deposits: &[&DepositLog],
        readings: &[f64],
    ) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let online = |user: usize| -> f64 {
            self.log.presence[user].iter().map(|(from, to)| (to - from) as f64).sum::<f64>().max(1.0)
        };
        let pair = |from: usize, to: usize, at: Time| {
            let is_waiting = !self.is_online(to, at) || self.scheme.copies_of_all;
            let is_possible = self.reads_here(to) && self.is_online(from, at) && is_waiting;
            if is_possible { self.rate[from][to] } else { 0.0 }
        };
        let whose = |session: &&SessionLog| -> Vec<f64> {
            let at = session.begin;
            let weight = |user: usize| match session.kind {
                _ if !self.is_online(user, at) => 0.0,
                SessionKind::Reading => readings[user] / online(user),
                SessionKind::Depositing => (0..USERS).map(|to| pair(user, to, at)).sum(),
            };
            (0..USERS).map(weight).collect()
        };
        let for_whom = |deposit: &&DepositLog| -> Vec<f64> {
            (0..USERS).map(|to| (0..USERS).map(|from| pair(from, to, deposit.at)).sum()).collect()
        };
        (sessions.iter().map(whose).collect(), deposits.iter().map(for_whom).collect())
    }

    fn note_reading(&mut self, session: &SessionLog, deposits: &[&DepositLog]) {
        let whose = Self::normal(self.explain_session(session));
        for name in &session.fetched {
            let Some(deposit) = deposits.iter().find(|deposit| deposit.name == *name) else { continue };
            let weight = match self.fetched.get(name) {
                // Again, by another throwaway: whoever fetched it first was there then too.
                Some(first) => first.iter().zip(&whose).map(|(first, now)| first * (now + 1e-6)).collect(),
                // Whoever was there for long since the deposit would have fetched it before.
                None => {
                    let unread = |user: usize| {
                        let online = self.time_online(user, deposit.at, session.begin);
                        (-(online as f64) / READING.as_millis() as f64).exp()
                    };
                    whose.iter().enumerate().map(|(user, weight)| weight * unread(user)).collect()
                }
            };
            self.fetched.insert(*name, Self::normal(weight));
        }
        if !self.scheme.delays {
            let is_answered = deposits.iter().any(|deposit| deposit.at.abs_diff(session.begin) <= SECOND);
            self.readings.push(ReadingSeen { at: session.begin, whose, is_answered });
        }
    }

    /// Expected deposits of each pair.
    fn expected(&self) -> Vec<Vec<f64>> {
        let product = |from: usize, to: usize| self.rate[from][to] * (self.exposure[from][to] + 0.5);
        (0..USERS).map(|from| (0..USERS).map(|to| product(from, to)).collect()).collect()
    }

    /// The rates that explain the whole log best, by expectation and maximization, starting from what volumes say.
    fn refine(&mut self, deposits: &[&DepositLog], before: &[Vec<f64>]) {
        let total: f64 = before.iter().flatten().sum();
        // What volumes say counts as much as the log.
        let trust = deposits.len() as f64 / total.max(1e-9);
        for _ in 0..8 {
            let sums = self.explained(deposits);
            for from in 0..USERS {
                for to in 0..USERS {
                    if before[from][to] > 0.0 {
                        let seen = sums[from][to] + trust * before[from][to];
                        self.rate[from][to] = seen / (self.exposure[from][to] + 0.5);
                    }
                }
            }
        }
    }

    /// Deposits explained by each pair.
    fn explained(&self, deposits: &[&DepositLog]) -> Vec<Vec<f64>> {
        let mut sums = vec![vec![0.0; USERS]; USERS];
        for deposit in deposits {
            let (_, pairs) = self.explain_deposit(deposit);
            for (sum, pair) in sums.iter_mut().flatten().zip(pairs.iter().flatten()) {
                *sum += pair;
            }
        }
        sums
    }

    fn score_pairs(&self, deposits: &[&DepositLog], before: &[Vec<f64>], score: &mut Score, dice: &mut Dice) {
        let after = self.explained(deposits);
        for from in 0..USERS {
            let mut counts = [0.0_f64; USERS];
            deposits
                .iter()
                .filter(|deposit| deposit.from == from)
                .for_each(|deposit| counts[deposit.to] += 1.0);
            let here = |weights: &[f64]| -> Vec<f64> {
                (0..USERS).map(|to| if self.reads_here(to) { weights[to] } else { 0.0 }).collect()
            };
            let truth = (0..USERS).max_by(|one, other| counts[*one].total_cmp(&counts[*other]));
            let Some(truth) = truth.filter(|truth| counts[*truth] >= 3.0) else { continue };
            let prior = here(&before[from]);
            if prior.iter().filter(|weight| **weight > 0.0).count() >= 2 {
                let other = other_than(dice, truth, &prior);
                // A habit has no moment: presence is in its prior already.
                score.add(&here(&after[from]), &prior, &prior, truth, other);
            }
        }
    }
}

/// Another user that could be meant as well.
fn other_than(dice: &mut Dice, truth: usize, prior: &[f64]) -> usize {
    let possible: Vec<usize> = (0..USERS).filter(|user| *user != truth && prior[*user] > 0.0).collect();
    if possible.is_empty() { (truth + 1) % USERS } else { possible[dice.below(possible.len())] }
}
