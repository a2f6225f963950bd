//! What a person sees when the gateway is ready.

use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;

use super::qr;
use crate::console::say;
use cli::ready::Ready;

/// Says where mail programs connect, and what to do next.
pub fn print(ready: &Ready, is_new: bool, has_nodes: bool) {
    if ready.smtp.is_empty() {
        relay(ready);
    } else {
        gateway(ready, is_new);
    }
    if !has_nodes {
        say!(
            "\nNo Tox node is known: nobody can be reached. Name one with --bootstrap HOST:PORT:KEY, or start without"
        );
        say!("--no-public-bootstrap.");
    }
}

fn relay(ready: &Ready) {
    say!("The drop relay is served. Give its address to those who may use it:");
    say!("  address         {}", ready.relay_address.clone().unwrap_or_default());
    say!("  web page        http://{}/ (user name {})", ready.admin, ready.account);
    say!("  password        in {}", ready.password_file.display());
    say!(
        "\n`toxmail relay list` shows what it holds, `toxmail relay invite` creates an invitation; name the same --data"
    );
    say!(
        "directory as here, if you named one. Connecting to Tox takes some seconds; `toxmail status` shows it."
    );
}

fn gateway(ready: &Ready, is_new: bool) {
    if is_new {
        say!("A new mail account was made. Enter this in your mail program:");
    } else {
        say!("Toxmail {} is ready.", ready.version);
    }
    say!("  outgoing mail   SMTP {}, {}, password", ready.smtp, encryption(&ready.smtp));
    say!("  incoming mail   POP3 {}, {}", ready.pop3, encryption(&ready.pop3));
    say!("  user name       {}", ready.account);
    say!("  password        in {}", ready.password_file.display());
    match &ready.tox_id {
        Some(id) => say!("  mail address    {}@tox", id.to_string().to_lowercase()),
        None => say!("  mail address    none: the stored Tox identity is damaged, see `toxmail status`"),
    }
    let scheme = if ready.admin_certificate_file.is_some() { "https" } else { "http" };
    say!("  web page        {scheme}://{}/ (the same user name and password)", ready.admin);
    if let Some(address) = &ready.relay_address {
        say!("  drop relay      {address}");
    }
    if is_new {
        say!("\nGive that address to a friend who runs Toxmail too, and add theirs:");
        say!("  toxmail contact add ALIAS TOX-ID");
        say!("Then write to ALIAS@tox. Ready files for mutt, msmtp, mpop and fetchmail: toxmail mailclient");
    }
    if io::stdout().is_terminal()
        && let Some(id) = ready.tox_id
        && let Some(code) = qr::on_terminal(&format!("tox:{id}"))
    {
        say!("\nThe same for the camera of a phone (toxmail id --link):\n{code}");
    }
}

/// The encryption to enter in a mail program for an address.
fn encryption(address: &str) -> &'static str {
    let is_loopback = address.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback());
    if is_loopback {
        "no encryption (it stays on this machine), or STARTTLS"
    } else {
        "TLS (SSL), not STARTTLS"
    }
}
