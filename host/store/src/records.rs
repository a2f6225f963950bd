//! What is stored, a file for each subject: the methods of [`Store`](crate::Store) that write it, read it and list it.

pub(crate) mod accounts;
pub(crate) mod bin;
pub(crate) mod body;
pub(crate) mod decisions;
pub(crate) mod documents;
pub(crate) mod mailbox;
pub(crate) mod meta;
pub(crate) mod outbox;
pub(crate) mod outcomes;
pub(crate) mod people;
pub(crate) mod pins;
pub(crate) mod quarantine;
pub(crate) mod reception;
pub(crate) mod standings;
pub(crate) mod state;
