//! The command line: what it understands, and the verbs, which are clients of the running gateway's web API.

pub mod args;
mod bench;
mod call;
mod client;
pub mod directory;
mod error;
mod mailclient;
mod new_component;
mod print;
pub mod ready;
mod table;
mod task;
mod trials;
mod tuning;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use args::{Bench, Common, Component, Verb};
use client::Gateway;
use directory::default_data_directory;
use error::ClientError;

pub use task::run as run_task;

/// Does a verb: asks the running gateway and prints its answer. Says what went wrong and exits with 1 otherwise.
pub async fn run_verb(verb: Verb, common: Common) -> ExitCode {
    let answer = match &verb {
        Verb::Component(Component::Bench(Bench::Test { file, case })) => bench::test(file, case, common.json),
        Verb::Component(Component::Bench(Bench::New { lang, slot, directory })) => {
            new_component::write(*lang, *slot, directory).map(|text| (text, ExitCode::SUCCESS))
        }
        _ => answer(&verb, &common).await.map(|text| (text, ExitCode::SUCCESS)),
    };
    let (text, code) = match answer {
        Ok(answer) => answer,
        Err(error) => {
            eprintln!("toxmail: {error}");
            return ExitCode::FAILURE;
        }
    };
    print_out(&text, code)
}

fn print_out(text: &str, code: ExitCode) -> ExitCode {
    match write_out(text) {
        // Who reads has read enough (`toxmail outbox list | head`).
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("toxmail: the answer could not be written: {error}");
            ExitCode::FAILURE
        }
        _ => code,
    }
}

/// What the verb prints.
async fn answer(verb: &Verb, common: &Common) -> Result<String, ClientError> {
    let directory = data_directory(common)?;
    // The gateway first: a password is not asked for when there is nobody to set it.
    let gateway = Gateway::find(&directory)?;
    let call = call::Call::of(verb)?;
    let value = gateway.ask(call, common.account.as_ref()).await?;
    if common.json {
        return serde_json::to_string_pretty(&value)
            .map(|text| text + "\n")
            .map_err(|error| ClientError::unexpected(&error));
    }
    print::to_text(verb, value).map_err(|error| ClientError::unexpected(&error))
}

/// The data directory that is meant.
fn data_directory(common: &Common) -> Result<PathBuf, ClientError> {
    common.data.clone().or_else(default_data_directory).ok_or(ClientError::NoDirectory)
}

fn write_out(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
