//! Which boards there are and how they behaved.

use std::collections::BTreeSet;
use std::time::Duration;

use drops::cell::BoardKey;
use drops::record::OwnerMark;
use mail::{AccountName, Monotonic, PublicKey, Wall};

use crate::board_state::{BoardState, History};
use crate::documents::{self, BOARDS};
use crate::limits::{BOARDS_OFFERED, BOARDS_READ, BOARDS_REMEMBERED, CLOCK_JUMP};
use crate::ports::{BoardFacts, KnownBoard};
use crate::shared::{AccountState, Shared, State};

impl State {
    /// The state of the board, created if there is none. Past the bound, the board heard of longest
    /// ago is dropped.
    pub fn board(&mut self, key: BoardKey) -> &mut BoardState {
        if !self.boards.contains_key(&key) && self.boards.len() >= BOARDS_REMEMBERED {
            let idle = self.boards.iter().filter(|(_, board)| !board.is_visiting);
            let oldest = idle
                .min_by_key(|(_, board)| board.history.last_read.max(board.history.last_failure))
                .map(|(key, _)| *key);
            oldest.and_then(|key| self.boards.remove(&key));
        }
        self.boards.entry(key).or_default()
    }
}

impl Shared {
    /// Changes what is known of a board, durably (where the disk refuses: in memory).
    pub async fn remember(&self, board: BoardKey, change: impl FnOnce(&mut History)) {
        let history = {
            let mut state = self.state();
            let history = &mut state.board(board).history;
            change(history);
            history.clone()
        };
        let stored = match documents::encode_grown(&history) {
            Ok(bytes) => self.ports.documents.put(BOARDS, "", board.0.to_vec(), Some(bytes)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = stored {
            tracing::warn!(%board, %error, "how a board behaved was not stored");
        }
    }

    /// The boards an account reads: those the user added and the one served here, then those that most of its contacts read.
    pub fn read_by(&self, account: &AccountName) -> Vec<BoardKey> {
        let now = self.wall();
        let contacts: BTreeSet<PublicKey> = self.ports.core.contacts(account).into_iter().collect();
        let mut boards: Vec<BoardKey> =
            self.ports.boards.known().into_iter().map(|known| known.key).collect();
        let state = self.state();
        let Some(own) = state.accounts.get(account) else { return boards };
        let mut named: std::collections::BTreeMap<BoardKey, usize> = std::collections::BTreeMap::new();
        for (_, record) in own.records.iter().filter(|(key, _)| contacts.contains(key)) {
            for board in &record.boards {
                *named.entry(*board).or_default() += 1;
            }
        }
        let mut named: Vec<(BoardKey, usize)> = named.into_iter().collect();
        named.sort_by_key(|(key, count)| (std::cmp::Reverse(*count), *key));
        for (board, _) in named {
            let is_liar = state.boards.get(&board).is_some_and(|board| board.history.is_liar(now));
            if boards.len() < BOARDS_READ && !boards.contains(&board) && !is_liar {
                boards.push(board);
            }
        }
        boards
    }

    /// The boards a mail to `recipient` could wait on, with what is known of each.
    pub fn candidates(&self, account: &AccountName, recipient: PublicKey) -> Vec<BoardFacts> {
        let (now, known) = (self.wall(), self.ports.boards.known());
        let state = self.state();
        let own = state.accounts.get(account);
        let read: Vec<BoardKey> = own
            .and_then(|own| own.records.get(&recipient))
            .map(|record| record.boards.clone())
            .unwrap_or_default();
        let mut keys = read.clone();
        keys.extend(known.iter().map(|known| known.key).filter(|key| !read.contains(key)));
        keys.truncate(BOARDS_OFFERED);
        let facts = |key: BoardKey| {
            let history = state.boards.get(&key).map(|board| board.history.clone()).unwrap_or_default();
            let by_user = known.iter().find(|known| known.key == key);
            let since = |when: Wall| now.since(when);
            BoardFacts {
                key,
                owner: own
                    .and_then(|own| own.owner(&known, key, Some(recipient)))
                    .map_or_else(|| by_user.and_then(KnownBoard::owner_name), |mark| Some(mark.to_string())),
                served_here: by_user.is_some_and(|known| known.served_here),
                read_by_recipient: read.contains(&key),
                chosen_by_user: by_user.is_some(),
                receipts: history.receipts,
                failures: history.failures,
                last_failure: history.last_failure.map(since),
                fill: u32::from(history.fill),
                tokens: own.map_or(0, |own| own.tokens(key, recipient, now)),
                attributes: vec![],
            }
        };
        let is_liar = |key: &BoardKey| state.boards.get(key).is_some_and(|board| board.history.is_liar(now));
        keys.into_iter().filter(|key| !is_liar(key)).map(facts).collect()
    }

    /// Whether the user added this board, or serves it.
    pub fn is_named(&self, board: BoardKey) -> bool {
        self.ports.boards.known().iter().any(|known| known.key == board)
    }

    /// Plans a look at own cells on a board, if none is planned.
    pub fn plan_audit(&self, board: BoardKey) {
        let after = self.draw(self.settings.audit_after);
        let at = Monotonic(self.monotonic().0.saturating_add(after));
        let mut state = self.state();
        state.board(board).audit_at.get_or_insert(at);
    }
}

impl KnownBoard {
    fn owner_name(&self) -> Option<String> {
        self.served_here.then(|| "this gateway".to_owned())
    }
}

impl AccountState {
    /// The mark of who runs a board: as its address says, else as the record of `first` (or of any contact) does.
    pub fn owner(
        &self,
        known: &[KnownBoard],
        board: BoardKey,
        first: Option<PublicKey>,
    ) -> Option<OwnerMark> {
        let by_user = known.iter().find(|known| known.key == board).and_then(|known| known.owner);
        let told = |record: &drops::record::MailboxRecord| {
            record.owners.iter().find(|(named, _)| *named == board).map(|(_, mark)| *mark)
        };
        by_user
            .or_else(|| first.and_then(|contact| self.records.get(&contact)).and_then(told))
            .or_else(|| self.records.values().find_map(told))
    }

    /// Tokens for deposits to `recipient` on a board.
    fn tokens(&self, board: BoardKey, recipient: PublicKey, now: Wall) -> u32 {
        u32::try_from(self.purse.for_deposit(board, recipient, now)).unwrap_or(u32::MAX)
    }
}

/// How far back the next reading goes: to the last but one, so that everything is shown to two throwaways whether there was
/// something in it or not. A reading noted while the clock was ahead says nothing.
pub(crate) fn away(history: &History, now: Wall) -> Option<Duration> {
    history.read_before.filter(|before| *before <= now.plus(CLOCK_JUMP)).map(|before| now.since(before))
}
