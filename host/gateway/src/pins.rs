//! Names and the keys they were first seen with.

use std::collections::BTreeMap;

use mail::record::Pin;
use mail::storage::StorageError;
use mail::{AccountName, Address, PublicKey, Refusal, ToxId};

use crate::Gateway;
use crate::gateway::storage_refusal;
use crate::people::Person;

/// A name that no mail goes to until the user confirms its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeldName {
    /// It leads to another key than the one it is pinned to.
    Changed(Pin),
    /// It was pinned to a key that can no longer be read.
    Lost {
        /// The name.
        address: Address,
        /// The key that a mail to it found last, since the start.
        leads_to: Option<PublicKey>,
    },
}

/// Why no key of a name is accepted.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// Nothing about the name waits for the user.
    #[error("nothing waits for this name")]
    NothingWaits,
    /// Its pin is lost, and no mail has shown yet which key it leads to.
    #[error("it is not known yet which key this name leads to")]
    KeyUnknown,
    /// The store fails.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Gateway {
    /// Pins a name to the first key it led to, whoever found it. A different key later is held for
    /// the user, like a changed SSH host key.
    pub(crate) async fn check_pin(
        &self,
        person: &Person,
        address: &Address,
        key: PublicKey,
        tox_id: Option<ToxId>,
    ) -> Result<(), Refusal> {
        let name = address.name();
        let refused = |error| storage_refusal(&error);
        if person.has_lost_pin(&name) {
            person.leads_to(&name, key);
            return Err(lost(address, key));
        }
        let Some(mut pin) = person.pin(&name) else {
            let pin = Pin { address: name, key, first_seen: self.clock.wall(), changed_to: None };
            return self.store_pin(person, pin).await.map_err(refused);
        };
        if pin.key == key {
            return Ok(());
        }
        if tox_id.is_some() && pin.changed_to != tox_id {
            pin.changed_to = tox_id;
            self.store_pin(person, pin.clone()).await.map_err(refused)?;
        }
        Err(Refusal::transient(
            7,
            5,
            &format!(
                "<{address}> used to lead to another Tox key ({}...) than now ({}...): ask the recipient in another way \
                 whether that is right, confirm it in the dashboard, then send again",
                short(pin.key),
                short(key)
            ),
        ))
    }

    /// The names that lead to another key now, or whose pins cannot be read: mail to them waits for the user.
    #[must_use]
    pub fn held_names(&self, account: &AccountName) -> Vec<HeldName> {
        let Some(person) = self.people.get(account) else { return Vec::new() };
        let changed = person.pins().into_iter().filter(|pin| pin.changed_to.is_some());
        let lost: BTreeMap<Address, Option<PublicKey>> = person.lost_pins();
        let lost = lost.into_iter().map(|(address, leads_to)| HeldName::Lost { address, leads_to });
        changed.map(HeldName::Changed).chain(lost).collect()
    }

    /// The user confirms that a name leads to the key that a mail to it found. Returns the new pin.
    ///
    /// # Errors
    /// [`PinError`]; the name is held on then.
    pub async fn confirm_pin(&self, account: &AccountName, address: &Address) -> Result<Pin, PinError> {
        let person = self.people.get(account).ok_or(PinError::NothingWaits)?;
        let name = address.name();
        let key = match person.lost_pins().get(&name) {
            Some(leads_to) => leads_to.ok_or(PinError::KeyUnknown)?,
            None => {
                let changed_to = person.pin(&name).and_then(|pin| pin.changed_to);
                changed_to.ok_or(PinError::NothingWaits)?.key
            }
        };
        let pin = Pin { address: name, key, first_seen: self.clock.wall(), changed_to: None };
        self.store_pin(&person, pin.clone()).await?;
        Ok(pin)
    }

    /// Writes a pin, in the store first.
    pub(crate) async fn store_pin(&self, person: &Person, pin: Pin) -> Result<(), StorageError> {
        self.storage.put_pin(person.name(), pin.clone()).await?;
        person.remember_pin(pin);
        self.contacts_changed(person.name());
        Ok(())
    }
}

/// Refuses a name whose pin is lost: only the user can find out whether the key it leads to is the
/// earlier one.
fn lost(address: &Address, key: PublicKey) -> Refusal {
    Refusal::transient(
        7,
        5,
        &format!(
            "the gateway can no longer read which Tox key <{address}> belonged to; it leads to {}... now: ask the recipient in \
             another way whether that is right, confirm it (toxmail pin accept {address}), then send again",
            short(key)
        ),
    )
}

/// The first digits of a key, for people.
pub(crate) fn short(key: PublicKey) -> String {
    key.to_string().chars().take(8).collect()
}
