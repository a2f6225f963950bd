//! Telling the service manager how it goes (systemd, sd_notify(3)).

use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The way to the service manager; without a service manager nothing is sent.
pub struct Notify {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Notify {
    /// As the environment says: `NOTIFY_SOCKET`, and for the watchdog `WATCHDOG_USEC` and `WATCHDOG_PID`.
    pub fn from_environment() -> Self {
        let text = |name| std::env::var_os(name).and_then(|value| value.into_string().ok());
        Self::new(std::env::var_os("NOTIFY_SOCKET"), text("WATCHDOG_USEC"), text("WATCHDOG_PID"))
    }

    fn new(socket: Option<OsString>, microseconds: Option<String>, pid: Option<String>) -> Self {
        let is_for_us = pid.is_none_or(|pid| pid.parse() == Ok(std::process::id()));
        let time = microseconds.and_then(|text| text.parse().ok()).filter(|time| *time > 0 && is_for_us);
        let socket = socket.and_then(|name| {
            let address = match name.as_bytes().strip_prefix(b"@") {
                Some(name) => SocketAddr::from_abstract_name(name),
                None => SocketAddr::from_pathname(&name),
            };
            let made = address.and_then(|address| Ok((UnixDatagram::unbound()?, address)));
            made.inspect_err(|error| tracing::warn!(%error, "the service manager cannot be told anything"))
                .ok()
        });
        Self { socket, watchdog: time.map(Duration::from_micros) }
    }

    /// How often [`Self::alive`] has to be called: twice within the time the service manager waits.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog.filter(|_| self.socket.is_some()).map(|time| time / 2)
    }

    /// Everything listens.
    pub fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={status}"));
    }

    /// It stops.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// It lives.
    pub fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    fn send(&self, text: &str) {
        if let Some((socket, address)) = &self.socket
            && let Err(error) = socket.send_to_addr(text.as_bytes(), address)
        {
            tracing::warn!(%error, "the service manager was not told");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_hears_it() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("socket");
        let manager = UnixDatagram::bind(&path).unwrap();
        let pid = std::process::id().to_string();
        let notify = Notify::new(Some(path.into()), Some("3000000".to_owned()), Some(pid));
        assert_eq!(notify.watchdog(), Some(Duration::from_millis(1500)));
        notify.ready("fine");
        notify.alive();
        let mut text = [0; 100];
        let length = manager.recv(&mut text).unwrap();
        assert_eq!(&text[..length], b"READY=1\nSTATUS=fine");
        let length = manager.recv(&mut text).unwrap();
        assert_eq!(&text[..length], b"WATCHDOG=1");
    }

    #[test]
    fn the_watchdog_of_another_process_is_not_ours() {
        let notify = Notify::new(Some("/nowhere".into()), Some("1000".to_owned()), Some("1".to_owned()));
        assert_eq!(notify.watchdog(), None);
        // Nobody there: nothing happens.
        Notify::new(None, None, None).ready("x");
    }
}
