//! Whom an address means: slot `resolver`, and the rules no resolver can change.
//!
//! What a resolver says about the source of its answer and how far to trust it is for people, who see it with the decision. It
//! loosens no rule: an account, a Tox ID or key in the address, and the name of a contact mean who they mean; every other name
//! is pinned to the first key it led to.

use mail::decision::DecisionFailure;
use mail::decision::resolver::{Resolution, Resolve, ResolveAnswer, Target};
use mail::record::{ContactState, Destination, Route};
use mail::{AccountName, Address, MailId, PublicKey, Refusal, ToxId};

use crate::Gateway;
use crate::names::Holder;
use crate::people::Person;

impl Gateway {
    /// Finds out whom an account means by an address, for `mail` if it is for one; 451 if the
    /// resolver fails.
    pub(crate) async fn resolve(
        &self,
        person: &Person,
        address: &Address,
        mail: Option<MailId>,
    ) -> Result<Route, Refusal> {
        let resolution = self.ask_resolver(person.name(), address, mail).await?;
        self.route(person, address, resolution).await
    }

    /// Finds out whom an address means, for adding them as a contact: by a Tox ID in the address,
    /// or by the resolver.
    ///
    /// # Errors
    /// A [`Refusal`] that tells the user what to do.
    pub async fn look_up(&self, account: &AccountName, address: &Address) -> Result<ToxId, Refusal> {
        let person = self.people.get(account);
        let person = person.ok_or_else(|| Refusal::permanent(1, 1, "there is no such account here"))?;
        match self.resolve(&person, address, None).await? {
            Route::Remote(Destination::Tox(id)) => Ok(id),
            Route::Remote(Destination::Contact(_)) => {
                Err(Refusal::permanent(1, 1, &format!("<{address}> is a contact of yours already")))
            }
            Route::Local(name) => self.network.tox_id(&name).ok_or_else(no_tox_id_yet),
        }
    }

    async fn ask_resolver(
        &self,
        account: &AccountName,
        address: &Address,
        mail: Option<MailId>,
    ) -> Result<Resolution, Refusal> {
        let question = Resolve { address: address.clone(), mail };
        match self.decisions.resolve(account, self.clock.wall(), question).await {
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
        let (key, tox_id) = match &resolution.target {
            Target::Account(name) => match self.people.get(name) {
                Some(local) => (self.key_of_account(&local), None),
                None => return Err(not_found(address, "")),
            },
            Target::ToxId(id) => (Some(id.key), Some(*id)),
            Target::Key(key) => (Some(*key), None),
        };
        if key.is_some_and(|key| !key.is_possible()) {
            let text =
                format!("<{address}> leads to a key that no Tox program can have: ask them for their Tox ID");
            return Err(Refusal::permanent(1, 3, &text));
        }
        // What the user typed is not changed, the nospam included.
        let spelled = address.is_tox().then(|| address.local().parse().ok()).flatten();
        let tox_id = spelled.or(tox_id);
        self.check_holder(person, address, &resolution.target, key)?;
        match (self.holder(person, address), key) {
            (None, Some(key)) => {
                self.check_tellers(person, address, key)?;
                self.check_pin(person, address, key, tox_id).await?;
            }
            // Whether it is the account that the name is pinned to cannot be told yet.
            (None, None) if person.is_pinned(&address.name()) => return Err(no_tox_id_yet()),
            _ => {}
        }
        if let Target::Account(name) = resolution.target {
            return Ok(Route::Local(name));
        }
        let Some(key) = key else { return Err(not_found(address, "")) };
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
                    "<{address}> is the key of somebody who is not your contact: a first mail needs the full Tox ID of \
                     76 digits, or a drop relay to wait on. Ask them for the ID and write to <their 76 digits>@tox, or add a relay: toxmail relay add ADDRESS"
                ),
            )),
        }
    }
}

impl Gateway {
    /// What an account, a literal or the name of a contact means, no resolver can change.
    fn check_holder(
        &self,
        person: &Person,
        address: &Address,
        target: &Target,
        key: Option<PublicKey>,
    ) -> Result<(), Refusal> {
        let (fits, what) = match self.holder(person, address) {
            None => return Ok(()),
            Some(Holder::Account(own)) => {
                let has_key = self.people.get(&own).and_then(|own| self.key_of_account(&own));
                let fits = *target == Target::Account(own) || (key.is_some() && has_key == key);
                (fits, "is an address of this gateway")
            }
            Some(Holder::Literal(spelled)) => (key == Some(spelled), "spells a Tox key"),
            Some(Holder::Alias(contact)) => (key == Some(contact), "is a contact of yours"),
        };
        if fits {
            return Ok(());
        }
        let reason = format!("<{address}> {what}, and the resolver answers somebody else");
        self.decision_failed(
            person.name(),
            "resolver",
            &DecisionFailure { reason: reason.clone(), is_busy: false },
        );
        Err(Refusal::transient(
            7,
            5,
            &format!(
                "{reason}: nothing was sent. Choose another resolver (toxmail slot rollback resolver), then send again"
            ),
        ))
    }

    /// Resolves a name at `tox` that the user never confirmed: it leads to the one contact who
    /// claims it.
    fn check_tellers(&self, person: &Person, address: &Address, key: PublicKey) -> Result<(), Refusal> {
        let name = address.name();
        let tellers = person.tellers(&name);
        if !name.is_tox() || person.is_pinned(&name) || tellers.iter().all(|teller| *teller == key) {
            return Ok(());
        }
        Err(Refusal::transient(
            7,
            5,
            &format!(
                "it is not certain whose <{address}> is: several contacts say it is theirs, or the resolver names another one. Write \
                 to the contact's own name, or confirm whose it is: toxmail contact confirm ALIAS {name}"
            ),
        ))
    }
}

fn no_tox_id_yet() -> Refusal {
    Refusal::transient(4, 3, "the account has no Tox ID yet: try again in a moment")
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
