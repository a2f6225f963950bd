//! What became of the mails of a file or directory: every one of them is counted somewhere.

use std::path::Path;

use api::limits::MAIL_BYTES;
use serde::Serialize;

use crate::error::ClientError;

/// What was done.
#[derive(Debug, Default, Serialize)]
pub struct Imported {
    /// Mails put into the mailbox.
    pub imported: u64,
    /// Mails that were in it already.
    pub already_there: u64,
    /// Mails that were left out: larger than the gateway takes.
    pub too_large: u64,
    /// Left out: separators or files without a mail.
    pub empty: u64,
    /// Left out: mails that the other program had deleted and not yet removed.
    pub deleted: u64,
    /// Left out: drafts, which were never sent.
    pub drafts: u64,
    /// Left out: symbolic links, which may lead to any file.
    pub links: u64,
    /// Left out: hidden files, and entries that are not files.
    pub others: u64,
    /// Folders within a Maildir, each of which is a Maildir of its own.
    pub folders: Vec<String>,
    /// There was something to import.
    #[serde(skip)]
    pub has_content: bool,
}

impl Imported {
    /// The report, or why there is none; an error tells what was done before.
    ///
    /// # Errors
    /// The error of `put`. Also an error if a file with content gave nothing: a script that calls
    /// this must see it.
    pub fn after(self, put: Result<(), ClientError>, path: &Path) -> Result<Self, ClientError> {
        let gave = self.imported + self.already_there;
        match put {
            Ok(()) if gave == 0 && self.has_content => {
                let text = self.to_text();
                Err(ClientError::Input(format!("{} gave no mail: {}", path.display(), text.trim_end())))
            }
            Ok(()) => Ok(self),
            Err(error) if gave > 0 => {
                let done = self.to_text();
                let done = done.trim_end();
                Err(ClientError::Input(format!(
                    "{error}\nbefore that: {done}\nimport it again: mails that are there already are passed over"
                )))
            }
            Err(error) => Err(error),
        }
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = format!("{} mails imported", self.imported);
        if self.already_there > 0 {
            text += &format!(", {} were there already", self.already_there);
        }
        text.push('\n');
        let too_large = format!("larger than {} MB", MAIL_BYTES / 1024 / 1024);
        for (count, why) in [
            (self.too_large, too_large.as_str()),
            (self.empty, "empty"),
            (self.deleted, "deleted in the other program"),
            (self.drafts, "drafts"),
            (self.links, "symbolic links: copy the files they lead to"),
            (self.others, "hidden, or not a file"),
        ] {
            if count > 0 {
                text += &format!("left out: {count} ({why})\n");
            }
        }
        if !self.folders.is_empty() {
            text += &format!(
                "not read: the folders {}; import each of them by itself\n",
                self.folders.join(", ")
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_content_that_gave_nothing_is_an_error_that_says_why() {
        let done = || Imported { has_content: true, deleted: 2, ..Imported::default() };
        let error = done().after(Ok(()), Path::new("x")).unwrap_err().to_string();
        assert_eq!(error, "x gave no mail: 0 mails imported\nleft out: 2 (deleted in the other program)");
        assert!(Imported { already_there: 1, ..done() }.after(Ok(()), Path::new("x")).is_ok());
        assert!(Imported::default().after(Ok(()), Path::new("x")).is_ok());
        let broken = || Err(ClientError::Input("it broke".to_owned()));
        let error =
            Imported { imported: 3, ..done() }.after(broken(), Path::new("x")).unwrap_err().to_string();
        assert!(error.starts_with("it broke\nbefore that: 3 mails imported"), "{error}");
    }
}
