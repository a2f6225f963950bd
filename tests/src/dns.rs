//! A real DNS server (bind9's `named`) with one zone, on a free loopback port.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::network::free_port;
use crate::wait;

/// A running server; stopped when dropped.
pub struct DnsServer {
    child: Child,
    directory: TempDir,
    port: u16,
}

impl DnsServer {
    /// Starts a server for the zone `example.test` with these records, in zone file form.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(records: &str) -> Self {
        // The port was free a moment ago; another program may have taken it since.
        for _ in 0..5 {
            if let Ok(server) = Self::try_on(free_port(), records) {
                return server;
            }
        }
        Self::start_on(free_port(), records)
    }

    /// The same on a given port.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start_on(port: u16, records: &str) -> Self {
        Self::try_on(port, records).unwrap_or_else(|log| panic!("named ended: {log}"))
    }

    /// The error is what `named` logged before it ended.
    fn try_on(port: u16, records: &str) -> Result<Self, String> {
        let directory = TempDir::new().expect("a temporary directory");
        let mut server = Self { child: spawn(directory.path(), port, records), directory, port };
        let has_ended = wait::until("named answers", || {
            let has_ended = server.child.try_wait().expect("its state").is_some();
            (has_ended || server.answers()).then_some(has_ended)
        });
        if has_ended { Err(server.log()) } else { Ok(server) }
    }

    /// `host:port`, as `--dns` takes it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Asks over TCP whether the zone is loaded.
    fn answers(&self) -> bool {
        self.log().contains("all zones loaded")
            && std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }
}

fn spawn(directory: &Path, port: u16, records: &str) -> Child {
    let here = directory.display();
    let configuration = format!(
        "options {{ directory \"{here}\"; pid-file none; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
         recursion no; session-keyfile none; managed-keys-directory \"{here}\"; dnssec-validation no; notify no; }};\n\
         controls {{ }};\n\
         zone \"example.test\" {{ type primary; file \"zone\"; }};\n"
    );
    let zone = format!(
        "$TTL 60\n@ IN SOA ns.example.test. admin.example.test. 1 60 60 60 60\n@ IN NS ns\nns IN A 127.0.0.1\n{records}\n"
    );
    std::fs::write(directory.join("named.conf"), configuration).expect("the configuration is written");
    std::fs::write(directory.join("zone"), zone).expect("the zone is written");
    let log = std::fs::File::create(directory.join("log")).expect("a log file");
    Command::new("/usr/sbin/named")
        .args(["-g", "-c"])
        .arg(directory.join("named.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("named starts (package bind9: run tests/setup.sh tests)")
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
