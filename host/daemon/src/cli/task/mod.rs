//! Verbs that are more than one request, or none.

mod backup;
mod export;
mod import;
mod manual;
mod progress;

use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;

use super::args::{Common, Import, MailProgram, Task};
use super::client::Gateway;
use super::error::ClientError;
use super::{data_directory, mailclient, print_out};

/// Does it. Says what went wrong and exits with 1 otherwise.
pub async fn run(task: Task, common: Common) -> ExitCode {
    match answer(&task, &common).await {
        Ok(text) => print_out(&text, ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("toxmail: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn answer(task: &Task, common: &Common) -> Result<String, ClientError> {
    match task {
        Task::Completions { shell } => return Ok(manual::completions(*shell)),
        Task::Man { directory } => return manual::pages(directory),
        Task::Restore { file } => return backup::restore(file, &data_directory(common)?, common.json).await,
        Task::Backup { file } => return backup::make(&data_directory(common)?, file, common.json).await,
        _ => {}
    }
    let gateway = Gateway::find(&data_directory(common)?)?;
    let account = common.account.as_ref();
    match task {
        Task::Mailclient { program, password_file } => {
            let password_file = password_file.as_deref();
            let (made, general) =
                mailclient::configurations(&gateway, account, *program, password_file).await?;
            match (common.json, program) {
                (true, _) => json_text(&json!({ "programs": made, "general": general })),
                (false, Some(MailProgram::All)) => {
                    Ok(made.iter().map(|one| format!("### {}\n{}\n", one.file, one.text)).collect())
                }
                (false, _) => Ok(general + &made.into_iter().map(|one| one.text).collect::<String>()),
            }
        }
        Task::Export { format, path } => {
            let done = export::run(&gateway, account, *format, path).await?;
            if common.json { json_text(&done) } else { Ok(done.to_text()) }
        }
        Task::Import(Import::Mbox { path }) => {
            let done = import::mbox(&gateway, account, path).await?;
            if common.json { json_text(&done) } else { Ok(done.to_text()) }
        }
        Task::Import(Import::Maildir { path }) => {
            let done = import::maildir(&gateway, account, path).await?;
            if common.json { json_text(&done) } else { Ok(done.to_text()) }
        }
        Task::Import(Import::ToxProfile { file, name, password_file }) => {
            let made = import::tox_profile(&gateway, file, name, password_file.as_deref()).await?;
            if common.json { json_text(&made) } else { Ok(import::profile_text(&made)) }
        }
        Task::Completions { .. } | Task::Man { .. } | Task::Restore { .. } | Task::Backup { .. } => {
            Ok(String::new())
        }
    }
}

fn json_text(value: &impl Serialize) -> Result<String, ClientError> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| ClientError::unexpected(&error))
}
