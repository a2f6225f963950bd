//! Accounts for the owner; one's own password for everybody.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mail::AccountName;
use mail::account::InvalidAccountName;
use mail::from_check::key_of;
use mail::limits::ACCOUNT_NAME_BYTES;
use zeroize::Zeroizing;

use super::form::{Fields, Submitted};
use super::frame::Frame;
use super::page::{PageError, html};
use super::text::{Moment, plural};
use super::upload::Upload;
use super::visitor::Visitor;
use crate::access::Notice;
use crate::dto::{Credentials, ImportedAccount, NewAccount, Password};
use crate::limits::{JSON_BODY_TIME, PROFILE_BYTES, REMOVE_TIME, REQUEST_TIME};
use crate::problem::Refused;
use crate::routes::set_password as set;
use crate::shared::{Shared, run};

#[derive(Template)]
#[template(path = "accounts.html")]
struct Accounts {
    frame: Frame,
    accounts: Vec<Account>,
    made: Option<Made>,
    /// Bytes of the largest profile.
    largest: usize,
}

struct Account {
    name: String,
    is_owner: bool,
    tox_id: Option<String>,
    addresses: Vec<String>,
    created: Moment,
    enabled: bool,
}

/// A password that was made just now: shown on this page and never again.
struct Made {
    account: String,
    password: Zeroizing<String>,
}

/// The addresses of an account that are shown.
const ADDRESSES: usize = 4;

/// The page.
pub(super) async fn page(State(shared): State<Shared>, visitor: Visitor) -> Result<Response, PageError> {
    show(&shared, &visitor, StatusCode::OK, None).await
}

async fn show(
    shared: &Shared,
    visitor: &Visitor,
    status: StatusCode,
    made: Option<Made>,
) -> Result<Response, PageError> {
    let (frame, _) = Frame::new(shared, visitor, "/accounts").await?;
    let accounts = if frame.is_owner {
        let management = shared.management.clone();
        run(REQUEST_TIME, async move { management.accounts().await }).await?
    } else {
        Vec::new()
    };
    let now = shared.clock.wall();
    let accounts = accounts.into_iter().map(|account| Account {
        name: account.name.to_string(),
        is_owner: account.owner,
        tox_id: account.tox_id.map(|id| id.to_string()),
        addresses: account
            .addresses
            .iter()
            .filter(|address| key_of(address).is_none())
            .take(ADDRESSES)
            .map(ToString::to_string)
            .collect(),
        created: Moment::new(account.created, now),
        enabled: account.enabled,
    });
    let accounts = accounts.collect();
    Ok(html(status, &Accounts { accounts, made, frame, largest: PROFILE_BYTES }))
}

/// Makes an account.
pub(super) async fn add(State(shared): State<Shared>, submitted: Submitted) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let result = try_add(&shared, &submitted.fields).await;
    answer(&shared, &submitted.visitor, result, "The account {} was made.").await
}

async fn try_add(shared: &Shared, fields: &Fields) -> Result<Credentials, Refused> {
    let account = NewAccount { name: fields.parse("name")?, password: password(fields)? };
    let management = shared.management.clone();
    run(REQUEST_TIME, async move { management.add_account(account).await }).await
}

/// Makes an account with the identity of another Tox program.
pub(super) async fn import(State(shared): State<Shared>, mut upload: Upload) -> Result<Response, PageError> {
    upload.submitted.visitor.caller.must_be_owner()?;
    let profile = upload.file(PROFILE_BYTES, JSON_BODY_TIME).await?;
    let called = upload.name(".tox", ACCOUNT_NAME_BYTES);
    let result = try_import(&shared, &upload.submitted.fields, &called, profile.to_vec()).await;
    let contacts = result.as_ref().map_or(0, |made| made.contacts);
    let done = format!("The account {{}} was made, with {} of its profile.", plural(contacts, "contact"));
    let result = result.map(|made| made.credentials);
    answer(&shared, &upload.submitted.visitor, result, &done).await
}

