//! Completions and manual pages, made of the definition of the command line.

use std::io;
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Cli;
use crate::error::ClientError;

/// Completions for a shell.
pub fn completions(shell: Shell) -> String {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "toxmail", &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Writes a page for the program and one for each verb (section 1).
pub fn pages(directory: &Path) -> Result<String, ClientError> {
    let failed = |error: io::Error| ClientError::Input(format!("{}: {error}", directory.display()));
    std::fs::create_dir_all(directory).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), directory).map_err(failed)?;
    Ok(format!("read them with: man -M . or man {}/toxmail.1\n", directory.display()))
}
