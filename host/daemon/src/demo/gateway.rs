//! One gateway of the demo: a process of its own with its own data directory.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::{DemoError, Place};
use crate::cli::ready::Ready;

/// Longest wait for anything; the whole demo stays under two minutes.
const DEADLINE: Duration = Duration::from_secs(90);

/// Time between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A gateway, running or not.
pub struct Gateway {
    /// `A` or `B`.
    pub name: char,
    place: Place,
    bootstrap: Vec<String>,
    config: Option<PathBuf>,
    /// A drop relay and nothing else.
    is_relay: bool,
    child: Option<Child>,
    ready: Option<Ready>,
}

impl Gateway {
    /// A gateway that does not run yet.
    pub fn new(name: char, place: Place, bootstrap: &[String]) -> Self {
        let bootstrap = bootstrap.to_owned();
        Self { name, place, bootstrap, config: None, is_relay: false, child: None, ready: None }
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
    pub fn start(&mut self) -> Result<(), DemoError> {
        let log = File::options().create(true).append(true).open(self.log_file());
        let log = log.map_err(DemoError::system("opening the log of a gateway"))?;
        let errors = log.try_clone().map_err(DemoError::system("opening the log of a gateway"))?;
        Ready::remove(&self.place.directory).map_err(DemoError::system("removing an old ready file"))?;
        let mut command = Command::new(&self.place.program);
        match self.is_relay {
            true => command.args(["relay", "serve"]),
            false => command.args(["up", "--no-welcome", "--smtp", "127.0.0.1:0", "--pop3", "127.0.0.1:0"]),
        };
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        let child = command
            .arg("--data")
            .arg(&self.place.directory)
            .args(["--admin", "127.0.0.1:0"])
            .arg("--no-public-bootstrap")
            .args(self.bootstrap.iter().flat_map(|node| ["--bootstrap", node]))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(DemoError::system("starting a gateway"))?;
        self.child = Some(child);
        self.ready = Some(self.wait("ready.json", |gateway| {
            gateway.check_alive()?;
            Ok(Ready::read(&gateway.place.directory).ok())
        })?);
        Ok(())
    }

    fn check_alive(&mut self) -> Result<(), DemoError> {
        let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
        match ended {
            Some(status) => Err(self.failure(format!("it ended with {status}"))),
            None => Ok(()),
        }
    }

    /// Waits until `probe` gives something.
    pub fn wait<T>(
        &mut self,
        what: &str,
        mut probe: impl FnMut(&mut Self) -> Result<Option<T>, DemoError>,
    ) -> Result<T, DemoError> {
        let tries = DEADLINE.as_millis() / LOOK_EVERY.as_millis();
        for _ in 0..tries {
            if let Some(found) = probe(self)? {
                return Ok(found);
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Err(self.failure(format!("waited {} seconds in vain for {what}", DEADLINE.as_secs())))
    }

    /// What its ready file says.
    pub fn ready(&self) -> Result<&Ready, DemoError> {
        self.ready.as_ref().ok_or_else(|| self.failure("it is not ready".to_owned()))
    }

    fn address(&self, pick: impl Fn(&Ready) -> &str) -> Result<SocketAddr, DemoError> {
        let ready = self.ready()?;
        pick(ready).parse().map_err(|_| self.failure("ready.json names no address".to_owned()))
    }

    /// Where it takes mail.
    pub fn smtp(&self) -> Result<SocketAddr, DemoError> {
        self.address(|ready| &ready.smtp)
    }

    /// Where it hands mail out.
    pub fn pop3(&self) -> Result<SocketAddr, DemoError> {
        self.address(|ready| &ready.pop3)
    }

    /// The first account's password.
    pub fn password(&self) -> Result<String, DemoError> {
        let text = std::fs::read_to_string(&self.ready()?.password_file)
            .map_err(DemoError::system("reading the password file"))?;
        Ok(text.trim_end().to_owned())
    }

    /// `<tox id>@tox`
    pub fn mail_address(&self) -> Result<String, DemoError> {
        Ok(format!("{}@tox", self.ready()?.tox_id.to_string().to_lowercase()))
    }

    /// Runs a verb of the command line and parses the JSON it prints.
    pub fn verb(&self, arguments: &[&str]) -> Result<Value, DemoError> {
        let output = Command::new(&self.place.program)
            .args(arguments)
            .args(["--json", "--data"])
            .arg(&self.place.directory)
            .stdin(Stdio::null())
            .output()
            .map_err(DemoError::system("running the command line"))?;
        let failed = || {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            self.failure(format!("toxmail {} failed: {text}", arguments.join(" ")))
        };
        if !output.status.success() {
            return Err(failed());
        }
        serde_json::from_slice(&output.stdout).map_err(|_| failed())
    }

    /// Stops it as a user does.
    pub fn stop(&mut self) -> Result<(), DemoError> {
        if let Some(mut child) = self.child.take() {
            let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
            if let Some(pid) = pid {
                rustix::process::kill_process(pid, rustix::process::Signal::TERM)
                    .map_err(|error| DemoError::system("stopping a gateway")(error.into()))?;
            }
            child.wait().map_err(DemoError::system("stopping a gateway"))?;
        }
        Ok(())
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) -> Result<(), DemoError> {
        if let Some(mut child) = self.child.take() {
            child.kill().map_err(DemoError::system("killing a gateway"))?;
            child.wait().map_err(DemoError::system("killing a gateway"))?;
        }
        Ok(())
    }

    /// The file that grows with what it has.
    pub fn store_file(&self) -> PathBuf {
        self.place.directory.join(store::STORE_FILE)
    }

    fn log_file(&self) -> PathBuf {
        self.place.directory.with_extension("log")
    }

    fn failure(&self, what: String) -> DemoError {
        let log = std::fs::read(self.log_file()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let last = lines.len().saturating_sub(15);
        DemoError::Gateway { name: self.name, what, log: lines[last..].join("\n") }
    }

    /// The commands and settings a person needs to use it.
    pub fn print_how_to_use(&self) {
        let Ok(ready) = self.ready() else { return };
        println!("  gateway {}", self.name);
        println!("    outgoing mail  SMTP  {}   no encryption, password needed", ready.smtp);
        println!("    incoming mail  POP3  {}   no encryption", ready.pop3);
        println!("    user name      {}", ready.account);
        println!("    password       in {}", ready.password_file.display());
        println!("    your address   {}@tox", ready.tox_id.to_string().to_lowercase());
        println!(
            "    command line   {} status --data {}",
            self.place.program.display(),
            self.place.directory.display()
        );
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("toxmail: {error}");
        }
    }
}