/// `called` is its name where none was typed.
async fn try_import(
    shared: &Shared,
    fields: &Fields,
    called: &str,
    profile: Vec<u8>,
) -> Result<ImportedAccount, Refused> {
    let profile = Zeroizing::new(profile);
    let name = match fields.text("name") {
        "" => called.parse(),
        typed => typed.parse(),
    };
    let name = name.map_err(|error: InvalidAccountName| Refused::bad_request(error.to_string()))?;
    let password = Some(fields.raw("password")).filter(|password| !password.is_empty());
    if password.is_some_and(|password| password.len() > mail::limits::PASSWORD_BYTES) {
        return Err(Refused::bad_request("the password of a profile has at most 1024 bytes"));
    }
    let password = password.map(|password| Zeroizing::new(password.to_owned()));
    let management = shared.management.clone();
    run(REQUEST_TIME, async move { management.import_profile(name, profile, password).await }).await
}

/// Sets a password.
pub(super) async fn set_password(
    State(shared): State<Shared>,
    submitted: Submitted,
) -> Result<Response, PageError> {
    let visitor = &submitted.visitor;
    let name: AccountName = submitted.fields.parse("name")?;
    visitor.caller.may_manage(&name)?;
    let result = match password(&submitted.fields) {
        Ok(password) => set(&shared, Some(&visitor.session), name, password).await,
        Err(refused) => Err(refused),
    };
    let done = "The password of {} was set. Change it in the mail programs too. Other browsers have to log in again.";
    answer(&shared, visitor, result, done).await
}

/// Switches an account on again.
pub(super) async fn enable(
    State(shared): State<Shared>,
    submitted: Submitted,
) -> Result<Response, PageError> {
    switch(&shared, &submitted, true).await
}

/// Switches an account off: its sessions end.
pub(super) async fn disable(
    State(shared): State<Shared>,
    submitted: Submitted,
) -> Result<Response, PageError> {
    switch(&shared, &submitted, false).await
}

async fn switch(shared: &Shared, submitted: &Submitted, enabled: bool) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let name: AccountName = submitted.fields.parse("name")?;
    let (management, account) = (shared.management.clone(), name.clone());
    let verb = async move { management.set_account_enabled(&account, enabled).await };
    let result = run(REQUEST_TIME, verb).await;
    shared.access.end_those_over();
    Ok(submitted.answer("/accounts", result, |()| {
        if enabled {
            format!("{name} is on again. Mail that waits at its senders can arrive now.")
        } else {
            format!("{name} is off. Nobody can log in, and mail to it waits at its senders.")
        }
    }))
}

/// Removes an account for good, once its name was typed.
pub(super) async fn remove(
    State(shared): State<Shared>,
    submitted: Submitted,
) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let name: AccountName = submitted.fields.parse("name")?;
    let result = if submitted.fields.text("confirmed") == name.as_str() {
        let (management, account) = (shared.management.clone(), name.clone());
        run(REMOVE_TIME, async move { management.remove_account(&account).await }).await
    } else {
        Err(Refused::bad_request(format!("Nothing was removed: type {name} to remove it.")))
    };
    shared.access.end_those_over();
    Ok(submitted.answer("/accounts", result, |()| format!("{name} was removed with everything in it.")))
}

/// The chosen password; None to have one made.
fn password(fields: &Fields) -> Result<Option<Password>, Refused> {
    let (chosen, repeated) = (fields.raw("password"), fields.raw("repeated"));
    if chosen != repeated {
        return Err(Refused::bad_request("The two passwords are not the same. Nothing was changed."));
    }
    if chosen.is_empty() {
        return Ok(None);
    }
    Password::new(chosen.to_owned()).map(Some).map_err(|error| Refused::bad_request(error.to_string()))
}

/// The page again, with the password if one was made: a redirection could not carry it.
async fn answer(
    shared: &Shared,
    visitor: &Visitor,
    result: Result<Credentials, Refused>,
    done: &str,
) -> Result<Response, PageError> {
    let (status, text, made) = match result {
        Ok(credentials) => {
            let account = credentials.account.to_string();
            let text = done.replace("{}", &account);
            let made = credentials
                .password
                .map(|password| Made { account, password: Zeroizing::new(password.reveal().to_owned()) });
            (StatusCode::OK, text, made)
        }
        Err(refused) => (refused.status(), refused.detail().to_owned(), None),
    };
    visitor.session.set_notice(Notice { is_success: status == StatusCode::OK, text });
    show(shared, visitor, status, made).await
}
