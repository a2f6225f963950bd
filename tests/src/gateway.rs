//! One gateway: the real program, with a data directory of its own.

use std::fmt::Write as _;
use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

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

/// A gateway that runs until it is dropped.
pub struct Gateway {
    directory: TempDir,
    options: Vec<String>,
    /// The verb that starts it.
    verb: &'static [&'static str],
    child: Option<Child>,
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

    fn start_as(directory: TempDir, verb: &'static [&'static str], options: Vec<String>) -> Self {
        let mut gateway = Self { directory, options, verb, child: None, ready: Value::Null };
        gateway.restart();
        gateway
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
        command.args(options.iter().filter(|option| *option != WELCOME)).stdin(Stdio::null());
        command
    }

    /// Starts it again after [`Self::stop`] or [`Self::kill`].
    ///
    /// # Panics
    /// If it does not get ready; its log stands in the text.
    pub fn restart(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let _ = std::fs::remove_file(self.path("ready.json"));
        let log = File::options().create(true).append(true).open(self.path("log")).expect("a log file");
        let listeners: &[&str] =
            if self.verb == ["up"] { &["--smtp", "--pop3", "--admin"] } else { &["--admin"] };
        let mut child = Self::command_of(self.verb, listeners, self.directory.path(), &self.options)
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("the program starts");
        self.ready = wait::until("ready.json", || {
            if let Some(status) = child.try_wait().expect("its state") {
                panic!("the gateway ended with {status}:\n{}", self.log());
            }
            serde_json::from_slice(&std::fs::read(self.path("ready.json")).ok()?).ok()
        });
        self.child = Some(child);
    }

    /// Stops it as a user does (SIGTERM) and says how it ended.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        let mut child = self.child.take().expect("it runs");
        signal(child.id(), "TERM");
        child.wait().expect("it ends")
    }

    /// Kills it with SIGKILL: nothing is flushed, nobody is told.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it can be killed");
        let status = child.wait().expect("it ends");
        assert_eq!(status.signal(), Some(9));
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
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

    fn text(&self, key: &str) -> String {
        self.ready[key]
            .as_str()
            .unwrap_or_else(|| panic!("ready.json has no {key}: {}", self.ready))
            .to_owned()
    }

    /// Its SMTP address, `host:port`.
    #[must_use]
    pub fn smtp(&self) -> SocketAddr {
        self.text("smtp").parse().expect("an address")
    }

    /// Its POP3 address, `host:port`.
    #[must_use]
    pub fn pop3(&self) -> SocketAddr {
        self.text("pop3").parse().expect("an address")
    }

    /// Its web address, `host:port`.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.text("admin").parse().expect("an address")
    }

    /// The first account's login.
    #[must_use]
    pub fn account(&self) -> String {
        self.text("account")
    }

    /// The first account's password.
    #[must_use]
    pub fn password(&self) -> String {
        std::fs::read_to_string(self.text("password_file")).expect("the password file").trim_end().to_owned()
    }

    /// The first account's Tox ID.
    #[must_use]
    pub fn tox_id(&self) -> String {
        self.text("tox_id")
    }

    /// `<tox id>@tox`
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}@tox", self.tox_id().to_lowercase())
    }

    /// Runs a verb of the command line against it.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        Command::new(program())
            .args(arguments)
            .arg("--data")
            .arg(self.directory.path())
            .stdin(Stdio::null())
            .output()
            .expect("the program starts")
    }

    /// Runs a verb that has to succeed, with `--json`, and parses what it prints.
    #[must_use]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        let output = self.run(&all);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "toxmail {} failed: {}{}",
            arguments.join(" "),
            text,
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("toxmail {arguments:?} printed {text:?}: {error}"))
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
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
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
