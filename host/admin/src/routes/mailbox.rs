//! Mails in a mailbox: to be listed, read whole and put in. What mail programs do with them is POP3's.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;

use crate::dto::{ImportedMail, MailboxMail};
use crate::extract::{MailBody, PageParameters, Segment};
use crate::limits::REQUEST_TIME;
use crate::management::Management;
use crate::openapi::{AccountQuery, PageQuery};
use crate::problem::Refused;
use crate::shared::{Account, Shared, run};

/// Bytes of a mail read at a time: what the store reads without a thread of its own.
const PIECE_BYTES: usize = 64 * 1024;

/// Mails of the mailbox in the order of arrival.
#[utoipa::path(get, path = "/mailbox", operation_id = "mailbox", params(AccountQuery, PageQuery), responses((status = 200, body = Vec<MailboxMail>)))]
pub async fn list(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    parameters: PageParameters,
) -> Result<Response, Refused> {
    let page = parameters.page.clone();
    let listing = run(REQUEST_TIME, async move { management.mailbox(&account, &page).await }).await?;
    Ok(parameters.answer(listing))
}

/// One mail as POP3 would give it, line ends CRLF.
#[utoipa::path(get, path = "/mailbox/{number}", operation_id = "read_mail", params(AccountQuery, ("number" = u64, Path)), responses((status = 200, body = Vec<u8>, content_type = "message/rfc822")))]
pub async fn read(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(number): Segment<u64>,
) -> Result<Response, Refused> {
    let (reader, whose) = (management.clone(), account.clone());
    // The first piece tells whether the mail is there; the rest is read as the client takes it.
    let first =
        run(REQUEST_TIME, async move { reader.read_mail(&whose, number, 0, PIECE_BYTES).await }).await?;
    let rest = first.len() as u64;
    let pieces =
        stream::try_unfold((management, account, rest), move |(management, account, offset)| async move {
            let piece = management.read_mail(&account, number, offset, PIECE_BYTES).await?;
            let next = offset + piece.len() as u64;
            let more = (!piece.is_empty()).then_some((piece, (management, account, next)));
            Ok::<_, crate::ManagementError>(more)
        });
    let all = stream::StreamExt::chain(stream::iter([Ok(first)]), pieces);
    Ok(([(header::CONTENT_TYPE, "message/rfc822")], Body::from_stream(all)).into_response())
}

/// Puts a mail into the mailbox, if it does not hold the very same already. Line ends become CRLF.
#[utoipa::path(post, path = "/mailbox", operation_id = "import_mail", params(AccountQuery), request_body(content = Vec<u8>, content_type = "message/rfc822"), responses((status = 200, body = ImportedMail), (status = 201, body = ImportedMail)))]
pub async fn import(
    State(shared): State<Shared>,
    Account(account): Account,
    request: Request,
) -> Result<(StatusCode, Json<ImportedMail>), Refused> {
    // Mails are held in memory whole, so few at a time.
    let permit = shared.uploads.acquire_owned().await;
    let MailBody(mail) = MailBody::from_request(request, &()).await?;
    let management = shared.management;
    let imported = run(REQUEST_TIME, async move { management.import_mail(&account, mail).await }).await?;
    drop(permit);
    Ok((if imported.is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(imported)))
}
