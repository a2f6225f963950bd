//! The endpoints of the API, each with the verb of [`Management`](crate::Management) that does it.

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

pub(crate) use accounts::set as set_password;
pub(crate) use components::add_component;
pub(crate) use gateway::{health, metrics};
pub(crate) use mail_programs::thunderbird;
pub(crate) use tuning::test as test_component;

use crate::service::Routes;
use crate::shared::Shared;

/// The routes under `/api/v1`, and their description.
pub(crate) fn described_api() -> (Router<Shared>, String) {
    let subjects = [
        accounts::routes,
        components::routes,
        contacts::routes,
        decisions::routes,
        gateway::routes,
        mail_programs::routes,
        mailbox::routes,
        mails::routes,
        relays::routes,
        stream::routes,
        trials::routes,
        tuning::routes,
        upkeep::routes,
    ];
    subjects.into_iter().fold(Routes::new(), |routes, subject| subject(routes)).finish()
}
