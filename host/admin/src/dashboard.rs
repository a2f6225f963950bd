//! The dashboard: pages for people, made here whole. They work without script; a little script keeps them fresh.
//!
//! A page reads through [`crate::Management`] as the API does. A change is a form that is posted, checked for the session's
//! CSRF token, done, and answered with a redirection to the page it came from, which then says what was done. Files come in
//! forms too, see [`upload`].

mod accounts;
mod assets;
mod chart;
mod components;
mod contacts;
mod decisions;
mod entry;
mod events;
mod filters;
mod form;
mod frame;
mod login;
mod mailbox;
mod mails;
mod mark;
mod names;
mod outbox;
mod overview;
mod page;
mod qr;
mod quarantine;
mod relays;
mod settings;
mod shadows;
mod text;
mod traffic;
mod upload;
mod visitor;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};

use crate::access::Access;
use crate::shared::Shared;

pub(crate) use page::not_found;

/// Every page.
pub(crate) fn router(access: &Arc<Access>) -> Router<Shared> {
    let for_visitors = Router::new()
        .route("/", get(overview::page))
        .route("/contacts", get(contacts::page))
        .route("/contacts/add", post(contacts::add))
        .route("/contacts/remove", post(contacts::remove))
        .route("/contacts/rename", post(contacts::rename))
        .route("/contacts/accept", post(contacts::accept))
        .route("/contacts/decline", post(contacts::decline))
        .route("/contacts/accept-key", post(contacts::accept_key))
        .route("/contacts/confirm-name", post(contacts::confirm_name))
        .route("/outbox", get(outbox::page))
        .route("/outbox/retry", post(outbox::retry))
        .route("/outbox/cancel", post(outbox::cancel))
        .route("/mailbox", get(mailbox::page))
        .route("/mailbox/mark", post(mark::in_mailbox))
        .route("/quarantine", get(quarantine::page))
        .route("/quarantine/release", post(quarantine::release))
        .route("/quarantine/mark", post(mark::in_quarantine))
        .route("/quarantine/delete", post(quarantine::delete))
        .route("/components", get(components::page))
        .route("/components/add", post(components::add))
        .route("/components/use", post(components::use_component))
        .route("/components/roll-back", post(components::roll_back))
        .route("/components/seen", post(components::seen))
        .route("/components/state/clear", post(components::clear_state))
        .route("/components/shadow", post(shadows::begin))
        .route("/components/shadow/end", post(shadows::end))
        .route("/components/filters/move", post(filters::move_filter))
        .route("/components/filters/remove", post(filters::remove))
        .route("/components/filters/add", post(filters::add))
        .route("/components/entry", get(entry::page))
        .route("/components/settings", post(entry::change))
        .route("/components/test", post(entry::test))
        .route("/decisions", get(decisions::page))
        .route("/traffic", get(traffic::page))
        .route("/relays", get(relays::page))
        .route("/relays/add", post(relays::add))
        .route("/relays/remove", post(relays::remove))
        .route("/relays/invite", post(relays::invite))
        .route("/relays/uninvite", post(relays::uninvite))
        .route("/events", get(events::page))
        .route("/accounts", get(accounts::page))
        .route("/accounts/add", post(accounts::add))
        .route("/accounts/import", post(accounts::import))
        .route("/accounts/password", post(accounts::set_password))
        .route("/accounts/enable", post(accounts::enable))
        .route("/accounts/disable", post(accounts::disable))
        .route("/accounts/remove", post(accounts::remove))
        .route("/settings", get(settings::page))
        .route("/settings/reload", post(settings::reload))
        .route("/logout", post(login::logout))
        .layer(middleware::from_fn_with_state(access.clone(), visitor::check_session));
    Router::new()
        .route("/login", get(login::page).post(login::login))
        .route("/assets/{name}", get(assets::asset))
        .merge(for_visitors)
        .method_not_allowed_fallback(page::no_such_method)
}
