//! One gateway: the real program, with a data directory of its own.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::network::Network;
use crate::{pop3, smtp, wait};

/// The built program: beside this one (a bench), or a folder up (a test).
#[must_use]
pub fn program() -> PathBuf {
    let own = std::env::current_exe().expect("the test knows its own path");
    let program =
        own.ancestors().skip(1).take(2).map(|folder| folder.join("toxmail")).find(|path| path.exists());
    program.unwrap_or_else(|| {
        panic!(
            "toxmail is not built beside {}: run tests/all.sh, or first `cargo build --release`",
            own.display()
        )
    })
}

/// Among the options of a gateway: new accounts get their welcome mail. It is none of the program's own options.
pub const WELCOME: &str = "welcome";

/// Among the options of a gateway: tasks fail on order of [`Gateway::order_fault`]. It is none of the program's own options.
pub const FAULTS: &str = "faults";

/// A gateway that runs until it is dropped.
pub struct Gateway {
    directory: TempDir,
    options: Vec<String>,
    /// The verb that starts it.
    verb: &'static [&'static str],
    process: lab::Gateway,
    /// What `ready.json` says.
    pub ready: Value,
}

impl Gateway {
    /// Starts a gateway in a new directory on free ports, in the private network.
    #[must_use]
    pub fn start(network: &Network) -> Self {
        Self::start_with(network, &[])
    }

    /// The same with more options for `toxmail up`.
    #[must_use]
    pub fn start_with(network: &Network, options: &[&str]) -> Self {
        let mut all = network.options();
        all.extend(options.iter().map(|option| (*option).to_owned()));
        Self::start_from(TempDir::new().expect("a temporary directory"), all)
    }

    /// The same in a directory that is there already, with exactly these options beside free ports.
    #[must_use]
    pub fn start_from(directory: TempDir, options: Vec<String>) -> Self {
        Self::start_as(directory, &["up"], options)
    }

    /// Starts a drop relay and nothing else, with its web API on a free port.
    #[must_use]
    pub fn start_relay(directory: TempDir, network: &Network) -> Self {
        Self::start_as(directory, &["relay", "serve"], network.options())
    }

