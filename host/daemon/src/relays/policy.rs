//! Asks the `policy` component about deposits on the own board.

use std::sync::Arc;

use async_trait::async_trait;
use drops::admission::DepositFacts;
use mail::decision::Attributes;
use mail::decision::policy::{Deposit, DepositAnswer};
use mail::{AccountName, Clock};
use relay::DepositPolicy;
use sandbox::Sandbox;

/// The component, in the name of the board's owner.
pub struct ComponentPolicy {
    /// The components.
    pub sandbox: Arc<Sandbox>,
    /// The owner of the board.
    pub owner: AccountName,
    /// The time of the question.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl DepositPolicy for ComponentPolicy {
    async fn allow(&self, facts: DepositFacts) -> DepositAnswer {
        let question = Deposit {
            admission: facts.admission.to_owned(),
            ttl_days: facts.ttl_days,
            cells: facts.cells,
            capacity: facts.capacity,
            today: facts.today,
            attributes: Attributes::default(),
        };
        match self.sandbox.allow_deposit(&self.owner, self.clock.wall(), question).await {
            Ok(answer) => answer,
            // The slot's failure rule. Why it failed is the owner's business.
            Err(error) => {
                tracing::warn!(%error, "a deposit is refused because the policy gave no answer");
                let text = "the board's policy gave no answer; try later or another board";
                DepositAnswer::Refuse(text.to_owned())
            }
        }
    }
}
