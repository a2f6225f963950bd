//! Slot `relay-selector`: its question in the words of wit/relay-selector.wit, and its answers checked.

use std::collections::BTreeSet;
use std::time::Duration;

use mail::MailId;
use mail::decision::relay_selector::{Choice, Identity, Plan, Relay, Select, WaitingMail};
use wasmtime::Store;

use crate::engine::bindings::host::toxmail::gateway::types;
use crate::engine::bindings::relay_selector::exports::toxmail::gateway::relay_selector_decisions as wit;
use crate::engine::guest::Guest;
use crate::engine::version::Prepared;
use crate::limits::{RELAYS_CHOSEN, RETRY_LONGEST};
use crate::questions::validate::{self, Nonsense};
use crate::questions::{Question, Unanswered};
use crate::slot::Slot;

impl Question for Select {
    const SLOT: Slot = Slot::RelaySelector;
    const FUNCTION: &'static str = "select";
    type Answer = Plan;

    fn mail(&self) -> Option<MailId> {
        self.mail.attributes.mail
    }

    fn ask(
        &self,
        prepared: &Prepared,
        store: &mut Store<Guest>,
        context: &types::Context,
    ) -> Result<Plan, Unanswered> {
        let selector = prepared.relay_selector()?.instantiate(&mut *store)?;
        let guest = selector.toxmail_gateway_relay_selector_decisions();
        let relays: Vec<wit::Relay> = self.relays.iter().map(relay).collect();
        let most = store.data().output_items(RELAYS_CHOSEN);
        let plan = guest.call_select(store, context, &mail(&self.mail), &relays)?;
        Ok(check(&plan, &self.relays, most)?)
    }
}

fn mail(mail: &WaitingMail) -> wit::WaitingMail {
    wit::WaitingMail {
        size: mail.size,
        cells: mail.cells,
        remaining: mail.remaining.as_secs(),
        recipient_is_contact: mail.recipient_is_contact,
        reposted: mail.reposted,
        attributes: mail.attributes.to_list(),
    }
}

fn relay(relay: &Relay) -> wit::Relay {
    wit::Relay {
        key: relay.key.to_string(),
        owner: relay.owner.clone(),
        served_here: relay.served_here,
        read_by_recipient: relay.read_by_recipient,
        chosen_by_user: relay.chosen_by_user,
        receipts: relay.receipts,
        failures: relay.failures,
        last_failure: relay.last_failure.map(|ago| ago.as_secs()),
        fill: relay.fill,
        tokens: relay.tokens,
        attributes: relay.attributes.to_list(),
    }
}

fn check(plan: &wit::Plan, offered: &[Relay], most: usize) -> Result<Plan, Nonsense> {
    if plan.choices.len() > most {
        return Err(Nonsense::new(format!("it chose {} relays; {most} at most", plan.choices.len())));
    }
    let choices: Vec<Choice> =
        plan.choices.iter().map(|choice| check_choice(choice, offered)).collect::<Result<_, _>>()?;
    if choices.iter().map(|choice| choice.key).collect::<BTreeSet<_>>().len() != choices.len() {
        return Err(Nonsense::new("it chose a relay twice"));
    }
    if !matches!(plan.ttl_days, 1 | 7 | 14 | 21) {
        return Err(Nonsense::new(format!("{} days are none of 1, 7, 14, 21", plan.ttl_days)));
    }
    let enough = plan.enough as usize;
    let fits = if choices.is_empty() { enough == 0 } else { (1..=choices.len()).contains(&enough) };
    if !fits {
        let count = choices.len();
        return Err(Nonsense::new(format!("{enough} receipts cannot be enough for {count} relays")));
    }
    Ok(Plan { choices, enough: plan.enough, ttl_days: plan.ttl_days })
}

fn check_choice(choice: &wit::Choice, offered: &[Relay]) -> Result<Choice, Nonsense> {
    let key = validate::key(&choice.key)?;
    let Some(relay) = offered.iter().find(|relay| relay.key == key) else {
        return Err(Nonsense::new(format!("it chose the relay {key}, which was not offered")));
    };
    let identity = match choice.identity {
        wit::Identity::Throwaway => Identity::Throwaway,
        wit::Identity::Account if relay.served_here => Identity::Account,
        wit::Identity::Account => {
            return Err(Nonsense::new("it would show the account's identity to a relay of somebody else"));
        }
    };
    let within = Duration::from_secs(u64::from(choice.within)).min(RETRY_LONGEST);
    Ok(Choice { key, identity, within })
}
