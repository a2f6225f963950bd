//! The files themselves.

use admin::dto::MailSettings;

use super::MailAccount;

/// Mails lie in this Maildir, whichever program fetches them.
const MAILDIR: &str = "~/Mail/toxmail";

/// For mutt 2: reads, fetches with `G`, sends.
pub(super) fn mutt(account: &MailAccount, password_file: &str) -> String {
    let MailSettings { user, smtp, pop3 } = &account.settings;
    format!(
        "# Toxmail in mutt: a part of ~/.muttrc. Fetch mail with G.\n\
         # Both connections stay on this machine, which is why they need no TLS.\n\
         set from = \"{address}\"\n\
         set use_from = yes\n\
         set smtp_url = \"smtp://{user}@{smtp}/\"\n\
         set smtp_pass = \"`cat '{password_file}'`\"\n\
         set smtp_authenticators = \"plain\"\n\
         set pop_host = \"pop://{user}@{pop3}/\"\n\
         set pop_pass = \"`cat '{password_file}'`\"\n\
         set pop_authenticators = \"user\"\n\
         set pop_delete = yes\n\
         set ssl_starttls = no\n\
         set ssl_force_tls = no\n\
         set mbox_type = Maildir\n\
         set folder = \"~/Mail\"\n\
         set spoolfile = \"{MAILDIR}\"\n",
        address = account.address,
    )
}

/// For msmtp: sends.
pub(super) fn msmtp(account: &MailAccount, password_file: &str) -> String {
    let MailSettings { user, smtp, .. } = &account.settings;
    format!(
        "# Toxmail in msmtp: ~/.msmtprc. The connection stays on this machine, which is why it needs no TLS.\n\
         account toxmail\n\
         host {host}\n\
         port {port}\n\
         tls off\n\
         auth plain\n\
         user {user}\n\
         passwordeval \"cat '{password_file}'\"\n\
         from {address}\n\
         account default : toxmail\n",
        host = smtp.ip(),
        port = smtp.port(),
        address = account.address,
    )
}

/// For mpop: fetches.
pub(super) fn mpop(account: &MailAccount, password_file: &str) -> String {
    let MailSettings { user, pop3, .. } = &account.settings;
    format!(
        "# Toxmail in mpop: ~/.mpoprc. The connection stays on this machine, which is why it needs no TLS.\n\
         # Once: mkdir -p {MAILDIR}/cur {MAILDIR}/new {MAILDIR}/tmp\n\
         account toxmail\n\
         host {host}\n\
         port {port}\n\
         tls off\n\
         auth plain\n\
         user {user}\n\
         passwordeval \"cat '{password_file}'\"\n\
         keep off\n\
         delivery maildir {MAILDIR}\n\
         account default : toxmail\n",
        host = pop3.ip(),
        port = pop3.port(),
    )
}

/// For fetchmail: fetches.
pub(super) fn fetchmail(account: &MailAccount, password: &str) -> String {
    let MailSettings { user, pop3, .. } = &account.settings;
    let quoted: String = password
        .chars()
        .flat_map(|char| [Some('\\').filter(|_| "\"\\".contains(char)), Some(char)])
        .flatten()
        .collect();
    format!(
        "# Toxmail in fetchmail: ~/.fetchmailrc. It holds the password: chmod 600 ~/.fetchmailrc\n\
         # The connection stays on this machine, which is why it needs no TLS.\n\
         # Once: mkdir -p {MAILDIR}/cur {MAILDIR}/new {MAILDIR}/tmp\n\
         poll {host} protocol pop3 port {port} auth password\n\
         \x20 user \"{user}\" password \"{quoted}\" sslproto ''\n\
         \x20 mda \"f=$(mktemp {MAILDIR}/tmp/XXXXXXXXXX) && cat > $f && mv $f {MAILDIR}/new/\"\n",
        host = pop3.ip(),
        port = pop3.port(),
    )
}

/// For every other one.
pub(super) fn general(settings: &MailSettings, address: &str, web: &str) -> String {
    format!(
        "In any mail program:\n\
         \x20 outgoing mail   SMTP, {smtp}, no encryption (it stays on this machine), password\n\
         \x20 incoming mail   POP3, {pop3}, no encryption\n\
         \x20 user name       {user}\n\
         \x20 mail address    {address}\n\
         Thunderbird finds this by itself at http://{web}/.well-known/autoconfig/mail/config-v1.1.xml\n\
         Apple Mail takes a profile: http://{web}/api/v1/mail-settings/apple (log in at http://{web}/ first)\n\
         Ready files: toxmail mailclient mutt, msmtp, mpop, fetchmail or all\n",
        smtp = settings.smtp,
        pop3 = settings.pop3,
        user = settings.user,
    )
}
