//! SIGTERM, Ctrl-C and SIGHUP.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens for the signals that stop the gateway.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The process is asked to stop.
    Stop,
    /// The process is asked to read the configuration again.
    Reload,
}

impl Signals {
    /// Starts listening: from now on the signals no longer kill the process.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// What the next signal asks for.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hangup.recv() => Asked::Reload,
        }
    }

    /// Returns at the next signal to stop.
    pub async fn stop(&mut self) {
        while self.next().await != Asked::Stop {}
    }
}

/// Returns when this process is asked to end: by Ctrl-C, by SIGTERM, or because its terminal was closed.
///
/// # Errors
/// As the operating system says.
pub async fn end_asked() -> io::Result<()> {
    let mut signals = Signals::listen()?;
    signals.next().await;
    Ok(())
}
