//! A Tox peer that is not ours: a C program on c-toxcore alone (tests/foreign-peer), compiled here.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use crate::network::Network;
use crate::wait;

/// The compiled program.
///
/// # Panics
/// If it does not compile; the compiler's words are on standard error.
fn compiled() -> PathBuf {
    static COMPILED: OnceLock<PathBuf> = OnceLock::new();
    COMPILED
        .get_or_init(|| {
            let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("foreign-peer/foreign_peer.c");
            let program = std::env::current_exe().expect("own path").with_file_name("foreign_peer");
            let status = Command::new("cc")
                .args(["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
                .arg(&program)
                .arg(&source)
                .arg("-ltoxcore")
                .status()
                .expect("cc runs (package gcc: run tests/setup.sh tests)");
            assert!(status.success(), "{} does not compile", source.display());
            program
        })
        .clone()
}

/// A running peer; ended when dropped.
pub struct ForeignPeer {
    child: Child,
    input: ChildStdin,
    lines: Arc<Mutex<Vec<String>>>,
}

impl ForeignPeer {
    /// Starts it in the private network.
    #[must_use]
    pub fn start(network: &Network) -> Self {
        let mut child = Command::new(compiled())
            .args(network.nodes[0].split(':'))
            .arg("idle")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the foreign peer starts");
        let input = child.stdin.take().expect("its input");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let collected = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                collected.lock().expect("no reader failed").push(line);
            }
        });
        let peer = Self { child, input, lines };
        let _ = peer.wait_for("self-online");
        peer
    }

    /// Sends one line of command.
    pub fn command(&mut self, line: &str) {
        writeln!(self.input, "{line}")
            .and_then(|()| self.input.flush())
            .expect("the foreign peer takes commands");
    }

    /// Waits for a line that starts so; returns the rest of it.
    #[must_use]
    pub fn wait_for(&self, start: &str) -> String {
        wait::until(&format!("`{start}` from the foreign peer"), || {
            let lines = self.lines.lock().expect("the collector lives");
            lines.iter().find_map(|line| line.strip_prefix(start)).map(|rest| rest.trim().to_owned())
        })
    }

    /// Its Tox ID.
    #[must_use]
    pub fn tox_id(&self) -> String {
        self.wait_for("id ")
    }
}

impl Drop for ForeignPeer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
