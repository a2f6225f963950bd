//! Files of other programs into the gateway.

mod imported;
mod maildir;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use api::dto::ImportedAccount;
use api::limits::{MAIL_BYTES, PROFILE_BYTES};
use api::verbs::{ImportMail, ImportProfile};
use api::{AccountQuery, Created, Imported as ImportedAnswer, NoQuery, Readable as _};
use mail::AccountName;
use mail::mbox::{self, Found, Reader};
use zeroize::Zeroizing;

use self::imported::Imported;
use crate::args::MailboxFormat;
use crate::client::{Exchange, Gateway};
use crate::error::ClientError;
use crate::limits::{PASSWORD_LINE_BYTES, PIECE_BYTES};
use crate::password_line::password_in;
use crate::progress::Progress;
use crate::request::Request;

/// Puts mails into an account's mailbox.
struct Importer<'g> {
    exchange: Exchange<'g>,
    account: Option<&'g AccountName>,
    done: Imported,
}

impl Importer<'_> {
    async fn put(&mut self, mail: Vec<u8>) -> Result<(), ClientError> {
        if mbox::is_expunged(&mail) {
            self.done.deleted += 1;
            return Ok(());
        }
        let request = Request::new(ImportMail, self.account, &(), AccountQuery::default(), mail)?;
        let answer = match self.exchange.ask(&request).await {
            Err(ClientError::Refused(problem)) if problem.status == 413 => {
                self.done.too_large += 1;
                return Ok(());
            }
            answer => answer?,
        };
        let imported = ImportedAnswer::read(answer).map_err(|error| ClientError::unexpected(&error))?;
        if imported.is_new {
            self.done.imported += 1;
        } else {
            self.done.already_there += 1;
        }
        Ok(())
    }

    /// The mails of an mbox file.
    async fn put_mbox(&mut self, path: &Path) -> Result<(), ClientError> {
        let mut file = File::open(path).map_err(failed(path))?;
        let size = file.metadata().map_err(failed(path))?.len();
        let mut progress = Progress::of("importing mails");
        let (mut reader, mut piece, mut read) = (Reader::new(MAIL_BYTES), vec![0; PIECE_BYTES], 0_u64);
        loop {
            let count = file.read(&mut piece).map_err(failed(path))?;
            let mut found = Vec::new();
            if count == 0 {
                reader.finish(&mut |one| found.push(one));
                return self.put_all(found, path).await;
            }
            self.done.has_content = true;
            reader.push(piece.get(..count).unwrap_or_default(), &mut |one| found.push(one));
            self.put_all(found, path).await?;
            read += count as u64;
            progress.at(read, size);
        }
    }

    async fn put_all(&mut self, found: Vec<Found>, path: &Path) -> Result<(), ClientError> {
        for one in found {
            match one {
                Found::Mail(mail) => self.put(mail).await?,
                Found::TooLarge => self.done.too_large += 1,
                Found::Empty => self.done.empty += 1,
                Found::Junk => {
                    return Err(ClientError::Input(format!(
                        "{} is not an mbox file: it does not begin with a line `From ...` that is followed by a date or a header",
                        path.display()
                    )));
                }
            }
        }
        Ok(())
    }

    /// The mails of a Maildir.
    async fn put_maildir(&mut self, path: &Path) -> Result<(), ClientError> {
        let files = maildir::files(path, &mut self.done)?;
        self.done.has_content |= !files.is_empty();
        let mut progress = Progress::of("importing mails");
        let mut moved = maildir::Moved::default();
        for (number, file) in (1..).zip(&files) {
            progress.at(number, files.len() as u64);
            let mut bytes = Vec::new();
            let opened = match File::open(file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let Some(moved) = moved.find(path, file) else {
                        // Somebody removed it meanwhile.
                        self.done.deleted += 1;
                        continue;
                    };
                    File::open(moved)
                }
                opened => opened,
            };
            let opened = opened.map_err(failed(file))?;
            opened.take(MAIL_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed(file))?;
            if bytes.len() > MAIL_BYTES {
                self.done.too_large += 1;
            } else if bytes.is_empty() {
                self.done.empty += 1;
            } else {
                self.put(bytes).await?;
            }
        }
        Ok(())
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> ClientError {
    move |error| ClientError::Input(format!("{} cannot be read: {error}", path.display()))
}

/// The mails of an mbox file or of a Maildir.
pub async fn mails(
    gateway: &Gateway,
    account: Option<&AccountName>,
    what: MailboxFormat,
    path: &Path,
) -> Result<Imported, ClientError> {
    let mut importer = Importer { exchange: gateway.open().await?, account, done: Imported::default() };
    let put = match what {
        MailboxFormat::Mbox => importer.put_mbox(path).await,
        MailboxFormat::Maildir => importer.put_maildir(path).await,
    };
    importer.done.after(put, path)
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
                "{} is encrypted: name a file with its password with --password-file FILE",
                file.display()
            ))
        })?;
        let password =
            Zeroizing::new(password_in(&read_secret(password_file, PASSWORD_LINE_BYTES)?).to_vec());
        // Deriving the key takes a moment on purpose.
        tokio::task::spawn_blocking(move || tox::decrypt(&bytes, &password))
            .await
            .map_err(|error| ClientError::Input(error.to_string()))?
            .map_err(|error| ClientError::Input(format!("{}: {error}", file.display())))?
    } else {
        bytes
    };
    // Here already: the gateway is not to be bothered with what is none.
    let saved = tox::SavedData::new(profile.to_vec()).map_err(|error| {
        ClientError::Input(format!(
            "{} cannot be imported: {error}. Export the profile again in its Tox program (a file that ends with .tox)",
            file.display()
        ))
    })?;
    let request = Request::new(ImportProfile, None, name, NoQuery {}, saved.as_bytes().to_vec())?;
    let answer = gateway.ask(request).await?;
    Created::<ImportedAccount>::read(answer).map_err(|error| ClientError::unexpected(&error))
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
    let password = made.credentials.password.as_ref().map(api::dto::Password::reveal).unwrap_or_default();
    format!(
        "account  {}\npassword {password}\ncontacts {}\n\
         Do not run the other Tox program with this profile any more: one identity cannot be in two places.\n",
        made.credentials.account, made.contacts
    )
}
