//! Why something of the lab failed.

use std::io;

/// A failure, with the words a person needs to see where it happened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused something.
    #[error("{what}: {source}")]
    System {
        /// What was tried, as in "connecting to SMTP".
        what: String,
        /// Why it was refused.
        source: io::Error,
    },
    /// A node of the private Tox network did not start.
    #[error("the private Tox network did not start: {0}")]
    Network(#[from] tox::StartError),
    /// A node of the private Tox network could not be told of another one.
    #[error("the nodes of the private Tox network do not take each other: {0}")]
    Node(#[from] tox::NodeError),
    /// A gateway ended, or did not answer as it should.
    #[error("gateway {name}: {what}\n--- end of its log\n{log}")]
    Gateway {
        /// What the gateway is called here.
        name: String,
        /// What happened.
        what: String,
        /// The last lines it logged.
        log: String,
    },
    /// A mail server answered with an error, or with something else than the protocol allows.
    #[error("the {server} server answered `{}`", reply.trim_end())]
    Refused {
        /// `SMTP` or `POP3`.
        server: &'static str,
        /// All lines of the reply.
        reply: String,
    },
}

impl Error {
    /// Makes an error of the operating system one of the lab.
    pub fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }
}
