//! Ready configuration for mail programs: what `toxmail mailclient` prints and the dashboard shows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::dto::MailSettings;

/// The Maildir for mails, whichever program fetches them.
const MAILDIR: &str = "~/Mail/toxmail";

/// Why a connection has TLS or has none, for a comment.
fn reason(tls: bool) -> &'static str {
    if tls {
        "TLS begins with the connection."
    } else {
        "It stays on this machine, which is why it needs no TLS."
    }
}

/// The certificate, if there is TLS.
fn certificate(settings: &MailSettings) -> &str {
    settings.certificate.as_deref().unwrap_or_default()
}

/// Where a program on this machine connects: a listener on all addresses is reached on loopback.
fn place(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// TLS for msmtp and mpop.
fn tls_lines(settings: &MailSettings, tls: bool) -> String {
    if tls {
        format!("tls on\ntls_starttls off\ntls_trust_file {}\n", certificate(settings))
    } else {
        "tls off\n".to_owned()
    }
}

/// For mutt 2, a part of `~/.muttrc`: reads, fetches with `G`, sends. The password is in the first line of a file.
#[must_use]
pub fn mutt(settings: &MailSettings, address: &str, password_file: &str) -> String {
    let (user, smtp, pop3) = (&settings.user, place(settings.smtp), place(settings.pop3));
    let scheme = |name: &str, tls: bool| if tls { format!("{name}s") } else { name.to_owned() };
    let trust = match &settings.certificate {
        Some(certificate) => format!("set certificate_file = \"{certificate}\"\n"),
        None => String::new(),
    };
    format!(
        "# Toxmail in mutt: a part of ~/.muttrc. Fetch mail with G.\n\
         # {reason}\n\
         set from = \"{address}\"\n\
         set use_from = yes\n\
         set smtp_url = \"{smtp_scheme}://{user}@{smtp}/\"\n\
         set smtp_pass = \"`cat '{password_file}'`\"\n\
         set smtp_authenticators = \"plain\"\n\
         set pop_host = \"{pop_scheme}://{user}@{pop3}/\"\n\
         set pop_pass = \"`cat '{password_file}'`\"\n\
         set pop_authenticators = \"user\"\n\
         set pop_delete = yes\n\
         set ssl_starttls = no\n\
         set ssl_force_tls = no\n{trust}\
         set mbox_type = Maildir\n\
         set folder = \"~/Mail\"\n\
         set spoolfile = \"{MAILDIR}\"\n",
        reason = reason(settings.smtp_tls || settings.pop3_tls),
        smtp_scheme = scheme("smtp", settings.smtp_tls),
        pop_scheme = scheme("pop", settings.pop3_tls),
    )
}

/// For msmtp, `~/.msmtprc`: sends. The password is in the first line of a file.
#[must_use]
pub fn msmtp(settings: &MailSettings, address: &str, password_file: &str) -> String {
    let (user, smtp) = (&settings.user, place(settings.smtp));
    format!(
        "# Toxmail in msmtp: ~/.msmtprc. {reason}\n\
         account toxmail\n\
         host {host}\n\
         port {port}\n\
         {tls}\
         auth plain\n\
         user {user}\n\
         passwordeval \"cat '{password_file}'\"\n\
         from {address}\n\
         account default : toxmail\n",
        host = smtp.ip(),
        port = smtp.port(),
        reason = reason(settings.smtp_tls),
        tls = tls_lines(settings, settings.smtp_tls),
    )
}

/// For mpop, `~/.mpoprc`: fetches. The password is in the first line of a file.
#[must_use]
pub fn mpop(settings: &MailSettings, password_file: &str) -> String {
    let (user, pop3) = (&settings.user, place(settings.pop3));
    format!(
        "# Toxmail in mpop: ~/.mpoprc. {reason}\n\
         # Once: mkdir -p {MAILDIR}/cur {MAILDIR}/new {MAILDIR}/tmp\n\
         account toxmail\n\
         host {host}\n\
         port {port}\n\
         {tls}\
         auth plain\n\
         user {user}\n\
         passwordeval \"cat '{password_file}'\"\n\
         keep off\n\
         delivery maildir {MAILDIR}\n\
         account default : toxmail\n",
        host = pop3.ip(),
        port = pop3.port(),
        reason = reason(settings.pop3_tls),
        tls = tls_lines(settings, settings.pop3_tls),
    )
}

/// For fetchmail, `~/.fetchmailrc`: fetches. It holds the password itself.
#[must_use]
pub fn fetchmail(settings: &MailSettings, password: &str) -> String {
    let (user, pop3) = (&settings.user, place(settings.pop3));
    let tls = if settings.pop3_tls {
        // fetchmail looks for names in a certificate, not for addresses; one made here has this name.
        format!("ssl sslcertck sslcommonname \"localhost\" sslcertfile '{}'", certificate(settings))
    } else {
        "sslproto ''".to_owned()
    };
    let quoted: String = password
        .chars()
        .flat_map(|char| [Some('\\').filter(|_| "\"\\".contains(char)), Some(char)])
        .flatten()
        .collect();
    format!(
        "# Toxmail in fetchmail: ~/.fetchmailrc. It holds the password: chmod 600 ~/.fetchmailrc\n\
         # {reason}\n\
         # Once: mkdir -p {MAILDIR}/cur {MAILDIR}/new {MAILDIR}/tmp\n\
         poll {host} protocol pop3 port {port} auth password\n\
         \x20 user \"{user}\" password \"{quoted}\" {tls}\n\
         \x20 mda \"f=$(mktemp {MAILDIR}/tmp/XXXXXXXXXX) && cat > $f && mv $f {MAILDIR}/new/\"\n",
        host = pop3.ip(),
        port = pop3.port(),
        reason = reason(settings.pop3_tls),
    )
}

/// For every other mail program: what to enter by hand. `web` is the address of the dashboard.
#[must_use]
pub fn general(settings: &MailSettings, address: &str, web: &str) -> String {
    let encryption = |tls: bool| {
        if tls { "TLS (SSL), not STARTTLS" } else { "no encryption (it stays on this machine), or STARTTLS" }
    };
    format!(
        "In any mail program:\n\
         \x20 outgoing mail   SMTP, {smtp}, {smtp_encryption}, password\n\
         \x20 incoming mail   POP3, {pop3}, {pop3_encryption}\n\
         \x20 user name       {user}\n\
         \x20 mail address    {address}\n\
         Thunderbird finds this by itself at {web}/.well-known/autoconfig/mail/config-v1.1.xml\n\
         Apple Mail takes a profile: {web}/api/v1/mail-settings/apple (log in at {web}/ first)\n\
         Ready files: toxmail mailclient mutt, msmtp, mpop, fetchmail or all\n",
        smtp = settings.smtp,
        pop3 = settings.pop3,
        user = settings.user,
        smtp_encryption = encryption(settings.smtp_tls),
        pop3_encryption = encryption(settings.pop3_tls),
    )
}
