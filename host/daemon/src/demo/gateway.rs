//! One gateway of the demo: how it is started, and how a person uses it afterwards.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lab::Error;

use crate::console::{complain, say};

/// Longest wait for anything; the whole demo stays under two minutes.
const PATIENCE: Duration = Duration::from_secs(90);

/// A gateway, running or not; one that runs is stopped when it is dropped.
pub struct Gateway {
    process: lab::Gateway,
    bootstrap: Vec<String>,
    config: Option<PathBuf>,
    /// A drop relay and nothing else.
    is_relay: bool,
}

impl Gateway {
    /// A gateway that does not run yet, in a folder of its own below `stage`.
    pub fn new(name: &str, program: &Path, stage: &Path, bootstrap: &[String]) -> Self {
        let directory = stage.join(name.to_lowercase());
        let process =
            lab::Gateway::new(name, program, &directory, &directory.with_extension("log"), PATIENCE);
        Self { process, bootstrap: bootstrap.to_owned(), config: None, is_relay: false }
    }

    /// With this configuration file.
    pub fn with_config(mut self, path: &Path) -> Self {
        self.config = Some(path.to_owned());
        self
    }

    /// As a drop relay and nothing else.
    pub fn relay_only(mut self) -> Self {
        self.is_relay = true;
        self
    }

    /// Starts the process and waits until it is ready.
    pub fn start(&mut self) -> Result<(), Error> {
        let mut command = Command::new(self.program());
        match self.is_relay {
            true => command.args(["relay", "serve"]),
            false => command.args(["up", "--no-welcome", "--smtp", "127.0.0.1:0", "--pop3", "127.0.0.1:0"]),
        };
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command.arg("--data").arg(self.directory()).args(["--admin", "127.0.0.1:0", "--no-public-bootstrap"]);
        command.args(self.bootstrap.iter().flat_map(|node| ["--bootstrap", node]));
        command.stdout(self.open_log()?).stderr(self.open_log()?);
        self.process.start(&mut command)
    }

    /// The file that grows with what it has.
    pub fn store_file(&self) -> PathBuf {
        self.directory().join(store::STORE_FILE)
    }

    /// The commands and settings a person needs to use it.
    pub fn print_how_to_use(&self) {
        let ready = |key| self.text(key).unwrap_or("-");
        say!("  gateway {}", self.name());
        say!("    outgoing mail  SMTP  {}   no encryption, password needed", ready("smtp"));
        say!("    incoming mail  POP3  {}   no encryption", ready("pop3"));
        say!("    user name      {}", ready("account"));
        say!("    password       in {}", ready("password_file"));
        if let Ok(address) = self.mail_address() {
            say!("    your address   {address}");
        }
        say!("    command line   {} status --data {}", self.program().display(), self.directory().display());
    }
}

impl Deref for Gateway {
    type Target = lab::Gateway;

    fn deref(&self) -> &lab::Gateway {
        &self.process
    }
}

impl DerefMut for Gateway {
    fn deref_mut(&mut self) -> &mut lab::Gateway {
        &mut self.process
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Err(error) = self.process.stop() {
            complain!("toxmail: {error}");
        }
    }
}

/// Submits one mail as the first account.
pub fn submit(gateway: &lab::Gateway, recipient: &str, text: &[u8]) -> Result<(), Error> {
    let password = gateway.password()?;
    let mut session = lab::smtp::Session::login(gateway.smtp()?, PATIENCE, (gateway.account()?, &password))?;
    session.send(&gateway.mail_address()?, &[recipient], text)?;
    session.command("QUIT")?;
    Ok(())
}

/// Everything in the first account's mailbox; it stays there.
pub fn mailbox(gateway: &lab::Gateway) -> Result<Vec<Vec<u8>>, Error> {
    let password = gateway.password()?;
    let mut session = lab::pop3::Session::login(gateway.pop3()?, PATIENCE, (gateway.account()?, &password))?;
    let mails = session.all()?;
    session.command("QUIT")?;
    Ok(mails)
}

/// Waits until the mailbox has a mail that ends with exactly these bytes.
pub fn arrives(gateway: &mut lab::Gateway, text: &[u8]) -> Result<(), Error> {
    gateway.wait("the mail in the mailbox", |gateway| Ok((copies(gateway, text)? > 0).then_some(())))
}

/// How many mails in the mailbox end with exactly these bytes.
pub fn copies(gateway: &lab::Gateway, text: &[u8]) -> Result<usize, Error> {
    Ok(mailbox(gateway)?.iter().filter(|mail| mail.ends_with(text)).count())
}

/// Waits until all acknowledgements came.
pub fn empty_outbox(gateway: &mut lab::Gateway) -> Result<(), Error> {
    gateway.wait("an empty outbox", |gateway| {
        Ok((gateway.verb(&["status"])?["outbox"]["queued"] == 0).then_some(()))
    })
}

/// Waits until the gateway has a contact request from this key.
pub fn is_asked_by(gateway: &mut lab::Gateway, key: &str) -> Result<(), Error> {
    gateway.wait("the contact request", |gateway| {
        let requests = gateway.verb(&["contact", "requests"])?;
        let mut all = requests.as_array().into_iter().flatten();
        Ok(all.any(|request| request["key"] == key).then_some(()))
    })
}
