//! Whom an address means: slot `resolver`, and the rules no resolver can change.

use mail::record::{ContactState, Destination, Route};
use mail::{AccountName, Address, MailId, Refusal, ToxId};

use crate::core::Core;
use crate::people::Person;
use crate::pins::needs_pin;
use crate::ports::decisions::{Resolution, ResolutionTarget, ResolveAnswer};

impl Core {
    /// Whom an account means by an address, for `mail` if it is for one; 451 when the resolver fails.
    pub async fn resolve(
        &self,
        person: &Person,
        address: &Address,
        mail: Option<MailId>,
    ) -> Result<Route, Refusal> {
        let resolution = self.ask_resolver(person.name(), address, mail).await?;
        self.route(person, address, resolution).await
    }

    /// The Tox ID of somebody who is to become a contact.
    pub async fn look_up(&self, account: &AccountName, address: &Address) -> Result<ToxId, Refusal> {
        let person = self.people.get(account);
        let person = person.ok_or_else(|| Refusal::permanent(1, 1, "there is no such account here"))?;
        match self.resolve(&person, address, None).await? {
            Route::Remote(Destination::Tox(id)) => Ok(id),
            Route::Remote(Destination::Contact(_)) => {
                Err(Refusal::permanent(1, 1, &format!("<{address}> is a contact of yours already")))
            }
            Route::Local(name) => self.network.tox_id(&name).ok_or_else(|| {
                Refusal::transient(4, 3, "the account has no Tox ID yet: try again in a moment")
            }),
        }
    }

    async fn ask_resolver(
        &self,
        account: &AccountName,
        address: &Address,
        mail: Option<MailId>,
    ) -> Result<Resolution, Refusal> {
        match self.decisions.resolve(account, self.clock.wall(), address, mail).await {
            Ok(ResolveAnswer::Found(resolution)) => Ok(resolution),
            Ok(ResolveAnswer::NotFound(why)) => Err(not_found(address, &why)),
            Ok(ResolveAnswer::TryLater(why)) => Err(Refusal::transient(
                4,
                3,
                &format!(
                    "cannot look up <{address}> now: {why}. Check the network, then send the mail again"
                ),
            )),
            Err(failure) => {
                self.decision_failed(account, "resolver", &failure);
                Err(Refusal::transient(
                    4,
                    3,
                    "the resolver failed: send the mail again later, or choose another resolver (the dashboard shows what \
                     went wrong)",
                ))
            }
        }
    }

    async fn route(
        &self,
        person: &Person,
        address: &Address,
        resolution: Resolution,
    ) -> Result<Route, Refusal> {
        let (key, tox_id) = match resolution.target {
            ResolutionTarget::Account(name) => {
                let exists = self.people.get(&name).is_some();
                return if exists { Ok(Route::Local(name)) } else { Err(not_found(address, "")) };
            }
            ResolutionTarget::ToxId(id) => (id.key, Some(id)),
            ResolutionTarget::Key(key) => (key, None),
        };
        if needs_pin(address, &resolution.source) {
            self.check_pin(person.name(), address, key, tox_id).await?;
        }
        if let Some(local) = self.account_with_key(key) {
            return Ok(Route::Local(local.name().clone()));
        }
        let known = person.contact(key);
        match (tox_id.or(known.as_ref().and_then(|contact| contact.tox_id)), known) {
            (Some(id), _) => Ok(Route::Remote(Destination::Tox(id))),
            (None, Some(contact)) if contact.state == ContactState::Confirmed => {
                Ok(Route::Remote(Destination::Contact(key)))
            }
            // A first mail by drop relays needs the key alone.
            (None, _) if self.reaches_strangers() => Ok(Route::Remote(Destination::Contact(key))),
            _ => Err(Refusal::permanent(
                1,
                1,
                &format!(
                    "<{address}> is the key of somebody who is no contact of yours: a first mail needs the full Tox ID of \
                     76 digits, or a drop relay to wait on. Ask them for the ID and write to <their 76 digits>@tox, or add a relay: toxmail relay add ADDRESS"
                ),
            )),
        }
    }
}

fn not_found(address: &Address, why: &str) -> Refusal {
    let why = if why.is_empty() { "nobody has this address" } else { why };
    Refusal::permanent(
        1,
        1,
        &format!(
            "<{address}>: {why}. Check it for a mistake; to write to somebody new, use <their Tox ID>@tox or add them: \
             toxmail contact add ALIAS TOXID"
        ),
    )
}
