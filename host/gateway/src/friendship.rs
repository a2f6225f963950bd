//! Contacts and friend requests: the store says who is a contact, the Tox friend list follows.

use mail::decision::Attributes;
use mail::decision::policy::{self, FriendRequestAnswer};
use mail::record::{Contact, ContactState, Destination, FriendRequest, OutboxEntry, Route};
use mail::storage::StorageError;
use mail::{AccountName, Address, PublicKey, Refusal, ToxId};

use crate::Gateway;
use crate::limits;
use crate::moment::Moment;
use crate::people::Person;

/// Why something about contacts was not done. The message says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// There is no such account.
    #[error("there is no account `{0}`: see `toxmail account list`")]
    NoAccount(AccountName),
    /// No contact has this alias or key.
    #[error("there is no such contact: see `toxmail contact list`")]
    NoContact,
    /// Nobody with this key has asked.
    #[error("nobody with this key has asked to be a contact: see `toxmail contact requests`")]
    NoRequest,
    /// The Tox ID is the account's own or another account's here.
    #[error(
        "this is the Tox ID of the account `{0}` of this gateway: write to {0}@tox, no contact is needed"
    )]
    Local(AccountName),
    /// Nobody has such a key.
    #[error("no Tox program can have the key in this Tox ID: ask them to send it again")]
    ImpossibleKey,
    /// The name means something else already.
    #[error("`{0}` is the name of an account or of another contact: choose another alias")]
    AliasTaken(AccountName),
    /// The key is a contact already.
    #[error("this is the Tox ID of your contact `{0}` already; remove it first to give it another alias")]
    Known(AccountName),
    /// The contact's gateway did not tell this name.
    #[error("this contact does not claim <{0}>: see `toxmail contact names ALIAS` for the names they claim")]
    NotTold(Address),
    /// The name belongs to an account or to another contact.
    #[error(
        "<{0}> is an address of an account here or the name of another contact: rename or remove that one first"
    )]
    NameTaken(Address),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The Tox network refused.
    #[error("the Tox network refused: {0}")]
    Network(String),
}

/// What became of somebody's wish to be a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// They are a contact.
    Contact,
    /// The user is asked.
    Waits,
    /// As many requests wait, or there are as many contacts, as there can be: they may ask again later.
    NoRoom,
    /// They are ignored.
    Ignored,
}

impl Gateway {
    fn person(&self, account: &AccountName) -> Result<std::sync::Arc<Person>, ContactError> {
        self.people.get(account).ok_or_else(|| ContactError::NoAccount(account.clone()))
    }

    /// Adds a contact and sends a friend request (a greeting where `message` is empty).
    ///
    /// # Errors
    /// [`ContactError`].
    pub async fn add_contact(
        &self,
        account: &AccountName,
        alias: AccountName,
        id: ToxId,
        message: &str,
    ) -> Result<Contact, ContactError> {
        let person = self.person(account)?;
        if !id.key.is_possible() {
            return Err(ContactError::ImpossibleKey);
        }
        if let Some(local) = self.account_with_key(id.key) {
            return Err(ContactError::Local(local.name().clone()));
        }
        if let Some(known) = person.contact(id.key) {
            return Err(ContactError::Known(known.alias));
        }
        self.check_alias(&person, &alias)?;
        let has_asked = self.has_asked(account, id.key).await?;
        let state = if has_asked { ContactState::Confirmed } else { ContactState::Requested };
        let contact = self.new_contact(alias, id.key, Some(id), state);
        self.store_contact(&person, contact.clone()).await?;
        if has_asked {
            self.befriend(account, id.key).await;
        } else {
            self.send_request(account, id, message).await;
        }
        Ok(contact)
    }

    /// Accepts a waiting friend request; without alias the contact gets one made of its key.
    ///
    /// # Errors
    /// [`ContactError`].
    pub async fn accept_request(
        &self,
        account: &AccountName,
        key: PublicKey,
        alias: Option<AccountName>,
    ) -> Result<Contact, ContactError> {
        let person = self.person(account)?;
        if !self.has_asked(account, key).await? {
            return Err(ContactError::NoRequest);
        }
        let contact = match person.contact(key) {
            Some(known) => Contact { state: ContactState::Confirmed, ..known },
            None => {
                let alias = match alias {
                    Some(alias) => alias,
                    None => self.free_alias(&person, key, None)?,
                };
                self.check_alias(&person, &alias)?;
                self.new_contact(alias, key, None, ContactState::Confirmed)
            }
        };
        self.store_contact(&person, contact.clone()).await?;
        self.befriend(account, key).await;
        Ok(contact)
    }

