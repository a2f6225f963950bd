//! What a peer says about itself: its full Tox ID and the addresses its mails come from.

use mail::from_check::key_of;
use mail::record::Contact;
use mail::{AccountName, Address, PublicKey, ToxId};

use crate::Gateway;
use crate::friendship::ContactError;
use crate::limits;

/// Why a hello was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelloError {
    /// The Tox ID in it belongs to another key: the peer broke the protocol.
    #[error("the Tox ID in hello belongs to another key than the connection")]
    ForeignToxId,
    /// Storing it failed.
    #[error(transparent)]
    Contact(#[from] ContactError),
}

impl Gateway {
    /// A peer is online and said hello: its contact is brought up to date and its mail goes out.
    ///
    /// # Errors
    /// [`HelloError`]; with `ForeignToxId` the peer broke the protocol.
    pub async fn peer_hello(
        &self,
        account: &AccountName,
        key: PublicKey,
        tox_id: ToxId,
        addresses: Vec<Address>,
    ) -> Result<(), HelloError> {
        if tox_id.key != key {
            return Err(HelloError::ForeignToxId);
        }
        self.friend_connected(account, key).await?;
        if let Some(person) = self.people.get(account)
            && let Some(contact) = person.contact(key)
        {
            let told = bounded(key, addresses);
            if contact.tox_id != Some(tox_id) || contact.addresses != told {
                let contact = Contact { tox_id: Some(tox_id), addresses: told, ..contact };
                self.store_contact(&person, contact).await.map_err(ContactError::from)?;
            }
        }
        self.outbox.peer_online(account, key, self.now());
        Ok(())
    }
}

/// The addresses a peer claims: canonical, without duplicates and bounded. One that spells another key is never theirs.
fn bounded(key: PublicKey, addresses: Vec<Address>) -> Vec<Address> {
    let mut told: Vec<Address> = Vec::new();
    for address in addresses {
        let address = address.canonical();
        if told.len() < limits::TOLD_ADDRESSES
            && !told.contains(&address)
            && key_of(&address).is_none_or(|spelled| spelled == key)
        {
            told.push(address);
        }
    }
    told
}

#[cfg(test)]
mod tests;
