//! `toxmail up`: starts everything in order, says that it is ready, and stops everything.

mod connecting;
mod error;
mod history;
mod notify;
mod options;
mod qr;
mod welcome;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ::offline::OfflineMail;
use admin::{Access, EventLog, History, RecentLog, Token};
use gateway::Gateway;
use gateway::ports::Network as _;
use mail::Clock;
use mail::storage::People as _;
use sandbox::{Capabilities, Engine, Library, Sandbox, Trust};
use store::Store;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::fmt::writer::MakeWriterExt as _;

use crate::accounts::Accounts;
use crate::adapters::decisions::{
    Attempts, ComponentDecisions, GatewayContacts, GatewayDns, StoredDecisions, StoredSlots, StoredState,
    adopt_state, configuration,
};
use crate::adapters::events::PublishedEvents;
use crate::adapters::management::{GatewayManagement, Imports};
use crate::adapters::offline::{self, Parts};
use crate::adapters::pop3::MailboxBackend;
use crate::adapters::random::SystemRandom;
use crate::adapters::smtp::SubmissionBackend;
use crate::compiler::compiler;
use crate::config::Unfiltered;
use crate::console::{self, complain};
use crate::limits::STOP_TIME;
use crate::logins::Logins;
use crate::passwords::Passwords;
use crate::relays::Relays;
use crate::reload::Reloader;
use crate::signals;
use crate::tls::Tls;
use cli::args::{Common, Up};
use cli::ready::{Ready, ReadyAccount};
use clock::SystemClock;
use net::ToxNetwork;

use error::UpError;
use options::Options;

/// For the tests of this project: a directory in which they order tasks to fail. A program that was not built for tests does
/// not start with it.
const FAULTS: &str = "TOXMAIL_TEST_FAULTS";

/// Runs the gateway until it is told to stop.
pub async fn run(arguments: Up, common: &Common) -> ExitCode {
    let log = RecentLog::default();
    let started = console::start().map_err(UpError::Console);
    start_log(&log);
    let served = match started {
        Ok(()) => serve(arguments, common, log).await,
        Err(error) => Err(error),
    };
    let code = match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain!("toxmail: {error}");
            ExitCode::FAILURE
        }
    };
    console::finish();
    code
}

/// To standard error, and the end of it to who looks from a browser.
fn start_log(recent: &RecentLog) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("TOXMAIL_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let recent = recent.clone();
    let writer = (|| console::Log).and(move || recent.clone());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(writer);
    log.log_internal_errors(false).init();
}

async fn serve(arguments: Up, common: &Common, log: RecentLog) -> Result<(), UpError> {
    let signals = signals::Signals::listen().map_err(UpError::Signals)?;
    if let Some(directory) = std::env::var_os(FAULTS) {
        supervisor::watch_faults(Path::new(&directory)).map_err(UpError::Faults)?;
    }
    let options = Options::read(arguments, common).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    // Listeners first: a taken port is said before anything is made.
    let listeners = Listeners::open(&options).await?;
    let store = Store::open(options.directory.path(), store::OpenOptions::new(Arc::clone(&clock)))?;
    let served = start(&options, listeners, &store, clock, signals, log).await;
    // The store is closed last, whatever happened: everything else may still want to write.
    let closing = store.clone();
    if let Err(error) = supervisor::blocking("store-close", move || closing.close()).await {
        tracing::error!(%error, "the store was not closed");
    }
    served
}

/// The listeners; a gateway that only serves a drop relay has none for mail programs.
struct Listeners {
    mail: Option<(TcpListener, TcpListener)>,
    admin: TcpListener,
}

impl Listeners {
    async fn open(options: &Options) -> Result<Self, UpError> {
        options.check_addresses()?;
        let mail = if options.relay_only {
            None
        } else {
            let smtp = listen("SMTP", "--smtp", options.listen.smtp).await?;
            Some((smtp, listen("POP3", "--pop3", options.listen.pop3).await?))
        };
        Ok(Self { mail, admin: listen("web", "--admin", options.listen.admin).await? })
    }

