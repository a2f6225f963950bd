//! Log, figures, configuration and backup, as the web API asks for them.

use admin::dto::{ConfigurationKey, History, Log, Reloaded};
use admin::management::{Backup, Management as _, ManagementError, Result, Upkeep};
use admin::metrics::Metric;
use async_trait::async_trait;
use mail::AccountName;
use serde_json::json;

use super::errors::storage;
use super::{GatewayManagement, metrics};
use crate::backup;

#[async_trait]
impl Upkeep for GatewayManagement {
    async fn log(&self) -> Result<Log> {
        Ok(Log { lines: self.log.lines() })
    }

    async fn history(&self) -> Result<History> {
        Ok(self.history.figures())
    }

    async fn metrics(&self) -> Vec<Metric> {
        metrics::all(self).await
    }

    async fn configuration(&self) -> Result<Vec<ConfigurationKey>> {
        Ok(self.reloader.keys().await)
    }

    async fn reload(&self) -> Result<Reloaded> {
        self.reloader.reload().await.map_err(|error| ManagementError::Unprocessable(error.to_string()))
    }

    async fn backup(&self) -> Result<Backup> {
        let (directory, owner) = (self.accounts.directory.path(), self.owner().await?);
        let (board, clock) = (self.relays.serving(), self.clock.clone());
        let archive = backup::archive(&self.store, directory, board, clock, self.backup_watch(owner)).await;
        let archive = archive.map_err(|error| match error {
            backup::BackupError::Store(error) => storage(error),
            backup::BackupError::Busy => ManagementError::Conflict(error.to_string()),
            error => ManagementError::Unavailable(error.to_string()),
        })?;
        Ok(Backup { size: archive.size, pieces: archive.pieces() })
    }
}

impl GatewayManagement {
    /// Tells the owner's listeners how far a backup is, at each twentieth.
    fn backup_watch(&self, owner: AccountName) -> impl FnMut(store::Progress) -> bool + Send + 'static {
        let (events, mut told) = (self.events.clone(), None);
        move |store::Progress { rows, of }| {
            let percent = rows.saturating_mul(100).checked_div(of).unwrap_or(100) / 5 * 5;
            if told != Some(percent) {
                told = Some(percent);
                events.publish("backup", Some(&owner), &json!({ "percent": percent }));
            }
            true
        }
    }
}
