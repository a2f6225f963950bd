//! Settings of mail programs for everybody; the configuration and backups for the owner.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::form::Submitted;
use super::frame::Frame;
use super::page::{PageError, html};
use super::text::shortened;
use super::visitor::Visitor;
use super::words;
use crate::dto::{ConfigurationKey, MailSettings, Reloaded};
use crate::extract::AskedHost;
use crate::limits::REQUEST_TIME;
use crate::shared::{Shared, run};

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings {
    frame: Frame,
    servers: Option<Servers>,
    /// Why there are none.
    missing: &'static str,
    files: Vec<ProgramFile>,
    apple_link: String,
    keys: Vec<Key>,
}

/// What to enter by hand.
pub(super) struct Servers {
    pub(super) user: String,
    pub(super) incoming: Server,
    pub(super) outgoing: Server,
}

pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: &'static str,
    is_local: bool,
}

impl Servers {
    /// `asked` is the name the gateway was reached by.
    pub(super) fn new(settings: &MailSettings, asked: Option<&str>) -> Self {
        let server = |address: std::net::SocketAddr, tls| Server {
            host: MailSettings::host(address, asked),
            port: address.port(),
            security: if tls { "TLS (SSL), not STARTTLS" } else { "none, or STARTTLS" },
            is_local: !tls,
        };
        Self {
            user: settings.user.to_string(),
            incoming: server(settings.pop3, settings.pop3_tls),
            outgoing: server(settings.smtp, settings.smtp_tls),
        }
    }

    /// Whether all stays on this machine.
    pub(super) fn is_local(&self) -> bool {
        [&self.incoming, &self.outgoing].iter().all(|server| server.is_local)
    }
}

/// A ready file for a program.
struct ProgramFile {
    program: &'static str,
    file: &'static str,
    text: String,
}

/// A key of the configuration.
struct Key {
    name: String,
    value: String,
    is_default: bool,
    after_restart: bool,
}

/// Where others than the owner keep their password; it says so itself.
const PASSWORD_FILE: &str = "~/.toxmail-password";

/// The page.
pub(super) async fn page(
    State(shared): State<Shared>,
    visitor: Visitor,
    AskedHost(asked): AskedHost,
) -> Result<Response, PageError> {
    let (frame, _) = Frame::new(&shared, &visitor, "/settings").await?;
    let (management, account) = (shared.management.clone(), visitor.account.clone());
    let settings = run(REQUEST_TIME, async move { management.mail_settings(&account).await }).await.ok();
    let (management, account) = (shared.management.clone(), visitor.account.clone());
    // While Tox starts there is no identity yet.
    let identity = run(REQUEST_TIME, async move { management.identity(&account).await }).await.ok();
    let keys = if frame.is_owner {
        let management = shared.management.clone();
        run(REQUEST_TIME, async move { management.configuration().await }).await?
    } else {
        Vec::new()
    };
    let files = match (&settings, &identity) {
        (Some(settings), Some(identity)) => files(settings, &identity.sender_address().to_string()),
        _ => Vec::new(),
    };
    let page = Settings {
        servers: settings.as_ref().map(|settings| Servers::new(settings, asked.as_deref())),
        missing: "The settings cannot be shown now. Open this page again in a moment.",
        files,
        apple_link: format!("/api/v1/mail-settings/apple?account={}", visitor.account),
        keys: keys.into_iter().map(key).collect(),
        frame,
    };
    Ok(html(StatusCode::OK, &page))
}

fn files(settings: &MailSettings, address: &str) -> Vec<ProgramFile> {
    let path = settings.password_file.as_deref().unwrap_or(PASSWORD_FILE);
    let file = |program, file, text| ProgramFile { program, file, text };
    vec![
        file("msmtp", "~/.msmtprc", api::mail_programs::msmtp(settings, address, path)),
        file("mpop", "~/.mpoprc", api::mail_programs::mpop(settings, path)),
        file("mutt", "~/.muttrc", api::mail_programs::mutt(settings, address, path)),
        file("fetchmail", "~/.fetchmailrc", api::mail_programs::fetchmail(settings, "your password")),
    ]
}

fn key(key: ConfigurationKey) -> Key {
    Key {
        name: key.key,
        value: shortened(&words::setting(&key.value)),
        is_default: key.is_default,
        after_restart: key.after_restart,
    }
}

/// Reads the configuration again.
pub(super) async fn reload(
    State(shared): State<Shared>,
    submitted: Submitted,
) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let management = shared.management.clone();
    let result = run(REQUEST_TIME, async move { management.reload().await }).await;
    Ok(submitted.answer("/settings", result, told))
}

fn told(reloaded: &Reloaded) -> String {
    let mut text = match reloaded.changed.as_slice() {
        [] => "The configuration was read again.".to_owned(),
        keys => format!("The configuration was read again. In effect now: {}.", keys.join(", ")),
    };
    if !reloaded.after_restart.is_empty() {
        text.push_str(&format!(" In effect after a restart: {}.", reloaded.after_restart.join(", ")));
    }
    if reloaded.changed.is_empty() && reloaded.after_restart.is_empty() {
        text.push_str(" Nothing in it has changed.");
    }
    text
}
