//! What `/metrics` shows.

use std::collections::HashMap;

use admin::metrics::{Kind, Metric, Sample};
use mail::AccountName;
use mail::storage::People as _;
use sandbox::EntryStatus;

use super::{GatewayManagement, relays};

/// Everything `/metrics` shows.
pub async fn all(management: &GatewayManagement) -> Vec<Metric> {
    let accounts = match management.store.accounts().await {
        Ok(accounts) => accounts,
        Err(error) => {
            tracing::warn!(%error, "no metrics of accounts");
            Vec::new()
        }
    };
    let by_account = |value: &dyn Fn(&AccountName) -> f64| {
        accounts
            .iter()
            .map(|account| Sample {
                labels: vec![("account", account.name.to_string())],
                value: value(&account.name),
            })
            .collect::<Vec<_>>()
    };
    let count = |number: u64| {
        // Exact up to 2^53, which no count here reaches.
        #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53")]
        let number = number as f64;
        number
    };
    let mut mailboxes = HashMap::new();
    for account in &accounts {
        let counted = management.store.mailbox_count(&account.name).await.unwrap_or_default();
        mailboxes.insert(account.name.clone(), counted);
    }
    let mailbox = |account: &AccountName| mailboxes.get(account).copied().unwrap_or_default();
    let gauge = |name, help, samples| Metric { name, help, kind: Kind::Gauge, samples };
    let statuses = management.sandbox.status();
    let by_entry = |value: &dyn Fn(&EntryStatus) -> u64| {
        statuses
            .iter()
            .map(|status| Sample {
                labels: vec![("slot", status.slot.to_string()), ("entry", status.entry.clone())],
                value: count(value(status)),
            })
            .collect::<Vec<_>>()
    };
    let counter = |name, help, samples| Metric { name, help, kind: Kind::Counter, samples };
    let mut metrics = vec![
        gauge(
            "toxmail_tox_online",
            "Whether the account is connected to the Tox network.",
            by_account(&|account| {
                f64::from(u8::from(management.network.connection(account) != tox::Connection::None))
            }),
        ),
        gauge(
            "toxmail_outbox_mails",
            "Mails waiting in the outbox.",
            by_account(&|account| count(management.gateway.queued(account))),
        ),
        gauge(
            "toxmail_mailbox_mails",
            "Mails in the mailbox.",
            by_account(&|account| count(mailbox(account).0)),
        ),
        gauge(
            "toxmail_mailbox_bytes",
            "Bytes in the mailbox.",
            by_account(&|account| count(mailbox(account).1)),
        ),
        counter(
            "toxmail_component_calls_total",
            "Calls of the live component since it went live.",
            by_entry(&|status| status.health.calls),
        ),
        counter(
            "toxmail_component_failures_total",
            "Failed calls of the live component since it went live.",
            by_entry(&|status| status.health.failures),
        ),
        counter(
            "toxmail_component_calls_not_made_total",
            "Calls that found no free place in time, since the live component went live.",
            by_entry(&|status| status.health.not_asked),
        ),
        counter(
            "toxmail_component_gateway_failures_total",
            "Calls that failed by the gateway's own fault, since the live component went live.",
            by_entry(&|status| status.health.gateway_failures),
        ),
        gauge(
            "toxmail_component_fallback",
            "Whether the component took the place of one that failed, and nobody has seen it yet.",
            by_entry(&|status| u64::from(status.fallback.is_some())),
        ),
    ];
    let tasks = supervisor::status();
    let by_task = |value: &dyn Fn(&supervisor::TaskStatus) -> u64| {
        tasks
            .iter()
            .map(|task| Sample { labels: vec![("task", task.name.to_owned())], value: count(value(task)) })
            .collect::<Vec<_>>()
    };
    metrics.push(counter(
        "toxmail_task_panics_total",
        "Faults of a part of the gateway since the start.",
        by_task(&|task| task.panics),
    ));
    metrics.push(gauge(
        "toxmail_tasks_down",
        "Tasks of the gateway that do not run though they should.",
        by_task(&|task| u64::try_from(task.down).unwrap_or(u64::MAX)),
    ));
    metrics.extend(relays::metrics(&management.relays, management.offline.as_deref()).await);
    metrics
}
