//! The routes of the API: each names its verb of [`Management`](crate::Management), takes typed input and gives typed output.

mod accounts;
mod components;
mod contacts;
mod decisions;
mod gateway;
mod mail_programs;
mod mailbox;
mod mails;
mod relays;
mod stream;
mod trials;
mod tuning;
mod upkeep;

use axum::Router;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use accounts::set as set_password;
pub(crate) use components::{add_component, begin_upload};
pub(crate) use gateway::{health, metrics};
pub(crate) use mail_programs::thunderbird;
pub(crate) use tuning::test as test_component;

use crate::openapi;
use crate::shared::Shared;

fn api() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(gateway::status))
        .routes(routes!(gateway::identity))
        .routes(routes!(gateway::mail_settings))
        .routes(routes!(mail_programs::apple))
        .routes(routes!(gateway::history))
        .routes(routes!(gateway::log))
        .routes(routes!(decisions::list))
        .routes(routes!(stream::events))
        .routes(routes!(contacts::list, contacts::add))
        .routes(routes!(contacts::remove))
        .routes(routes!(contacts::requests))
        .routes(routes!(contacts::accept))
        .routes(routes!(contacts::changed_pins))
        .routes(routes!(contacts::accept_pin))
        .routes(routes!(mails::outbox))
        .routes(routes!(mails::outbox_entry))
        .routes(routes!(mails::retry))
        .routes(routes!(mails::cancel))
        .routes(routes!(mails::outcomes))
        .routes(routes!(mails::arrivals))
        .routes(routes!(mails::quarantine))
        .routes(routes!(mails::delete_quarantined))
        .routes(routes!(mails::release))
        .routes(routes!(mails::spam))
        .routes(routes!(mails::ham))
        .routes(routes!(accounts::list, accounts::add))
        .routes(routes!(accounts::set_password))
        .routes(routes!(accounts::import))
        .routes(routes!(accounts::remove))
        .routes(routes!(accounts::enable))
        .routes(routes!(accounts::disable))
        .routes(routes!(mailbox::list, mailbox::import))
        .routes(routes!(mailbox::read))
        .routes(routes!(upkeep::backup))
        .routes(routes!(upkeep::configuration))
        .routes(routes!(upkeep::reload))
        .routes(routes!(relays::list, relays::add))
        .routes(routes!(relays::remove))
        .routes(routes!(relays::invitations, relays::invite))
        .routes(routes!(relays::uninvite))
        .routes(routes!(components::list, components::add))
        .routes(routes!(components::remove))
        .routes(routes!(components::slots))
        .routes(routes!(components::use_component))
        .routes(routes!(components::roll_back))
        .routes(routes!(components::order_filters))
        .routes(routes!(components::remove_filter))
        .routes(routes!(components::use_policy_set))
        .routes(routes!(trials::shadow, trials::begin_shadow, trials::end_shadow))
        .routes(routes!(trials::replay))
        .routes(routes!(tuning::settings, tuning::change_settings))
        .routes(routes!(tuning::test_component))
}

/// The routes under `/api/v1`, and their description.
pub(crate) fn described_api() -> (Router<Shared>, String) {
    let api = OpenApiRouter::with_openapi(openapi::Api::openapi()).nest("/api/v1", api());
    let (router, document) = api.split_for_parts();
    // It is made of plain maps and texts: it cannot fail to become JSON.
    (router, openapi::with_problems(document).to_pretty_json().unwrap_or_default())
}