    /// Declines a waiting friend request, and ignores later ones of that key until the user adds it as a contact. The
    /// other side is not told.
    ///
    /// # Errors
    /// [`ContactError`].
    pub async fn decline_request(&self, account: &AccountName, key: PublicKey) -> Result<(), ContactError> {
        if !self.has_asked(account, key).await? {
            return Err(ContactError::NoRequest);
        }
        self.storage.decline(account, key, self.clock.wall()).await?;
        self.contacts_changed(account);
        Ok(())
    }

    /// Gives a contact another alias. Mail that waits for them is not changed: it is for their key.
    ///
    /// # Errors
    /// [`ContactError`].
    pub async fn rename_contact(
        &self,
        account: &AccountName,
        key: PublicKey,
        alias: AccountName,
    ) -> Result<Contact, ContactError> {
        let person = self.person(account)?;
        let contact = person.contact(key).ok_or(ContactError::NoContact)?;
        if contact.alias != alias {
            self.check_alias(&person, &alias)?;
        }
        let contact = Contact { alias, ..contact };
        self.store_contact(&person, contact.clone()).await?;
        Ok(contact)
    }

    /// Removes a contact and ends the friendship. Later friend requests of a contact that is blocked are ignored, until
    /// the user adds it again.
    ///
    /// # Errors
    /// [`ContactError`].
    pub async fn remove_contact(
        &self,
        account: &AccountName,
        key: PublicKey,
        block: bool,
    ) -> Result<(), ContactError> {
        let person = self.person(account)?;
        if person.contact(key).is_none() {
            return Err(ContactError::NoContact);
        }
        if block {
            // First: a request that comes in between is ignored too.
            self.storage.decline(account, key, self.clock.wall()).await?;
        }
        self.storage.remove_contact(account, key).await?;
        person.forget(key);
        self.requests.forget(account, key);
        self.receptions.peer_gone(account, key);
        self.outbox.peer_offline(account, key, self.now());
        if let Err(error) = self.network.remove_friend(account, key).await {
            // The friend lists are held against the contacts again at the next start.
            tracing::warn!(%account, %error, "the Tox friend of a removed contact was not removed yet");
        }
        self.contacts_changed(account);
        Ok(())
    }

    /// Somebody sent a friend request.
    ///
    /// # Errors
    /// When the store fails; they ask again.
    pub async fn friend_request(
        &self,
        account: &AccountName,
        key: PublicKey,
        message: &str,
    ) -> Result<Asked, ContactError> {
        let person = self.person(account)?;
        if let Some(contact) = person.contact(key) {
            // Both asked, or they lost us: they are wanted.
            self.confirm(&person, contact).await?;
            self.befriend(account, key).await;
            return Ok(Asked::Contact);
        }
        if self.storage.is_declined(account, key).await? {
            tracing::info!(%account, %key, "a friend request of somebody who was declined was ignored");
            return Ok(Asked::Ignored);
        }
        match self.ask_policy(account, key, message).await? {
            FriendRequestAnswer::Accept => {
                let alias = self.free_alias(&person, key, None)?;
                let contact = self.new_contact(alias, key, None, ContactState::Confirmed);
                if !has_room(account, self.store_contact(&person, contact).await)? {
                    return Ok(Asked::NoRoom);
                }
                self.befriend(account, key).await;
                Ok(Asked::Contact)
            }
            FriendRequestAnswer::AskUser => {
                let received = self.clock.wall();
                let request = FriendRequest { key, message: clean(message), received };
                if !has_room(account, self.storage.put_friend_request(account, request).await)? {
                    return Ok(Asked::NoRoom);
                }
                self.contacts_changed(account);
                Ok(Asked::Waits)
            }
            FriendRequestAnswer::Ignore => {
                tracing::info!(%account, %key, "a friend request was ignored");
                Ok(Asked::Ignored)
            }
        }
    }

    /// Slot `policy`; the user is asked when it fails.
    async fn ask_policy(
        &self,
        account: &AccountName,
        key: PublicKey,
        message: &str,
    ) -> Result<FriendRequestAnswer, StorageError> {
        let written_to = self.storage.has_written_to(account, key).await?;
        let attributes = Attributes::default();
        let facts = policy::FriendRequest { key, message: clean(message), written_to, attributes };
        let answer = self.decisions.friend_request(account, self.clock.wall(), facts).await;
        Ok(answer.unwrap_or_else(|failure| {
            self.decision_failed(account, "policy", &failure);
            FriendRequestAnswer::AskUser
        }))
    }

