//! Postfix beside ours: an instance of its own in a temporary directory, which accepts mail, queues it with fsync and throws
//! it away. Needs root, as Postfix does, and its package (`apt-get install postfix`).

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use tests::network::free_port;
use tests::wait;

/// A running instance; stopped when dropped.
pub struct Postfix {
    directory: TempDir,
    pub smtp: SocketAddr,
}

const SERVICES: &str = "
pickup    unix       n - n 60   1 pickup
cleanup   unix       n - n -    0 cleanup
qmgr      unix       n - n 300  1 qmgr
rewrite   unix       - - n -    - trivial-rewrite
bounce    unix       - - n -    0 bounce
defer     unix       - - n -    0 bounce
trace     unix       - - n -    0 bounce
flush     unix       n - n 1000? 0 flush
proxymap  unix       - - n -    - proxymap
showq     unix       n - n -    - showq
error     unix       - - n -    - error
retry     unix       - - n -    - error
discard   unix       - - n -    - discard
anvil     unix       - - n -    1 anvil
postlog   unix-dgram n - n -    1 postlogd
";

impl Postfix {
    /// Starts it and waits until it answers.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    pub fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("readable for Postfix");
        let port = free_port();
        for name in ["etc", "data", "spool"] {
            std::fs::create_dir(path.join(name)).expect("a directory");
        }
        let owned = Command::new("chown").args(["postfix:", &text(&path.join("data"))]).status();
        assert!(
            owned.expect("chown runs").success(),
            "there is no user postfix: install Postfix, run as root"
        );
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {0}/spool\ndata_directory = {0}/data\n\
             maillog_file = /var/log/toxmail-bench-postfix.log\nmyhostname = bench.test\nmydestination =\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmynetworks = 127.0.0.0/8\n\
             default_transport = discard\nlocal_transport = discard\nsmtpd_client_connection_count_limit = 100\n\
             in_flow_delay = 0\n",
            path.display()
        );
        std::fs::write(path.join("etc/main.cf"), main).expect("main.cf");
        let services = format!("127.0.0.1:{port} inet n - n - - smtpd\n{}", SERVICES.trim_start());
        std::fs::write(path.join("etc/master.cf"), services).expect("master.cf");
        let postfix = Self { directory, smtp: ([127, 0, 0, 1], port).into() };
        postfix.control("start");
        wait::until("Postfix", || std::net::TcpStream::connect(postfix.smtp).ok());
        postfix
    }

    fn control(&self, what: &str) {
        let status =
            Command::new("postfix").args(["-c", &text(&self.directory.path().join("etc")), what]).status();
        assert!(status.expect("postfix runs (package postfix)").success(), "postfix {what} failed");
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.control("stop");
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