    /// TLS, if one of them can be reached from elsewhere.
    fn tls(&self, options: &Options) -> Result<Option<Tls>, UpError> {
        let addresses = self.addresses().map_err(UpError::Addresses)?;
        let mail = addresses.mail.into_iter().flat_map(|(smtp, pop3)| [smtp, pop3]);
        let beyond: Vec<SocketAddr> =
            mail.chain([addresses.admin]).filter(|address| is_beyond(*address)).collect();
        if beyond.is_empty() {
            return Ok(None);
        }
        let bound = beyond.iter().map(|address| address.ip()).filter(|ip| !ip.is_unspecified());
        let config = &options.config.tls;
        let names = config.names.iter().cloned().chain(bound.map(|ip| ip.to_string()));
        let (certificate, key) = (config.certificate.as_deref(), config.key.as_deref());
        let names: Vec<String> = names.collect();
        Ok(Some(Tls::load(&options.directory, certificate, key, &names)?))
    }

    fn addresses(&self) -> io::Result<Addresses> {
        let mail = match &self.mail {
            Some((smtp, pop3)) => Some((smtp.local_addr()?, pop3.local_addr()?)),
            None => None,
        };
        Ok(Addresses { mail, admin: self.admin.local_addr()? })
    }
}

/// Whether others can reach it: then it is over TLS.
fn is_beyond(address: SocketAddr) -> bool {
    !address.ip().is_loopback()
}

/// Where they listen.
#[derive(Clone, Copy)]
struct Addresses {
    /// SMTP and POP3.
    mail: Option<(SocketAddr, SocketAddr)>,
    admin: SocketAddr,
}

async fn listen(
    name: &'static str,
    option: &'static str,
    address: SocketAddr,
) -> Result<TcpListener, UpError> {
    TcpListener::bind(address).await.map_err(|error| UpError::Listen { name, option, address, error })
}

async fn start(
    options: &Options,
    listeners: Listeners,
    store: &Store,
    clock: Arc<dyn Clock>,
    signals: signals::Signals,
    log: RecentLog,
) -> Result<(), UpError> {
    let web = listeners.addresses().map_err(UpError::Addresses)?.admin;
    let events = EventLog::new(Arc::clone(&clock));
    let history = history::open(store, &clock).await?;
    let network = ToxNetwork::new(options.network(), Arc::new(store.clone()), Arc::clone(&clock));
    let accounts = Arc::new(Accounts {
        store: store.clone(),
        network: Arc::clone(&network),
        passwords: Arc::new(Passwords::new()),
        directory: options.directory.clone(),
        clock: Arc::clone(&clock),
        welcome: if options.welcome { Some(web) } else { None },
        changing: Mutex::default(),
    });
    let is_new = accounts.make_first(!options.relay_only).await?;
    if !options.relay_only {
        accounts.start_all().await?;
    }

    let keep_words = Arc::new(AtomicBool::new(options.config.components.keep_words));
    let recorder = StoredDecisions {
        store: store.clone(),
        history: history.clone(),
        keep_words: Arc::clone(&keep_words),
    };
    let components = Components::start(options, store, &events, recorder, &clock).await?;
    let quarantine_unfiltered =
        Arc::new(AtomicBool::new(options.config.mail.unfiltered == Unfiltered::Quarantine));
    let attempts = Attempts::open(options.directory.path()).map_err(UpError::Marks)?;
    let gateway = Arc::new(Gateway::new(
        Arc::new(store.clone()),
        Arc::clone(&network) as Arc<dyn gateway::ports::Network>,
        Arc::new(ComponentDecisions {
            sandbox: Arc::clone(&components.sandbox),
            quarantine_unfiltered: Arc::clone(&quarantine_unfiltered),
            attempts: Arc::new(attempts),
        }),
        Arc::new(PublishedEvents { log: events.clone(), history: history.clone() }),
        Arc::new(SystemRandom),
        Arc::clone(&clock),
        options.gateway(),
    ));
    components.contacts.connect(&gateway);
    let reloader = Arc::new(Reloader {
        file: options.config_file.clone(),
        current: Mutex::new(options.config.clone()),
        gateway: Arc::clone(&gateway),
        network: Arc::clone(&network),
        quarantine_unfiltered,
        keep_words,
        sandbox: Arc::clone(&components.sandbox),
        library: Arc::clone(&components.library),
        store: store.clone(),
        clock: Arc::clone(&clock),
    });
    let owner =
        store.accounts().await?.into_iter().find(|account| account.owner).ok_or(UpError::NoAccount)?.name;
    let sandbox = &components.sandbox;
    let relays = Arc::new(Relays::start(options.relays(), owner, store, sandbox, &clock).await?);
    let settings = options.config.drops.times.settings();
    let directory = &options.directory;
    let (core, tox) = (&gateway, &network);
    let parts = Parts {
        gateway: core,
        network: tox,
        relays: &relays,
        sandbox,
        store,
        directory,
        clock: &clock,
        settings,
    };
    let offline = if options.relay_only { None } else { Some(offline::connect(&parts).await?) };
    gateway.start().await?;
    network.connect(&gateway);
    if let Some(offline) = &offline {
        offline.start();
    }
    let running = Running {
        options,
        store,
        clock,
        events,
        history,
        network,
        accounts,
        components,
        gateway,
        reloader,
        relays,
        offline,
        log,
    };
    running.serve(listeners, is_new, signals).await
}

