//! Verbs as errands: the request to the gateway, and how its answer reads.

use std::fmt::Display;
use std::io::{self, BufRead as _, Read as _};
use std::path::Path;

use api::dto::{
    AcceptRequest, BeginShadow, ComponentName, ComponentSignature, ConfirmName, FilterOrder, InvalidPassword,
    NewAccount, NewAlias, NewContact, NewPassword, NewRelay, Password, RollBack, SeenFallback, Slot, Tune,
    UseComponent, UsePolicySet,
};
use api::{Body, Days, Endpoint, EntryQuery, Readable, RemoveContactQuery, TrialQuery, UploadQuery, verbs};
use mail::AccountName;
use mail::limits::PASSWORD_BYTES;
use serde_json::{Error, Value};
use zeroize::Zeroizing;

use crate::ToComponent;
use crate::args::{
    Account, Component, Contact, MailVerb, Outbox, Pin, PolicySet, Quarantine, Relay, SlotVerb, Verb,
};
use crate::component_file::{name_of, read_component, signed_component};
use crate::error::ClientError;
use crate::limits::PASSWORD_LINE_BYTES;
use crate::password_line::password_in;
use crate::request::Request;
use crate::{print, trials, tuning};

/// What a verb asks of the gateway, and how the answer reads.
pub struct Errand<'v> {
    /// The request.
    pub request: Request,
    /// The answer as people read it, ending with a line end.
    pub to_text: ToText<'v>,
}

/// Reads an answer and writes it for people.
type ToText<'v> = Box<dyn FnOnce(Value) -> Result<String, Error> + 'v>;

type Result<T, E = ClientError> = std::result::Result<T, E>;

/// Makes errands about one account.
#[derive(Clone, Copy)]
pub struct Errands<'v> {
    /// The account that the command line names.
    pub account: Option<&'v AccountName>,
    /// What makes components of modules.
    pub make: ToComponent,
}

