//! The command line, as ARCHITECTURE.md promises it: other programs rely on it.

mod invitation;
mod setting;
mod source;
mod task;

use std::net::SocketAddr;
use std::path::PathBuf;

use admin::dto::{ComponentName, ComponentRef, Slot};
use clap::{Args, Parser, Subcommand};
use mail::{AccountName, Address, MailId, PublicKey};
use tox::Node;

pub use invitation::InvitationArgument;
pub use setting::{LimitChange, Setting};
pub use source::ContactSource;
pub use task::{Import, MailProgram, MailboxFormat, Task};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "toxmail",
    version,
    about = "An e-mail gateway over Tox: mail programs speak SMTP and POP3 to it, it carries mail end-to-end encrypted.",
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of all verbs.
    #[command(flatten)]
    pub common: Common,
}

/// Options of all verbs.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// The data directory [default: toxmail in the XDG data directory]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The account it is about [default: the owner's]
    #[arg(long, global = true, value_name = "NAME")]
    pub account: Option<AccountName>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the gateway
    Up(Up),
    /// Run two gateways on a private Tox network and send mail between them
    Demo(Demo),
    /// What is asked of the running gateway.
    #[command(flatten)]
    Verb(Verb),
    /// What is more than one request, or none.
    #[command(flatten)]
    Task(Task),
}

/// What is asked of the running gateway.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show how the gateway is doing
    Status,
    /// Show the Tox ID and addresses to give to others
    Id(Id),
    /// People to exchange mail with
    #[command(subcommand)]
    Contact(Contact),
    /// Mails that wait to be delivered
    #[command(subcommand)]
    Outbox(Outbox),
    /// Mails a filter set aside
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// Tell filters that learn what a mail is
    #[command(subcommand)]
    Mail(MailVerb),
    /// Mail users of this gateway
    #[command(subcommand)]
    Account(Account),
    /// Components this gateway has
    #[command(subcommand)]
    Component(Component),
    /// Which component decides what
    #[command(subcommand)]
    Slot(SlotVerb),
    /// Files that say which components decide, in which order, with which settings and limits
    #[command(subcommand)]
    PolicySet(PolicySet),
    /// Drop relays: where mail waits for those who are offline
    #[command(subcommand)]
    Relay(Relay),
    /// DNS names whose key changed
    #[command(subcommand)]
    Pin(Pin),
    /// Read the configuration file again, as SIGHUP does
    Reload,
}

/// How `id` shows it.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Id {
    /// As a link that Tox programs open
    #[arg(long, conflicts_with = "vcard")]
    pub link: bool,
    /// As a vCard (RFC 6350)
    #[arg(long)]
    pub vcard: bool,
}

/// How a daemon joins the Tox network.
#[derive(Clone, Debug, Default, Args)]
pub struct Network {
    /// UDP port of the first Tox instance: the owner's, or a drop relay's alone; further ones pick free ports
    #[arg(long, value_name = "PORT")]
    pub tox_port: Option<u16>,
    /// TCP port on which that instance serves as a Tox TCP relay
    #[arg(long, value_name = "PORT")]
    pub tox_tcp_port: Option<u16>,
    /// A Tox bootstrap node (repeatable); with TCPPORT also used as a Tox TCP relay
    #[arg(long, value_name = "HOST:PORT:KEY[:TCPPORT]")]
    pub bootstrap: Vec<Node>,
    /// Do not contact the built-in public Tox nodes
    #[arg(long)]
    pub no_public_bootstrap: bool,
}

/// Arguments of `up`. What is absent comes from the configuration file, then from the defaults.
#[derive(Clone, Debug, Default, Args)]
pub struct Up {
    /// The configuration file [default: config.toml in the data directory, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where mail programs submit mail [default: 127.0.0.1:2525]; port 0 picks one
    #[arg(long, value_name = "ADDR")]
    pub smtp: Option<SocketAddr>,
    /// Where mail programs fetch mail [default: 127.0.0.1:2626]; port 0 picks one
    #[arg(long, value_name = "ADDR")]
    pub pop3: Option<SocketAddr>,
    /// Where the web API listens [default: 127.0.0.1:8080]; port 0 picks one
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<SocketAddr>,
    /// How it joins the Tox network.
    #[command(flatten)]
    pub network: Network,
    /// Serve a drop relay: hold sealed mail for others while they are offline
    #[arg(long)]
    pub serve_drops: bool,
    /// Nothing but the drop relay: no SMTP, no POP3, no account on Tox.
    #[arg(skip)]
    pub relay_only: bool,
    /// The DNS server to ask [default: the system's]
    #[arg(long, value_name = "HOST:PORT")]
    pub dns: Option<String>,
    /// Put no welcome mail into the mailbox of new accounts
    #[arg(long)]
    pub no_welcome: bool,
}

