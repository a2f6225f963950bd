//! End-to-end tests: the real program, a private Tox network on loopback, other people's programs around it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod apart;
mod bomb;
mod component_test;
mod components;
mod corpus;
mod dashboard;
mod dashboard_owner;
mod deadly;
mod demo;
mod errors;
mod foreign_peer;
mod former_versions;
mod hostile;
mod hostile_board;
mod hostile_contact;
mod impatient;
mod kill_rounds;
mod large_mail;
mod limits;
mod living;
mod logins;
mod mail_configuration;
mod mail_programs;
mod mischief;
mod outage;
mod policy_sets;
mod relays;
mod resolution;
mod tasks;
mod tls;
mod tokens;
mod trials;
mod unreadable;
mod web_attacks;
mod words;
