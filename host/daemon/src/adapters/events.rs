//! Plugs the web API's event log and figures into the core.

use admin::{EventLog, History};
use gateway::ports::{Event, Events};
use serde_json::json;

/// Publishes and counts the events of the core.
pub struct PublishedEvents {
    /// For those who listen.
    pub log: EventLog,
    /// For those who look later.
    pub history: History,
}

impl Events for PublishedEvents {
    fn publish(&self, event: Event) {
        match event {
            Event::Submitted { account, id } => {
                self.history.submitted();
                self.log.publish("submitted", Some(&account), &json!({ "id": id }));
            }
            Event::OutboxChanged { account, id, what } => {
                self.log.publish("outbox-changed", Some(&account), &json!({ "id": id, "what": what }));
            }
            Event::Ended { delivered, after, .. } => self.history.ended(delivered, after),
            Event::Arrived { account, sender, quarantined } => {
                self.history.arrived(quarantined);
                let data = json!({ "sender": sender, "quarantined": quarantined });
                self.log.publish("arrived", Some(&account), &data);
            }
            Event::ContactsChanged { account } => {
                self.log.publish("contacts-changed", Some(&account), &json!({}));
            }
            Event::DecisionFailed { account, slot, why } => {
                self.log.publish("decision-failed", Some(&account), &json!({ "slot": slot, "why": why }));
            }
        }
    }
}
