//! What mail programs of other kinds read to set themselves up: Thunderbird's autoconfig file (config version 1.1) and
//! Apple's configuration profile. Neither holds a secret; a mail program asks its user for the password.

use std::net::SocketAddr;

use askama::Template;
use mail::Address;
use sha2::{Digest as _, Sha256};

use crate::dto::MailSettings;
use crate::management::ManagementError;

/// A server as both documents name it.
struct Server {
    host: String,
    port: u16,
    tls: bool,
}

impl Server {
    /// `asked` is the name of the gateway in the request.
    fn of(address: SocketAddr, tls: bool, asked: Option<&str>) -> Self {
        Self { host: MailSettings::host(address, asked), port: address.port(), tls }
    }
}

/// Askama escapes what is filled in, as in HTML (XML 1.0 section 2.4).
#[derive(Template)]
#[template(path = "autoconfig.xml")]
struct Thunderbird<'a> {
    domain: &'a str,
    incoming: Server,
    outgoing: Server,
}

/// The document at `/.well-known/autoconfig/mail/config-v1.1.xml`, for an address of this domain; `asked` is the name of the
/// gateway in the request.
pub(crate) fn thunderbird(
    domain: &str,
    settings: &MailSettings,
    asked: Option<&str>,
) -> Result<String, ManagementError> {
    let incoming = Server::of(settings.pop3, settings.pop3_tls, asked);
    let outgoing = Server::of(settings.smtp, settings.smtp_tls, asked);
    Thunderbird { domain, incoming, outgoing }.render().map_err(not_made)
}

#[derive(Template)]
#[template(path = "profile.xml")]
struct Profile<'a> {
    user: &'a str,
    address: &'a str,
    profile_uuid: String,
    account_uuid: String,
    incoming: Server,
    outgoing: Server,
}

/// A profile that adds the account to the mail program of macOS and iOS (payload `com.apple.mail.managed`).
pub(crate) fn apple(
    settings: &MailSettings,
    address: &Address,
    asked: Option<&str>,
) -> Result<String, ManagementError> {
    let address = address.to_string();
    Profile {
        user: settings.user.as_str(),
        address: &address,
        profile_uuid: uuid("profile", &address),
        account_uuid: uuid("account", &address),
        incoming: Server::of(settings.pop3, settings.pop3_tls, asked),
        outgoing: Server::of(settings.smtp, settings.smtp_tls, asked),
    }
    .render()
    .map_err(not_made)
}

fn not_made(error: askama::Error) -> ManagementError {
    ManagementError::Internal(format!("the settings of the mail program cannot be written: {error}"))
}

/// A UUID of version 8 (RFC 9562 section 5.8) made of an account's address: the same profile again replaces the old one.
fn uuid(what: &str, address: &str) -> String {
    let mut bytes = [0_u8; 16];
    let digest = Sha256::new().chain_update(what).chain_update([0]).chain_update(address).finalize();
    bytes.iter_mut().zip(digest).for_each(|(byte, hashed)| *byte = hashed);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode_upper(bytes);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> MailSettings {
        MailSettings {
            user: "anna".parse().unwrap(),
            smtp: "127.0.0.1:2525".parse().unwrap(),
            pop3: "[::1]:2626".parse().unwrap(),
            smtp_tls: false,
            pop3_tls: false,
            certificate: None,
            password_file: None,
        }
    }

    #[test]
    fn a_hostile_domain_stays_text() {
        let document = thunderbird("a\"><script>&'", &settings(), None).unwrap();
        assert!(document.contains("<domain>a&#34;&#62;&#60;script&#62;&#38;&#39;</domain>"), "{document}");
        assert!(document.contains("<hostname>::1</hostname>"));
    }

    #[test]
    fn a_gateway_on_all_addresses_is_named_as_it_was_asked() {
        let everywhere = MailSettings {
            smtp: "0.0.0.0:2525".parse().unwrap(),
            pop3: "[::]:2626".parse().unwrap(),
            ..settings()
        };
        let document = thunderbird("tox", &everywhere, Some("mail.home")).unwrap();
        assert_eq!(document.matches("<hostname>mail.home</hostname>").count(), 2, "{document}");
        let profile = apple(&everywhere, &"anna@tox".parse().unwrap(), Some("[fd00::1]")).unwrap();
        assert_eq!(profile.matches("<string>fd00::1</string>").count(), 2, "{profile}");
        assert!(!profile.contains("0.0.0.0"));
        // A server on one address is there, whatever the web page is called.
        assert!(
            thunderbird("tox", &settings(), Some("mail.home"))
                .unwrap()
                .contains("<hostname>127.0.0.1</hostname>")
        );
    }

    #[test]
    fn a_profile_keeps_its_identity() {
        let address = "anna@tox".parse().unwrap();
        assert_eq!(apple(&settings(), &address, None).unwrap(), apple(&settings(), &address, None).unwrap());
        let (one, other) = (uuid("profile", "anna@tox"), uuid("profile", "bob@tox"));
        assert_ne!(one, other);
        assert_eq!(one.as_bytes()[14], b'8');
        assert_eq!(one.len(), 36);
    }
}
