//! A protocol of a few words, and a server that speaks it.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use listener::testing::{self, Client};
use listener::{Conversation, Interruption, Listener, Next, Settings, Stopped, unless_stopped};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub const IDLE: Duration = Duration::from_secs(60);

/// Output after which a client has to read before its commands go on.
const OUTPUT_BYTES: usize = 64 * 1024;

/// What the conversations do, as seen from outside.
#[derive(Debug, Default)]
pub struct Events {
    pub released: AtomicUsize,
    /// Woken when a conversation is released.
    pub release: Notify,
    /// Woken when `save` begins; it goes on when `go_on` is.
    pub saving: Notify,
    pub go_on: Notify,
    pub saved: AtomicUsize,
}

/// Says every line back with a plus before it. These mean more: `login`, `hang` (asks for what never comes), `save` (waits for
/// [`Events::go_on`], not cut off by a stop), `mute` (timeouts are no longer told), `fill` (a long reply), `panic`, `quit`.
struct Words {
    events: Arc<Events>,
    authenticated: bool,
    progress: u64,
    mute: bool,
    closed: bool,
}

pub enum Question {
    Login,
    Hang,
    Save,
}

impl Words {
    fn say(&mut self, text: &str, output: &mut BytesMut) {
        output.extend_from_slice(format!("{text}\r\n").as_bytes());
    }

    fn word(&mut self, word: &str, output: &mut BytesMut) -> Option<Question> {
        match word {
            "login" => return Some(Question::Login),
            "hang" => return Some(Question::Hang),
            "save" => return Some(Question::Save),
            "fill" => self.say(&"x".repeat(1000), output),
            "panic" => panic!("the protocol is broken"),
            "mute" => self.mute = true,
            "quit" => {
                self.closed = true;
                self.say("bye", output);
            }
            word => self.say(&format!("+{word}"), output),
        }
        None
    }
}

impl Conversation for Words {
    type Question = Question;

    fn greet(&mut self, output: &mut BytesMut) {
        self.say("hello", output);
    }

    fn next(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Next<Question> {
        loop {
            if self.closed {
                return Next::Close;
            }
            if output.len() >= OUTPUT_BYTES {
                return Next::Flush;
            }
            let Some(end) = input.windows(2).position(|pair| pair == b"\r\n") else {
                return Next::Read;
            };
            self.progress += 1;
            let line = input.split_to(end + 2);
            let word = str::from_utf8(&line).expect("tests send UTF-8").trim_end();
            if let Some(question) = self.word(word, output) {
                return Next::Ask(question);
            }
        }
    }

    async fn ask(
        &mut self,
        question: Question,
        cancel: &CancellationToken,
        output: &mut BytesMut,
    ) -> Result<(), Stopped> {
        match question {
            Question::Login => {
                self.authenticated = true;
                self.say("welcome", output);
            }
            Question::Hang => unless_stopped(cancel, std::future::pending::<()>()).await?,
            Question::Save => {
                self.events.saving.notify_one();
                self.events.go_on.notified().await;
                self.events.saved.fetch_add(1, Ordering::SeqCst);
                self.say("saved", output);
            }
        }
        Ok(())
    }

    fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    fn progress(&self) -> u64 {
        self.progress
    }

    fn release(&mut self) {
        self.events.released.fetch_add(1, Ordering::SeqCst);
        self.events.release.notify_one();
    }

    fn interrupt(&mut self, why: Interruption, output: &mut BytesMut) -> bool {
        match why {
            Interruption::TimedOut if self.mute => return false,
            Interruption::TimedOut => self.say("too late", output),
            Interruption::Displaced => self.say("make room", output),
            Interruption::Stopped => self.say("stopping", output),
        }
        true
    }
}

/// The server and what its conversations do.
pub struct Running {
    server: testing::Running,
    pub events: Arc<Events>,
}

impl Deref for Running {
    type Target = testing::Running;

    fn deref(&self) -> &testing::Running {
        &self.server
    }
}

impl Running {
    pub async fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            task: "test",
            session_task: "test-session",
            idle_timeout: IDLE,
            max_sessions: 20,
            max_unauthenticated: 10,
            too_many_sessions: "full".into(),
            too_many_unauthenticated: "full of strangers".into(),
        };
        change(&mut settings);
        let events = Arc::new(Events::default());
        let shared = Arc::clone(&events);
        let server = testing::Running::start(|listener, clock, cancel| {
            let begin = move |_| {
                let events = Arc::clone(&shared);
                let words = Words { events, authenticated: false, progress: 0, mute: false, closed: false };
                (words, tracing::Span::none())
            };
            Listener::new(listener, settings, clock).run(begin, cancel)
        })
        .await;
        Self { server, events }
    }

    /// A client after greeting and login.
    pub async fn login(&self) -> Client {
        let mut client = self.connect().await;
        client.expect("hello").await;
        client.ask("login", "welcome").await;
        client
    }

    pub async fn wait_until_released(&self, count: usize) {
        testing::soon(async {
            while self.events.released.load(Ordering::SeqCst) < count {
                self.events.release.notified().await;
            }
        })
        .await;
    }

    pub async fn stopped(self) {
        self.server.stopped().await;
    }
}
