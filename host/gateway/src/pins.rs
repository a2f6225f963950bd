//! Names and the keys they were first seen with.

use mail::record::Pin;
use mail::{AccountName, Address, PublicKey, Refusal, ToxId};

use crate::core::{Core, storage_refusal};
use crate::ports::StorageError;
use crate::ports::decisions::ResolutionSource;

impl Core {
    /// A name is pinned to the first key it led to; another one later is held for the user, like a changed SSH host key.
    pub async fn check_pin(
        &self,
        account: &AccountName,
        address: &Address,
        key: PublicKey,
        tox_id: Option<ToxId>,
    ) -> Result<(), Refusal> {
        let name = address.canonical();
        let refused = |error| storage_refusal(&error);
        let Some(mut pin) = self.storage.pin(account, &name).await.map_err(refused)? else {
            let first_seen = self.clock.wall();
            let pin = Pin { address: name, key, first_seen, changed_to: None };
            return self.storage.put_pin(account, pin).await.map_err(refused);
        };
        if pin.key == key {
            return Ok(());
        }
        if tox_id.is_some() && pin.changed_to != tox_id {
            pin.changed_to = tox_id;
            self.storage.put_pin(account, pin.clone()).await.map_err(refused)?;
            self.contacts_changed(account);
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

    /// The user confirms the key that a name leads to now.
    pub async fn confirm_pin(
        &self,
        account: &AccountName,
        address: &Address,
    ) -> Result<Option<Pin>, StorageError> {
        let Some(mut pin) = self.storage.pin(account, &address.canonical()).await? else { return Ok(None) };
        let Some(changed_to) = pin.changed_to.take() else { return Ok(None) };
        pin.key = changed_to.key;
        pin.first_seen = self.clock.wall();
        self.storage.put_pin(account, pin.clone()).await?;
        self.contacts_changed(account);
        Ok(Some(pin))
    }
}

/// Names that somebody else hands out are pinned; what the user typed or chose is not.
pub(crate) fn needs_pin(address: &Address, source: &ResolutionSource) -> bool {
    match source {
        ResolutionSource::Dns | ResolutionSource::Other(_) => true,
        // A name in DNS that a contact's gateway told: theirs only while nothing else was seen.
        ResolutionSource::Contact => !address.is_tox(),
        ResolutionSource::Literal | ResolutionSource::Account => false,
    }
}

fn short(key: PublicKey) -> String {
    key.to_string().chars().take(8).collect()
}
