//! Dovecot beside ours: an instance of its own that serves a Maildir over POP3. Needs root and its package
//! (`apt-get install dovecot-pop3d`).

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tests::network::free_port;
use tests::wait;

/// A running instance; stopped when dropped.
pub struct Dovecot {
    child: Child,
    _directory: TempDir,
    pub pop3: SocketAddr,
}

impl Dovecot {
    /// Starts it with these mails in the Maildir of the user `bench`, password `bench`.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    pub fn start(mails: impl Iterator<Item = Vec<u8>>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("readable for Dovecot");
        for name in ["mail/cur", "mail/new", "mail/tmp"] {
            std::fs::create_dir_all(path.join(name)).expect("a Maildir");
        }
        for (number, mail) in mails.enumerate() {
            std::fs::write(path.join(format!("mail/cur/{number:06}.bench:2,")), mail).expect("a mail");
        }
        let owned = Command::new("chown").arg("-R").arg("mail:mail").arg(path.join("mail")).status();
        assert!(owned.expect("chown runs").success(), "run as root");
        let port = free_port();
        let configuration = format!(
            "base_dir = {0}/run\nstate_dir = {0}/state\nlog_path = {0}/log\nprotocols = pop3\nssl = no\n\
             disable_plaintext_auth = no\nlisten = 127.0.0.1\nfirst_valid_uid = 1\nmail_location = maildir:{0}/mail\n\
             passdb {{\n driver = static\n args = password=bench\n}}\n\
             userdb {{\n driver = static\n args = uid=mail gid=mail home={0}\n}}\n\
             service pop3-login {{\n inet_listener pop3 {{\n  port = {port}\n }}\n inet_listener pop3s {{\n  port = 0\n }}\n}}\n",
            path.display()
        );
        std::fs::write(path.join("dovecot.conf"), configuration).expect("its configuration");
        let child = Command::new("dovecot")
            .arg("-F")
            .arg("-c")
            .arg(path.join("dovecot.conf"))
            .stdout(Stdio::null())
            .spawn()
            .expect("dovecot starts (package dovecot-pop3d)");
        let dovecot = Self { child, _directory: directory, pop3: ([127, 0, 0, 1], port).into() };
        wait::until("Dovecot", || std::net::TcpStream::connect(dovecot.pop3).ok());
        dovecot
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // SIGTERM lets it end its own processes; a kill would leave them.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}
