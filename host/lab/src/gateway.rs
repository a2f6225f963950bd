//! One gateway: the real program, as a process of its own with a data directory of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::Error;

/// What the program writes into its data directory when it takes connections.
const READY_FILE: &str = "ready.json";

/// Time between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What an error says after [`give_up`].
const OVER: &str = "it was not waited for any more, because this program was told to end";

/// Lines of its log that an error shows.
const LOG_LINES: usize = 15;

/// Whether nothing is to be waited for any more.
static IS_OVER: AtomicBool = AtomicBool::new(false);

/// Makes every wait for a gateway of this process fail, and every start: who waits then ends what they began. For a
/// process that is told to end in the middle.
pub fn give_up() {
    IS_OVER.store(true, Ordering::Relaxed);
}

/// A gateway, running or not. It is killed when this is dropped: whoever wants it to end in order calls [`Self::stop`].
pub struct Gateway {
    name: String,
    program: PathBuf,
    directory: PathBuf,
    log: PathBuf,
    patience: Duration,
    child: Option<Child>,
    ready: Value,
}

impl Gateway {
    /// A gateway that does not run yet. `name` is what errors call it, `log` is where its output is expected, and
    /// `patience` is the longest wait for anything.
    #[must_use]
    pub fn new(name: &str, program: &Path, directory: &Path, log: &Path, patience: Duration) -> Self {
        Self {
            name: name.to_owned(),
            program: program.to_owned(),
            directory: directory.to_owned(),
            log: log.to_owned(),
            patience,
            child: None,
            ready: Value::Null,
        }
    }

