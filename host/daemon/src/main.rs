//! `toxmail`: the gateway as a program.
//!
//! It reads the command line and the configuration, starts and stops everything, and plugs the other crates
//! into the ports of the core (`adapters`). It decides nothing about mail itself.

mod accounts;
mod adapters;
mod backup;
mod cli;
mod clock;
mod compiler;
mod config;
mod demo;
mod directory;
mod drop_times;
mod logins;
mod passwords;
mod policy_set;
mod relays;
mod reload;
mod signature;
mod tls;
mod up;
mod welcome_mail;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::args::{Cli, Command, Relay, Verb};

fn main() -> ExitCode {
    if let Some(code) = compiler::run_as_child() {
        return code;
    }
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("toxmail: the asynchronous runtime does not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run(cli));
    // What still blocks (a DNS look-up of the system, a component) does not hold up the end.
    runtime.shutdown_background();
    code
}

async fn run(cli: Cli) -> ExitCode {
    match cli.command {
        Command::Up(arguments) => up::run(arguments, &cli.common).await,
        Command::Demo(arguments) => demo::run(arguments.once, cli.common.json).await,
        Command::Verb(Verb::Relay(Relay::Serve(arguments))) => up::run(arguments.into(), &cli.common).await,
        Command::Verb(verb) => cli::run_verb(verb, cli.common).await,
        Command::Task(task) => cli::run_task(task, cli.common).await,
    }
}
