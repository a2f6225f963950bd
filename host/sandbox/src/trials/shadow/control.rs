//! Beginning and ending shadows, and asking them beside the live component.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock};

use mail::{AccountName, ComponentDigest, Wall};

use super::{Seen, Shadow, ShadowReport};
use crate::slot::Slot;
use crate::slots::health::Health;
use crate::slots::sandbox::{Sandbox, Shared};
use crate::slots::{Entry, SwapError};
use crate::trials::copied_state::{CopiedState, Space};

impl Sandbox {
    /// Lets a component run beside the live one of an entry; the slot's shadow of before ends. The state of `accounts` is copied as it
    /// is now; others begin without.
    ///
    /// # Errors
    /// [`SwapError`]; nothing is changed then.
    pub async fn begin_shadow(
        &self,
        slot: Slot,
        entry: Option<&str>,
        component: ComponentDigest,
        accounts: Vec<AccountName>,
        now: Wall,
    ) -> Result<ShadowReport, SwapError> {
        let entry = self.entry(slot, entry)?;
        let version = self.shared.library.version(slot, component, &entry.limits).await?;
        let (from, name) =
            (Arc::clone(&self.shared.capabilities.state), entry.space(&entry.live.load().version));
        let copied = supervisor::blocking("state-copy", move || {
            let copy = CopiedState::default();
            for account in accounts {
                let space = from.snapshot(&name, &account)?;
                copy.put(account, Space(space));
            }
            Ok(copy)
        });
        let state = copied.await.unwrap_or_else(|_| Ok(CopiedState::default())).map_err(SwapError::State)?;
        let shadow = Arc::new(Shadow {
            slot,
            entry: Arc::clone(&entry.name),
            version,
            since: now,
            state: Arc::new(state),
            capabilities: self.shared.capabilities.clone(),
            keeper: Arc::clone(&self.shared.keeper),
            health: Health::default(),
            same: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            seen: Mutex::new(Seen::default()),
            failing: Mutex::default(),
            stopped: OnceLock::new(),
        });
        if let Some(place) = self.shared.shadows.get(slot.index()) {
            place.store(Some(Arc::clone(&shadow)));
        }
        Ok(shadow.report())
    }

    /// Ends the shadow of a slot; its last report, or none if there was no shadow.
    pub fn end_shadow(&self, slot: Slot) -> Option<ShadowReport> {
        let ended = self.shared.shadows.get(slot.index())?.swap(None);
        ended.map(|shadow| shadow.report())
    }

    /// An account is removed: shadows keep nothing for the next one of its name.
    pub fn forget_account(&self, account: &AccountName) {
        for shadow in self.shared.shadows.iter().filter_map(arc_swap::ArcSwapAny::load_full) {
            shadow.state.forget(account);
        }
    }

    /// How the shadow of a slot is doing; none if there is none.
    #[must_use]
    pub fn shadow(&self, slot: Slot) -> Option<ShadowReport> {
        self.shared.shadows.get(slot.index())?.load().as_ref().map(|shadow| shadow.report())
    }
}

impl Shared {
    /// The shadow of an entry.
    pub(crate) fn shadow_of(&self, entry: &Entry) -> Option<Arc<Shadow>> {
        let shadow = self.shadows.get(entry.slot.index())?.load_full()?;
        (shadow.entry == entry.name).then_some(shadow)
    }

    /// A component that went live needs no shadow of itself, and an entry that is gone has none.
    pub(crate) fn end_needless_shadow(&self, slot: Slot) {
        let Some(place) = self.shadows.get(slot.index()) else { return };
        let Some(shadow) = place.load_full() else { return };
        let entries = self.entries.load();
        let mut entries = entries.get(slot.index()).into_iter().flatten();
        let entry = entries.find(|entry| entry.name == shadow.entry);
        if entry.is_none_or(|entry| entry.live.load().version.digest == shadow.version.digest) {
            place.store(None);
        }
    }
}
