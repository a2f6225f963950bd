//! Verbs that are more than one request, or none.

mod export;
mod import;
mod manual;

use serde_json::json;

use crate::args::{Common, Import, MailProgram, MailboxFormat, Task};
use crate::client::Gateway;
use crate::mailclient;
use crate::program::{Printed, data_directory, json_text};

/// Does it, and returns what to print.
///
/// # Errors
/// What went wrong.
pub async fn run(task: &Task, common: &Common) -> Printed {
    match task {
        Task::Completions { shell } => return Ok(manual::completions(*shell)),
        Task::Man { directory } => return manual::pages(directory),
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
        Task::Import(what @ (Import::Mbox { path } | Import::Maildir { path })) => {
            let is_mbox = matches!(what, Import::Mbox { .. });
            let format = if is_mbox { MailboxFormat::Mbox } else { MailboxFormat::Maildir };
            let done = import::mails(&gateway, account, format, path).await?;
            if common.json { json_text(&done) } else { Ok(done.to_text()) }
        }
        Task::Import(Import::ToxProfile { file, name, password_file }) => {
            let made = import::tox_profile(&gateway, file, name, password_file.as_deref()).await?;
            if common.json { json_text(&made) } else { Ok(import::profile_text(&made)) }
        }
        // These are done before, here and by the program.
        Task::Completions { .. } | Task::Man { .. } | Task::Restore { .. } | Task::Backup { .. } => {
            Ok(String::new())
        }
    }
}
