//! What a person sees when the gateway is ready.

use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;

use super::qr;
use crate::cli::ready::Ready;

/// Says where mail programs connect, and what to do next.
pub fn print(ready: &Ready, is_new: bool, has_nodes: bool) {
    if ready.smtp.is_empty() {
        relay(ready);
    } else {
        gateway(ready, is_new);
    }
    if !has_nodes {
        println!(
            "\nNo Tox node is known: nobody can be reached. Name one with --bootstrap HOST:PORT:KEY, or start without"
        );
        println!("--no-public-bootstrap.");
    }
}

fn relay(ready: &Ready) {
    println!("The drop relay is served. Give its address to those who may use it:");
    println!("  address         {}", ready.relay_address.clone().unwrap_or_default());
    println!("  web page        http://{}/ (user name {})", ready.admin, ready.account);
    println!("  password        in {}", ready.password_file.display());
    println!(
        "\n`toxmail relay list` shows what it holds, `toxmail relay invite` makes an invitation; name the same --data"
    );
    println!(
        "directory as here, if you named one. Connecting to Tox takes some seconds; `toxmail status` shows it."
    );
}

fn gateway(ready: &Ready, is_new: bool) {
    if is_new {
        println!("A new mail account was made. Enter this in your mail program:");
    } else {
        println!("Toxmail {} is ready.", ready.version);
    }
    println!("  outgoing mail   SMTP {}, {}, password", ready.smtp, encryption(&ready.smtp));
    println!("  incoming mail   POP3 {}, {}", ready.pop3, encryption(&ready.pop3));
    println!("  user name       {}", ready.account);
    println!("  password        in {}", ready.password_file.display());
    println!("  mail address    {}@tox", ready.tox_id.to_string().to_lowercase());
    let scheme = if ready.admin_certificate_file.is_some() { "https" } else { "http" };
    println!("  web page        {scheme}://{}/ (the same user name and password)", ready.admin);
    if let Some(address) = &ready.relay_address {
        println!("  drop relay      {address}");
    }
    if is_new {
        println!("\nGive that address to a friend who runs Toxmail too, and add theirs:");
        println!("  toxmail contact add ALIAS TOX-ID");
        println!(
            "Then write to ALIAS@tox. Ready files for mutt, msmtp, mpop and fetchmail: toxmail mailclient"
        );
    }
    if io::stdout().is_terminal()
        && let Some(code) = qr::on_terminal(&format!("tox:{}", ready.tox_id))
    {
        println!("\nThe same for the camera of a phone (toxmail id --link):\n{code}");
    }
}

/// What a mail program is to be told about an address.
fn encryption(address: &str) -> &'static str {
    let is_loopback = address.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback());
    if is_loopback { "no encryption (it stays on this machine)" } else { "TLS (SSL), not STARTTLS" }
}
