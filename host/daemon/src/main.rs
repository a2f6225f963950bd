//! `toxmail`: the gateway as a program.
//!
//! It reads the configuration, starts and stops everything, and connects the other crates to the
//! command line and to the ports of the core (`adapters`). It decides nothing about mail.

mod accounts;
mod adapters;
mod backup;
mod compiler;
mod config;
mod console;
mod demo;
mod directory;
mod drop_times;
mod limits;
mod logins;
mod passwords;
mod policy_set;
mod program;
mod relays;
mod reload;
mod signals;
mod stored;
mod text_file;
mod tls;
mod up;
mod welcome_mail;

use std::process::ExitCode;

use clap::Parser as _;
use cli::args::Cli;
use cli::{listen_address, signature};

use crate::console::complain;
use crate::program::Toxmail;

fn main() -> ExitCode {
    if let Some(code) = compiler::run_as_child() {
        return code;
    }
    let command_line = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain!("toxmail: the asynchronous runtime does not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(cli::run(command_line, &Toxmail));
    // What still blocks (a DNS look-up of the system, a component) does not hold up the end.
    runtime.shutdown_background();
    code
}
