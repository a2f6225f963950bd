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
    #[must_use]
    pub fn start(records: &str) -> Self {
        Self::start_on(free_port(), records)
    }

    /// The same on a given port.
    #[must_use]
    pub fn start_on(port: u16, records: &str) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let mut server = Self { child: spawn(directory.path(), port, records), directory, port };
        wait::until("named answers", || {
            assert!(server.child.try_wait().expect("its state").is_none(), "named ended: {}", server.log());
            server.answers().then_some(())
        });
        server
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
