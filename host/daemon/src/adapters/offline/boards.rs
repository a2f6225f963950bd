//! Sessions with boards over Tox, or in process with the one served here.

use std::sync::Arc;

use async_trait::async_trait;
use drops::cell::BoardKey;
use drops::session::{BoardSession, Purpose, Unreachable};
use offline::ports::{Boards, KnownBoard, SessionIdentity};

use crate::relays::Relays;

/// The boards of this gateway.
pub struct ToxBoards(pub Arc<Relays>);

#[async_trait]
impl Boards for ToxBoards {
    fn known(&self) -> Vec<KnownBoard> {
        let own = self.0.serving().map(relay::Serving::address);
        let chosen = self.0.known.list().into_iter().filter(|relay| relay.is_chosen);
        let chosen = chosen.map(|relay| relay.address);
        let others = chosen.filter(|address| own.is_none_or(|own| own.key != address.key));
        let board = |address: relay::BoardAddress, served_here| KnownBoard {
            key: address.key,
            owner: address.owner,
            served_here,
            invitation: address.invitation,
        };
        let own = own.map(|address| board(address, true));
        own.into_iter().chain(others.map(|address| board(address, false))).collect()
    }

    async fn open(
        &self,
        board: BoardKey,
        purpose: Purpose,
        identity: SessionIdentity,
    ) -> Result<Box<dyn BoardSession>, Unreachable> {
        let sessions = &self.0.sessions;
        let opened = match identity {
            SessionIdentity::Own => sessions.open_here(board).await,
            SessionIdentity::Throwaway => sessions.open(board, purpose).await,
        };
        Ok(Box::new(opened?))
    }
}
