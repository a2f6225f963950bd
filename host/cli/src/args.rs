//! The grammar of the command line. Other programs rely on it.

mod invitation;
mod setting;
mod source;
mod task;

use std::net::SocketAddr;
use std::path::PathBuf;

use api::dto::{ComponentName, ComponentRef, Slot};
use clap::{Args, Parser, Subcommand};
use mail::{AccountName, Address, MailId, PublicKey};
use tox::Node;

use crate::listen_address;

pub use invitation::InvitationArgument;
pub use setting::{LimitChange, Malformed, Setting};
pub use source::{CardError, ContactSource};
pub use task::{Import, MailProgram, MailboxFormat, Task};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "toxmail",
    version,
    about = "An e-mail gateway over Tox: mail programs speak SMTP and POP3 to it, and it carries the mail end-to-end encrypted.",
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
    /// The account to act for [default: the owner's]
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
    /// One request to the running gateway.
    #[command(flatten)]
    Verb(Verb),
    /// Several requests to the running gateway, or none.
    #[command(flatten)]
    Task(Task),
}

/// Verbs that are one request to the running gateway.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show how the gateway is doing
    Status,
    /// Show the Tox ID and addresses to give to others
    Id(Id),
    /// List, add, accept and remove people to exchange mail with
    #[command(subcommand)]
    Contact(Contact),
    /// Show, retry and cancel mails that wait to be delivered
    #[command(subcommand)]
    Outbox(Outbox),
    /// Release or delete mails that a filter set aside
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// Teach filters what is spam
    #[command(subcommand)]
    Mail(MailVerb),
    /// List, add, disable and remove accounts of this gateway
    #[command(subcommand)]
    Account(Account),
    /// Write, test, add and remove components
    #[command(subcommand)]
    Component(Component),
    /// Choose and configure the components that decide
    #[command(subcommand)]
    Slot(SlotVerb),
    /// Put a policy set to work: components, their order, settings and limits
    #[command(subcommand)]
    PolicySet(PolicySet),
    /// Serve or use drop relays, where mail waits for people who are offline
    #[command(subcommand)]
    Relay(Relay),
    /// List DNS names whose key changed, and accept the new key
    #[command(subcommand)]
    Pin(Pin),
    /// Read the configuration file again, like SIGHUP
    Reload,
}

/// How `id` prints the Tox ID.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Id {
    /// Print a link that Tox programs open
    #[arg(long, conflicts_with = "vcard")]
    pub link: bool,
    /// Print a vCard (RFC 6350)
    #[arg(long)]
    pub vcard: bool,
}

/// How a daemon joins the Tox network.
#[derive(Clone, Debug, Default, Args)]
pub struct Network {
    /// UDP port of the first Tox instance: the owner's, or that of a drop relay alone. The others
    /// pick free ports
    #[arg(long, value_name = "PORT")]
    pub tox_port: Option<u16>,
    /// TCP port on which that instance is a Tox TCP relay
    #[arg(long, value_name = "PORT")]
    pub tox_tcp_port: Option<u16>,
    /// A Tox bootstrap node (repeatable). With TCPPORT it is also used as a Tox TCP relay
    #[arg(long, value_name = "HOST:PORT:KEY[:TCPPORT]")]
    pub bootstrap: Vec<Node>,
    /// Do not contact the built-in public Tox nodes
    #[arg(long)]
    pub no_public_bootstrap: bool,
}

