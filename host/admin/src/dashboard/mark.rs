//! The user's verdict on a mail, told to the filters that learn.

use axum::extract::State;
use axum::response::Response;
use mail::MailId;

use super::form::Submitted;
use crate::dto::Mark;
use crate::limits::REQUEST_TIME;
use crate::problem::Refused;
use crate::shared::{Shared, run};

/// Of a mail in the mailbox.
pub(super) async fn in_mailbox(State(shared): State<Shared>, submitted: Submitted) -> Response {
    mark(&shared, &submitted, "/mailbox").await
}

/// Of a mail in quarantine.
pub(super) async fn in_quarantine(State(shared): State<Shared>, submitted: Submitted) -> Response {
    mark(&shared, &submitted, "/quarantine").await
}

async fn mark(shared: &Shared, submitted: &Submitted, page: &str) -> Response {
    let result = try_mark(shared, submitted).await;
    submitted.answer(page, result, |()| "The filters that learn were told.".to_owned())
}

async fn try_mark(shared: &Shared, submitted: &Submitted) -> Result<(), Refused> {
    let id: MailId = submitted.fields.parse("id")?;
    let mark = match submitted.fields.text("mark") {
        "spam" => Mark::Spam,
        "ham" => Mark::Ham,
        _ => return Err(Refused::bad_request("say whether the mail is spam or not".to_owned())),
    };
    let (management, account) = (shared.management.clone(), submitted.visitor.account.clone());
    run(REQUEST_TIME, async move { management.mark(&account, id, mark).await }).await
}
