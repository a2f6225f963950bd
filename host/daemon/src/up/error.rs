//! Why the gateway does not start.

use mail::storage::StorageError;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::accounts::AccountError;
use crate::adapters::decisions::SlotsError;
use crate::adapters::offline::OfflineError;
use crate::backup::RestoreError;
use crate::config::ConfigError;
use crate::directory::FileError;
use crate::relays::RelayError;
use crate::tls::TlsError;

/// Why the gateway does not start. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// A listener's port is taken.
    #[error(
        "{name} cannot listen on {address}: {error}. Use another address with {option} (port 0 picks a free one), or stop the program that uses it"
    )]
    Listen {
        /// `SMTP`, `POP3` or `web`.
        name: &'static str,
        /// The option that changes it.
        option: &'static str,
        /// What was tried.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// Two listeners at one place.
    #[error(
        "{first} and {second} are both {address}: each server needs an address of its own, as in --smtp 127.0.0.1:2525 --pop3 \
         127.0.0.1:2626 --admin 127.0.0.1:8080"
    )]
    SameAddress {
        /// The option of one.
        first: &'static str,
        /// The option of the other.
        second: &'static str,
        /// Where both are.
        address: SocketAddr,
    },
    /// TLS for listeners beyond this machine.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A name that is not a host name.
    #[error("tls.names in the configuration: {0}")]
    Name(#[from] admin::InvalidHost),
    /// The configuration file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A value of the configuration.
    #[error("{key} in the configuration: {why}")]
    Value {
        /// The key of the configuration.
        key: &'static str,
        /// What is wrong and what to write.
        why: String,
    },
    /// A value on the command line.
    #[error("{option}: {why}")]
    Option {
        /// The option of the command line.
        option: &'static str,
        /// What is wrong and what to write.
        why: String,
    },
    /// No place for data.
    #[error("no data directory: neither HOME nor XDG_DATA_HOME is set; name one with --data DIR")]
    NoDirectory,
    /// The data directory is part of a backup.
    #[error(transparent)]
    Unfinished(#[from] RestoreError),
    /// The data directory cannot be named.
    #[error("the data directory {path} cannot be used: {error}")]
    Directory {
        /// The path of the file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The store.
    #[error(transparent)]
    Open(#[from] store::OpenError),
    /// The store, later.
    #[error(transparent)]
    Store(#[from] StorageError),
    /// The accounts cannot be opened.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// WebAssembly.
    #[error(transparent)]
    Engine(#[from] sandbox::EngineError),
    /// The directory of components.
    #[error(transparent)]
    Library(#[from] sandbox::LibraryError),
    /// A trusted key of the configuration.
    #[error("components.trusted_keys in the configuration: {0}")]
    TrustedKey(#[from] sandbox::InvalidKey),
    /// Which component is live.
    #[error(transparent)]
    Slots(#[from] SlotsError),
    /// A component that was live cannot be.
    #[error(transparent)]
    Swap(#[from] sandbox::SwapError),
    /// DNS.
    #[error("DNS cannot be asked: {0}; name a server, as in --dns 9.9.9.9:53")]
    Dns(#[from] resolve::DnsError),
    /// Offline mail.
    #[error(transparent)]
    Offline(#[from] OfflineError),
    /// Drop relays.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// A small file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The ready file.
    #[error("ready.json cannot be written: {0}")]
    Ready(io::Error),
    /// The own program.
    #[error("the program cannot find itself: {0}")]
    OwnProgram(io::Error),
    /// The directory for marks of mails that filters look at.
    #[error("cannot make the directory `under-way` in the data directory: {0}")]
    Marks(io::Error),
    /// The system gives no signals.
    #[error("the system gives no signals: {0}")]
    Signals(io::Error),
    /// Listeners that do not know where they listen.
    #[error("the system does not say where the listeners are: {0}")]
    Addresses(io::Error),
    /// No randomness.
    #[error("the system gives no random bytes: {0}")]
    Random(String),
    /// The system gives no threads.
    #[error("the threads that write the log do not start: {0}")]
    Console(io::Error),
    /// A test order for a program that people use.
    #[error("TOXMAIL_TEST_FAULTS is only for tests of Toxmail; remove it from the environment: {0}")]
    Faults(supervisor::NotATestBuild),
    /// Something that the gateway cannot do without is gone.
    #[error("the gateway ends because a part of it failed: {0}. Nothing accepted is lost; start it again")]
    Task(String),
    /// The store has no account.
    #[error("there is no account in the store: restore the data directory from a backup")]
    NoAccount,
}

impl From<store::Error> for UpError {
    fn from(error: store::Error) -> Self {
        Self::Store(error.into())
    }
}