/// Arguments of `up`. An absent one comes from the configuration file, or is the default.
#[derive(Clone, Debug, Default, Args)]
pub struct Up {
    /// The configuration file [default: config.toml in the data directory, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address where mail programs submit mail [default: 127.0.0.1:2525]; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address::parse)]
    pub smtp: Option<SocketAddr>,
    /// Address where mail programs fetch mail [default: 127.0.0.1:2626]; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address::parse)]
    pub pop3: Option<SocketAddr>,
    /// Address of the dashboard and the web API [default: 127.0.0.1:8080]; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address::parse)]
    pub admin: Option<SocketAddr>,
    /// How the daemon joins the Tox network.
    #[command(flatten)]
    pub network: Network,
    /// Also serve a drop relay, which holds sealed mail for people who are offline
    #[arg(long)]
    pub serve_drops: bool,
    /// Serve only the drop relay: no SMTP, no POP3, no account on Tox.
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
    /// Stop everything at the end, and fail if a check failed
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
        /// Your name for the contact: mail to ALIAS@tox goes there
        alias: AccountName,
        /// A Tox ID (76 hex digits), a link (tox:...), an address that DNS knows, or a vCard file (.vcf)
        address: ContactSource,
        /// Text of the friend request
        #[arg(long, value_name = "TEXT")]
        message: Option<String>,
    },
    /// Accept a friend request
    Accept {
        /// Key of whoever asked: 64 hex digits, see `contact requests`
        key: PublicKey,
        /// Your name for the contact [default: the gateway picks one]
        alias: Option<AccountName>,
    },
    /// Decline a friend request, and ignore later ones of that key
    Decline {
        /// Key of whoever asked: 64 hex digits, see `contact requests`
        key: PublicKey,
    },
    /// Give a contact another name
    Rename {
        /// Your name for the contact so far
        alias: AccountName,
        /// Your new name for the contact: mail to it @tox goes there
        new: AccountName,
    },
    /// Remove a contact
    Remove {
        /// Your name for the contact
        alias: AccountName,
        /// Ignore the contact's later friend requests
        #[arg(long)]
        block: bool,
    },
    /// List the names that a contact claims, and which of them count
    Names {
        /// Your name for the contact
        alias: AccountName,
    },
    /// Confirm that a name is the contact's. Their mails may come from it, and mail to it goes to them
    Confirm {
        /// Your name for the contact
        alias: AccountName,
        /// A name that the contact claims, see `contact names`
        address: Address,
    },
}

/// Verbs about the outbox.
#[derive(Debug, Subcommand)]
pub enum Outbox {
    /// List mails that wait
    List,
    /// Show a mail
    Show {
        /// Id of the mail, see `outbox list`
        id: MailId,
    },
    /// Try to deliver a mail now
    Retry {
        /// Id of the mail, see `outbox list`
        id: MailId,
    },
    /// Take a mail back
    Cancel {
        /// Id of the mail, see `outbox list`
        id: MailId,
    },
}

/// Verbs about quarantine.
#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// List mails that were set aside
    List,
    /// Let a mail go on to where it was going
    Release {
        /// Id of the mail, see `quarantine list`
        id: MailId,
    },
    /// Delete a mail
    Delete {
        /// Id of the mail, see `quarantine list`
        id: MailId,
    },
}

/// Verbs about mails in the mailbox or in quarantine.
#[derive(Debug, Subcommand)]
pub enum MailVerb {
    /// Say that a mail is spam
    Spam {
        /// Id of the mail, from `quarantine list`, or from POP3 as UIDL
        id: MailId,
    },
    /// Say that a mail is not spam
    Ham {
        /// Id of the mail, from `quarantine list`, or from POP3 as UIDL
        id: MailId,
    },
}

/// Verbs about accounts.
#[derive(Debug, Subcommand)]
pub enum Account {
    /// List accounts
    List,
    /// Create an account and print its generated password
    Add {
        /// Name of the account, for login and for NAME@tox
        name: AccountName,
        /// Read a chosen password from standard input (one line) instead of generating one
        #[arg(long)]
        password_stdin: bool,
    },
    /// Remove an account with its mail, contacts and identity, for good
    Remove {
        /// Name of the account
        name: AccountName,
        /// Confirm the removal: only a backup can bring the account back
        #[arg(long, required = true)]
        yes: bool,
    },
    /// Switch an account off: nobody can log in, and mail to it waits at its senders
    Disable {
        /// Name of the account
        name: AccountName,
    },
    /// Switch an account on again
    Enable {
        /// Name of the account
        name: AccountName,
    },
    /// Set a new password, and print it if it was generated
    Password {
        /// Name of the account
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
        /// File of the component (.wasm), or the core module that cargo builds
        file: PathBuf,
        /// Name to give it [default: the file's name without .wasm]
        #[arg(long)]
        name: Option<ComponentName>,
        /// Signature of the file (Ed25519): 64 bytes, raw, as hex digits or as base64
        #[arg(long, value_name = "FILE")]
        signature: Option<PathBuf>,
    },
    /// Remove a component that no slot needs
    Remove {
        /// The component, see `component list`
        component: ComponentRef,
    },
    /// List what components remember between calls
    State,
    /// Delete what a component remembers about the account (--account)
    ClearState {
        /// Slot, entry, component and version with slashes between, see `component state`
        space: String,
    },
    /// Ask a component the questions of the last days, and show where its answers differ
    Replay {
        /// File of the component (.wasm)
        file: PathBuf,
        /// policy, resolver, relay-selector or mail-filter
        #[arg(long)]
        slot: Slot,
        /// Number of days to go back [default: all that are kept]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(api::limits::REPLAY_DAYS)))]
        days: Option<u32>,
        /// The entry, where the slot has several
        #[arg(long, value_name = "NAME")]
        entry: Option<String>,
    },
    /// Verbs that need no running gateway.
    #[command(flatten)]
    Bench(Bench),
}

