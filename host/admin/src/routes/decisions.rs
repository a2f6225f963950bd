//! What components decided: each user's own, all of them for the owner.

use api::Paging as _;
use api::verbs::ListDecisions;

use crate::access::Caller;
use crate::dto::DecisionQuery;
use crate::limits::REQUEST_TIME;
use crate::problem::Refused;
use crate::service::Routes;
use crate::shared::run;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.handler(ListDecisions, |call| async move {
        let page = call.query.page();
        let query = allowed(&call.caller, call.query.into())?;
        let management = call.shared.management;
        run(REQUEST_TIME, async move { management.decisions(&query, &page).await }).await
    })
}

/// A user sees the decisions about their own account, whatever they asked for.
pub(crate) fn allowed(caller: &Caller, query: DecisionQuery) -> Result<DecisionQuery, Refused> {
    if let Some(account) = &query.account {
        caller.may_manage(account)?;
    }
    if caller.is_owner() {
        return Ok(query);
    }
    Ok(DecisionQuery { account: caller.own_account().cloned(), ..query })
}
