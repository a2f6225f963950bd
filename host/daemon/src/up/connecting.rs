//! Messages while Tox connects.

use std::sync::Arc;
use std::time::Duration;

use mail::{AccountName, Clock};
use tox::Connection;

use crate::console::say;
use net::ToxNetwork;

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Seconds without connection after which a message is logged.
const STEPS: [(u64, &str); 4] = [
    (5, "still connecting: nodes are asked for the way into the network"),
    (15, "still connecting: this takes up to half a minute on a slow line"),
    (
        30,
        "not connected yet: is this machine on the Internet? A firewall may block UDP; Tox TCP relays are tried too",
    ),
    (
        120,
        "not connected: check the network, or name another node with --bootstrap HOST:PORT:KEY; it is tried on, and mail waits in the outbox",
    ),
];

/// Says how connecting goes, until the account is connected.
pub async fn tell(network: Arc<ToxNetwork>, account: AccountName, clock: Arc<dyn Clock>) {
    let start = clock.monotonic();
    say!("Connecting to Tox through {} nodes ...", network.nodes());
    let mut steps = STEPS.into_iter().peekable();
    loop {
        let seconds = clock.monotonic().since(start).as_secs();
        if let Some(how) = how(network.connection(&account)) {
            say!("Connected to Tox after {seconds} s ({how}). `toxmail status` shows who else is online.");
            return;
        }
        if let Some((after, text)) = steps.next_if(|(after, _)| *after <= seconds) {
            say!("  {after} s: {text}");
        }
        clock.sleep(LOOK_EVERY).await;
    }
}

fn how(connection: Connection) -> Option<&'static str> {
    match connection {
        Connection::None => None,
        Connection::Udp => Some("directly"),
        Connection::Tcp => Some("through Tox TCP relays"),
    }
}
