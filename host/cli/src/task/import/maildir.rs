//! The files of a Maildir: which of them are mails to import, and what the others are.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use super::failed;
use super::imported::Imported;
use crate::error::ClientError;
use crate::limits::MAILDIR_LEVELS;
use crate::table::printable;

/// The mails of a Maildir by their files' names, which begin with the time of delivery: older mails first. What is left out is
/// counted in `done`.
pub fn files(path: &Path, done: &mut Imported) -> Result<Vec<PathBuf>, ClientError> {
    let mut files = Vec::new();
    let mut is_maildir = false;
    for part in ["cur", "new"] {
        let entries = match std::fs::read_dir(path.join(part)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(failed(path))?,
        };
        is_maildir = true;
        for entry in entries {
            let entry = entry.map_err(failed(path))?;
            let name = entry.file_name();
            let kind = entry.file_type().map_err(failed(path))?;
            let flags = flags(&name.to_string_lossy()).to_owned();
            done.has_content = true;
            let count = match () {
                () if kind.is_symlink() => &mut done.links,
                () if !kind.is_file() || name.to_string_lossy().starts_with('.') => &mut done.others,
                () if flags.contains('T') => &mut done.deleted,
                () if flags.contains('D') => &mut done.drafts,
                () => {
                    files.push(entry.path());
                    continue;
                }
            };
            *count += 1;
        }
    }
    if !is_maildir {
        return Err(ClientError::Input(format!(
            "{} is not a Maildir: it has neither `cur` nor `new`",
            path.display()
        )));
    }
    done.folders = folders(path).map_err(failed(path))?;
    done.has_content |= !done.folders.is_empty();
    files.sort_by_key(|file| file.file_name().map(std::ffi::OsStr::to_owned));
    Ok(files)
}

/// The flags in a file's name, behind `:2,` or what programs write in its place where a colon is not allowed.
fn flags(name: &str) -> &str {
    [":2,", ";2,", "!2,"].into_iter().find_map(|mark| name.rsplit_once(mark)).map_or("", |(_, flags)| flags)
}

/// Directories that are Maildirs themselves: `.Sent` (Maildir++), or `Sent` and `Archive/2023`.
fn folders(path: &Path) -> io::Result<Vec<String>> {
    let mut folders = Vec::new();
    let mut directories = vec![(path.to_owned(), 0)];
    while let Some((directory, level)) = directories.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let entry = entry?;
            let is_part = ["cur", "new", "tmp"].iter().any(|part| entry.file_name() == *part);
            // Links are not followed: they may lead round in a circle.
            if is_part || !entry.file_type()?.is_dir() {
                continue;
            }
            let inside = entry.path();
            if ["cur", "new"].iter().any(|part| inside.join(part).is_dir()) {
                let name = inside.strip_prefix(path).unwrap_or(&inside);
                folders.push(printable(&name.to_string_lossy()));
            }
            if level < MAILDIR_LEVELS {
                directories.push((inside, level + 1));
            }
        }
    }
    folders.sort();
    Ok(folders)
}

/// Where mails went that a mail program gave other flags meanwhile, or moved from `new` to `cur`: the part of the name
/// before the flags stays. The folder is read when one is missed, not for each.
#[derive(Debug, Default)]
pub struct Moved(HashMap<String, PathBuf>);

impl Moved {
    /// The mail that was `file` when the folder was listed; None where it is gone.
    pub fn find(&mut self, maildir: &Path, file: &Path) -> Option<PathBuf> {
        let wanted = unique(file)?;
        if !self.0.get(&wanted).is_some_and(|path| path.exists()) {
            let entries = std::fs::read_dir(maildir.join("cur")).ok()?.flatten();
            self.0 = entries.filter_map(|entry| Some((unique(&entry.path())?, entry.path()))).collect();
        }
        self.0.get(&wanted).cloned()
    }
}

/// The part of a mail's name that stays.
fn unique(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_string_lossy();
    Some(name.split([':', ';', '!']).next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_in_a_maildir_is_a_mail_or_counted() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for part in
            ["cur", "new", "tmp", ".Sent/cur", "Archive/new", "Old/2023/cur", "other", "cur/directory"]
        {
            std::fs::create_dir_all(at(part)).unwrap();
        }
        for file in [
            "cur/2.a:2,S",
            "cur/3.b:2,ST",
            "cur/4.c:2,D",
            "cur/5.d;2,T",
            "cur/.nfs1",
            "new/1.e",
            "new/6.TD",
            "tmp/7",
            "dovecot",
        ] {
            std::fs::write(at(file), "x").unwrap();
        }
        std::os::unix::fs::symlink("/etc/passwd", at("cur/8.l:2,S")).unwrap();
        let mut done = Imported::default();
        let files = files(place.path(), &mut done).unwrap();
        assert_eq!(files, [at("new/1.e"), at("cur/2.a:2,S"), at("new/6.TD")]);
        assert_eq!((done.deleted, done.drafts, done.links, done.others), (2, 1, 1, 2));
        assert_eq!(done.folders, [".Sent", "Archive", "Old/2023"]);
        assert!(done.to_text().contains("not read: the folders .Sent, Archive, Old/2023"));
        assert!(super::files(&at("other"), &mut done).is_err());
        // A mail program gave one other flags after they were listed.
        std::fs::rename(at("new/1.e"), at("cur/1.e:2,S")).unwrap();
        let mut moved = Moved::default();
        assert_eq!(moved.find(place.path(), &at("new/1.e")), Some(at("cur/1.e:2,S")));
        assert_eq!(moved.find(place.path(), &at("new/9.x")), None);
        // And others again.
        std::fs::rename(at("cur/1.e:2,S"), at("cur/1.e:2,RS")).unwrap();
        assert_eq!(moved.find(place.path(), &at("new/1.e")), Some(at("cur/1.e:2,RS")));
    }

    #[test]
    fn a_maildir_whose_mails_are_all_in_folders_gives_an_error_that_names_them() {
        let place = tempfile::tempdir().unwrap();
        for part in ["cur", "new", ".Sent/cur"] {
            std::fs::create_dir_all(place.path().join(part)).unwrap();
        }
        let mut done = Imported::default();
        assert!(files(place.path(), &mut done).unwrap().is_empty());
        let error = done.after(Ok(()), place.path()).unwrap_err().to_string();
        assert!(error.contains("gave no mail") && error.contains(".Sent"), "{error}");
    }
}
