//! `toxmail demo`: a private Tox network on this machine, two gateways as processes of their own, and mails between
//! them: an ordinary one, one to a machine that is off, and one whose sender is killed in the middle. Beside that, two more gateways
//! that are never online at the same time exchange mail over a drop relay.
//!
//! It uses the gateways as a user does: through SMTP, POP3 and the command line. Nothing leaves 127.0.0.1.

mod apart;
mod gateway;
mod mails;
mod report;
mod story;

use std::process::ExitCode;
use std::sync::Arc;

use crate::console::{complain, say};
use report::Report;

/// Why the demo could not go on.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    /// A process, a server or the private Tox network did not do what the story needs.
    #[error(transparent)]
    Lab(#[from] lab::Error),
    /// The thread of a story panicked; its text was printed.
    #[error("a story ended by a bug")]
    Panicked,
}

/// Runs the demo to its end; without `once` it leaves both gateways running until Ctrl-C.
pub async fn run(once: bool, json: bool) -> ExitCode {
    let network = match lab::network::PrivateNetwork::start().await {
        Ok(network) => network,
        Err(error) => return fail(&error.into(), json),
    };
    let bootstrap = network.addresses();
    // The story waits for processes and sockets like a person would: it has a thread of its own.
    let mut telling = tokio::task::spawn_blocking(move || tell(&bootstrap, json));
    let told = tokio::select! {
        told = &mut telling => told,
        Ok(()) = crate::signals::end_asked() => {
            // The story fails at what it waits for, and takes its gateways and their directories with it.
            lab::give_up();
            telling.await
        }
    };
    match told {
        Ok(Ok((report, stage))) => finish(report, stage, once, json).await,
        Ok(Err(error)) => fail(&error, json),
        Err(_) => fail(&DemoError::Panicked, json),
    }
}

fn tell(bootstrap: &[String], json: bool) -> Result<(Report, story::Stage), DemoError> {
    let program = std::env::current_exe().map_err(lab::Error::system("finding the own program"))?;
    let directory = tempfile::Builder::new()
        .prefix("toxmail-demo-")
        .tempdir()
        .map_err(lab::Error::system("making a temporary directory"))?;
    // Kept until both stories are over: what one of them still writes would be left.
    let directory = Arc::new(directory);
    let mut report = Report::new(!json);
    let mut beside = report.beside();
    let (place, network) = (directory.path().to_owned(), bootstrap.to_owned());
    let runner = program.clone();
    let apart = std::thread::spawn(move || {
        let told = apart::tell(&mut beside, &runner, &place, &network);
        (beside, told)
    });
    let stage = story::tell(&mut report, &program, Arc::clone(&directory), bootstrap);
    let apart = apart.join();
    let stage = stage?;
    match apart {
        Ok((beside, told)) => {
            report.take_in(beside);
            told?;
        }
        Err(_) => return Err(DemoError::Panicked),
    }
    Ok((report, stage))
}

async fn finish(report: Report, stage: story::Stage, once: bool, json: bool) -> ExitCode {
    if json {
        say!("{}", report.json());
    }
    if once {
        return if report.held() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    stage.print_how_to_go_on();
    if let Err(error) = crate::signals::end_asked().await {
        complain!("toxmail: waiting for Ctrl-C failed: {error}");
    }
    // Dropping the stage stops both gateways and removes their directories.
    drop(stage);
    if report.held() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fail(error: &DemoError, json: bool) -> ExitCode {
    if json {
        say!("{}", serde_json::json!({ "ok": false, "error": error.to_string() }));
    }
    complain!("toxmail: the demo failed: {error}");
    ExitCode::FAILURE
}