/// Verbs for authors of components: they need no running gateway.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Test a component with case files, in the real sandbox
    Test {
        /// File of the component (.wasm)
        file: PathBuf,
        /// A case file (repeatable). The conformance cases of the slot are always tested
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
        /// Directory to create. Its name becomes the component's name
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
    /// List the component that is live in each slot
    List,
    /// Make a component live
    Use {
        /// policy, resolver, relay-selector or mail-filter
        slot: Slot,
        /// The component, see `component list`
        #[arg(value_name = "NAME-OR-SHA256")]
        component: ComponentRef,
        /// The entry, where the slot has several; a new name adds a filter at the end of the chain
        #[arg(long, value_name = "NAME")]
        entry: Option<String>,
    },
    /// Go back to the component that was live before
    Rollback {
        /// policy, resolver, relay-selector or mail-filter
        slot: Slot,
        /// The entry, where the slot has several
        #[arg(long, value_name = "NAME")]
        entry: Option<String>,
    },
    /// End the notice that a component failed and was replaced
    Seen {
        /// policy, resolver, relay-selector or mail-filter
        slot: Slot,
        /// The entry, where the slot has several
        #[arg(long, value_name = "NAME")]
        entry: Option<String>,
    },
    /// Change the order of the filters
    Order {
        /// All entries of the slot mail-filter, each once, see `slot list`
        #[arg(required = true, value_name = "ENTRY")]
        entries: Vec<String>,
    },
    /// Take a filter out of the chain
    Remove {
        /// An entry of the slot mail-filter, see `slot list`
        #[arg(value_name = "ENTRY")]
        entry: String,
    },
    /// Run a component beside the live one, and show where their answers differ
    Shadow {
        /// policy, resolver, relay-selector or mail-filter
        slot: Slot,
        /// The component, see `component list` [default: show the report of the running shadow]
        #[arg(value_name = "NAME-OR-SHA256")]
        component: Option<ComponentRef>,
        /// The entry, where the slot has several
        #[arg(long, value_name = "NAME", requires = "component")]
        entry: Option<String>,
        /// End the run
        #[arg(long, conflicts_with = "component")]
        off: bool,
    },
    /// Show or change settings and limits of the component in a slot, while mail flows
    Settings {
        /// policy, resolver, relay-selector or mail-filter
        slot: Slot,
        /// The entry, where the slot has several
        #[arg(long, value_name = "NAME")]
        entry: Option<String>,
        /// Set a setting (repeatable)
        #[arg(long, value_name = "NAME=VALUE")]
        set: Vec<Setting>,
        /// Remove a setting (repeatable)
        #[arg(long, value_name = "NAME")]
        unset: Vec<String>,
        /// Set a limit (repeatable). NAME=default goes back to the default
        #[arg(long, value_name = "NAME=NUMBER")]
        limit: Vec<LimitChange>,
    },
}

/// Verbs about policy sets.
#[derive(Debug, Subcommand)]
pub enum PolicySet {
    /// Put a policy set to work, all of it or nothing
    Use {
        /// File of the policy set (.toml)
        file: PathBuf,
    },
}

/// Verbs about drop relays.
#[derive(Debug, Subcommand)]
pub enum Relay {
    /// List your drop relay, and the drop relays that this gateway knows
    List,
    /// Serve only a drop relay: no SMTP, no POP3
    Serve(ServeRelay),
    /// Create an invitation to your drop relay. Guests deposit without proof of work
    Invite,
    /// List the invitations to your drop relay
    Invitations,
    /// Take an invitation back. It gives no more tokens
    Uninvite {
        /// Name of the invitation, see `relay invitations`, or the address that contains it
        invitation: InvitationArgument,
    },
    /// Use a drop relay
    Add {
        /// Address of the drop relay, from `relay list` or `relay invite` on its owner's machine
        address: relay::BoardAddress,
    },
    /// Forget a drop relay
    Remove {
        /// Address or key of the drop relay
        address: relay::BoardAddress,
    },
}

/// Arguments of `relay serve`.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeRelay {
    /// The configuration file [default: config.toml in the data directory, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address of the dashboard and the web API [default: 127.0.0.1:8080]; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address::parse)]
    pub admin: Option<SocketAddr>,
    /// How the daemon joins the Tox network.
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
    /// List names whose key changed. Mail to them waits for you
    List,
    /// Trust the new key of a name
    Accept {
        /// Address with the name, see `pin list`
        address: Address,
    },
}

#[cfg(test)]
mod tests;