    /// Takes note that a Tox friend is online, with a gateway or without: somebody who was asked
    /// has accepted.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn friend_connected(&self, account: &AccountName, key: PublicKey) -> Result<(), ContactError> {
        let person = self.person(account)?;
        match person.contact(key) {
            Some(contact) => self.confirm(&person, contact).await,
            None => Ok(()),
        }
    }

    async fn confirm(&self, person: &Person, contact: Contact) -> Result<(), ContactError> {
        let key = contact.key;
        if contact.state == ContactState::Requested {
            self.store_contact(person, Contact { state: ContactState::Confirmed, ..contact }).await?;
        }
        self.requests.forget(person.name(), key);
        Ok(())
    }

    /// Before a mail is tried: its recipient is a contact, or becomes one and is asked. The inner error says why it can never
    /// be delivered.
    pub(crate) async fn ensure_contact(
        &self,
        entry: &OutboxEntry,
    ) -> Result<Result<(), Refusal>, StorageError> {
        let Route::Remote(destination) = &entry.route else { return Ok(Ok(())) };
        let Some(person) = self.people.get(&entry.account) else {
            return Ok(Err(Refusal::permanent(3, 0, "the sender's account was removed")));
        };
        let key = destination.key();
        if person.contact(key).is_some() {
            return Ok(Ok(()));
        }
        let has_asked =
            self.storage.friend_requests(&entry.account).await?.iter().any(|asks| asks.key == key);
        let (tox_id, state) = match destination {
            _ if has_asked => (tox_id_of(destination), ContactState::Confirmed),
            Destination::Tox(id) if entry.attempts == 0 => (Some(*id), ContactState::Requested),
            Destination::Contact(_) if entry.attempts == 0 && self.reaches_strangers() => {
                (None, ContactState::Requested)
            }
            _ => {
                let text =
                    "the recipient was removed from your contacts: add them again and send the mail again";
                return Ok(Err(Refusal::permanent(1, 1, text)));
            }
        };
        let Ok(alias) = self.free_alias(&person, key, Some(&entry.envelope.forward_path)) else {
            return Ok(Err(Refusal::permanent(
                1,
                1,
                "no alias is free for this recipient: add them as a contact",
            )));
        };
        match self.store_contact(&person, self.new_contact(alias, key, tox_id, state)).await {
            Err(StorageError::LimitReached(what)) => return Ok(Err(Refusal::permanent(3, 2, &what))),
            stored => stored?,
        }
        match (state, tox_id) {
            (ContactState::Requested, Some(id)) => self.send_request(&entry.account, id, "").await,
            _ => self.befriend(&entry.account, key).await,
        }
        Ok(Ok(()))
    }

    /// Holds the Tox friend list against the contacts.
    pub(crate) async fn reconcile(&self, person: &Person) {
        let account = person.name();
        if self.network.tox_id(account).is_none() {
            // A drop relay alone: no account is on Tox.
            return;
        }
        let friends = match self.network.friends(account).await {
            Ok(friends) => friends,
            Err(error) => {
                tracing::warn!(%account, %error, "the Tox friend list could not be read; nothing was changed in it");
                return;
            }
        };
        for key in friends.iter().filter(|key| person.contact(**key).is_none()) {
            if let Err(error) = self.network.remove_friend(account, *key).await {
                tracing::warn!(%account, %error, "a Tox friend who is no contact was not removed");
            }
        }
        for contact in person.contacts() {
            let is_friend = friends.contains(&contact.key);
            match (contact.state, contact.tox_id) {
                (ContactState::Confirmed, _) if !is_friend => self.befriend(account, contact.key).await,
                (ContactState::Requested, Some(_)) if is_friend => {
                    self.requests.sent(account, contact.key, self.now());
                }
                (ContactState::Requested, Some(id)) => self.send_request(account, id, "").await,
                _ => {}
            }
        }
    }

    /// The friend requests to send again now; each is counted as sent.
    pub(crate) fn due_requests(&self, now: Moment) -> Vec<(AccountName, ToxId)> {
        let mut due = Vec::new();
        for (account, key) in self.requests.due(now) {
            let contact = self.people.contact(&account, key);
            match contact.map(|contact| (contact.state, contact.tox_id)) {
                Some((ContactState::Requested, Some(id))) => {
                    self.requests.sent(&account, key, now);
                    due.push((account, id));
                }
                _ => self.requests.forget(&account, key),
            }
        }
        due
    }

    /// The next look at the schedule sends the request of this contact again, if it is not answered.
    pub(crate) fn request_again(&self, account: &AccountName, key: PublicKey) {
        self.requests.at_once(account, key);
    }

    async fn send_request(&self, account: &AccountName, id: ToxId, message: &str) {
        self.requests.sent(account, id.key, self.now());
        self.repeat_request(account, id, message).await;
    }

    /// Sends a friend request, with a greeting where `message` is empty.
    pub(crate) async fn repeat_request(&self, account: &AccountName, id: ToxId, message: &str) {
        let message = clean(message);
        let greeting = format!("{account} would like to exchange mail with you over Tox (Toxmail)");
        let message = if message.trim().is_empty() { clean(&greeting) } else { message };
        if let Err(error) = self.network.request_friend(account, id, &message).await {
            tracing::warn!(%account, %error, "a friend request was not sent; it is tried again");
        }
    }

    async fn befriend(&self, account: &AccountName, key: PublicKey) {
        if let Err(error) = self.network.accept_friend(account, key).await {
            // The friend lists are held against the contacts again at the next start.
            tracing::warn!(%account, %error, "a contact did not become a Tox friend yet");
        }
    }

    async fn has_asked(&self, account: &AccountName, key: PublicKey) -> Result<bool, StorageError> {
        Ok(self.storage.friend_requests(account).await?.iter().any(|request| request.key == key))
    }

    /// Writes a contact, in the store first.
    pub(crate) async fn store_contact(&self, person: &Person, contact: Contact) -> Result<(), StorageError> {
        self.storage.put_contact(person.name(), contact.clone()).await?;
        person.remember(contact);
        self.contacts_changed(person.name());
        Ok(())
    }

    fn new_contact(
        &self,
        alias: AccountName,
        key: PublicKey,
        tox_id: Option<ToxId>,
        state: ContactState,
    ) -> Contact {
        Contact { alias, key, tox_id, addresses: Vec::new(), state, since: self.clock.wall() }
    }

    fn check_alias(&self, person: &Person, alias: &AccountName) -> Result<(), ContactError> {
        let is_ours = Address::at_tox(alias.as_str())
            .is_ok_and(|address| self.account_with_address(&address).is_some());
        let free = !is_ours && person.contact_by_alias(alias.as_str()).is_none();
        if free { Ok(()) } else { Err(ContactError::AliasTaken(alias.clone())) }
    }

    /// A free alias for a key: the local part the user wrote, else digits of the key.
    fn free_alias(
        &self,
        person: &Person,
        key: PublicKey,
        wrote: Option<&Address>,
    ) -> Result<AccountName, ContactError> {
        let digits = key.to_string().to_lowercase();
        let wrote = wrote.map(Address::local).filter(|local| mail::from_check::key_of_text(local).is_none());
        let by_key =
            [8, 16, 32].into_iter().filter_map(|length| digits.get(..length)).map(|d| format!("tox-{d}"));
        let candidates = wrote.map(str::to_owned).into_iter().chain(by_key);
        let mut names = candidates.filter_map(|name| name.parse::<AccountName>().ok());
        names.find(|name| self.check_alias(person, name).is_ok()).ok_or(ContactError::NoContact)
    }
}

/// Whether something was stored; not where there are as many already as there can be.
fn has_room(account: &AccountName, stored: Result<(), StorageError>) -> Result<bool, StorageError> {
    match stored {
        Ok(()) => Ok(true),
        Err(StorageError::LimitReached(what)) => {
            tracing::warn!(%account, what, "no room for somebody who asks to be a contact; they can ask again");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn tox_id_of(destination: &Destination) -> Option<ToxId> {
    match destination {
        Destination::Tox(id) => Some(*id),
        Destination::Contact(_) => None,
    }
}

/// A message as one line, cut to what a friend request takes.
fn clean(message: &str) -> String {
    let clean = mail::text::one_line(message);
    mail::text::cut(&clean, limits::FRIEND_REQUEST_BYTES).to_owned()
}

#[cfg(test)]
mod tests;