/// Arguments of `demo`.
#[derive(Clone, Debug, Default, Args)]
pub struct Demo {
    /// Stop everything at the end and say whether it all held
    #[arg(long)]
    pub once: bool,
}

/// Verbs about contacts.
#[derive(Debug, Subcommand)]
pub enum Contact {
    /// List contacts
    List,
    /// List friend requests that wait for you
    Requests,
    /// Add a contact and send a friend request
    Add {
        /// The name to give: mail goes to ALIAS@tox
        alias: AccountName,
        /// A Tox ID (76 hex digits), a link (tox:...), an address in DNS, or a vCard file (.vcf)
        address: ContactSource,
        /// What to write in the friend request
        #[arg(long, value_name = "TEXT")]
        message: Option<String>,
    },
    /// Accept a friend request
    Accept {
        /// Who asked: 64 hex digits, see `contact requests`
        key: PublicKey,
        /// The name to give [default: the gateway picks one]
        alias: Option<AccountName>,
    },
    /// Remove a contact
    Remove {
        /// Its name
        alias: AccountName,
    },
}

/// Verbs about the outbox.
#[derive(Debug, Subcommand)]
pub enum Outbox {
    /// List mails that wait
    List,
    /// Show one
    Show {
        /// Its id, see `outbox list`
        id: MailId,
    },
    /// Try one now
    Retry {
        /// Its id, see `outbox list`
        id: MailId,
    },
    /// Take one back
    Cancel {
        /// Its id, see `outbox list`
        id: MailId,
    },
}

/// Verbs about quarantine.
#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// List mails that were set aside
    List,
    /// Let one go where it was going
    Release {
        /// Its id, see `quarantine list`
        id: MailId,
    },
    /// Delete one
    Delete {
        /// Its id, see `quarantine list`
        id: MailId,
    },
}

/// Verbs about mails in the mailbox or in quarantine.
#[derive(Debug, Subcommand)]
pub enum MailVerb {
    /// It is spam
    Spam {
        /// Its id: see `quarantine list`, or what POP3 lists as UIDL
        id: MailId,
    },
    /// It is no spam
    Ham {
        /// Its id: see `quarantine list`, or what POP3 lists as UIDL
        id: MailId,
    },
}

/// Verbs about accounts.
#[derive(Debug, Subcommand)]
pub enum Account {
    /// List accounts
    List,
    /// Make an account; prints its generated password
    Add {
        /// Its name: login and NAME@tox
        name: AccountName,
        /// Read a chosen password from standard input (one line) instead of generating one
        #[arg(long)]
        password_stdin: bool,
    },
    /// Remove an account with its mail, contacts and identity, for good
    Remove {
        /// Whose
        name: AccountName,
        /// Do it: nothing of it can be brought back but from a backup
        #[arg(long, required = true)]
        yes: bool,
    },
    /// Switch an account off: no login, not on the Tox network; its mail waits at the senders
    Disable {
        /// Whose
        name: AccountName,
    },
    /// Switch an account on again
    Enable {
        /// Whose
        name: AccountName,
    },
    /// Set a new password; prints the generated one
    Password {
        /// Whose
        name: AccountName,
        /// Read a chosen password from standard input (one line) instead of generating one
        #[arg(long)]
        password_stdin: bool,
    },
}

/// Verbs about components.
#[derive(Debug, Subcommand)]
pub enum Component {
    /// List components
    List,
    /// Check a component and keep it
    Add {
        /// The component's file (.wasm); in Rust the module that cargo leaves behind will do
        file: PathBuf,
        /// Its name [default: the file's name without .wasm]
        #[arg(long)]
        name: Option<ComponentName>,
        /// The signature of the file (Ed25519): 64 bytes, or those as hex digits or base64
        #[arg(long, value_name = "FILE")]
        signature: Option<PathBuf>,
    },
    /// Remove a component that no slot needs
    Remove {
        /// Which component, see `component list`
        component: ComponentRef,
    },
    /// Ask a component what was decided in the last days, and show where it answers otherwise
    Replay {
        /// The component's file (.wasm)
        file: PathBuf,
        /// policy, resolver, relay-selector or mail-filter
        #[arg(long)]
        slot: Slot,
        /// How many days back [default: as many as are kept]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(admin::limits::REPLAY_DAYS)))]
        days: Option<u32>,
        /// The entry, where the slot has several
        #[arg(long, value_name = "NAME")]
        entry: Option<String>,
    },
    /// What needs no gateway.
    #[command(flatten)]
    Bench(Bench),
}

/// Verbs for authors of components: they need no running gateway.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Ask a component what case files say, in the real sandbox
    Test {
        /// The component's file (.wasm)
        file: PathBuf,
        /// A case file (repeatable); the conformance cases of the slot are always asked
        #[arg(long, value_name = "CASE.toml", num_args = 1..)]
        case: Vec<PathBuf>,
    },
    /// Write a project that builds, tests and installs as it is
    New {
        /// rust, js or python
        #[arg(long)]
        lang: Language,
        /// policy, resolver, relay-selector or mail-filter
        #[arg(long)]
        slot: Slot,
        /// Where: a directory that does not exist yet; its name becomes the component's
        directory: PathBuf,
    },
}