/// Tells the service manager that all is well, as long as it is.
async fn watchdog(store: &Store, clock: &dyn Clock, every: Duration) {
    loop {
        let down = supervisor::status().iter().filter(|task| task.down > 0).count();
        // A gateway whose store hangs or of which a part is gone is not well, though this task runs.
        match store.flush().await {
            Ok(()) | Err(store::Error::Full) if down == 0 => notify::alive(),
            Ok(()) | Err(store::Error::Full) => tracing::error!(down, "parts of the gateway are down"),
            Err(error) => tracing::error!(%error, "the store does not answer the watchdog"),
        }
        clock.sleep(every).await;
    }
}

/// The components and what they use.
struct Components {
    sandbox: Arc<Sandbox>,
    library: Arc<Library>,
    contacts: Arc<GatewayContacts>,
}

impl Components {
    async fn start(
        options: &Options,
        store: &Store,
        events: &EventLog,
        recorder: StoredDecisions,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, UpError> {
        let engine = Arc::new(Engine::new(&sandbox::Settings::default(), Arc::clone(clock))?);
        let compile = compiler().map_err(UpError::OwnProgram)?;
        let settings = &options.config.components;
        let keys: Vec<[u8; 32]> = settings.trusted_keys.iter().map(|key| key.0).collect();
        let trust = Trust::new(&keys, settings.require_signature)?;
        let directory = options.directory.compiled();
        let library = Library::open_trusting(Arc::clone(&engine), &directory, compile, trust)?;
        let contacts = Arc::new(GatewayContacts::default());
        let dns = resolve::Dns::new(options.dns.clone(), &Handle::current())?;
        let capabilities = Capabilities {
            state: Arc::new(StoredState::new(store.clone(), Handle::current())),
            dns: Arc::new(GatewayDns(dns)),
            contacts: Arc::clone(&contacts) as Arc<dyn sandbox::capabilities::Contacts>,
            recorder: Arc::new(recorder),
        };
        let slots = configuration(store, &library, &options.config.components, clock.wall()).await?;
        adopt_state(store, &library, &slots).await?;
        library.sweep().await;
        let keeper = StoredSlots { store: store.clone(), events: events.clone(), runtime: Handle::current() };
        let library = Arc::new(library);
        let sandbox =
            Sandbox::start(engine, Arc::clone(&library), capabilities, Arc::new(keeper), slots).await?;
        Ok(Self { sandbox: Arc::new(sandbox), library, contacts })
    }
}

/// Everything that runs.
struct Running<'a> {
    options: &'a Options,
    store: &'a Store,
    clock: Arc<dyn Clock>,
    events: EventLog,
    history: History,
    network: Arc<ToxNetwork>,
    accounts: Arc<Accounts>,
    components: Components,
    gateway: Arc<Gateway>,
    reloader: Arc<Reloader>,
    relays: Arc<Relays>,
    offline: Option<Arc<OfflineMail>>,
    log: RecentLog,
}

