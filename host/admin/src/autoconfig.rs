//! What mail programs of other kinds read to set themselves up: Thunderbird's autoconfig file (config version 1.1) and
//! Apple's configuration profile. Neither holds a secret; a mail program asks its user for the password.

use std::net::SocketAddr;

use mail::Address;
use sha2::{Digest as _, Sha256};

use crate::dto::MailSettings;

/// The user name that every account can log in with: Thunderbird fills in the address its user gave.
const USER: &str = "%EMAILADDRESS%";

/// The document at `/.well-known/autoconfig/mail/config-v1.1.xml`, for an address of this domain; `asked` is the name of the gateway in
/// the request.
pub(crate) fn thunderbird(domain: &str, settings: &MailSettings, asked: Option<&str>) -> String {
    let domain = escaped(domain);
    let incoming = server("incomingServer", "pop3", settings.pop3, settings.pop3_tls, asked);
    let outgoing = server("outgoingServer", "smtp", settings.smtp, settings.smtp_tls, asked);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <clientConfig version=\"1.1\">\n\
         \x20 <emailProvider id=\"{domain}\">\n\
         \x20   <domain>{domain}</domain>\n\
         \x20   <displayName>Toxmail</displayName>\n\
         \x20   <displayShortName>Toxmail</displayShortName>\n\
         {incoming}{outgoing}\
         \x20 </emailProvider>\n\
         </clientConfig>\n"
    )
}

fn server(element: &str, kind: &str, address: SocketAddr, tls: bool, asked: Option<&str>) -> String {
    let socket = if tls { "SSL" } else { "plain" };
    format!(
        "\x20   <{element} type=\"{kind}\">\n\
         \x20     <hostname>{}</hostname>\n\
         \x20     <port>{}</port>\n\
         \x20     <socketType>{socket}</socketType>\n\
         \x20     <username>{USER}</username>\n\
         \x20     <authentication>password-cleartext</authentication>\n\
         \x20   </{element}>\n",
        escaped(&MailSettings::host(address, asked)),
        address.port()
    )
}

/// A profile that adds the account to the mail program of macOS and iOS (payload `com.apple.mail.managed`).
pub(crate) fn apple(settings: &MailSettings, address: &Address, asked: Option<&str>) -> String {
    let (user, address) = (escaped(settings.user.as_str()), escaped(&address.to_string()));
    let host = |server: SocketAddr| escaped(&MailSettings::host(server, asked));
    let text = |key: &str, value: &str| format!("<key>{key}</key><string>{value}</string>\n");
    let number = |key: &str, value: u16| format!("<key>{key}</key><integer>{value}</integer>\n");
    let truth = |key: &str, value: bool| format!("<key>{key}</key><{value}/>\n");
    let mail = [
        text("PayloadType", "com.apple.mail.managed"),
        number("PayloadVersion", 1),
        text("PayloadIdentifier", &format!("tox.mail.{user}.account")),
        text("PayloadUUID", &uuid("account", &address)),
        text("PayloadDisplayName", "Toxmail"),
        text("EmailAccountType", "EmailTypePOP"),
        text("EmailAccountDescription", "Toxmail"),
        text("EmailAccountName", &user),
        text("EmailAddress", &address),
        text("IncomingMailServerAuthentication", "EmailAuthPassword"),
        text("IncomingMailServerHostName", &host(settings.pop3)),
        number("IncomingMailServerPortNumber", settings.pop3.port()),
        truth("IncomingMailServerUseSSL", settings.pop3_tls),
        text("IncomingMailServerUsername", &user),
        text("OutgoingMailServerAuthentication", "EmailAuthPassword"),
        text("OutgoingMailServerHostName", &host(settings.smtp)),
        number("OutgoingMailServerPortNumber", settings.smtp.port()),
        truth("OutgoingMailServerUseSSL", settings.smtp_tls),
        text("OutgoingMailServerUsername", &user),
        truth("OutgoingPasswordSameAsIncomingPassword", true),
    ]
    .concat();
    let profile = [
        text("PayloadType", "Configuration"),
        number("PayloadVersion", 1),
        text("PayloadIdentifier", &format!("tox.mail.{user}")),
        text("PayloadUUID", &uuid("profile", &address)),
        text("PayloadDisplayName", &format!("Toxmail ({user})")),
        text("PayloadDescription", "Adds the mail account of a Toxmail gateway on this machine."),
    ]
    .concat();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n{profile}\
         <key>PayloadContent</key>\n<array>\n<dict>\n{mail}</dict>\n</array>\n</dict>\n</plist>\n"
    )
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

/// Text between tags or in an attribute (XML 1.0 section 2.4).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            char => escaped.push(char),
        }
    }
    escaped
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
        let document = thunderbird("a\"><script>&'", &settings(), None);
        assert!(document.contains("<domain>a&quot;&gt;&lt;script&gt;&amp;&apos;</domain>"), "{document}");
        assert!(document.contains("<hostname>::1</hostname>"));
    }

    #[test]
    fn a_gateway_on_all_addresses_is_named_as_it_was_asked() {
        let everywhere = MailSettings {
            smtp: "0.0.0.0:2525".parse().unwrap(),
            pop3: "[::]:2626".parse().unwrap(),
            ..settings()
        };
        let document = thunderbird("tox", &everywhere, Some("mail.home"));
        assert_eq!(document.matches("<hostname>mail.home</hostname>").count(), 2, "{document}");
        let profile = apple(&everywhere, &"anna@tox".parse().unwrap(), Some("[fd00::1]"));
        assert_eq!(profile.matches("<string>fd00::1</string>").count(), 2, "{profile}");
        assert!(!profile.contains("0.0.0.0"));
        // A server on one address is there, whatever the web page is called.
        assert!(
            thunderbird("tox", &settings(), Some("mail.home")).contains("<hostname>127.0.0.1</hostname>")
        );
    }

    #[test]
    fn a_profile_keeps_its_identity() {
        let address = "anna@tox".parse().unwrap();
        assert_eq!(apple(&settings(), &address, None), apple(&settings(), &address, None));
        let (one, other) = (uuid("profile", "anna@tox"), uuid("profile", "bob@tox"));
        assert_ne!(one, other);
        assert_eq!(one.as_bytes()[14], b'8');
        assert_eq!(one.len(), 36);
    }
}
