//! Plugs the web API's event log into the core.

use admin::EventLog;
use gateway::ports::{Event, Events};
use serde_json::json;

/// Publishes what the core tells.
pub struct PublishedEvents(pub EventLog);

impl Events for PublishedEvents {
    fn publish(&self, event: Event) {
        match event {
            Event::Submitted { account, id } => {
                self.0.publish("submitted", Some(&account), &json!({ "id": id }));
            }
            Event::OutboxChanged { account, id, what } => {
                self.0.publish("outbox-changed", Some(&account), &json!({ "id": id, "what": what }));
            }
            Event::Arrived { account, sender, quarantined } => {
                let data = json!({ "sender": sender, "quarantined": quarantined });
                self.0.publish("arrived", Some(&account), &data);
            }
            Event::ContactsChanged { account } => {
                self.0.publish("contacts-changed", Some(&account), &json!({}));
            }
            Event::DecisionFailed { account, slot, why } => {
                self.0.publish("decision-failed", Some(&account), &json!({ "slot": slot, "why": why }));
            }
        }
    }
}
