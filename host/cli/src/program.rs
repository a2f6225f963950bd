//! From a command line to what it prints.

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::args::{Bench, Cli, Command, Common, Component, Demo, Relay, Task, Up, Verb};
use crate::client::Gateway;
use crate::directory::default_data_directory;
use crate::errand::{Errand, Errands};
use crate::error::ClientError;
use crate::{new_component, task};

/// Makes a component of the bytes of a file: a component stays as it is, a core module becomes one.
pub type ToComponent = fn(&[u8]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>>;

/// What is printed, or why there is nothing to print.
pub type Printed = Result<String, ClientError>;

/// The program that a command line belongs to: it does what needs more than a running gateway.
#[allow(async_fn_in_trait, reason = "the futures run where they are made")]
pub trait Program {
    /// Makes components of modules.
    const TO_COMPONENT: ToComponent;

    /// Runs a gateway, or only a drop relay.
    async fn up(&self, up: Up, common: &Common) -> ExitCode;

    /// Runs the demonstration.
    async fn demo(&self, demo: Demo, common: &Common) -> ExitCode;

    /// Asks a component what case files say. Returns what to print, and 1 as exit code if anything is not as expected.
    ///
    /// # Errors
    /// The component or a case cannot be used at all.
    fn test_component(
        &self,
        file: &Path,
        cases: &[PathBuf],
        as_json: bool,
    ) -> Result<(String, ExitCode), ClientError>;

    /// Writes a backup of a data directory, whether or not a gateway runs on it.
    ///
    /// # Errors
    /// No backup was written.
    async fn backup(&self, directory: &Path, file: &Path, as_json: bool) -> Printed;

    /// Makes a data directory of a backup.
    ///
    /// # Errors
    /// Nothing was restored.
    async fn restore(&self, file: &Path, directory: &Path, as_json: bool) -> Printed;
}

/// Does what a command line says. Says what went wrong and exits with 1 otherwise.
pub async fn run<P: Program>(cli: Cli, program: &P) -> ExitCode {
    let Cli { command, common } = cli;
    let printed = match command {
        Command::Up(up) => return program.up(up, &common).await,
        Command::Demo(demo) => return program.demo(demo, &common).await,
        Command::Verb(Verb::Relay(Relay::Serve(serve))) => return program.up(serve.into(), &common).await,
        Command::Verb(Verb::Component(Component::Bench(verb))) => bench(&verb, &common, program),
        Command::Verb(verb) => ask(&verb, &common, P::TO_COMPONENT).await.map(successful),
        Command::Task(Task::Backup { file }) => match data_directory(&common) {
            Ok(directory) => program.backup(&directory, &file, common.json).await.map(successful),
            Err(error) => Err(error),
        },
        Command::Task(Task::Restore { file }) => match data_directory(&common) {
            Ok(directory) => program.restore(&file, &directory, common.json).await.map(successful),
            Err(error) => Err(error),
        },
        Command::Task(task) => task::run(&task, &common).await.map(successful),
    };
    match printed {
        Ok((text, code)) => print_out(&text, code),
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn successful(text: String) -> (String, ExitCode) {
    (text, ExitCode::SUCCESS)
}

fn bench(verb: &Bench, common: &Common, program: &impl Program) -> Result<(String, ExitCode), ClientError> {
    match verb {
        Bench::Test { file, case } => program.test_component(file, case, common.json),
        Bench::New { lang, slot, directory } => new_component::write(*lang, *slot, directory).map(successful),
    }
}

/// Asks the running gateway.
async fn ask(verb: &Verb, common: &Common, make: ToComponent) -> Printed {
    let directory = data_directory(common)?;
    // The gateway first: a password is not asked for when there is nobody to set it.
    let gateway = Gateway::find(&directory)?;
    let Errand { request, to_text } = Errands { account: common.account.as_ref(), make }.of(verb)?;
    let answer = gateway.ask(request).await?;
    if common.json {
        return json_text(&answer);
    }
    to_text(answer).map_err(|error| ClientError::unexpected(&error))
}

/// JSON for people and programs.
///
/// # Errors
/// The value cannot be JSON.
pub fn json_text(value: &impl serde::Serialize) -> Printed {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| ClientError::unexpected(&error))
}

/// The data directory that is meant.
pub(crate) fn data_directory(common: &Common) -> Result<PathBuf, ClientError> {
    common.data.clone().or_else(default_data_directory).ok_or(ClientError::NoDirectory)
}

fn print_out(text: &str, code: ExitCode) -> ExitCode {
    match write_out(text) {
        // Who reads has read enough (`toxmail outbox list | head`).
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&ClientError::Input(format!("the answer could not be written: {error}")));
            ExitCode::FAILURE
        }
        _ => code,
    }
}

fn write_out(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// On standard error; there is nowhere to say that it cannot be said.
fn complain(error: &ClientError) {
    let _ = writeln!(io::stderr(), "toxmail: {error}");
}
