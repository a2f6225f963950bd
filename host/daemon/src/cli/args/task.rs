//! Verbs that are more than one request, or none.

use std::path::PathBuf;

use clap::Subcommand;
use clap_complete::Shell;
use mail::AccountName;

/// What is done with several requests of the running gateway, or without one.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Print ready configuration for a mail program
    Mailclient {
        /// Which one; without it, what to enter in any other
        program: Option<MailProgram>,
        /// A file with the account's password and nothing else [default: the owner's, made at the first start]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Copy everything into one file while the gateway runs (it holds secret keys and all mail)
    Backup {
        /// The file to write; must not be there yet
        file: PathBuf,
    },
    /// Make a data directory of a backup
    Restore {
        /// A file that `toxmail backup` wrote
        file: PathBuf,
    },
    /// Copy the account's mailbox to files
    Export {
        /// How
        format: MailboxFormat,
        /// The file (mbox; must not be there yet) or directory (maildir; what is there already is left out)
        path: PathBuf,
    },
    /// Take over from other programs
    #[command(subcommand)]
    Import(Import),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write the manual pages
    Man {
        /// The directory to write them to
        directory: PathBuf,
    },
}

/// What is taken over.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// Put the mails of an mbox file into the account's mailbox
    Mbox {
        /// The file
        path: PathBuf,
    },
    /// Put the mails of a Maildir into the account's mailbox
    Maildir {
        /// The directory with `cur` and `new`
        path: PathBuf,
    },
    /// Make an account of another Tox program's profile: its identity, its friends as contacts
    ToxProfile {
        /// The profile (.tox), also an encrypted one
        file: PathBuf,
        /// The name of the account to make
        #[arg(long, value_name = "NAME")]
        name: AccountName,
        /// A file with the profile's password, for an encrypted one
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

/// How mails are kept in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum MailboxFormat {
    /// One file, variant mboxrd
    Mbox,
    /// A directory with a file for each mail
    Maildir,
}
