//! What goes with the gateways of a world.

use std::sync::Arc;

use async_trait::async_trait;

use super::world::{Process, World};

/// Goes with every process of a gateway, from its start to its end: drop relays, in the tests of
/// their crate.
#[async_trait]
pub trait Companion: Send + Sync {
    /// A process is made; its gateway has not started yet.
    async fn made(&self, world: &Arc<World>, node: usize, process: &Process);

    /// Its gateway runs.
    fn started(&self, node: usize);

    /// It is no more.
    async fn ended(&self, node: usize);
}
