//! Threads for scanning and stamps, below everything else in priority: mail traffic goes first.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use offline::ports::Workers;

use crate::limits::DROPS_THREADS;

/// How much nicer than the rest these threads are.
const NICER: i32 = 10;

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
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(DROPS_THREADS);
        for number in 0..threads {
            let queue = Arc::clone(&queue);
            let mut is_fresh = true;
            let builder = std::thread::Builder::new().name(format!("drops-{number}"));
            supervisor::kept_thread("drops", builder, move || {
                // Once: a thread that begins anew is nice already.
                if std::mem::take(&mut is_fresh) {
                    be_nice();
                }
                work(&queue);
            })?;
        }
        Ok(Self(sender))
    }
}

/// This thread alone.
fn be_nice() {
    if let Err(error) = rustix::process::nice(NICER) {
        tracing::debug!(%error, "scanning runs with ordinary priority");
    }
}

fn work(queue: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        supervisor::checkpoint("drops");
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            // Whoever waits for it finds its answer missing.
            Ok(job) => {
                let _counted = supervisor::attempt_now("drops-job", job);
            }
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

    #[test]
    fn jobs_run_with_lower_priority_on_few_threads() {
        let threads = Threads::start().unwrap();
        // On Linux each thread has a niceness of its own, 19 at most.
        let here = rustix::process::nice(0).unwrap();
        let (sender, receiver) = mpsc::channel();
        for _ in 0..100 {
            let sender = sender.clone();
            let job = move || {
                sender.send((rustix::process::nice(0).unwrap(), std::thread::current().id())).unwrap();
            };
            threads.run(Box::new(job));
        }
        let ran: Vec<_> = receiver.iter().take(100).collect();
        assert!(ran.iter().all(|(nice, _)| *nice == (here + NICER).min(19)), "{here}, then {ran:?}");
        let used: std::collections::HashSet<_> = ran.iter().map(|(_, thread)| *thread).collect();
        assert!(used.len() <= DROPS_THREADS && !used.contains(&std::thread::current().id()));
    }

    /// Mail on one thread of the runtime, while every thread for scanning is busy: each job waits until the mail is through.
    #[tokio::test]
    async fn the_runtime_serves_mail_while_all_threads_scan() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        const DEADLINE: std::time::Duration = std::time::Duration::from_secs(60);
        let threads = Threads::start().unwrap();
        let through = Arc::new((Mutex::new(false), std::sync::Condvar::new()));
        let (sender, receiver) = mpsc::channel();
        for _ in 0..2 * DROPS_THREADS {
            let (through, sender) = (Arc::clone(&through), sender.clone());
            let job = move || {
                let waiting = through.1.wait_timeout_while(through.0.lock().unwrap(), DEADLINE, |is| !*is);
                sender.send(!waiting.unwrap().1.timed_out()).unwrap();
            };
            threads.run(Box::new(job));
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut read, mut write) = stream.split();
            tokio::io::copy(&mut read, &mut write).await.unwrap();
        });
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        for number in 0..500_u32 {
            client.write_all(&number.to_le_bytes()).await.unwrap();
            let mut echo = [0; 4];
            client.read_exact(&mut echo).await.unwrap();
            assert_eq!(u32::from_le_bytes(echo), number);
        }
        assert!(receiver.try_recv().is_err(), "all of them still wait");
        *through.0.lock().unwrap() = true;
        through.1.notify_all();
        assert!(receiver.iter().take(2 * DROPS_THREADS).all(|in_time| in_time));
    }
}
