//! Telling the service manager how it goes (systemd, sd_notify(3)). Without a service manager nothing is sent.

use std::time::Duration;

use sd_notify::NotifyState;

/// Everything listens; `status` is one line for people.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// It stops.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// It lives.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// How often [`alive`] has to be called: twice within the time the service manager waits. None where it does not wait.
pub fn sign_of_life_every() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|time| time / 2).filter(|time| !time.is_zero())
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager was not told");
    }
}