    /// What errors call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its data directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The program it runs.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Its log, open for adding: for the standard output or error of the command that [`Self::start`] takes.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn open_log(&self) -> Result<Stdio, Error> {
        let file = std::fs::File::options().create(true).append(true).open(&self.log);
        file.map(Stdio::from).map_err(Error::system("opening the log of a gateway"))
    }

    /// Starts it with this command and waits until it takes connections. The command's output goes where it says.
    ///
    /// # Errors
    /// [`Error::Gateway`] where it ends or does not get ready in time; [`Error::System`].
    pub fn start(&mut self, command: &mut Command) -> Result<(), Error> {
        if self.child.is_some() {
            return Err(self.failure("it runs already"));
        }
        if IS_OVER.load(Ordering::Relaxed) {
            return Err(self.failure(OVER));
        }
        let ready_file = self.directory.join(READY_FILE);
        match std::fs::remove_file(&ready_file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::system("removing an old ready file")(error));
            }
            _ => {}
        }
        let child = command.stdin(Stdio::null()).spawn().map_err(Error::system("starting a gateway"))?;
        self.child = Some(child);
        self.ready = self.wait(READY_FILE, |gateway| {
            if let Some(status) = gateway.ended()? {
                return Err(gateway.failure(format!("it ended with {status}")));
            }
            Ok(std::fs::read(&ready_file).ok().and_then(|text| serde_json::from_slice(&text).ok()))
        })?;
        Ok(())
    }

    /// Waits until `probe` gives something.
    ///
    /// # Errors
    /// What `probe` gives, and [`Error::Gateway`] with `what` was waited for.
    pub fn wait<T>(
        &mut self,
        what: &str,
        mut probe: impl FnMut(&mut Self) -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        let looks = self.patience.as_millis() / LOOK_EVERY.as_millis();
        for _ in 0..looks {
            if let Some(found) = probe(self)? {
                return Ok(found);
            }
            if IS_OVER.load(Ordering::Relaxed) {
                return Err(self.failure(OVER));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Err(self.failure(format!("waited {} seconds in vain for {what}", self.patience.as_secs())))
    }

    /// How it ended by itself; none while it runs, or where that was told already.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, Error> {
        let Some(child) = &mut self.child else { return Ok(None) };
        let ended = child.try_wait().map_err(Error::system("looking after a gateway"))?;
        if ended.is_some() {
            self.child = None;
        }
        Ok(ended)
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Stops it as a user does (SIGTERM) and tells how it ended; none where it did not run.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn stop(&mut self) -> Result<Option<ExitStatus>, Error> {
        let failed = || Error::system("stopping a gateway");
        let Some(mut child) = self.child.take() else { return Ok(None) };
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).map_err(|error| failed()(error.into()))?;
        }
        child.wait().map(Some).map_err(failed())
    }

    /// Kills it with SIGKILL: nothing is flushed, nobody is told.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn kill(&mut self) -> Result<Option<ExitStatus>, Error> {
        let failed = || Error::system("killing a gateway");
        let Some(mut child) = self.child.take() else { return Ok(None) };
        child.kill().map_err(failed())?;
        child.wait().map(Some).map_err(failed())
    }

    /// What its ready file says; null before the first start.
    #[must_use]
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    /// A text of the ready file.
    ///
    /// # Errors
    /// [`Error::Gateway`] where there is none of this name.
    pub fn text(&self, key: &str) -> Result<&str, Error> {
        self.ready[key].as_str().ok_or_else(|| self.failure(format!("{READY_FILE} has no {key}")))
    }

    fn address(&self, key: &str) -> Result<SocketAddr, Error> {
        self.text(key)?.parse().map_err(|_| self.failure(format!("{READY_FILE} has no address as {key}")))
    }

    /// Where it takes mail.
    ///
    /// # Errors
    /// [`Error::Gateway`].
    pub fn smtp(&self) -> Result<SocketAddr, Error> {
        self.address("smtp")
    }

    /// Where it hands mail out.
    ///
    /// # Errors
    /// [`Error::Gateway`].
    pub fn pop3(&self) -> Result<SocketAddr, Error> {
        self.address("pop3")
    }

    /// Where its web pages and API are.
    ///
    /// # Errors
    /// [`Error::Gateway`].
    pub fn admin(&self) -> Result<SocketAddr, Error> {
        self.address("admin")
    }

    /// The first account's login.
    ///
    /// # Errors
    /// [`Error::Gateway`].
    pub fn account(&self) -> Result<&str, Error> {
        self.text("account")
    }

    /// The first account's password.
    ///
    /// # Errors
    /// [`Error::Gateway`] and [`Error::System`].
    pub fn password(&self) -> Result<String, Error> {
        let text = std::fs::read_to_string(self.text("password_file")?);
        Ok(text.map_err(Error::system("reading the password file"))?.trim_end().to_owned())
    }

    /// The Tox ID of its first account, or of its drop relay: 76 hexadecimal digits, of which 64 are the key.
    ///
    /// # Errors
    /// [`Error::Gateway`].
    pub fn tox_id(&self) -> Result<&str, Error> {
        self.text("tox_id")
    }

    /// The public key of its first account, or of its drop relay.
    ///
    /// # Errors
    /// [`Error::Gateway`].
    pub fn key(&self) -> Result<&str, Error> {
        let key = self.tox_id()?.get(..64);
        key.ok_or_else(|| self.failure(format!("{READY_FILE} has no whole Tox ID")))
    }

    /// The first account's address: `<tox id>@tox`.
    ///
    /// # Errors
    /// [`Error::Gateway`].
    pub fn mail_address(&self) -> Result<String, Error> {
        Ok(format!("{}@tox", self.tox_id()?.to_lowercase()))
    }

    /// Runs a verb of the command line against it.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn run(&self, arguments: &[&str]) -> Result<Output, Error> {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--data").arg(&self.directory).stdin(Stdio::null());
        command.output().map_err(Error::system("running the command line"))
    }

    /// Runs a verb that has to succeed, with `--json`, and parses what it prints.
    ///
    /// # Errors
    /// [`Error::Gateway`] with what the verb printed; [`Error::System`].
    pub fn verb(&self, arguments: &[&str]) -> Result<Value, Error> {
        let mut all = arguments.to_vec();
        all.push("--json");
        let output = self.run(&all)?;
        let value = output.status.success().then(|| serde_json::from_slice(&output.stdout).ok()).flatten();
        value.ok_or_else(|| {
            let printed =
                [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
            self.failure(format!("toxmail {} failed: {}", arguments.join(" "), printed.concat()))
        })
    }

    /// An error that tells of this gateway, with the end of its log.
    #[must_use]
    pub fn failure(&self, what: impl Into<String>) -> Error {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let last = lines.len().saturating_sub(LOG_LINES);
        Error::Gateway { name: self.name.clone(), what: what.into(), log: lines[last..].join("\n") }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = self.kill();
    }
}
