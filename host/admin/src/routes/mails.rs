//! Mails that wait, and mails that were set aside.

use api::Paging as _;
use api::verbs::{
    Cancel, DeleteQuarantined, ListArrivals, ListOutbox, ListOutcomes, ListQuarantine, MarkHam, MarkSpam,
    Release, Retry, ShowOutboxEntry,
};

use crate::dto::Mark;
use crate::service::Routes;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .verb(ListOutbox, |management, call| async move {
            management.outbox(&call.account, &call.query.page()).await
        })
        .verb(ShowOutboxEntry, |management, call| async move {
            management.outbox_entry(&call.account, call.path).await
        })
        .verb(Retry, |management, call| async move { management.retry(&call.account, call.path).await })
        .verb(Cancel, |management, call| async move { management.cancel(&call.account, call.path).await })
        .verb(ListOutcomes, |management, call| async move {
            management.outcomes(&call.account, call.query.limit.unwrap_or_default().items()).await
        })
        .verb(ListArrivals, |management, call| async move {
            management.arrivals(&call.account, &call.query.page()).await
        })
        .verb(ListQuarantine, |management, call| async move {
            management.quarantine(&call.account, &call.query.page()).await
        })
        .verb(DeleteQuarantined, |management, call| async move {
            management.delete_quarantined(&call.account, call.path).await
        })
        .verb(Release, |management, call| async move { management.release(&call.account, call.path).await })
        .verb(MarkSpam, |management, call| async move {
            management.mark(&call.account, call.path, Mark::Spam).await
        })
        .verb(MarkHam, |management, call| async move {
            management.mark(&call.account, call.path, Mark::Ham).await
        })
}