impl<'v> Errands<'v> {
    /// What a verb asks. Reads what the verb names: a component's file, a password from standard input.
    ///
    /// # Errors
    /// [`ClientError::Input`] where it cannot be read.
    pub fn of(self, verb: &'v Verb) -> Result<Errand<'v>> {
        match verb {
            Verb::Status => self.ask(verbs::ShowStatus, &(), (), |status| print::status(&status)),
            Verb::Id(how) => self.ask(verbs::ShowIdentity, &(), (), |id| print::identity(*how, &id)),
            Verb::Reload => self.ask(verbs::Reload, &(), (), |reloaded| print::reloaded(&reloaded)),
            Verb::Contact(verb) => self.contact(verb),
            Verb::Outbox(verb) => self.outbox(verb),
            Verb::Quarantine(verb) => self.quarantine(verb),
            Verb::Mail(MailVerb::Spam { id }) => self.ask(verbs::MarkSpam, id, (), move |()| {
                format!("filters that learn were told that {id} is spam\n")
            }),
            Verb::Mail(MailVerb::Ham { id }) => self.ask(verbs::MarkHam, id, (), move |()| {
                format!("filters that learn were told that {id} is not spam\n")
            }),
            Verb::Account(verb) => self.account(verb),
            Verb::Component(verb) => self.component(verb),
            Verb::Slot(verb) => self.slot(verb),
            Verb::PolicySet(PolicySet::Use { file }) => {
                // The gateway has another working directory.
                let path = std::path::absolute(file).map_err(|error| {
                    ClientError::Input(format!("{} cannot be found: {error}", file.display()))
                })?;
                self.ask(verbs::UsePolicySet, &(), UsePolicySet { path }, |slots| print::slots(&slots))
            }
            Verb::Relay(verb) => self.relay(verb),
            Verb::Pin(Pin::List) => self.ask(verbs::ListChangedPins, &(), (), |pins| print::pins(&pins)),
            Verb::Pin(Pin::Accept { address }) => {
                self.ask(verbs::AcceptPin, address, (), |pin| print::accepted_pin(&pin))
            }
        }
    }

    fn contact(self, verb: &'v Contact) -> Result<Errand<'v>> {
        match verb {
            Contact::List => self.ask(verbs::ListContacts, &(), (), |contacts| print::contacts(&contacts)),
            Contact::Requests => {
                self.ask(verbs::ListContactRequests, &(), (), |requests| print::requests(&requests))
            }
            Contact::Add { alias, address, message } => {
                let address = address.resolve().map_err(|error| ClientError::Input(error.to_string()))?;
                let contact = NewContact { alias: alias.clone(), address, message: message.clone() };
                self.ask(verbs::AddContact, &(), contact, |added| print::added_contact(&added))
            }
            Contact::Accept { key, alias } => {
                let accept = Some(AcceptRequest { alias: alias.clone() });
                self.ask(verbs::AcceptContact, key, accept, |added| print::accepted_contact(&added))
            }
            Contact::Names { alias } => {
                self.ask(verbs::ListToldNames, alias, (), |names| print::names(&names))
            }
            Contact::Confirm { alias, address } => {
                let name = ConfirmName { address: address.clone() };
                self.ask(verbs::ConfirmName, alias, name, move |name| print::confirmed_name(alias, &name))
            }
            Contact::Decline { key } => {
                self.ask(verbs::DeclineContact, key, (), move |()| done(key, "declined"))
            }
            Contact::Rename { alias, new } => {
                let name = NewAlias { alias: new.clone() };
                self.ask(verbs::RenameContact, alias, name, |renamed| print::renamed_contact(&renamed))
            }
            Contact::Remove { alias, block } => {
                let query = RemoveContactQuery { account: None, block: block.then_some(true) };
                let what = if *block { "removed and blocked" } else { "removed" };
                self.ask_with(verbs::RemoveContact, alias, query, (), move |()| done(alias, what))
            }
        }
    }

    fn outbox(self, verb: &'v Outbox) -> Result<Errand<'v>> {
        match verb {
            Outbox::List => self.ask(verbs::ListOutbox, &(), (), |mails| print::outbox(&mails)),
            Outbox::Show { id } => {
                self.ask(verbs::ShowOutboxEntry, id, (), |mail| print::outbox_entry(&mail))
            }
            Outbox::Retry { id } => self.ask(verbs::Retry, id, (), move |()| done(id, "tried now")),
            Outbox::Cancel { id } => self.ask(verbs::Cancel, id, (), move |()| done(id, "taken back")),
        }
    }

    fn quarantine(self, verb: &'v Quarantine) -> Result<Errand<'v>> {
        match verb {
            Quarantine::List => self.ask(verbs::ListQuarantine, &(), (), |mails| print::quarantine(&mails)),
            Quarantine::Release { id } => self.ask(verbs::Release, id, (), move |()| done(id, "released")),
            Quarantine::Delete { id } => {
                self.ask(verbs::DeleteQuarantined, id, (), move |()| done(id, "deleted"))
            }
        }
    }

    fn account(self, verb: &'v Account) -> Result<Errand<'v>> {
        match verb {
            Account::List => self.ask(verbs::ListAccounts, &(), (), |accounts| print::accounts(&accounts)),
            Account::Add { name, password_stdin } => {
                let account = NewAccount { name: name.clone(), password: chosen_password(*password_stdin)? };
                self.ask(verbs::AddAccount, &(), account, |made| print::credentials(&made))
            }
            Account::Password { name, password_stdin } => {
                let password = Some(NewPassword { password: chosen_password(*password_stdin)? });
                self.ask(verbs::SetPassword, name, password, |set| print::credentials(&set))
            }
            Account::Remove { name, .. } => {
                self.ask(verbs::RemoveAccount, name, (), move |()| done(name, "removed"))
            }
            Account::Disable { name } => {
                self.ask(verbs::DisableAccount, name, (), move |()| done(name, "switched off"))
            }
            Account::Enable { name } => {
                self.ask(verbs::EnableAccount, name, (), move |()| done(name, "switched on"))
            }
        }
    }

    fn component(self, verb: &'v Component) -> Result<Errand<'v>> {
        match verb {
            Component::List => {
                self.ask(verbs::ListComponents, &(), (), |components| print::components(&components))
            }
            Component::Add { file, name, signature } => {
                self.add_component(file, name.as_ref(), signature.as_deref())
            }
            Component::Remove { component } => {
                self.ask(verbs::RemoveComponent, component, (), move |()| done(component, "removed"))
            }
            Component::State => {
                self.ask(verbs::ListComponentState, &(), (), |spaces| print::component_state(&spaces))
            }
            Component::ClearState { space } => {
                self.ask(verbs::ClearComponentState, space, (), move |()| done(space, "cleared"))
            }
            Component::Replay { file, slot, days, entry } => {
                let days = days.map(Days::try_from).transpose();
                let days = days.map_err(|error| ClientError::Input(error.to_string()))?;
                let query = TrialQuery { component: None, entry: entry.clone(), days };
                let file = Some(read_component(file, self.make)?);
                self.ask_with(verbs::Replay, slot, query, file, |replay| trials::replay(&replay))
            }
            Component::Bench(_) => Err(asks_nobody()),
        }
    }

    fn add_component(
        self,
        file: &Path,
        name: Option<&ComponentName>,
        signature: Option<&Path>,
    ) -> Result<Errand<'v>> {
        let name = match name {
            Some(name) => name.clone(),
            None => name_of(file)?,
        };
        let (signature, bytes) = match signature {
            None => (None, read_component(file, self.make)?),
            Some(signature) => {
                let signature = crate::signature::read(signature)
                    .map_err(|error| ClientError::Input(error.to_string()))?;
                // What was signed are these bytes, not the component that could be made of them.
                (Some(ComponentSignature(signature)), signed_component(file, self.make)?)
            }
        };
        let query = UploadQuery { name, signature };
        self.ask_with(verbs::AddComponent, &(), query, bytes, |added| print::component(&added))
    }

    fn slot(self, verb: &'v SlotVerb) -> Result<Errand<'v>> {
        match verb {
            SlotVerb::List => self.ask(verbs::ListSlots, &(), (), |slots| print::slots(&slots)),
            SlotVerb::Use { slot, component, entry } => {
                let what = UseComponent { component: component.clone(), entry: entry.clone() };
                self.ask(verbs::UseComponent, slot, what, |slots| print::slots(&slots))
            }
            SlotVerb::Rollback { slot, entry } => {
                let which = entry.clone().map(|entry| RollBack { entry: Some(entry) });
                self.ask(verbs::RollBack, slot, which, |slots| print::slots(&slots))
            }
            SlotVerb::Seen { slot, entry } => {
                let which = entry.clone().map(|entry| SeenFallback { entry: Some(entry) });
                self.ask(verbs::FallbackSeen, slot, which, |slots| print::slots(&slots))
            }
            SlotVerb::Order { entries } => {
                let order = FilterOrder { entries: entries.clone() };
                self.ask(verbs::OrderFilters, &(), order, |slots| print::slots(&slots))
            }
            SlotVerb::Remove { entry } => {
                self.ask(verbs::RemoveFilter, entry, (), |slots| print::slots(&slots))
            }
            SlotVerb::Shadow { slot, component: Some(component), entry, .. } => {
                let shadow = BeginShadow { component: component.clone(), entry: entry.clone() };
                self.ask(verbs::BeginShadow, slot, shadow, |shadow| trials::shadow(&shadow, false))
            }
            SlotVerb::Shadow { slot, off: true, .. } => {
                self.ask(verbs::EndShadow, slot, (), |shadow| trials::shadow(&shadow, true))
            }
            SlotVerb::Shadow { slot, .. } => {
                self.ask(verbs::ShowShadow, slot, (), |shadow| trials::shadow(&shadow, false))
            }
            SlotVerb::Settings { slot, entry, set, unset, limit } => {
                let taken = unset.iter().map(|name| (name.clone(), None));
                let given = set.iter().map(|setting| (setting.name.clone(), Some(setting.value.clone())));
                let settings = taken.chain(given).collect();
                let limits = limit.iter().map(|limit| (limit.name.clone(), limit.value)).collect();
                self.settings(slot, entry.clone(), Tune { settings, limits })
            }
        }
    }

    /// Shows settings where none are changed.
    fn settings(self, slot: &Slot, entry: Option<String>, tune: Tune) -> Result<Errand<'v>> {
        let query = EntryQuery { entry };
        if tune == Tune::default() {
            self.ask_with(verbs::ShowSettings, slot, query, (), |tuned| tuning::tuned(&tuned))
        } else {
            self.ask_with(verbs::ChangeSettings, slot, query, tune, |tuned| tuning::tuned(&tuned))
        }
    }

    fn relay(self, verb: &'v Relay) -> Result<Errand<'v>> {
        match verb {
            Relay::List => self.ask(verbs::ListRelays, &(), (), |relays| print::relays(&relays)),
            Relay::Invite => {
                self.ask(verbs::InviteToRelay, &(), (), |invitation| print::invitation(&invitation))
            }
            Relay::Invitations => {
                self.ask(verbs::ListInvitations, &(), (), |given| print::invitations(&given))
            }
            Relay::Uninvite { invitation } => {
                let name = invitation.0;
                self.ask(verbs::UninviteFromRelay, &name.to_string(), (), move |()| {
                    format!(
                        "{name} gives no more tokens; tokens that it gave are valid until the end of next week\n"
                    )
                })
            }
            Relay::Add { address } => {
                let relay = NewRelay { address: address.to_string() };
                self.ask(verbs::AddRelay, &(), relay, |relay| print::added_relay(&relay))
            }
            Relay::Remove { address } => {
                let key = address.key;
                self.ask(verbs::RemoveRelay, &key, (), move |()| done(&key, "forgotten"))
            }
            Relay::Serve(_) => Err(asks_nobody()),
        }
    }

    /// Asks an endpoint with a query that only has the account.
    fn ask<E>(
        self,
        endpoint: E,
        path: &E::Path,
        body: <E::Body as Body>::Given,
        to_text: impl FnOnce(<E::Answer as Readable>::Value) -> String + 'v,
    ) -> Result<Errand<'v>>
    where
        E: Endpoint<Query: Default, Answer: Readable>,
    {
        self.ask_with(endpoint, path, E::Query::default(), body, to_text)
    }

    fn ask_with<E>(
        self,
        endpoint: E,
        path: &E::Path,
        query: E::Query,
        body: <E::Body as Body>::Given,
        to_text: impl FnOnce(<E::Answer as Readable>::Value) -> String + 'v,
    ) -> Result<Errand<'v>>
    where
        E: Endpoint<Answer: Readable>,
    {
        let request = Request::new(endpoint, self.account, path, query, body)?;
        Ok(Errand { request, to_text: Box::new(|answer| E::Answer::read(answer).map(to_text)) })
    }
}

fn done(what: &dyn Display, done: &str) -> String {
    format!("{what} is {done}\n")
}

fn asks_nobody() -> ClientError {
    ClientError::Input("this verb does not ask a gateway".to_owned())
}

fn chosen_password(from_stdin: bool) -> Result<Option<Password>, ClientError> {
    if from_stdin { read_password(&mut io::stdin().lock()).map(Some) } else { Ok(None) }
}

/// Reads one line; the line end is not part of the password.
fn read_password(input: &mut impl io::BufRead) -> Result<Password, ClientError> {
    let failed = |error: &dyn std::fmt::Display| {
        ClientError::Input(format!("the password cannot be read from standard input: {error}"))
    };
    let mut line = Zeroizing::new(Vec::new());
    input.take(PASSWORD_LINE_BYTES).read_until(b'\n', &mut line).map_err(|error| failed(&error))?;
    let password = password_in(&line);
    if password.len() > PASSWORD_BYTES {
        return Err(ClientError::Input(InvalidPassword.to_string()));
    }
    let password = str::from_utf8(password).map_err(|error| failed(&error))?;
    Password::new(password.to_owned()).map_err(|error| ClientError::Input(error.to_string()))
}

#[cfg(test)]
mod tests;
