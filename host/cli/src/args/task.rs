//! Verbs that are more than one request, or none.

use std::path::PathBuf;

use clap::Subcommand;
use clap_complete::Shell;
use mail::AccountName;

/// Verbs that make several requests to the running gateway, or none.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Print ready configuration for a mail program
    Mailclient {
        /// The mail program [default: print what to enter in any other]
        program: Option<MailProgram>,
        /// File with only the account's password [default: the owner's, made at the first start]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Copy everything into one file while the gateway runs. The file has secret keys and all mail
    Backup {
        /// File to write, which must not exist yet
        file: PathBuf,
    },
    /// Create a data directory from a backup
    Restore {
        /// File that `toxmail backup` wrote
        file: PathBuf,
    },
    /// Copy the account's mailbox to files
    Export {
        /// Format of the files
        format: MailboxFormat,
        /// File (mbox), which must not exist yet, or directory (maildir). Mails that the directory
        /// already has are left out
        path: PathBuf,
    },
    /// Take over mails or identities from other programs
    #[command(subcommand)]
    Import(Import),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages
    Man {
        /// Directory to write them to
        directory: PathBuf,
    },
}

/// Where mails or an identity come from.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// Put the mails of an mbox file into the account's mailbox, except those deleted in Thunderbird
    Mbox {
        /// The file
        path: PathBuf,
    },
    /// Put the mails of a Maildir into the account's mailbox, except trashed mails, drafts and symbolic links
    Maildir {
        /// The directory with `cur` and `new`
        path: PathBuf,
    },
    /// Create an account from the profile of another Tox program, with its identity and its friends
    /// as contacts
    ToxProfile {
        /// Profile (.tox), which may be encrypted
        file: PathBuf,
        /// Name of the account to create
        #[arg(long, value_name = "NAME")]
        name: AccountName,
        /// File with the password of an encrypted profile
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
}

/// Mail programs that configuration is printed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum MailProgram {
    /// Reads and sends
    Mutt,
    /// Sends
    Msmtp,
    /// Fetches
    Mpop,
    /// Fetches
    Fetchmail,
    /// All of them
    All,
}

/// A format for mails in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum MailboxFormat {
    /// One file, variant mboxrd
    Mbox,
    /// A directory with a file for each mail
    Maildir,
}
