//! `toxmail demo`: a private Tox network on this machine, two gateways as processes of their own, and mails between
//! them: an ordinary one, one to a machine that is off, and one whose sender is killed in the middle. Beside that, two more gateways
//! that are never online at the same time exchange mail over a drop relay.
//!
//! It uses the gateways as a user does: through SMTP, POP3 and the command line. Nothing leaves 127.0.0.1.

mod apart;
mod gateway;
mod mails;
mod network;
mod pop3;
mod report;
mod smtp;
mod story;

use std::path::PathBuf;
use std::process::ExitCode;

use report::Report;

/// Why the demo could not go on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The operating system refused something.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: String,
        /// Why not.
        error: std::io::Error,
    },
    /// The private Tox network did not start.
    #[error("the private Tox network did not start: {0}")]
    Network(String),
    /// A gateway ended or did not answer as it should.
    #[error("gateway {name}: {what}\n--- end of its log\n{log}")]
    Gateway {
        /// `A` or `B`.
        name: char,
        /// What happened.
        what: String,
        /// The last lines it logged.
        log: String,
    },
    /// A mail server answered something unexpected.
    #[error("the {server} server answered `{answer}`")]
    Protocol {
        /// `SMTP` or `POP3`.
        server: &'static str,
        /// Its line.
        answer: String,
    },
}

impl DemoError {
    fn system(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |error| Self::System { what, error }
    }
}

/// Runs the demo to its end; without `once` it leaves both gateways running until Ctrl-C.
pub async fn run(once: bool, json: bool) -> ExitCode {
    let network = match network::PrivateNetwork::start().await {
        Ok(network) => network,
        Err(error) => return fail(&error, json),
    };
    let bootstrap = network.bootstrap();
    // The story waits for processes and sockets like a person would: it has a thread of its own.
    let told = tokio::task::spawn_blocking(move || tell(&bootstrap, json)).await;
    match told {
        Ok(Ok((report, stage))) => finish(report, stage, once, json).await,
        Ok(Err(error)) => fail(&error, json),
        Err(error) => fail(&DemoError::Network(error.to_string()), json),
    }
}

fn tell(bootstrap: &[String], json: bool) -> Result<(Report, story::Stage), DemoError> {
    let program = std::env::current_exe().map_err(DemoError::system("finding the own program"))?;
    let directory = tempfile::Builder::new()
        .prefix("toxmail-demo-")
        .tempdir()
        .map_err(DemoError::system("making a temporary directory"))?;
    let mut report = Report::new(!json);
    let mut beside = report.beside();
    let (place, network) = (directory.path().to_owned(), bootstrap.to_owned());
    let runner = program.clone();
    let apart = std::thread::spawn(move || {
        let told = apart::tell(&mut beside, &runner, &place, &network);
        (beside, told)
    });
    let stage = story::tell(&mut report, &program, directory, bootstrap)?;
    match apart.join() {
        Ok((beside, told)) => {
            report.take_in(beside);
            told?;
        }
        Err(_) => return Err(DemoError::Network("the second story ended by a bug".to_owned())),
    }
    Ok((report, stage))
}

async fn finish(report: Report, stage: story::Stage, once: bool, json: bool) -> ExitCode {
    if json {
        println!("{}", report.json());
    }
    if once {
        return if report.held() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    stage.print_how_to_go_on();
    if let Err(error) = tokio::signal::ctrl_c().await {
        eprintln!("toxmail: waiting for Ctrl-C failed: {error}");
    }
    // Dropping the stage stops both gateways and removes their directories.
    drop(stage);
    if report.held() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fail(error: &DemoError, json: bool) -> ExitCode {
    if json {
        println!("{}", serde_json::json!({ "ok": false, "error": error.to_string() }));
    }
    eprintln!("toxmail: the demo failed: {error}");
    ExitCode::FAILURE
}

/// A directory and the program to run in it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    program: PathBuf,
    directory: PathBuf,
}