    /// Starts a gateway whose standard output and standard error are what `streams` makes, one time for each start.
    #[must_use]
    pub fn start_logging(network: &Network, streams: impl FnMut() -> (Stdio, Stdio)) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let mut gateway = Self::new(directory, &["up"], network.options());
        gateway.restart_logging(streams);
        gateway
    }

    fn start_as(directory: TempDir, verb: &'static [&'static str], options: Vec<String>) -> Self {
        let mut gateway = Self::new(directory, verb, options);
        gateway.restart();
        gateway
    }

    fn new(directory: TempDir, verb: &'static [&'static str], options: Vec<String>) -> Self {
        let (data, log) = (directory.path(), directory.path().join("log"));
        let process = lab::Gateway::new("under test", &program(), data, &log, wait::DEADLINE);
        Self { directory, options, verb, process, ready: Value::Null }
    }

    /// The command that starts it.
    #[must_use]
    pub fn command(directory: &Path, options: &[String]) -> Command {
        Self::command_of(&["up"], &["--smtp", "--pop3", "--admin"], directory, options)
    }

    fn command_of(verb: &[&str], listeners: &[&str], directory: &Path, options: &[String]) -> Command {
        let mut command = Command::new(program());
        command.args(verb).arg("--data").arg(directory);
        for listener in listeners.iter().copied() {
            if !options.iter().any(|option| option == listener) {
                command.args([listener, "127.0.0.1:0"]);
            }
        }
        // Tests count mails; the one that wants to be welcomed says so.
        if !options.iter().any(|option| option == WELCOME) && verb == ["up"] {
            command.arg("--no-welcome");
        }
        if options.iter().any(|option| option == FAULTS) {
            let orders = directory.join(FAULTS);
            std::fs::create_dir_all(&orders).expect("a directory for orders");
            command.env("TOXMAIL_TEST_FAULTS", orders);
        }
        let own = |option: &&String| *option != WELCOME && *option != FAULTS;
        command.args(options.iter().filter(own)).stdin(Stdio::null());
        command
    }

    /// Starts it again after [`Self::stop`] or [`Self::kill`].
    ///
    /// # Panics
    /// If it does not get ready; its log stands in the text.
    pub fn restart(&mut self) {
        let log = [self.process.open_log(), self.process.open_log()].map(|log| log.expect("a log file"));
        let mut streams = Some(log.into());
        self.restart_logging(|| streams.take().expect("it is started once"));
    }

    fn restart_logging(&mut self, mut streams: impl FnMut() -> (Stdio, Stdio)) {
        let (out, error) = streams();
        let listeners: &[&str] =
            if self.verb == ["up"] { &["--smtp", "--pop3", "--admin"] } else { &["--admin"] };
        let mut command = Self::command_of(self.verb, listeners, self.directory.path(), &self.options);
        self.process.start(command.stdout(out).stderr(error)).unwrap_or_else(|error| panic!("{error}"));
        self.ready = self.process.ready().clone();
    }

    /// Stops it as a user does (SIGTERM) and says how it ended.
    pub fn stop(&mut self) -> ExitStatus {
        self.process.stop().expect("it ends").expect("it runs")
    }

    /// Kills it with SIGKILL: nothing is flushed, nobody is told.
    pub fn kill(&mut self) {
        let status = self.process.kill().expect("it can be killed").expect("it runs");
        assert_eq!(status.signal(), Some(9));
    }

    /// Orders that the next task of this name panics once.
    pub fn order_fault(&self, task: &str) {
        std::fs::write(self.path(FAULTS).join(task), "").expect("an order");
    }

    /// Whether an ordered fault has not happened yet.
    #[must_use]
    pub fn is_ordered(&self, task: &str) -> bool {
        self.path(FAULTS).join(task).exists()
    }

    /// Takes an order back that was not carried out.
    pub fn take_back_fault(&self, task: &str) {
        let _ = std::fs::remove_file(self.path(FAULTS).join(task));
    }

    /// How it ended by itself; none while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.ended().expect("its state")
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid().expect("it runs")
    }

    /// A path in its data directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.path("log")).unwrap_or_default()).into_owned()
    }

    /// Its SMTP address, `host:port`.
    #[must_use]
    pub fn smtp(&self) -> SocketAddr {
        self.process.smtp().expect("an address")
    }

    /// Its POP3 address, `host:port`.
    #[must_use]
    pub fn pop3(&self) -> SocketAddr {
        self.process.pop3().expect("an address")
    }

    /// Its web address, `host:port`.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.process.admin().expect("an address")
    }

    /// The first account's login.
    #[must_use]
    pub fn account(&self) -> String {
        self.process.account().expect("an account").to_owned()
    }

    /// The first account's password.
    #[must_use]
    pub fn password(&self) -> String {
        self.process.password().expect("the password file")
    }

    /// The first account's Tox ID.
    #[must_use]
    pub fn tox_id(&self) -> String {
        self.process.tox_id().expect("a Tox ID").to_owned()
    }

    /// `<tox id>@tox`
    #[must_use]
    pub fn address(&self) -> String {
        self.process.mail_address().expect("a Tox ID")
    }

    /// Runs a verb of the command line against it.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.process.run(arguments).expect("the program starts")
    }

    /// Runs a verb that has to succeed, with `--json`, and parses what it prints.
    #[must_use]
    pub fn json(&self, arguments: &[&str]) -> Value {
        self.process.verb(arguments).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Submits a mail as the first account over SMTP.
    ///
    /// # Panics
    /// If it is refused.
    pub fn submit(&self, recipient: &str, text: &[u8]) {
        let sender = self.address();
        let mut session = smtp::Session::login(self.smtp(), &self.account(), &self.password());
        session.send(&sender, &[recipient], text).unwrap_or_else(|reply| panic!("refused: {reply}"));
    }

    /// Everything in the first account's mailbox. Waits while the session before is still being ended.
    #[must_use]
    pub fn mails(&self) -> Vec<Vec<u8>> {
        wait::until("the mailbox to be free", || {
            pop3::Session::login(self.pop3(), &self.account(), &self.password())
                .ok()
                .map(|mut session| session.all())
        })
    }

    /// Waits for a mail that ends with exactly `text`, and returns it whole.
    #[must_use]
    pub fn wait_for_mail(&self, text: &[u8]) -> Vec<u8> {
        wait::until("a mail in the mailbox", || self.mails().into_iter().find(|mail| mail.ends_with(text)))
    }

    /// Resident memory of the process in bytes.
    #[must_use]
    pub fn resident(&self) -> u64 {
        self.memory_line("VmRSS:")
    }

    /// The most memory it ever had resident, in bytes.
    #[must_use]
    pub fn peak_resident(&self) -> u64 {
        self.memory_line("VmHWM:")
    }

    fn memory_line(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of memory");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        if std::thread::panicking() {
            let mut text = String::new();
            let _ = writeln!(text, "--- log of the gateway in {}", self.directory.path().display());
            eprintln!("{text}{}", self.log());
        }
    }
}

/// Sends a signal by name.
///
/// # Panics
/// If the process is not there.
pub fn signal(pid: u32, name: &str) {
    let status =
        Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().expect("kill runs");
    assert!(status.success(), "process {pid} could not be sent SIG{name}");
}

/// Makes two gateways contacts of each other, as their users would: one adds, the other accepts; waits until they
/// see each other online. `b` is called `names[1]` at `a`, and `a` is called `names[0]` at `b`.
pub fn befriend(a: &Gateway, b: &Gateway, names: [&str; 2]) {
    let _ = a.json(&["contact", "add", names[1], &b.tox_id(), "--message", "It is me"]);
    let key = a.tox_id()[..64].to_owned();
    wait::until("the friend request", || {
        let requests = b.json(&["contact", "requests"]);
        requests.as_array()?.iter().any(|request| request["key"] == key.as_str()).then_some(())
    });
    let _ = b.json(&["contact", "accept", &key, names[0]]);
    wait_online(a, names[1]);
    wait_online(b, names[0]);
}

/// Waits until the gateway sees its contact online.
pub fn wait_online(gateway: &Gateway, alias: &str) {
    wait::until(&format!("{alias} online"), || {
        let status = gateway.json(&["status"]);
        let contacts = status["contacts"].as_array()?;
        contacts.iter().any(|contact| contact["alias"] == alias && contact["online"] == true).then_some(())
    });
}
