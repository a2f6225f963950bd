//! Files of other programs into the gateway.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use admin::dto::{ImportedAccount, ImportedMail};
use admin::limits::{MAIL_BYTES, PROFILE_BYTES};
use hyper::body::Bytes;
use mail::AccountName;
use mail::mbox::{Found, Reader};
use serde::Serialize;
use zeroize::Zeroizing;

use super::progress::Progress;
use crate::cli::call::Call;
use crate::cli::client::{Exchange, Gateway};
use crate::cli::error::ClientError;

/// Bytes read of an mbox file at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// Longest password of a profile: what its file may hold.
const PASSWORD_BYTES: u64 = 4096;

/// What was done.
#[derive(Debug, Default, Serialize)]
pub struct Imported {
    /// Mails put into the mailbox.
    pub imported: u64,
    /// Mails that were in it already.
    pub already_there: u64,
    /// Mails that were left out: larger than the gateway takes.
    pub too_large: u64,
}

impl Imported {
    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = format!("{} mails imported", self.imported);
        if self.already_there > 0 {
            text += &format!(", {} were there already", self.already_there);
        }
        if self.too_large > 0 {
            text += &format!(", {} left out: larger than {} MB", self.too_large, MAIL_BYTES / 1024 / 1024);
        }
        text + "\n"
    }
}

/// Puts mails into an account's mailbox.
struct Importer<'g> {
    exchange: Exchange<'g>,
    account: Option<&'g AccountName>,
    done: Imported,
}

impl Importer<'_> {
    async fn put(&mut self, mail: Vec<u8>) -> Result<(), ClientError> {
        let call = Call::upload("/mailbox", "message/rfc822", Bytes::from(mail));
        let answer = match self.exchange.ask(&call, self.account).await {
            Err(ClientError::Refused(problem)) if problem.status == 413 => {
                self.done.too_large += 1;
                return Ok(());
            }
            answer => answer?,
        };
        let imported: ImportedMail =
            serde_json::from_value(answer).map_err(|error| ClientError::unexpected(&error))?;
        if imported.is_new {
            self.done.imported += 1;
        } else {
            self.done.already_there += 1;
        }
        Ok(())
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> ClientError {
    move |error| ClientError::Input(format!("{} cannot be read: {error}", path.display()))
}

/// The mails of an mbox file.
pub async fn mbox(
    gateway: &Gateway,
    account: Option<&AccountName>,
    path: &Path,
) -> Result<Imported, ClientError> {
    let mut file = File::open(path).map_err(failed(path))?;
    let size = file.metadata().map_err(failed(path))?.len();
    let mut importer = Importer { exchange: gateway.open().await?, account, done: Imported::default() };
    let mut progress = Progress::of("importing mails");
    let (mut reader, mut piece, mut read) = (Reader::new(MAIL_BYTES), vec![0; PIECE_BYTES], 0_u64);
    loop {
        let count = file.read(&mut piece).map_err(failed(path))?;
        let mut found = Vec::new();
        if count == 0 {
            reader.finish(&mut |one| found.push(one));
            put_all(&mut importer, found, path).await?;
            return Ok(importer.done);
        }
        reader.push(piece.get(..count).unwrap_or_default(), &mut |one| found.push(one));
        put_all(&mut importer, found, path).await?;
        read += count as u64;
        progress.at(read, size);
    }
}

async fn put_all(importer: &mut Importer<'_>, found: Vec<Found>, path: &Path) -> Result<(), ClientError> {
    for one in found {
        match one {
            Found::Mail(mail) => importer.put(mail).await?,
            Found::TooLarge => importer.done.too_large += 1,
            Found::Junk => {
                return Err(ClientError::Input(format!(
                    "{} is no mbox file: it does not begin with a line `From ...`",
                    path.display()
                )));
            }
        }
    }
    Ok(())
}

/// The mails of a Maildir.
pub async fn maildir(
    gateway: &Gateway,
    account: Option<&AccountName>,
    path: &Path,
) -> Result<Imported, ClientError> {
    let files = maildir_files(path)?;
    let mut importer = Importer { exchange: gateway.open().await?, account, done: Imported::default() };
    let mut progress = Progress::of("importing mails");
    for (number, file) in (1..).zip(&files) {
        progress.at(number, files.len() as u64);
        let mut bytes = Vec::new();
        let opened = File::open(file).map_err(failed(file))?;
        opened.take(MAIL_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed(file))?;
        if bytes.len() > MAIL_BYTES {
            importer.done.too_large += 1;
        } else if !bytes.is_empty() {
            importer.put(bytes).await?;
        }
    }
    Ok(importer.done)
}

/// Its files by name, which begins with the time of delivery: older mails first.
fn maildir_files(path: &Path) -> Result<Vec<PathBuf>, ClientError> {
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
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            if entry.file_type().map_err(failed(path))?.is_file() && !is_hidden {
                files.push(entry.path());
            }
        }
    }
    if !is_maildir {
        return Err(ClientError::Input(format!(
            "{} is no Maildir: there is neither `cur` nor `new` in it",
            path.display()
        )));
    }
    files.sort_by_key(|file| file.file_name().map(std::ffi::OsStr::to_owned));
    Ok(files)
}

/// Makes an account of a profile; an encrypted one is decrypted here, so that its password goes nowhere.
pub async fn tox_profile(
    gateway: &Gateway,
    file: &Path,
    name: &AccountName,
    password_file: Option<&Path>,
) -> Result<ImportedAccount, ClientError> {
    let bytes = read_secret(file, PROFILE_BYTES as u64)?;
    let profile = if tox::is_encrypted(&bytes) {
        let password_file = password_file.ok_or_else(|| {
            ClientError::Input(format!(
                "{} is encrypted: name a file with its password, --password-file FILE",
                file.display()
            ))
        })?;
        let password = read_secret(password_file, PASSWORD_BYTES)?;
        let end = password.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(password.len());
        let password = password.get(..end).unwrap_or_default().to_vec();
        let password = Zeroizing::new(password);
        // Deriving the key takes a moment on purpose.
        tokio::task::spawn_blocking(move || tox::decrypt(&bytes, &password))
            .await
            .map_err(|error| ClientError::Input(error.to_string()))?
            .map_err(|error| ClientError::Input(format!("{}: {error}", file.display())))?
    } else {
        bytes
    };
    // Here already: the gateway is not to be bothered with what is none.
    let saved = tox::SavedData::new(profile.to_vec())
        .map_err(|_| ClientError::Input(format!("{} is no Tox profile, or damaged", file.display())))?;
    let path = format!("/accounts/{name}/import");
    let call = Call::upload(&path, "application/octet-stream", Bytes::copy_from_slice(saved.as_bytes()));
    let answer = gateway.ask(call, None).await?;
    serde_json::from_value(answer).map_err(|error| ClientError::unexpected(&error))
}

fn read_secret(path: &Path, most: u64) -> Result<Zeroizing<Vec<u8>>, ClientError> {
    let mut bytes = Zeroizing::new(Vec::new());
    let file = File::open(path).map_err(failed(path))?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(failed(path))?;
    if bytes.len() as u64 > most {
        return Err(ClientError::Input(format!("{} is larger than {most} bytes", path.display())));
    }
    Ok(bytes)
}

/// For people.
pub fn profile_text(made: &ImportedAccount) -> String {
    let password = made.credentials.password.as_ref().map(admin::dto::Password::reveal).unwrap_or_default();
    format!(
        "account  {}\npassword {password}\ncontacts {}\n\
         Do not run the other Tox program with this profile any more: one identity cannot be in two places.\n",
        made.credentials.account, made.contacts
    )
}
