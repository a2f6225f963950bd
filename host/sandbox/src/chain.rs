//! Changes of the chain of filters: another order, one more, one less. Each is one step, first durable, then live.

use std::sync::Arc;

use crate::sandbox::{Entries, Sandbox, bring_to_life, check};
use crate::slot::Slot;
use crate::slots::{Entry, EntryConfig, SlotsConfig, SwapError};

impl Sandbox {
    /// Brings the filters into another order: the names of all entries of slot `mail-filter`, each once.
    ///
    /// # Errors
    /// [`SwapError::Invalid`] if it is not exactly those; nothing is changed then.
    pub async fn order_filters(&self, names: &[String]) -> Result<(), SwapError> {
        self.change_chain(|chain| {
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

    /// Takes a filter out of the chain. Its state is kept, for an entry of that name later.
    ///
    /// # Errors
    /// [`SwapError::NoEntry`] if there is none of that name.
    pub async fn remove_filter(&self, name: &str) -> Result<(), SwapError> {
        // Looked up first for the error it gives.
        let entry = self.entry(Slot::MailFilter, Some(name))?;
        self.change_chain(|chain| {
            chain.retain(|other| other.name != entry.name);
            Ok(())
        })
        .await
    }

    /// Adds a filter at the end of the chain.
    ///
    /// # Errors
    /// [`SwapError`]: the component cannot be used, the name is taken or no name, or the chain is full.
    pub async fn add_filter(&self, config: EntryConfig) -> Result<(), SwapError> {
        let entry = Arc::new(bring_to_life(&self.shared.library, config).await?);
        self.change_chain(move |chain| {
            chain.push(entry);
            Ok(())
        })
        .await
    }

    async fn change_chain(
        &self,
        change: impl FnOnce(&mut Vec<Arc<Entry>>) -> Result<(), SwapError>,
    ) -> Result<(), SwapError> {
        let _one_at_a_time = self.shared.changes.lock().await;
        let mut entries: Entries = (**self.shared.entries.load()).clone();
        let Some(chain) = entries.get_mut(Slot::MailFilter.index()) else { return Ok(()) };
        change(chain)?;
        let config = entries.iter().flatten().map(|entry| entry.config(&entry.live.load())).collect();
        let config = SlotsConfig { entries: config };
        check(&config)?;
        self.save(config).await?;
        self.shared.entries.store(Arc::new(entries));
        self.shared.end_needless_shadow(Slot::MailFilter);
        Ok(())
    }
}
