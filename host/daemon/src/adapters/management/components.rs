//! Components and slots, as the web API manages them.

use std::path::PathBuf;

use admin::dto::{
    Component, ComponentName, ComponentRef, ComponentSignature, ComponentState, Fallback, Health, Slot,
    SlotEntry, TimingBucket,
};
use admin::management::{Components, ManagementError, Result};
use async_trait::async_trait;
use bytes::Bytes;
use mail::AccountName;
use sandbox::{EntryStatus, SwapError};

use super::GatewayManagement;
use super::errors::{library_error, storage, swap_error};
use crate::adapters::decisions::{first_entry, with_policy_set};
use crate::adapters::slots::{sandbox_slot, shown_slot};
use crate::policy_set;

#[async_trait]
impl Components for GatewayManagement {
    async fn components(&self) -> Result<Vec<Component>> {
        self.library.list().into_iter().map(component).collect()
    }

    async fn add_component(
        &self,
        name: ComponentName,
        bytes: Bytes,
        signature: Option<ComponentSignature>,
    ) -> Result<Component> {
        let (bytes, signature) = (bytes.to_vec(), signature.map(|signature| signature.0));
        let added = self.library.add_signed(name.as_str(), bytes, signature, self.clock.wall()).await;
        component(added.map_err(library_error)?)
    }

    async fn remove_component(&self, component: ComponentRef) -> Result<()> {
        let found = self.library.find(&component.to_string()).map_err(library_error)?;
        self.sandbox.remove_component(found.sha256).await.map_err(swap_error)
    }

    async fn component_state(&self) -> Result<Vec<ComponentState>> {
        let status = self.sandbox.status();
        let live: Vec<String> =
            status.iter().map(|at| sandbox::state_space(at.slot, &at.entry, &at.name, at.sha256)).collect();
        let store = self.store.clone();
        let spaces = supervisor::blocking("store-read", move || store.state_spaces()).await;
        let spaces =
            spaces.map_err(|error| ManagementError::Internal(error.to_string()))?.map_err(storage)?;
        let shown = |space: store::StateSpace| ComponentState {
            live: live.contains(&space.space),
            space: space.space,
            account: space.account,
            bytes: space.bytes,
        };
        Ok(spaces.into_iter().map(shown).collect())
    }

    async fn clear_component_state(&self, space: String, account: &AccountName) -> Result<()> {
        if self.store.state_clear(&space, account).await.map_err(storage)? > 0 {
            return Ok(());
        }
        Err(ManagementError::NotFound(format!(
            "`{}` keeps no state for {account}: `toxmail component state` shows what is kept",
            space.escape_debug()
        )))
    }

    async fn slots(&self) -> Result<Vec<SlotEntry>> {
        self.slot_entries()
    }

    async fn use_component(
        &self,
        slot: Slot,
        component: ComponentRef,
        entry: Option<String>,
    ) -> Result<Vec<SlotEntry>> {
        let found = self.library.find(&component.to_string()).map_err(library_error)?;
        let of_slot = sandbox_slot(slot);
        match self.sandbox.use_component(of_slot, entry.as_deref(), found.sha256).await {
            Ok(_) => {}
            Err(SwapError::NoEntry { slot: sandbox::Slot::MailFilter, .. }) => {
                let entry = entry.unwrap_or_else(|| of_slot.name().to_owned());
                let filter = first_entry(of_slot, &entry, found.sha256);
                self.sandbox.add_filter(filter).await.map_err(swap_error)?;
            }
            Err(error) => return Err(swap_error(error)),
        }
        self.entries_of(slot)
    }

    async fn roll_back(&self, slot: Slot, entry: Option<String>) -> Result<Vec<SlotEntry>> {
        self.sandbox.rollback(sandbox_slot(slot), entry.as_deref()).await.map_err(swap_error)?;
        self.entries_of(slot)
    }

