//! Contacts, requests and pins, as the web API manages them.

use admin::dto::{Claim, Contact, ContactAddress, ContactRequest, Listing, NewContact, Page, Pin, ToldName};
use admin::management::{ManagementError, People, Result};
use async_trait::async_trait;
use gateway::ports::Network as _;
use gateway::{HeldName, PinError};
use mail::{AccountName, Address, PublicKey, ToxId};

use super::GatewayManagement;
use super::errors::{contact_error, storage};

/// What is shown of a contact's message when it asks; longer ones are refused by Tox.
const GREETING: &str = "";

#[async_trait]
impl People for GatewayManagement {
    async fn contacts(&self, account: &AccountName, page: &Page) -> Result<Listing<Contact>> {
        self.known(account).await?;
        let contacts = self.gateway.contacts(account);
        let shown = contacts.iter().map(|contact| self.shown_contact(account, contact)).collect();
        Ok(page.cut(shown, |contact| contact.alias.to_string()))
    }

    async fn add_contact(&self, account: &AccountName, contact: NewContact) -> Result<Contact> {
        self.known(account).await?;
        let id = self.tox_id_of(account, &contact.address).await?;
        let message = contact.message.as_deref().unwrap_or(GREETING);
        let added = self.gateway.add_contact(account, contact.alias, id, message).await;
        added.map(|contact| self.shown_contact(account, &contact)).map_err(contact_error)
    }

    async fn rename_contact(
        &self,
        account: &AccountName,
        alias: &AccountName,
        new: AccountName,
    ) -> Result<Contact> {
        let contact = self.contact_by_alias(account, alias).await?;
        let renamed = self.gateway.rename_contact(account, contact.key, new).await.map_err(contact_error)?;
        Ok(self.shown_contact(account, &renamed))
    }

    async fn remove_contact(&self, account: &AccountName, alias: &AccountName, block: bool) -> Result<()> {
        let contact = self.contact_by_alias(account, alias).await?;
        self.gateway.remove_contact(account, contact.key, block).await.map_err(contact_error)
    }

    async fn told_names(&self, account: &AccountName, alias: &AccountName) -> Result<Vec<ToldName>> {
        let contact = self.contact_by_alias(account, alias).await?;
        Ok(self.gateway.told_names(account, contact.key).into_iter().map(shown_name).collect())
    }

    async fn confirm_name(
        &self,
        account: &AccountName,
        alias: &AccountName,
        address: &Address,
    ) -> Result<ToldName> {
        let contact = self.contact_by_alias(account, alias).await?;
        let confirmed = self.gateway.confirm_told(account, contact.key, address).await;
        confirmed.map(shown_name).map_err(contact_error)
    }

    async fn contact_requests(&self, account: &AccountName) -> Result<Vec<ContactRequest>> {
        self.known(account).await?;
        let requests = self.gateway.friend_requests(account).await.map_err(storage)?;
        Ok(requests.iter().map(ContactRequest::from).collect())
    }

    async fn accept_contact(
        &self,
        account: &AccountName,
        key: PublicKey,
        alias: Option<AccountName>,
    ) -> Result<Contact> {
        self.known(account).await?;
        let accepted = self.gateway.accept_request(account, key, alias).await.map_err(contact_error)?;
        Ok(self.shown_contact(account, &accepted))
    }

    async fn decline_contact(&self, account: &AccountName, key: PublicKey) -> Result<()> {
        self.known(account).await?;
        self.gateway.decline_request(account, key).await.map_err(contact_error)
    }

    async fn changed_pins(&self, account: &AccountName) -> Result<Vec<Pin>> {
        self.known(account).await?;
        Ok(self.gateway.held_names(account).into_iter().map(shown_pin).collect())
    }

    async fn accept_pin(&self, account: &AccountName, address: &Address) -> Result<Pin> {
        self.known(account).await?;
        let confirmed = self.gateway.confirm_pin(account, address).await;
        confirmed.as_ref().map(Pin::from).map_err(|error| match error {
            PinError::NothingWaits => ManagementError::NotFound(format!(
                "nothing waits for {address}: `toxmail pin list` shows the names that wait"
            )),
            PinError::KeyUnknown => ManagementError::Conflict(format!(
                "it is not known yet which key {address} leads to: send a mail there, which is refused, look at the key with \
                 `toxmail pin list`, and then accept it"
            )),
            PinError::Storage(error) => storage(error.clone()),
        })
    }
}

fn shown_pin(held: HeldName) -> Pin {
    match held {
        HeldName::Changed(pin) => Pin::from(&pin),
        HeldName::Lost { address, leads_to } => Pin::unreadable(address, leads_to),
    }
}

fn shown_name(name: gateway::ToldName) -> ToldName {
    let claim = match name.claim {
        gateway::Claim::Counts => Claim::Counts,
        gateway::Claim::Unconfirmed => Claim::Unconfirmed,
        gateway::Claim::Foreign => Claim::Foreign,
    };
    ToldName { address: name.address, claim }
}

impl GatewayManagement {
    async fn contact_by_alias(
        &self,
        account: &AccountName,
        alias: &AccountName,
    ) -> Result<mail::record::Contact> {
        self.known(account).await?;
        let found = self.gateway.contacts(account).into_iter().find(|contact| contact.alias == *alias);
        found.ok_or_else(|| {
            ManagementError::NotFound(format!(
                "there is no contact `{alias}`: `toxmail contact list` shows all contacts"
            ))
        })
    }

    fn shown_contact(&self, account: &AccountName, contact: &mail::record::Contact) -> Contact {
        let relays = self.offline.as_ref().map(|offline| offline.relays_of(account, contact.key));
        let online = self.network.is_online(account, contact.key);
        Contact { relays: relays.unwrap_or_default(), ..Contact::from_record(contact, online) }
    }

    async fn tox_id_of(&self, account: &AccountName, address: &ContactAddress) -> Result<ToxId> {
        match address {
            ContactAddress::ToxId(id) => Ok(*id),
            ContactAddress::Name(name) => self.gateway.look_up(account, name).await.map_err(|refusal| {
                if refusal.status.is_permanent() {
                    ManagementError::Unprocessable(refusal.text().to_owned())
                } else {
                    ManagementError::Unavailable(refusal.text().to_owned())
                }
            }),
        }
    }
}
