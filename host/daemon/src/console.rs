//! What the program says on standard output and standard error. Saying something never fails and, in a gateway, never
//! waits: a full disk, a reader that ended or one that does not read costs lines, which are counted, and nothing else.

use std::fmt::Arguments;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};

use crate::limits::{CONSOLE_LAST_TIME, CONSOLE_LINES};

static OUT: OnceLock<Lane> = OnceLock::new();
static ERROR: OnceLock<Lane> = OnceLock::new();

/// A line on standard output.
macro_rules! say {
    ($($text:tt)*) => { $crate::console::out(format_args!($($text)*)) };
}

/// A line on standard error.
macro_rules! complain {
    ($($text:tt)*) => { $crate::console::error(format_args!($($text)*)) };
}

pub(crate) use {complain, say};

/// From now on threads of their own write, and a panic is told on standard error.
///
/// # Errors
/// The system gives no threads.
pub fn start() -> io::Result<()> {
    let (out, error) = (Lane::start(io::stdout)?, Lane::start(io::stderr)?);
    // Set once, by `up`; a second call would change nothing.
    let _ = (OUT.set(out), ERROR.set(error));
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        complain!("thread `{}`: {panic}", thread.name().unwrap_or("unnamed"));
    }));
    Ok(())
}

/// Waits a moment until what was said is written.
pub fn finish() {
    for lane in [&OUT, &ERROR] {
        if let Some(lane) = lane.get() {
            lane.finish();
        }
    }
}

/// A line on standard output; [`say!`] is shorter.
pub fn out(text: Arguments<'_>) {
    tell(&OUT, &mut io::stdout(), text);
}

/// A line on standard error; [`complain!`] is shorter.
pub fn error(text: Arguments<'_>) {
    tell(&ERROR, &mut io::stderr(), text);
}

fn tell(lane: &OnceLock<Lane>, stream: &mut dyn Write, text: Arguments<'_>) {
    match lane.get() {
        Some(lane) => lane.send(format!("{text}\n").into_bytes()),
        // There is nowhere to say that it cannot be said.
        None => drop(writeln!(stream, "{text}")),
    }
}

/// Where the log goes.
pub struct Log;

impl Write for Log {
    /// Takes whole lines, as a log writes them.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match ERROR.get() {
            Some(lane) => lane.send(bytes.to_vec()),
            None => drop(io::stderr().write_all(bytes)),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Message {
    Lines(Vec<u8>),
    /// Everything before is written when the sender is dropped.
    Finish(#[allow(dead_code, reason = "only its end is waited for")] SyncSender<()>),
}

/// One stream and the thread that writes to it.
struct Lane {
    sender: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

impl Lane {
    fn start<W: Write + 'static>(stream: impl Fn() -> W + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(CONSOLE_LINES);
        let lost = Arc::new(AtomicU64::new(0));
        let theirs = Arc::clone(&lost);
        let builder = std::thread::Builder::new().name("console".to_owned());
        supervisor::kept_thread("console", builder, move || write(&receiver, &mut stream(), &theirs))?;
        Ok(Self { sender, lost })
    }

    fn send(&self, lines: Vec<u8>) {
        if let Err(TrySendError::Full(_)) = self.sender.try_send(Message::Lines(lines)) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn finish(&self) {
        let (done, wait) = sync_channel(0);
        if self.sender.try_send(Message::Finish(done)).is_ok() {
            // Dropped: all is written. Time is up: whoever reads does not.
            let _ = wait.recv_timeout(CONSOLE_LAST_TIME);
        }
    }
}

fn write(messages: &Receiver<Message>, stream: &mut dyn Write, lost: &AtomicU64) {
    while let Ok(message) = messages.recv() {
        supervisor::checkpoint("console");
        let Message::Lines(lines) = message else { continue };
        let before = lost.load(Ordering::Relaxed);
        let note =
            if before > 0 { format!("({before} lines could not be written here)\n") } else { String::new() };
        let written = stream.write_all(note.as_bytes()).and_then(|()| stream.write_all(&lines));
        match written.and_then(|()| stream.flush()) {
            Ok(()) => lost.fetch_sub(before, Ordering::Relaxed),
            Err(_) => lost.fetch_add(1, Ordering::Relaxed),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::AtomicBool;

    /// A stream that fails on order, as a full disk does.
    #[derive(Clone, Default)]
    struct Disk {
        is_full: Arc<AtomicBool>,
        text: Arc<Mutex<String>>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.is_full.load(Ordering::SeqCst) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.text.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_said_once_there_is_room() {
        let disk = Disk::default();
        let stream = disk.clone();
        let lane = Lane::start(move || stream.clone()).unwrap();
        disk.is_full.store(true, Ordering::SeqCst);
        lane.send(b"one\n".to_vec());
        lane.send(b"two\n".to_vec());
        lane.finish();
        disk.is_full.store(false, Ordering::SeqCst);
        lane.send(b"three\n".to_vec());
        lane.finish();
        assert_eq!(*disk.text.lock().unwrap(), "(2 lines could not be written here)\nthree\n");
    }

    /// A reader that was stopped (Ctrl-Z, a debugger): the pipe is full, and nobody waits for it.
    #[test]
    fn a_reader_who_does_not_read_costs_lines_and_no_time() {
        let (_reader, writer) = io::pipe().unwrap();
        let lane = Lane::start(move || writer.try_clone().unwrap()).unwrap();
        let line = vec![b'x'; 1_000];
        for _ in 0..2 * CONSOLE_LINES {
            lane.send(line.clone());
        }
        assert!(lane.lost.load(Ordering::Relaxed) > 0);
    }
}
