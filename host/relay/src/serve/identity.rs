//! The Tox identity of a board.

use std::sync::{Arc, Mutex, PoisonError};

use drops::board::board_nospam;
use tox::{Events, Node, Options, SavedData, Tox};

use super::ServeError;

/// A board's instance on Tox. Store what [`Identity::saved`] gives before serving: who loses it loses the board.
#[derive(Clone)]
pub struct Identity {
    pub(crate) tox: Tox,
    /// The events of the identity, for the task that listens.
    events: Arc<Mutex<Option<Events>>>,
}

impl Identity {
    /// Starts the instance with the saved data in `options`, or as a new identity. Friends of earlier sessions are deleted.
    ///
    /// # Errors
    /// [`ServeError::Tox`], [`ServeError::Gone`].
    pub async fn start(options: Options) -> Result<Self, ServeError> {
        let (tox, events) = Tox::start(options).await?;
        for friend in tox.friends().await? {
            tox.delete_friend(friend).await?;
        }
        tox.set_nospam(board_nospam(&tox.public_key())).await?;
        Ok(Self { tox, events: Arc::new(Mutex::new(Some(events))) })
    }

    /// What to store: the secret key, and nodes that make the next start quicker.
    ///
    /// # Errors
    /// [`ServeError::Gone`].
    pub async fn saved(&self) -> Result<SavedData, ServeError> {
        Ok(self.tox.saved().await?)
    }

    pub(super) fn take_events(&self) -> Option<Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Joins the network.
pub(super) async fn join(tox: Tox, nodes: Vec<Node>) {
    for node in &nodes {
        if let Err(error) = tox.add_node(node).await {
            tracing::warn!(%error, host = node.host, "a Tox node cannot be used");
        }
    }
}