    async fn fallback_seen(&self, slot: Slot, entry: Option<String>) -> Result<Vec<SlotEntry>> {
        self.sandbox.seen(sandbox_slot(slot), entry.as_deref()).await.map_err(swap_error)?;
        self.entries_of(slot)
    }

    async fn order_filters(&self, entries: Vec<String>) -> Result<Vec<SlotEntry>> {
        self.sandbox.order_filters(&entries).await.map_err(swap_error)?;
        self.entries_of(Slot::MailFilter)
    }

    async fn remove_filter(&self, entry: String) -> Result<Vec<SlotEntry>> {
        self.sandbox.remove_filter(&entry).await.map_err(swap_error)?;
        self.entries_of(Slot::MailFilter)
    }

    async fn use_policy_set(&self, path: PathBuf) -> Result<Vec<SlotEntry>> {
        if !path.is_absolute() {
            let why = "name the policy set with an absolute path: the gateway runs in another directory";
            return Err(ManagementError::Unprocessable(why.to_owned()));
        }
        let set = policy_set::load(&path, &self.library, self.clock.wall()).await;
        let set = set.map_err(|error| ManagementError::Unprocessable(error.to_string()))?;
        let config = with_policy_set(self.sandbox.config(), set);
        self.sandbox.configure(config).await.map_err(swap_error)?;
        tracing::info!(path = %path.display(), "a policy set was put to work");
        self.slot_entries()
    }
}

impl GatewayManagement {
    pub(super) fn slot_entries(&self) -> Result<Vec<SlotEntry>> {
        let mut entries: Vec<SlotEntry> = Vec::new();
        for status in self.sandbox.status() {
            let slot = shown_slot(status.slot);
            let before = entries.iter().filter(|entry| entry.slot == slot).count();
            entries.push(slot_entry(slot, u32::try_from(before).unwrap_or(u32::MAX), status)?);
        }
        Ok(entries)
    }

    fn entries_of(&self, slot: Slot) -> Result<Vec<SlotEntry>> {
        Ok(self.slot_entries()?.into_iter().filter(|entry| entry.slot == slot).collect())
    }
}

fn slot_entry(slot: Slot, position: u32, status: EntryStatus) -> Result<SlotEntry> {
    let internal = |error: admin::dto::InvalidComponentName| ManagementError::Internal(error.to_string());
    Ok(SlotEntry {
        slot,
        position,
        entry: status.entry,
        name: status.name.parse().map_err(internal)?,
        sha256: status.sha256,
        health: if status.health.is_failing { Health::Failing } else { Health::Ok },
        calls: status.health.calls,
        failures: status.health.failures,
        last_failure: status.health.last_failure.map(|failure| failure.to_string()),
        timing: timing(&status.health.durations),
        previous: status.last_good,
        not_asked: status.health.not_asked,
        gateway_failures: status.health.gateway_failures,
        fallback: status.fallback.map(|fallback| Fallback {
            name: fallback.name,
            sha256: fallback.from,
            why: fallback.why,
            time: (fallback.when.0 > 0).then(|| fallback.when.into()),
        }),
    })
}

/// One bucket for each bound, and one for what took longer.
fn timing(durations: &[u64]) -> Vec<TimingBucket> {
    let bounds = sandbox::TIMING_BUCKETS.into_iter().map(Some).chain([None]);
    bounds.zip(durations).map(|(up_to, calls)| TimingBucket { up_to, calls: *calls }).collect()
}

fn component(info: sandbox::ComponentInfo) -> Result<Component> {
    let internal = |error: admin::dto::InvalidComponentName| ManagementError::Internal(error.to_string());
    Ok(Component {
        name: info.name.parse().map_err(internal)?,
        sha256: info.sha256,
        size: info.size,
        slots: info.slots.into_iter().map(shown_slot).collect(),
        built_in: info.builtin,
        added: (!info.builtin).then(|| info.added.into()),
        signed_by: info.signed_by,
    })
}
