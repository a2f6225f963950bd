//! What the web API can ask about one component in its slot: a part of [`Management`](super::Management).

use async_trait::async_trait;

use super::Result;
use crate::dto::{ComponentRef, Slot, Tested, Tune, Tuned};

/// Settings, limits and tests of components.
#[async_trait]
pub trait Tuning: Send + Sync + 'static {
    /// Settings and limits of an entry, which may be left out where the slot has one only.
    async fn tuned(&self, slot: Slot, entry: Option<String>) -> Result<Tuned>;
    /// Changes them, all or none; calls in flight finish with the old ones. `Unprocessable` says which value is wrong, `Conflict` where
    /// the policy set of the configuration says them.
    async fn tune(&self, slot: Slot, entry: Option<String>, tune: Tune) -> Result<Tuned>;

    /// Asks a component what a case file says, or the conformance cases of the slot, on the test bench: nothing it answers has any effect.
    async fn test_component(
        &self,
        slot: Slot,
        component: ComponentRef,
        case: Option<String>,
    ) -> Result<Tested>;
}
