//! Ready configuration for mail programs.

use std::path::{Path, PathBuf};

use api::dto::MailSettings;
use api::mail_programs as text;
use api::verbs::{ShowIdentity, ShowMailSettings};
use mail::AccountName;
use mail::limits::PASSWORD_BYTES;
use serde::Serialize;
use zeroize::Zeroizing;

use super::args::MailProgram;
use super::client::Gateway;
use super::error::ClientError;
use crate::limits::PASSWORD_LINE_BYTES;
use crate::password_line::password_in;

/// One program's configuration.
#[derive(Debug, Serialize)]
pub struct Configuration {
    /// The program.
    pub program: &'static str,
    /// The usual place of the file.
    pub file: &'static str,
    /// The whole file.
    pub text: String,
}

/// What the configuration of a mail program needs.
struct MailAccount {
    settings: MailSettings,
    /// The address for `From`.
    address: String,
    password_file: PathBuf,
}

/// The configurations that were asked for. Where none is, the second part is the general text.
pub async fn configurations(
    gateway: &Gateway,
    account: Option<&AccountName>,
    program: Option<MailProgram>,
    password_file: Option<&Path>,
) -> Result<(Vec<Configuration>, String), ClientError> {
    let settings = gateway.get(ShowMailSettings, account).await?;
    let identity = gateway.get(ShowIdentity, account).await?;
    let address = identity.sender_address().to_string();
    let Some(program) = program else {
        let scheme = if gateway.ready.admin_certificate_file.is_some() { "https" } else { "http" };
        let web = format!("{scheme}://{}", gateway.ready.admin);
        return Ok((Vec::new(), text::general(&settings, &address, &web)));
    };
    let is_owner = settings.user == gateway.ready.account;
    let password_file = match (password_file, is_owner) {
        (Some(file), _) => std::path::absolute(file)
            .map_err(|error| ClientError::Input(format!("{}: {error}", file.display())))?,
        (None, true) => gateway.ready.password_file.clone(),
        (None, false) => {
            return Err(ClientError::Input(format!(
                "write the password of {} into a file that nobody else can read, and name it with --password-file FILE",
                settings.user
            )));
        }
    };
    let account = MailAccount { settings, address, password_file };
    let programs: &[MailProgram] = match program {
        MailProgram::All => {
            &[MailProgram::Mutt, MailProgram::Msmtp, MailProgram::Mpop, MailProgram::Fetchmail]
        }
        _ => &[program],
    };
    let made = programs.iter().map(|program| configuration(*program, &account)).collect::<Result<_, _>>()?;
    Ok((made, String::new()))
}

fn configuration(program: MailProgram, account: &MailAccount) -> Result<Configuration, ClientError> {
    let path = simple_path(&account.password_file)?;
    Ok(match program {
        MailProgram::Mutt | MailProgram::All => Configuration {
            program: "mutt",
            file: "~/.muttrc",
            text: text::mutt(&account.settings, &account.address, path),
        },
        MailProgram::Msmtp => Configuration {
            program: "msmtp",
            file: "~/.msmtprc",
            text: text::msmtp(&account.settings, &account.address, path),
        },
        MailProgram::Mpop => {
            Configuration { program: "mpop", file: "~/.mpoprc", text: text::mpop(&account.settings, path) }
        }
        MailProgram::Fetchmail => {
            let password = read_password(&account.password_file)?;
            let text = text::fetchmail(&account.settings, &password);
            Configuration { program: "fetchmail", file: "~/.fetchmailrc", text }
        }
    })
}

/// The path as it can stand in every program's quotes.
fn simple_path(path: &Path) -> Result<&str, ClientError> {
    let is_simple = |char: char| !char.is_control() && !"'\"`$\\".contains(char);
    path.to_str().filter(|text| text.chars().all(is_simple)).ok_or_else(|| {
        ClientError::Input(format!(
            "{}: mail programs would misread this path; name a copy of the file with --password-file FILE",
            path.display()
        ))
    })
}

/// fetchmail can neither run a command for the password nor read a file with it.
fn read_password(path: &Path) -> Result<Zeroizing<String>, ClientError> {
    use std::io::Read as _;
    let failed = |error: &dyn std::fmt::Display| {
        ClientError::Input(format!("the password file {} cannot be read: {error}", path.display()))
    };
    let mut bytes = Zeroizing::new(Vec::new());
    let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    file.take(PASSWORD_LINE_BYTES).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    let password = password_in(&bytes);
    if password.len() > PASSWORD_BYTES {
        return Err(failed(&format!(
            "its first line is longer than the {PASSWORD_BYTES} bytes of a password"
        )));
    }
    let line = str::from_utf8(password).map_err(|error| failed(&error))?;
    if line.is_empty() || line.chars().any(char::is_control) {
        return Err(failed(&"its first line has no password"));
    }
    Ok(Zeroizing::new(line.to_owned()))
}
