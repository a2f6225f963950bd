//! Being found: the own key is announced at the nodes nearest to it.

use std::time::Duration;

use rand_core::CryptoRngCore;

use super::line::{Asker, Line};
use super::lookup::Lookup;
use super::paths::Paths;
use super::requests::{For, Request};
use crate::key::{KeyPair, PublicKey};
use crate::limits;
use crate::packet::onion::announce::{AnnounceResponse, Stored};

/// The own announcement.
#[derive(Debug)]
pub(super) struct Announcing {
    real: KeyPair,
    data_key: PublicKey,
    lookup: Lookup,
    paths: Paths,
}

impl Announcing {
    pub(super) fn new(now: Duration, real: KeyPair, data_key: PublicKey) -> Self {
        let lookup = Lookup::new(now, real.public(), limits::ANNOUNCED_AT);
        Self { real, data_key, lookup, paths: Paths::new() }
    }

    /// Sends what is due; gives when there is more.
    pub(super) fn work<R: CryptoRngCore>(&mut self, line: &mut Line<'_, R>) -> Duration {
        let asker = Asker {
            lookup: For::Own,
            pair: &self.real,
            searched: self.real.public(),
            data_key: self.data_key,
        };
        line.work(&mut self.lookup, &mut self.paths, asker)
    }

    /// A node answered.
    pub(super) fn answer(
        &mut self,
        now: Duration,
        request: Request,
        (origin, response): (u64, &AnnounceResponse),
        asked: impl Fn(&PublicKey) -> bool,
    ) {
        self.paths.answered(request.path);
        let news = self.lookup.named(&request.node, origin, &response.nodes, asked);
        let path_made = self.paths.made(now, request.path);
        let answer = (response.stored, request.path);
        // A node that knows our key as somebody else's is of no use.
        if matches!(response.stored, Stored::Other(_)) {
            return;
        }
        let Some(found) = self.lookup.answered(now, request.node, request.key, answer) else { return };
        found.announced = match response.stored {
            Stored::Own(_) => found.announced || request.announces,
            _ => false,
        };
        let is_old = |since: Duration| now.saturating_sub(since) >= limits::ANNOUNCE_STABLE;
        let wait = match (request.announces, response.stored) {
            (true, Stored::Own(_)) if is_old(found.since) && path_made.is_some_and(is_old) => {
                limits::ANNOUNCE_STABLE_INTERVAL
            }
            (true, Stored::Own(_)) => limits::ANNOUNCE_INTERVAL,
            (true, _) => limits::ANNOUNCE_REFUSED,
            // Now there is a ping id for this path. It is used once the list has settled.
            (false, _) if news && !found.announced => limits::ANNOUNCE_SETTLE,
            (false, _) => Duration::ZERO,
        };
        found.due = now + wait;
    }

    /// At how many nodes the own key is announced, and how many nodes are known.
    pub(super) fn announced(&self) -> (usize, usize) {
        let announced = self.lookup.nodes.iter().filter(|found| found.announced).count();
        (announced, self.lookup.nodes.len())
    }
}