/// A language components are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// Rust, with wit-bindgen.
    Rust,
    /// JavaScript, with componentize-qjs; a filter with componentize-js.
    Js,
    /// Python, with componentize-py.
    Python,
}

/// Verbs about slots.
#[derive(Debug, Subcommand)]
pub enum SlotVerb {
    /// List what is live
    List,
    /// Make a component live
    Use {
        /// policy, resolver, relay-selector or mail-filter
        slot: Slot,
        /// Which component, see `component list`
        #[arg(value_name = "NAME-OR-SHA256")]
        component: ComponentRef,
        /// The entry, where the slot has several; a new name adds a filter at the end of the chain
        #[arg(long, value_name = "NAME")]
        entry: Option<String>,
    },
    /// Go back to what was live before
    Rollback {
        /// policy, resolver, relay-selector or mail-filter
        slot: Slot,
        /// The entry, where the slot has several
        #[arg(long, value_name = "NAME")]
        entry: Option<String>,
    },
    /// Bring the filters into another order
    Order {
        /// The entries of slot mail-filter, each once, see `slot list`
        #[arg(required = true, value_name = "ENTRY")]
        entries: Vec<String>,
    },
    /// Take a filter out of the chain
    Remove {
        /// An entry of slot mail-filter, see `slot list`
        #[arg(value_name = "ENTRY")]
        entry: String,
    },
    /// Let a component run beside the live one, and show where it answers otherwise
    Shadow {
        /// policy, resolver, relay-selector or mail-filter
        slot: Slot,
        /// Which component, see `component list` [default: shows how the one that runs is doing]
        #[arg(value_name = "NAME-OR-SHA256")]
        component: Option<ComponentRef>,
        /// The entry, where the slot has several
        #[arg(long, value_name = "NAME", requires = "component")]
        entry: Option<String>,
        /// End it
        #[arg(long, conflicts_with = "component")]
        off: bool,
    },
    /// Show settings and limits of the component in a slot, or change them while it works
    Settings {
        /// policy, resolver, relay-selector or mail-filter
        slot: Slot,
        /// The entry, where the slot has several
        #[arg(long, value_name = "NAME")]
        entry: Option<String>,
        /// A setting (repeatable)
        #[arg(long, value_name = "NAME=VALUE")]
        set: Vec<Setting>,
        /// A setting to take away (repeatable)
        #[arg(long, value_name = "NAME")]
        unset: Vec<String>,
        /// A limit (repeatable); NAME=default for the default again
        #[arg(long, value_name = "NAME=NUMBER")]
        limit: Vec<LimitChange>,
    },
}

/// Verbs about policy sets.
#[derive(Debug, Subcommand)]
pub enum PolicySet {
    /// Put a policy set to work: all of it or nothing
    Use {
        /// Its file (.toml)
        file: PathBuf,
    },
}

/// Verbs about drop relays.
#[derive(Debug, Subcommand)]
pub enum Relay {
    /// List the own one and those that are known
    List,
    /// Serve one and nothing else: no SMTP, no POP3
    Serve(ServeRelay),
    /// Make an invitation to the own one: who is invited need not work for each deposit
    Invite,
    /// List the invitations to the own one
    Invitations,
    /// Take an invitation back: it gives no more tokens
    Uninvite {
        /// Its name, see `relay invitations`, or the address that was given away with it
        invitation: InvitationArgument,
    },
    /// Name one to use
    Add {
        /// Its address, as `relay list` or `relay invite` shows it at its owner's
        address: relay::BoardAddress,
    },
    /// Forget one
    Remove {
        /// Its address or key
        address: relay::BoardAddress,
    },
}

/// Arguments of `relay serve`.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeRelay {
    /// The configuration file [default: config.toml in the data directory, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where the web API listens [default: 127.0.0.1:8080]; port 0 picks one
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<SocketAddr>,
    /// How it joins the Tox network.
    #[command(flatten)]
    pub network: Network,
}

impl From<ServeRelay> for Up {
    fn from(serve: ServeRelay) -> Self {
        Self {
            config: serve.config,
            admin: serve.admin,
            network: serve.network,
            serve_drops: true,
            relay_only: true,
            ..Self::default()
        }
    }
}

/// Verbs about pinned names.
#[derive(Debug, Subcommand)]
pub enum Pin {
    /// List names whose key changed: mail to them waits for you
    List,
    /// Trust the new key of a name
    Accept {
        /// The name, see `pin list`
        address: Address,
    },
}

#[cfg(test)]
mod tests;
