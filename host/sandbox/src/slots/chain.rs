//! Changes of the chain of filters: another order, one more, one less. Each is one step, first durable, then live.

use std::sync::Arc;

use crate::slot::Slot;
use crate::slots::sandbox::{Entries, Otherwise, Sandbox, bring_to_life, check, config_of};
use crate::slots::{Entry, EntryConfig, SwapError};

impl Sandbox {
    /// Brings the filters into another order: the names of all entries of slot `mail-filter`, each once.
    ///
    /// # Errors
    /// [`SwapError::Invalid`] if it is not exactly those; nothing is changed then.
    pub async fn order_filters(&self, names: &[String]) -> Result<(), SwapError> {
        self.change_chain(None, |chain| {
            let is_each_once = chain.len() == names.len()
                && chain.iter().all(|entry| names.iter().any(|name| **name == *entry.name));
            if !is_each_once {
                let have: Vec<&str> = chain.iter().map(|entry| &*entry.name).collect();
                return Err(SwapError::Invalid(format!("name every filter once: {}", have.join(", "))));
            }
            chain.sort_by_key(|entry| names.iter().position(|name| **name == *entry.name));
            Ok(())
        })
        .await
    }

    /// Takes a filter out of the chain, also one that cannot be read. Its state is kept, for an entry of that name later.
    ///
    /// # Errors
    /// [`SwapError::NoEntry`] if there is none of that name.
    pub async fn remove_filter(&self, name: &str) -> Result<(), SwapError> {
        if self.lost_filters().iter().any(|lost| lost.entry == name) {
            return self.change_chain(Some(name), |_| Ok(())).await;
        }
        // Looked up first for the error it gives.
        let entry = self.entry(Slot::MailFilter, Some(name))?;
        self.change_chain(None, |chain| {
            chain.retain(|other| other.name != entry.name);
            Ok(())
        })
        .await
    }

    /// Adds a filter at the end of the chain; it takes the place of one of its name that cannot be read.
    ///
    /// # Errors
    /// [`SwapError`]: the component cannot be used, the name is taken or no name, or the chain is full.
    pub async fn add_filter(&self, config: EntryConfig) -> Result<(), SwapError> {
        let name = config.entry.clone();
        let entry = Arc::new(bring_to_life(&self.shared.library, config, Otherwise::Refuse).await?);
        self.change_chain(Some(&name), move |chain| {
            chain.push(entry);
            Ok(())
        })
        .await
    }

    /// Changes the chain, in which `found` is lost no longer.
    async fn change_chain(
        &self,
        found: Option<&str>,
        change: impl FnOnce(&mut Vec<Arc<Entry>>) -> Result<(), SwapError>,
    ) -> Result<(), SwapError> {
        let _one_at_a_time = self.shared.changes.lock().await;
        let mut entries: Entries = (**self.shared.entries.load()).clone();
        let Some(chain) = entries.get_mut(Slot::MailFilter.index()) else { return Ok(()) };
        change(chain)?;
        let mut lost_filters = self.lost_filters();
        lost_filters.retain(|lost| found != Some(&*lost.entry));
        let config = config_of(&entries, lost_filters.clone(), None);
        check(&config)?;
        let versions = entries.iter().flatten().map(|entry| entry.state_version(&entry.live.load()));
        self.state_goes_live(versions.collect()).await?;
        self.save(config).await?;
        self.shared.entries.store(Arc::new(entries));
        self.shared.lost_filters.store(Arc::new(lost_filters));
        self.shared.end_needless_shadow(Slot::MailFilter);
        Ok(())
    }
}
