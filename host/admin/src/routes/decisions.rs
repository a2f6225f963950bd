//! What components decided: each user's own, all of them for the owner.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use crate::access::Caller;
use crate::dto::{Decision, DecisionQuery};
use crate::extract::{DecisionParameters, PageParameters};
use crate::limits::REQUEST_TIME;
use crate::management::Management;
use crate::openapi::{AccountQuery, DecisionsQuery, PageQuery};
use crate::problem::Refused;
use crate::shared::run;

/// What components decided, newest first. A search looks at a bounded number of decisions at a time: a page may be short, even
/// empty, and still name a next one.
#[utoipa::path(get, path = "/decisions", operation_id = "list_decisions", params(AccountQuery, DecisionsQuery, PageQuery), responses((status = 200, body = Vec<Decision>)))]
pub async fn list(
    caller: Caller,
    State(management): State<Arc<dyn Management>>,
    DecisionParameters(query): DecisionParameters,
    parameters: PageParameters,
) -> Result<Response, Refused> {
    let query = allowed(&caller, query)?;
    let page = parameters.page.clone();
    let listing = run(REQUEST_TIME, async move { management.decisions(&query, &page).await }).await?;
    Ok(parameters.answer(listing))
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
