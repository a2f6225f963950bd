//! Mails in a mailbox: to be listed, read whole and put in. What mail programs do with them is POP3's.

use std::sync::Arc;

use api::Paging as _;
use api::verbs::{ImportMail, ListMailbox, ReadMail};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures::stream;
use mail::AccountName;

use crate::limits::REQUEST_TIME;
use crate::management::Management;
use crate::problem::Refused;
use crate::service::Routes;
use crate::shared::run;

/// Bytes of a mail read at a time: what the store reads without a thread of its own.
const PIECE_BYTES: usize = 64 * 1024;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .verb(ListMailbox, |management, call| async move {
            management.mailbox(&call.account, &call.query.page()).await
        })
        .handler(ReadMail, |call| read(call.shared.management, call.account, call.path))
        .verb(ImportMail, |management, call| async move {
            let imported = management.import_mail(&call.account, call.body.content).await;
            drop(call.body.permit);
            imported
        })
}

async fn read(
    management: Arc<dyn Management>,
    account: AccountName,
    number: u64,
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
    Ok(Body::from_stream(all).into_response())
}