impl Running<'_> {
    /// Serves until told to stop, then stops everything in order.
    async fn serve(
        self,
        listeners: Listeners,
        is_new: bool,
        mut signals: signals::Signals,
    ) -> Result<(), UpError> {
        let addresses = listeners.addresses().map_err(UpError::Addresses)?;
        let cancel = CancellationToken::new();
        let tls = listeners.tls(self.options)?;
        let mut servers = self.start_servers(listeners, addresses, tls.as_ref(), &cancel)?;
        let ready = self.ready(addresses, tls.as_ref()).await?;
        let directory = self.options.directory.path();
        ready.write(directory).map_err(UpError::Ready)?;
        welcome::print(&ready, is_new, self.network.nodes() > 0);
        notify::ready(&format!("mail for {} accounts", ready.accounts.len()));
        let watchers = self.watch(&ready);

        let ended = self.wait(&mut signals, &mut servers).await;
        tracing::info!("stopping");
        notify::stopping();
        watchers.iter().for_each(JoinHandle::abort);
        if let Err(error) = Ready::remove(directory) {
            tracing::warn!(%error, "ready.json was not removed");
        }
        cancel.cancel();
        let stopped = async {
            while servers.join_next().await.is_some() {}
            if let Some(offline) = &self.offline {
                offline.stop().await;
            }
            self.gateway.stop().await;
            tokio::join!(self.network.stop(), self.relays.stop());
        };
        tokio::select! {
            () = stopped => {}
            () = self.clock.sleep(STOP_TIME) => tracing::warn!("not everything stopped in time; nothing is lost by that"),
            () = signals.stop() => tracing::warn!("stopped at once"),
        }
        ended
    }

    /// Returns at a signal to stop; reads the configuration again at SIGHUP.
    ///
    /// # Errors
    /// The gateway cannot go on: a task that it cannot do without is gone.
    async fn wait(&self, signals: &mut signals::Signals, servers: &mut JoinSet<()>) -> Result<(), UpError> {
        loop {
            let asked = tokio::select! {
                asked = signals.next() => asked,
                reason = supervisor::doomed() => return Err(UpError::Task(reason)),
                Some(_ended) = servers.join_next() => {
                    return Err(UpError::Task("a server ended by itself".to_owned()));
                }
            };
            match asked {
                signals::Asked::Stop => return Ok(()),
                signals::Asked::Reload => {
                    let _counted = supervisor::attempt("reload", self.reload()).await;
                }
            }
        }
    }

    async fn reload(&self) {
        match self.reloader.reload().await {
            Ok(reloaded) => {
                let (now, later) = (reloaded.changed.join(", "), reloaded.after_restart.join(", "));
                tracing::info!(now, after_restart = later, "the configuration was read again");
            }
            Err(error) => tracing::error!(%error, "the configuration stays as it was"),
        }
    }

    /// The work beside serving: reporting the progress of connecting, and telling the service
    /// manager that all is well.
    fn watch(&self, ready: &Ready) -> Vec<JoinHandle<()>> {
        let mut watchers = Vec::new();
        if self.network.nodes() > 0 && !self.options.relay_only {
            let (network, account) = (Arc::clone(&self.network), ready.account.clone());
            let telling = connecting::tell(network, account, Arc::clone(&self.clock));
            watchers.push(supervisor::job("connecting", telling));
        }
        let store = self.store.clone();
        watchers.push(supervisor::job("unreadable-rows", async move {
            // What the start did not come by. Each row is said in the log when it is met.
            if let Err(error) = store.look_for_unreadable().await {
                tracing::warn!(%error, "whether everything in the store can be read is not known");
            }
        }));
        if let Some(every) = notify::sign_of_life_every() {
            let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
            watchers.push(supervisor::keep("watchdog", move || {
                let (store, clock) = (store.clone(), Arc::clone(&clock));
                async move { watchdog(&store, &*clock, every).await }
            }));
        }
        watchers
    }

    fn start_servers(
        &self,
        listeners: Listeners,
        addresses: Addresses,
        tls: Option<&Tls>,
        cancel: &CancellationToken,
    ) -> Result<JoinSet<()>, UpError> {
        let web = addresses.admin;
        let tls_of = |address| tls.filter(|_| is_beyond(address)).map(|tls| Arc::clone(&tls.config));
        let passwords = Arc::clone(&self.accounts.passwords);
        let (network, password_file) = (Arc::clone(&self.network), self.options.directory.password());
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        let logins = Logins::new(store, network, passwords, password_file, clock);
        let logins = Arc::new(logins.map_err(|error| UpError::Random(error.to_string()))?);
        let settings = smtp::Settings::new("toxmail.localhost");
        let submission =
            Arc::new(SubmissionBackend { gateway: Arc::clone(&self.gateway), logins: Arc::clone(&logins) });
        let access = self.access(Arc::clone(&logins), web)?;
        let mailbox = Arc::new(MailboxBackend::new(self.store.clone(), logins, Arc::clone(&self.clock)));
        let management = Arc::new(self.management(addresses, tls));
        let router = admin::router(management, self.events.clone(), access);

        let mut servers = JoinSet::new();
        if let (Some((smtp, pop3)), Some((smtp_address, pop3_address))) = (listeners.mail, addresses.mail) {
            let server = smtp::Server::new(smtp, submission, settings, Arc::clone(&self.clock));
            let is_local = !is_beyond(smtp_address) || !is_beyond(pop3_address);
            let local = if is_local { self.local_tls() } else { None };
            let server = match (tls_of(smtp_address), &local) {
                (Some(tls), _) => server.over_tls(tls),
                (None, Some(local)) => server.offer_tls(Arc::clone(&local.config)),
                (None, None) => server,
            };
            servers.spawn(server.run(cancel.clone()));
            let settings = pop3::Settings::default();
            let server = pop3::Server::new(pop3, mailbox, settings, Arc::clone(&self.clock));
            let server = match (tls_of(pop3_address), local) {
                (Some(tls), _) => server.over_tls(tls),
                (None, Some(local)) => server.offer_tls(local.config),
                (None, None) => server,
            };
            servers.spawn(server.run(cancel.clone()));
        }
        servers.spawn(admin::serve(listeners.admin, tls_of(web), router, cancel.clone()));
        let (store, history) = (self.store.clone(), self.history.clone());
        let (clock, cancel) = (Arc::clone(&self.clock), cancel.clone());
        servers.spawn(supervisor::keep_here("history", move || {
            history::keep(store.clone(), history.clone(), Arc::clone(&clock), cancel.clone())
        }));
        Ok(servers)
    }

    /// TLS for mail programs on this machine that insist on it: the gateway serves the others without.
    fn local_tls(&self) -> Option<Tls> {
        let made = Tls::of_this_machine(&self.options.directory);
        made.inspect_err(|error| tracing::warn!(%error, "mail programs on this machine get no TLS")).ok()
    }

    /// The web page answers to loopback names, to the address it is bound to, and to those in the configuration.
    fn access(&self, logins: Arc<Logins>, web: SocketAddr) -> Result<Access, UpError> {
        let mut access = Access::new(self.token()?, logins as Arc<dyn admin::Login>, Arc::clone(&self.clock));
        let bound = Some(web.ip()).filter(|ip| is_beyond(web) && !ip.is_unspecified());
        let bound = bound.map(|ip| ip.to_string());
        for host in self.options.config.tls.names.iter().chain(&bound) {
            access = access.allow_host(host)?;
        }
        Ok(access)
    }

    fn management(&self, addresses: Addresses, tls: Option<&Tls>) -> GatewayManagement {
        GatewayManagement {
            gateway: Arc::clone(&self.gateway),
            accounts: Arc::clone(&self.accounts),
            network: Arc::clone(&self.network),
            sandbox: Arc::clone(&self.components.sandbox),
            library: Arc::clone(&self.components.library),
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            reloader: Arc::clone(&self.reloader),
            imports: Imports::default(),
            history: self.history.clone(),
            relays: Arc::clone(&self.relays),
            offline: self.offline.clone(),
            log: self.log.clone(),
            events: self.events.clone(),
            mail: addresses.mail,
            certificate: tls.map(|tls| tls.certificate.clone()),
        }
    }

    /// A new token at each start: an old one that leaked is worth nothing.
    fn token(&self) -> Result<Token, UpError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| UpError::Random(error.to_string()))?;
        let token = Token::from_random(&bytes);
        let directory = &self.options.directory;
        directory.write_secret(&directory.token(), &format!("{}\n", token.reveal()))?;
        Ok(token)
    }

    async fn ready(&self, addresses: Addresses, tls: Option<&Tls>) -> Result<Ready, UpError> {
        let accounts = self.store.accounts().await?;
        let owner = accounts.first().map(|account| account.name.clone()).ok_or(UpError::NoAccount)?;
        let accounts: Vec<ReadyAccount> = accounts
            .into_iter()
            .filter_map(|account| {
                let tox_id = self.network.tox_id(&account.name)?;
                Some(ReadyAccount { name: account.name, tox_id })
            })
            .collect();
        let served = self.relays.serving().map(|serving| serving.address());
        let board = served.map(|address| address.tox_id());
        let tox_id = accounts.first().map(|first| first.tox_id).or(board);
        let shown =
            |address: Option<SocketAddr>| address.map(|address| address.to_string()).unwrap_or_default();
        Ok(Ready {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            tox_id,
            relay_address: served.map(|address| address.to_string()),
            smtp: shown(addresses.mail.map(|(smtp, _)| smtp)),
            pop3: shown(addresses.mail.map(|(_, pop3)| pop3)),
            admin: addresses.admin.to_string(),
            admin_certificate_file: tls
                .filter(|_| is_beyond(addresses.admin))
                .map(|tls| tls.certificate.clone()),
            account: owner,
            password_file: self.options.directory.password(),
            admin_token_file: self.options.directory.token(),
            accounts,
        })
    }
}
