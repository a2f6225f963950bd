//! End-to-end tests: the real program, a private Tox network on loopback, other people's programs around it.

mod accounts;
mod components;
mod demo;
mod errors;
mod foreign_peer;
mod large_mail;
mod mail_programs;
mod outage;
mod resolution;
