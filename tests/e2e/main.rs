//! End-to-end tests: the real program, a private Tox network on loopback, other people's programs around it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod apart;
mod bomb;
mod components;
mod corpus;
mod dashboard;
mod dashboard_owner;
mod demo;
mod errors;
mod foreign_peer;
mod hostile;
mod impatient;
mod kill_rounds;
mod large_mail;
mod limits;
mod living;
mod mail_configuration;
mod mail_programs;
mod mischief;
mod outage;
mod policy_sets;
mod relays;
mod resolution;
mod tls;
mod tokens;
mod trials;
mod web_attacks;
