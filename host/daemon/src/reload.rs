//! Reading the configuration again while everything runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use admin::dto::{ConfigurationKey, Reloaded};
use gateway::Gateway;
use mail::Clock;
use sandbox::{Library, Sandbox, SwapError};
use store::Store;
use tokio::sync::Mutex;
use tox::Node;

use crate::adapters::decisions::{SlotsError, configuration};
use crate::config::{self, Config, ConfigError, Unfiltered};
use net::ToxNetwork;

/// Keys that hold without a restart.
const LIVE: [&str; 9] = [
    "components.keep_words",
    "components.policy_set",
    "components.settings",
    "mail.delay_notice_hours",
    "mail.discarded_days",
    "mail.expiry_days",
    "mail.max_bytes",
    "mail.unfiltered",
    "tox.bootstrap",
];

/// Why the configuration stays as it was. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The file is not right.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A node is not one.
    #[error("tox.bootstrap: `{text}`: {source}")]
    Node {
        /// As it was written.
        text: String,
        /// What is wrong with it.
        source: tox::InvalidNode,
    },
    /// The components that the file names cannot be found.
    #[error(transparent)]
    Slots(#[from] SlotsError),
    /// The components cannot go live.
    #[error(transparent)]
    Swap(#[from] SwapError),
}

/// What the configuration reaches while the gateway runs.
pub struct Reloader {
    /// The file; it may be missing, which means the defaults.
    pub file: PathBuf,
    /// What holds now.
    pub current: Mutex<Config>,
    /// The core.
    pub gateway: Arc<Gateway>,
    /// The identities on the network.
    pub network: Arc<ToxNetwork>,
    /// Whether incoming mail is quarantined while the filter fails.
    pub quarantine_unfiltered: Arc<AtomicBool>,
    /// Whether components' words are kept with their decisions.
    pub keep_words: Arc<AtomicBool>,
    /// The slots.
    pub sandbox: Arc<Sandbox>,
    /// The components.
    pub library: Arc<Library>,
    /// The store.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Reloader {
    /// Every key and what holds, in the order of the names.
    pub async fn keys(&self) -> Vec<ConfigurationKey> {
        keys(&*self.current.lock().await)
    }

    /// Reads the file and applies what needs no restart. Nothing changes if the file is not right.
    ///
    /// # Errors
    /// [`ReloadError`]
    pub async fn reload(&self) -> Result<Reloaded, ReloadError> {
        let mut current = self.current.lock().await;
        let new = config::read_if_there(&self.file)?;
        let changed = changes(&current, &new);
        let is_changed = |key: &str| changed.iter().any(|changed| changed == key);
        let nodes = added_nodes(&current, &new)?;
        if is_changed("components.policy_set") || is_changed("components.settings") {
            let slots = configuration(&self.store, &self.library, &new.components, self.clock.wall()).await;
            self.sandbox.configure(slots?).await?;
        }
        self.network.add_nodes(nodes).await;
        self.quarantine_unfiltered.store(new.mail.unfiltered == Unfiltered::Quarantine, Ordering::Relaxed);
        self.keep_words.store(new.components.keep_words, Ordering::Relaxed);
        self.gateway.set_patience(new.mail.expiry(), new.mail.delay_notice());
        self.gateway.set_max_mail_bytes(new.mail.max_bytes);
        self.gateway.set_bin_time(new.mail.bin_time());
        let (changed, after_restart) = changed.into_iter().partition(|key| LIVE.contains(&key.as_str()));
        *current = kept(new, &current);
        Ok(Reloaded { changed, after_restart })
    }
}

/// Keys of the tables of a configuration; settings of components count as one key.
fn keys(config: &Config) -> Vec<ConfigurationKey> {
    let tables = |config: &Config| serde_json::to_value(config).unwrap_or_default();
    let (held, default) = (tables(config), tables(&Config::default()));
    let mut shown = Vec::new();
    for (table, keys) in held.as_object().into_iter().flatten() {
        for (name, value) in keys.as_object().into_iter().flatten() {
            let key = format!("{table}.{name}");
            let is_default = default.get(table).and_then(|keys| keys.get(name)) == Some(value);
            let after_restart = !LIVE.contains(&key.as_str());
            shown.push(ConfigurationKey { key, value: value.clone(), is_default, after_restart });
        }
    }
    shown
}

/// What holds after a reload: keys that need a restart are reported again the next time.
fn kept(new: Config, old: &Config) -> Config {
    Config {
        listen: old.listen.clone(),
        dns: old.dns.clone(),
        drops: old.drops.clone(),
        tls: old.tls.clone(),
        tox: config::ToxConfig { bootstrap: new.tox.bootstrap, ..old.tox.clone() },
        mail: config::MailConfig { welcome: old.mail.welcome, ..new.mail },
        components: config::ComponentsConfig {
            trusted_keys: old.components.trusted_keys.clone(),
            require_signature: old.components.require_signature,
            ..new.components
        },
    }
}

/// Nodes that were not there before. One that is gone is used until the restart: leaving it would gain nothing.
fn added_nodes(old: &Config, new: &Config) -> Result<Vec<Node>, ReloadError> {
    let added = new.tox.bootstrap.iter().filter(|node| !old.tox.bootstrap.contains(node));
    added
        .map(|text| text.parse().map_err(|source| ReloadError::Node { text: text.clone(), source }))
        .collect()
}

/// Keys that another file says otherwise, as `mail.expiry_days`, in order. Settings of components count as the one key
/// `components.settings`.
fn changes(before: &Config, after: &Config) -> Vec<String> {
    let tables = |config: &Config| serde_json::to_value(config).unwrap_or_default();
    let (before, after) = (tables(before), tables(after));
    let mut changed = Vec::new();
    for (table, keys) in after.as_object().into_iter().flatten() {
        for (key, value) in keys.as_object().into_iter().flatten() {
            if before.get(table).and_then(|keys| keys.get(key)) != Some(value) {
                changed.push(format!("{table}.{key}"));
            }
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_named() {
        let after =
            config::parse("[mail]\nexpiry_days = 3\n[components.settings.policy]\na = \"b\"").unwrap();
        assert_eq!(changes(&Config::default(), &after), ["components.settings", "mail.expiry_days"]);
        assert!(changes(&after, &after).is_empty());
    }

    #[test]
    fn what_needs_a_restart_is_reported_until_it_happens() {
        let old = Config::default();
        let new = config::parse(
            "[mail]\nexpiry_days = 3\nwelcome = false\nmax_bytes = 2000\n[listen]\nsmtp = \"127.0.0.1:1\"",
        )
        .unwrap();
        let held = kept(new.clone(), &old);
        assert_eq!((held.mail.expiry_days, held.mail.max_bytes), (3, 2000));
        assert_eq!(changes(&held, &new), ["listen.smtp", "mail.welcome"]);
    }

    #[test]
    fn the_example_marks_what_needs_a_restart() {
        let mut comment = String::new();
        let mut table = String::new();
        for line in include_str!("../config.example.toml").lines() {
            if let Some(name) = line.strip_prefix('[') {
                name.trim_end_matches(']').clone_into(&mut table);
            }
            let key = line.trim_start_matches("# ").split(" = ").next().unwrap_or_default();
            let is_key = line.contains(" = ") && !key.contains(' ') && !table.is_empty();
            if is_key && !["accept-friends", "deposits"].contains(&key) {
                let name = format!("{table}.{key}");
                assert_eq!(
                    comment.contains("(restart)"),
                    !LIVE.contains(&name.as_str()),
                    "{name}: {comment}"
                );
            }
            comment = if line.starts_with("# ") && !is_key { line.to_owned() } else { String::new() };
        }
    }
}
