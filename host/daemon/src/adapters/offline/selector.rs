//! The relay-selector component.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use gateway::Gateway;
use mail::decision::relay_selector;
use mail::{AccountName, Wall};
use offline::ports::{BoardFacts, ChosenBoard, Failure, Plan, Selector, SessionIdentity, WaitingMail};
use sandbox::Sandbox;

/// The component, and who is told when it fails.
pub struct ComponentSelector {
    pub sandbox: Arc<Sandbox>,
    pub gateway: Weak<Gateway>,
}

#[async_trait]
impl Selector for ComponentSelector {
    async fn select(
        &self,
        account: &AccountName,
        now: Wall,
        mail: WaitingMail,
        boards: Vec<BoardFacts>,
    ) -> Result<Plan, Failure> {
        let relays = boards.into_iter().map(relay).collect();
        let question = relay_selector::Select { mail: waiting(mail), relays };
        match self.sandbox.select(account, now, question).await {
            Ok(plan) => Ok(Plan {
                choices: plan.choices.iter().map(chosen).collect(),
                enough: plan.enough,
                ttl_days: plan.ttl_days,
            }),
            Err(error) => {
                if let Some(gateway) = self.gateway.upgrade() {
                    gateway.selector_failed(account, error.to_string());
                }
                Err(Failure(format!("the relay-selector failed: {error}")))
            }
        }
    }
}

fn chosen(choice: &relay_selector::Choice) -> ChosenBoard {
    let identity = match choice.identity {
        relay_selector::Identity::Account => SessionIdentity::Own,
        relay_selector::Identity::Throwaway => SessionIdentity::Throwaway,
    };
    ChosenBoard { key: choice.key, identity, within: choice.within }
}

fn waiting(mail: WaitingMail) -> relay_selector::WaitingMail {
    let WaitingMail { size, cells, remaining, recipient_is_contact, reposted, attributes } = mail;
    let attributes = attributes.into();
    relay_selector::WaitingMail { size, cells, remaining, recipient_is_contact, reposted, attributes }
}

fn relay(facts: BoardFacts) -> relay_selector::Relay {
    relay_selector::Relay {
        key: facts.key,
        owner: facts.owner,
        served_here: facts.served_here,
        read_by_recipient: facts.read_by_recipient,
        chosen_by_user: facts.chosen_by_user,
        receipts: facts.receipts,
        failures: facts.failures,
        last_failure: facts.last_failure,
        fill: facts.fill,
        tokens: facts.tokens,
        attributes: facts.attributes.into(),
    }
}
