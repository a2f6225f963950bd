//! The same decision without a sandbox: as a function of this program, and as another process that is asked over a socket, which is what
//! mail servers do with milters.

use std::error::Error;
use std::hint::black_box;
use std::io::{BufReader, Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;

use mail::decision::policy::{Submission, SubmissionAnswer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::{CALLS, now, submission};

/// The argument that makes this program the other process.
pub const DECIDE: &str = "decide";

/// What the default policy decides.
#[inline(never)]
fn allow_submission(submission: &Submission) -> SubmissionAnswer {
    black_box(submission);
    SubmissionAnswer::Allow
}

/// The other process: questions and answers are JSON behind their length, one thread for each connection.
pub fn serve(socket: &str) -> Result<(), Box<dyn Error>> {
    let listener = UnixListener::bind(socket)?;
    for connection in listener.incoming() {
        let connection = connection?;
        thread::spawn(move || {
            let mut input = BufReader::new(&connection);
            let mut length = [0; 4];
            while input.read_exact(&mut length).is_ok() {
                let mut question = vec![0; u32::from_be_bytes(length) as usize];
                input.read_exact(&mut question).ok()?;
                let answer =
                    serde_json::to_vec(&allow_submission(&serde_json::from_slice(&question).ok()?)).ok()?;
                let length = u32::try_from(answer.len()).ok()?.to_be_bytes();
                (&connection).write_all(&[&length[..], &answer].concat()).ok()?;
            }
            Some(())
        });
    }
    Ok(())
}

async fn ask(socket: &Path, calls: u32) -> std::io::Result<()> {
    let mut connection = UnixStream::connect(socket).await?;
    let submission = submission();
    for _ in 0..calls {
        let question = serde_json::to_vec(&submission)?;
        let length = u32::try_from(question.len()).unwrap_or(0).to_be_bytes();
        connection.write_all(&[&length[..], &question].concat()).await?;
        let mut answer = vec![0; connection.read_u32().await? as usize];
        connection.read_exact(&mut answer).await?;
        black_box(serde_json::from_slice::<SubmissionAnswer>(&answer)?);
    }
    Ok(())
}

/// Ends with this program.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Measures both.
pub async fn measure(directory: &Path) -> Result<(), Box<dyn Error>> {
    let submission = submission();
    let begin = now();
    for _ in 0..CALLS {
        black_box(allow_submission(black_box(&submission)));
    }
    println!("native function           {:>10.2?}  one caller", begin.elapsed() / CALLS);
    let begin = now();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..CALLS {
                    black_box(allow_submission(black_box(&submission)));
                }
            });
        }
    });
    println!("native function           {:>10.2?}  four callers, each call", begin.elapsed() / CALLS / 4);

    let socket = directory.join("milter");
    let _process = Process(Command::new(std::env::current_exe()?).arg(DECIDE).arg(&socket).spawn()?);
    while !socket.exists() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    for (callers, name) in [(1, "one caller"), (4, "four callers, each call")] {
        let begin = now();
        let asked: Vec<_> = (0..callers)
            .map(|_| {
                let socket = socket.clone();
                tokio::spawn(async move { ask(&socket, CALLS).await })
            })
            .collect();
        for caller in asked {
            caller.await??;
        }
        println!("process, over a socket    {:>10.2?}  {name}", begin.elapsed() / CALLS / callers);
    }
    Ok(())
}
