//! Threads for scanning and stamps, below everything else in priority: mail traffic goes first.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use offline::ports::Workers;

/// How much nicer than the rest these threads are.
const NICER: i32 = 10;
/// Most threads: more than this many cores are never needed, and stamps would take them all.
const THREADS: usize = 4;

type Job = Box<dyn FnOnce() + Send>;

/// Some threads and their queue.
pub struct Threads(mpsc::Sender<Job>);

impl Threads {
    /// One thread for each core, up to four. They end with the last handle.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn start() -> io::Result<Self> {
        let (sender, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
        for number in 0..threads {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new().name(format!("drops-{number}")).spawn(move || work(&queue))?;
        }
        Ok(Self(sender))
    }
}

fn work(queue: &Mutex<mpsc::Receiver<Job>>) {
    if let Err(error) = rustix::process::nice(NICER) {
        tracing::debug!(%error, "scanning runs with ordinary priority");
    }
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(),
            Err(mpsc::RecvError) => return,
        }
    }
}

impl Workers for Threads {
    fn run(&self, job: Job) {
        // The threads live as long as this handle.
        let _always_taken = self.0.send(job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_run_beside_the_caller() {
        let threads = Threads::start().unwrap();
        let (sender, receiver) = mpsc::channel();
        for number in 0..100 {
            let sender = sender.clone();
            threads.run(Box::new(move || sender.send(number).unwrap()));
        }
        let mut done: Vec<i32> = receiver.iter().take(100).collect();
        done.sort_unstable();
        assert_eq!(done, (0..100).collect::<Vec<_>>());
    }
}
