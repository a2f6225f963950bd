//! Verbs as requests of the web API.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead as _, Read as _};
use std::path::Path;
use std::time::Duration;

use admin::dto::{
    AcceptRequest, BeginShadow, ComponentName, ComponentSignature, FilterOrder, NewAccount, NewContact,
    NewPassword, NewRelay, Password, RollBack, Slot, Tune, UseComponent, UsePolicySet,
};
use admin::limits::{
    BACKUP_TIME, COMPONENT_BYTES, COMPONENT_TIME, MAIL_BODY_TIME, PAGE_LARGEST, PASSWORD_BYTES_LARGEST,
    REMOVE_TIME, REPLAY_TIME, REQUEST_TIME,
};
use hyper::Method;
use hyper::body::Bytes;
use serde::Serialize;
use zeroize::Zeroizing;

use super::args::{
    Account, Component, Contact, MailVerb, Outbox, Pin, PolicySet, Quarantine, Relay, SlotVerb, Verb,
};
use super::error::ClientError;
use crate::compiler::compiler;

/// What the connection may take beyond what the gateway gives itself.
const GRACE: Duration = Duration::from_secs(10);

/// How long all pages of a list may take: a million entries.
const LIST_TIME: Duration = Duration::from_secs(600);

/// A request, without account and token.
#[derive(Debug)]
pub struct Call {
    /// Its method.
    pub method: Method,
    /// Its path under `/api/v1`, percent-encoded.
    pub path: String,
    /// Parameters beside the account.
    pub query: Vec<(&'static str, String)>,
    /// Its body and content type.
    pub body: Option<(&'static str, Bytes)>,
    /// How long it may take.
    pub time: Duration,
}

impl Call {
    /// The request that a verb means. Reads what the verb names: a component's file, a password from standard input.
    pub fn of(verb: &Verb) -> Result<Self, ClientError> {
        Ok(match verb {
            Verb::Status => get("/status"),
            Verb::Id(_) => get("/identity"),
            Verb::Reload => post("/reload"),
            Verb::Contact(verb) => of_contact(verb)?,
            Verb::Outbox(verb) => match verb {
                Outbox::List => get("/outbox"),
                Outbox::Show { id } => get(&format!("/outbox/{id}")),
                Outbox::Retry { id } => post(&format!("/outbox/{id}/retry")),
                Outbox::Cancel { id } => post(&format!("/outbox/{id}/cancel")),
            },
            Verb::Quarantine(verb) => match verb {
                Quarantine::List => get("/quarantine"),
                Quarantine::Release { id } => post(&format!("/quarantine/{id}/release")),
                Quarantine::Delete { id } => delete(&format!("/quarantine/{id}")),
            },
            Verb::Mail(MailVerb::Spam { id }) => post(&format!("/mails/{id}/spam")),
            Verb::Mail(MailVerb::Ham { id }) => post(&format!("/mails/{id}/ham")),
            Verb::Account(verb) => of_account(verb)?,
            Verb::Component(verb) => match verb {
                Component::List => get("/components"),
                Component::Add { file, name, signature } => {
                    upload(file, name.as_ref(), signature.as_deref())?
                }
                Component::Remove { component } => {
                    delete(&format!("/components/{component}")).taking(COMPONENT_TIME)
                }
                Component::Replay { file, slot, days, entry } => {
                    replay(file, *slot, *days, entry.as_deref())?
                }
                Component::Bench(_) => {
                    return Err(ClientError::Input("this verb asks no gateway".to_owned()));
                }
            },
            Verb::Slot(verb) => of_slot(verb)?,
            Verb::PolicySet(PolicySet::Use { file }) => {
                // The gateway has another working directory.
                let path = std::path::absolute(file).map_err(|error| {
                    ClientError::Input(format!("{} cannot be found: {error}", file.display()))
                })?;
                put("/policy-set").with_json(&UsePolicySet { path })?.taking(COMPONENT_TIME)
            }
            Verb::Relay(verb) => match verb {
                Relay::List => get("/relays"),
                Relay::Invite => post("/relays/invitations"),
                Relay::Invitations => get("/relays/invitations"),
                Relay::Uninvite { invitation } => delete(&format!("/relays/invitations/{}", invitation.0)),
                Relay::Add { address } => {
                    post("/relays").with_json(&NewRelay { address: address.to_string() })?
                }
                Relay::Remove { address } => delete(&format!("/relays/{}", address.key)),
                Relay::Serve(_) => return Err(ClientError::Input("this verb asks no gateway".to_owned())),
            },
            Verb::Pin(verb) => match verb {
                Pin::List => get("/pins"),
                Pin::Accept { address } => {
                    post(&format!("/pins/{}/accept", admin::percent_encoded(&address.to_string())))
                }
            },
        })
    }

    fn with_json(self, body: &impl Serialize) -> Result<Self, ClientError> {
        let bytes = serde_json::to_vec(body).map_err(|error| ClientError::unexpected(&error))?;
        Ok(Self { body: Some(("application/json", Bytes::from(bytes))), ..self })
    }

    /// A plain request to read.
    pub fn get(path: &str) -> Self {
        get(path)
    }

    /// A list with as few pages as can be.
    pub fn list(path: &str) -> Self {
        Self { query: vec![("limit", PAGE_LARGEST.to_string())], ..get(path).taking(LIST_TIME) }
    }

    /// The whole backup.
    pub fn backup() -> Self {
        get("/backup").taking(BACKUP_TIME)
    }

    /// A body of bytes.
    pub fn upload(path: &str, content_type: &'static str, bytes: Bytes) -> Self {
        Self { body: Some((content_type, bytes)), ..post(path).taking(MAIL_BODY_TIME) }
    }

    fn taking(self, time: Duration) -> Self {
        Self { time: time + GRACE, ..self }
    }
}

fn call(method: Method, path: &str) -> Call {
    Call { method, path: path.to_owned(), query: Vec::new(), body: None, time: REQUEST_TIME + GRACE }
}

fn get(path: &str) -> Call {
    call(Method::GET, path)
}

fn post(path: &str) -> Call {
    call(Method::POST, path)
}

fn put(path: &str) -> Call {
    call(Method::PUT, path)
}

fn delete(path: &str) -> Call {
    call(Method::DELETE, path)
}

fn of_contact(verb: &Contact) -> Result<Call, ClientError> {
    match verb {
        Contact::List => Ok(get("/contacts")),
        Contact::Requests => Ok(get("/contact-requests")),
        Contact::Add { alias, address, message } => {
            let address = address.resolve().map_err(ClientError::Input)?;
            let body = NewContact { alias: alias.clone(), address, message: message.clone() };
            post("/contacts").with_json(&body)
        }
        Contact::Accept { key, alias } => post(&format!("/contact-requests/{key}/accept"))
            .with_json(&AcceptRequest { alias: alias.clone() }),
        Contact::Remove { alias } => Ok(delete(&format!("/contacts/{alias}"))),
    }
}

fn of_account(verb: &Account) -> Result<Call, ClientError> {
    match verb {
        Account::List => Ok(get("/accounts")),
        Account::Add { name, password_stdin } => {
            let password = chosen_password(*password_stdin)?;
            post("/accounts").with_json(&NewAccount { name: name.clone(), password })
        }
        Account::Remove { name, .. } => Ok(delete(&format!("/accounts/{name}")).taking(REMOVE_TIME)),
        Account::Disable { name } => Ok(post(&format!("/accounts/{name}/disable"))),
        Account::Enable { name } => Ok(post(&format!("/accounts/{name}/enable"))),
        Account::Password { name, password_stdin } => {
            let password = chosen_password(*password_stdin)?;
            put(&format!("/accounts/{name}/password")).with_json(&NewPassword { password })
        }
    }
}

fn chosen_password(from_stdin: bool) -> Result<Option<Password>, ClientError> {
    if from_stdin { read_password(&mut io::stdin().lock()).map(Some) } else { Ok(None) }
}

/// Reads one line; its end is no part of the password.
fn read_password(input: &mut impl io::BufRead) -> Result<Password, ClientError> {
    let mut line = Zeroizing::new(String::new());
    // One byte more than allowed, and CRLF: too long is noticed, endless is not read.
    let most = PASSWORD_BYTES_LARGEST as u64 + 3;
    input.take(most).read_line(&mut line).map_err(|error| {
        ClientError::Input(format!("the password cannot be read from standard input: {error}"))
    })?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    Password::new(password).map_err(|error| ClientError::Input(error.to_string()))
}

fn of_slot(verb: &SlotVerb) -> Result<Call, ClientError> {
    Ok(match verb {
        SlotVerb::List => get("/slots"),
        SlotVerb::Use { slot, component, entry } => post(&format!("/slots/{slot}/use"))
            .with_json(&UseComponent { component: component.clone(), entry: entry.clone() })?
            .taking(COMPONENT_TIME),
        SlotVerb::Rollback { slot, entry } => {
            let call = post(&format!("/slots/{slot}/rollback")).taking(COMPONENT_TIME);
            match entry {
                Some(_) => call.with_json(&RollBack { entry: entry.clone() })?,
                None => call,
            }
        }
        SlotVerb::Order { entries } => {
            put("/filters").with_json(&FilterOrder { entries: entries.clone() })?.taking(COMPONENT_TIME)
        }
        SlotVerb::Remove { entry } => {
            delete(&format!("/filters/{}", admin::percent_encoded(entry))).taking(COMPONENT_TIME)
        }
        SlotVerb::Shadow { slot, component, entry, off } => {
            let path = format!("/slots/{slot}/shadow");
            match component {
                Some(component) => put(&path)
                    .with_json(&BeginShadow { component: component.clone(), entry: entry.clone() })?
                    .taking(COMPONENT_TIME),
                None if *off => delete(&path),
                None => get(&path),
            }
        }
        SlotVerb::Settings { slot, entry, set, unset, limit } => {
            let taken = unset.iter().map(|name| (name.clone(), None));
            let given = set.iter().map(|setting| (setting.name.clone(), Some(setting.value.clone())));
            let settings = taken.chain(given).collect();
            let limits = limit.iter().map(|limit| (limit.name.clone(), limit.value)).collect();
            let (path, tune) = (format!("/slots/{slot}/settings"), Tune { settings, limits });
            let query = entry.iter().map(|entry| ("entry", entry.clone())).collect();
            let call = if tune == Tune::default() {
                get(&path)
            } else {
                call(Method::PATCH, &path).with_json(&tune)?
            };
            Call { query, ..call }
        }
    })
}

fn replay(file: &Path, slot: Slot, days: Option<u32>, entry: Option<&str>) -> Result<Call, ClientError> {
    let days = days.map(|days| ("days", days.to_string()));
    let entry = entry.map(|entry| ("entry", entry.to_owned()));
    let body = Some(("application/wasm", Bytes::from(read_component(file)?)));
    let query = days.into_iter().chain(entry).collect();
    Ok(Call { query, body, ..post(&format!("/slots/{slot}/replay")).taking(REPLAY_TIME) })
}

fn upload(file: &Path, name: Option<&ComponentName>, signature: Option<&Path>) -> Result<Call, ClientError> {
    let name = match name {
        Some(name) => name.clone(),
        None => name_of(file)?,
    };
    let mut query = vec![("name", name.to_string())];
    let bytes = match signature {
        None => read_component(file)?,
        Some(signature) => {
            let signature = crate::signature::read(signature).map_err(ClientError::Input)?;
            query.push(("signature", ComponentSignature(signature).to_string()));
            // What was signed are these bytes, not the component that could be made of them.
            signed_component(file)?
        }
    };
    let body = Some(("application/wasm", Bytes::from(bytes)));
    Ok(Call { query, body, ..post("/components").taking(COMPONENT_TIME) })
}

/// The name of a file without `.wasm`.
fn name_of(file: &Path) -> Result<ComponentName, ClientError> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    stem.parse().map_err(|_| {
        ClientError::Input(format!("`{stem}` cannot be a component's name: give it one with --name NAME"))
    })
}

/// The component in a file that was signed as it is.
fn signed_component(file: &Path) -> Result<Vec<u8>, ClientError> {
    let bytes = read_file(file)?;
    let component = to_component(file, &bytes)?;
    if *component != *bytes {
        return Err(ClientError::Input(format!(
            "{} is a core module: make the component first (`wasm-tools component new FILE -o COMPONENT`), and sign that",
            file.display()
        )));
    }
    Ok(bytes)
}

/// The component of a file with these bytes.
fn to_component<'a>(file: &Path, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, ClientError> {
    let failed = |error: &dyn std::fmt::Display| ClientError::Input(format!("{}: {error}", file.display()));
    let compiler = compiler().map_err(|error| failed(&error))?;
    sandbox::to_component(&compiler, bytes).map_err(|error| failed(&error))
}

/// The component in a file; a core module becomes one.
pub fn read_component(file: &Path) -> Result<Vec<u8>, ClientError> {
    let bytes = read_file(file)?;
    Ok(to_component(file, &bytes)?.into_owned())
}

fn read_file(file: &Path) -> Result<Vec<u8>, ClientError> {
    let failed = |error: io::Error| ClientError::Input(format!("cannot read {}: {error}", file.display()));
    let mut bytes = Vec::new();
    File::open(file)
        .map_err(failed)?
        .take(COMPONENT_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > COMPONENT_BYTES {
        let largest = COMPONENT_BYTES / 1_000_000;
        return Err(ClientError::Input(format!(
            "{} is larger than {largest} MB: this is no component",
            file.display()
        )));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
