//! The first minutes of a new user: the commands of the README, typed into a shell, with real mail programs. Counts commands and
//! seconds until the first mail is read, and until a friend's mail is. The friend has a gateway already and accepts at once.
//!
//! With `TOXMAIL_BENCH_BUILD=1` it also builds from an empty target directory, which takes ten minutes, and says so apart.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tests::{Gateway, network, wait};

/// The user at their shell.
struct Shell {
    home: TempDir,
    typed: Vec<(String, Duration)>,
}

impl Shell {
    /// A command as it is run: in the repository, with the programs that were built.
    fn command(&self, line: &str) -> Command {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(root).env("HOME", self.home.path());
        command.env_remove("XDG_DATA_HOME").stdin(Stdio::null());
        let built = tests::gateway::program();
        let built = built.parent().expect("the directory of the program");
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", built.display()));
        command
    }

    /// Types a command and waits for its end.
    fn run(&mut self, line: &str) {
        let begin = Instant::now();
        let output = self.command(line).output().expect("a shell");
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        self.typed.push((line.to_owned(), begin.elapsed()));
    }

    /// Types a command until it has had its effect: somebody who waits for a mail looks again. Counts once.
    fn run_until(&mut self, line: &str, what: &str, mut is_there: impl FnMut(&Path) -> bool) {
        let begin = Instant::now();
        wait::until(what, || {
            let output = self.command(line).output().expect("a shell");
            (output.status.success() && is_there(self.home.path())).then_some(())
        });
        self.typed.push((line.to_owned(), begin.elapsed()));
    }

    /// Starts the gateway and waits until it is ready.
    fn up(&mut self, options: &str) -> Child {
        let line = "toxmail up";
        let begin = Instant::now();
        let mut command = self.command(&format!("exec {line} {options}"));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the gateway");
        let ready = self.home.path().join(".local/share/toxmail/ready.json");
        wait::until("the gateway", || ready.exists().then_some(()));
        self.typed.push((line.to_owned(), begin.elapsed()));
        child
    }

    fn total(&self) -> Duration {
        self.typed.iter().map(|(_, took)| *took).sum()
    }

    fn print(&self, what: &str) {
        println!("  {what}: {} commands, {:.1} s", self.typed.len(), self.total().as_secs_f64());
    }
}

/// Whether a fetched mail has this text.
fn has_mail(home: &Path, text: &str) -> bool {
    let Ok(files) = std::fs::read_dir(home.join("Mail/toxmail/new")) else { return false };
    files.flatten().any(|file| std::fs::read_to_string(file.path()).is_ok_and(|mail| mail.contains(text)))
}

pub fn setup() {
    let mut shell = Shell { home: TempDir::new().expect("a directory"), typed: Vec::new() };
    let friend = Gateway::start(network());
    if std::env::var_os("TOXMAIL_BENCH_BUILD").is_some() {
        let target = TempDir::new().expect("a directory");
        let begin = Instant::now();
        let mut build = shell.command("cargo build --release");
        let home = std::env::var_os("HOME").unwrap_or_default();
        let built = build.env("CARGO_TARGET_DIR", target.path()).env("HOME", home).status().expect("cargo");
        assert!(built.success(), "the build");
        println!("  cargo build --release, from nothing: 1 command, {:.0} s", begin.elapsed().as_secs_f64());
    } else {
        println!("  cargo build --release: 1 command, not measured here (TOXMAIL_BENCH_BUILD=1 does)");
    }
    // Ports that are free, and a network without the world: a user types neither.
    let network = network().options().join(" ");
    let mut gateway =
        shell.up(&format!("--smtp 127.0.0.1:0 --pop3 127.0.0.1:0 --admin 127.0.0.1:0 {network}"));
    shell.run("toxmail mailclient mpop > ~/.mpoprc && chmod 600 ~/.mpoprc");
    shell.run("mkdir -p ~/Mail/toxmail/cur ~/Mail/toxmail/new ~/Mail/toxmail/tmp");
    shell.run_until("mpop", "the welcome mail", |home| has_mail(home, "Subject: "));
    shell.print("to the first mail read (the welcome)");

    shell.run(&format!("toxmail contact add ben {} --message 'It is me, Anna'", friend.tox_id()));
    let request = wait::until("the request", || {
        let requests = friend.json(&["contact", "requests"]);
        Some(requests.get(0)?.get("key")?.as_str()?.to_owned())
    });
    let _ = friend.json(&["contact", "accept", &request, "anna"]);
    shell.run("toxmail mailclient msmtp > ~/.msmtprc && chmod 600 ~/.msmtprc");
    shell.run("printf 'Subject: Hello Ben\\n\\nIt works.\\n' | msmtp ben@tox");
    let _ = friend.wait_for_mail(b"It works.\r\n");
    friend.submit("anna@tox", b"Subject: Hello Anna\r\n\r\nIt does.\r\n");
    shell.run_until("mpop", "Ben's answer", |home| has_mail(home, "It does."));
    shell.print("to a friend's answer read");
    for (line, took) in &shell.typed {
        let line: String = line.chars().take(70).collect();
        println!("    {:>6.1} s  {line}", took.as_secs_f64());
    }
    let _ = Command::new("kill").arg(gateway.id().to_string()).status();
    let _ = gateway.wait();
}
