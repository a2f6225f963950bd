//! Look-ups.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::time::Duration;

use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{TokioResolver, system_conf};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::answer::{self, DnsError, TxtAnswer};
use crate::limits;
use crate::name::DnsName;
use crate::settings::{Settings, Validation};

/// Asks DNS. Cheap to clone; clones share the cache and the bounds.
#[derive(Clone)]
pub struct Dns(Arc<Inner>);

struct Inner {
    settings: Settings,
    runtime: Handle,
    at_once: Semaphore,
    resolvers: RwLock<Arc<Resolvers>>,
}

/// Resolvers for one set of servers.
struct Resolvers {
    servers: Vec<NameServerConfig>,
    plain: TokioResolver,
    validating: TokioResolver,
    /// Until when it is believed that the servers hand no signatures over.
    unsigned_until: RwLock<Option<Instant>>,
}

impl std::fmt::Debug for Dns {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Dns").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Dns {
    /// Gets ready; nothing is asked yet. Look-ups of the blocking kind run on `runtime`.
    ///
    /// A missing or empty `/etc/resolv.conf` means a server on this machine, as resolv.conf(5) says.
    ///
    /// # Errors
    /// [`DnsError::Unavailable`] if no resolver can be made of the settings.
    pub fn new(settings: Settings, runtime: &Handle) -> Result<Self, DnsError> {
        let resolvers = Resolvers::new(&settings, servers(settings.server))?;
        Ok(Self(Arc::new(Inner {
            settings,
            runtime: runtime.clone(),
            at_once: Semaphore::new(limits::AT_ONCE),
            resolvers: RwLock::new(Arc::new(resolvers)),
        })))
    }

    /// The TXT records of a name, within the time of the settings. Truncated answers are asked for again over TCP;
    /// answers come from the cache while their time to live lasts.
    ///
    /// # Errors
    /// [`DnsError`].
    pub async fn lookup_txt(&self, name: &str) -> Result<TxtAnswer, DnsError> {
        let name: DnsName = name.parse()?;
        let limit = self.0.settings.timeout;
        let answer = tokio::time::timeout(limit, self.lookup_now_or_with_new_servers(&name)).await;
        let answer = answer.unwrap_or_else(|_| Err(DnsError::unavailable("no answer in time")));
        tracing::debug!(%name, outcome = ?answer.as_ref().map(|answer| answer.dnssec), "looked up");
        answer
    }

    /// The same for a thread that may wait (a component's), within `limit` at most. It may be called anywhere; on a
    /// thread of the runtime it would hold that thread up.
    ///
    /// # Errors
    /// [`DnsError`].
    pub fn lookup_txt_blocking(&self, name: &str, limit: Duration) -> Result<TxtAnswer, DnsError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let (dns, name) = (self.clone(), name.to_owned());
        let task = self.0.runtime.spawn(async move {
            // After a panic the sender is dropped, which the receiver takes for no answer.
            if let Some(answer) = supervisor::attempt("dns", dns.lookup_txt(&name)).await {
                // The receiver may have gone away at its limit.
                let _ = sender.send(answer);
            }
        });
        receiver.recv_timeout(limit).unwrap_or_else(|_| {
            task.abort();
            Err(DnsError::unavailable("no answer in time"))
        })
    }

    /// Where the system's servers do not answer and the system has others by now (another network), asks those.
    async fn lookup_now_or_with_new_servers(&self, name: &DnsName) -> Result<TxtAnswer, DnsError> {
        let Ok(_permit) = self.0.at_once.acquire().await else {
            return Err(DnsError::unavailable("shutting down"));
        };
        let resolvers = self.0.current();
        // Half of the time for the servers known, so that there is some left for others.
        let has_fallback = self.0.settings.server.is_none();
        let limit = self.0.settings.timeout / if has_fallback { 2 } else { 1 };
        let lookup = resolvers.lookup(&self.0.settings, name);
        let answer = match tokio::time::timeout(limit, lookup).await {
            Ok(answer) => answer,
            Err(_) => Err(DnsError::unavailable("no answer in time")),
        };
        match answer {
            Err(DnsError::Unavailable(_)) if has_fallback => match self.0.renewed(&resolvers) {
                Some(renewed) => renewed.lookup(&self.0.settings, name).await,
                None => answer,
            },
            answer => answer,
        }
    }
}

impl Inner {
    fn current(&self) -> Arc<Resolvers> {
        self.resolvers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Resolvers for the servers the system has now, if they are others than those of `failed`.
    fn renewed(&self, failed: &Arc<Resolvers>) -> Option<Arc<Resolvers>> {
        let mut current = self.resolvers.write().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&current, failed) {
            return Some(current.clone());
        }
        let servers = servers(self.settings.server);
        let addresses = |servers: &[NameServerConfig]| servers.iter().map(|one| one.ip).collect::<Vec<_>>();
        if addresses(&servers) == addresses(&failed.servers) {
            return None;
        }
        tracing::info!(servers = ?addresses(&servers), "the system has other DNS servers now");
        *current = Arc::new(Resolvers::new(&self.settings, servers).ok()?);
        Some(current.clone())
    }
}

impl Resolvers {
    fn new(settings: &Settings, servers: Vec<NameServerConfig>) -> Result<Self, DnsError> {
        let build = |validate: bool| {
            let config = ResolverConfig::from_name_servers(servers.clone());
            let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
            *builder.options_mut() = options(settings, validate);
            if validate {
                builder = builder.with_trust_anchor(settings.trust_anchors.0.clone());
            }
            builder.build().map_err(answer::read_error)
        };
        Ok(Self {
            plain: build(false)?,
            validating: build(true)?,
            servers,
            unsigned_until: RwLock::new(None),
        })
    }

    async fn lookup(&self, settings: &Settings, name: &DnsName) -> Result<TxtAnswer, DnsError> {
        let validated = match settings.validation {
            Validation::Off => false,
            Validation::Required => true,
            Validation::WhenOffered => {
                self.are_signatures_offered(settings.timeout / limits::PROBE_PART).await
            }
        };
        let resolver = if validated { &self.validating } else { &self.plain };
        match resolver.txt_lookup(name.as_name().clone()).await {
            Ok(lookup) => answer::read(&lookup, name.as_name(), validated),
            Err(error) => Err(answer::read_error(error)),
        }
    }

    /// Whether the servers hand over the root's keys in a form that leads to a trust anchor. A yes is kept in the
    /// resolver's cache, a no here.
    async fn are_signatures_offered(&self, limit: Duration) -> bool {
        let until = *self.unsigned_until.read().unwrap_or_else(PoisonError::into_inner);
        if until.is_some_and(|until| Instant::now() < until) {
            return false;
        }
        let probe = tokio::time::timeout(limit, self.validating.lookup(Name::root(), RecordType::DNSKEY));
        let memory = match probe.await {
            Ok(Ok(lookup)) if lookup.answers().iter().any(|record| record.proof == Proof::Secure) => {
                return true;
            }
            Err(_) | Ok(Err(NetError::Timeout | NetError::NoConnections | NetError::Io(_))) => {
                limits::SILENT_MEMORY
            }
            Ok(_) => limits::UNSIGNED_MEMORY,
        };
        tracing::info!("the DNS server hands no signatures over: answers are not checked with DNSSEC");
        *self.unsigned_until.write().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + memory);
        false
    }
}

fn servers(configured: Option<SocketAddr>) -> Vec<NameServerConfig> {
    if let Some(server) = configured {
        return vec![name_server(server)];
    }
    match system_conf::read_system_conf() {
        Ok((config, _)) => config.name_servers().to_vec(),
        Err(error) => {
            tracing::warn!(%error, "no DNS server in the system's configuration: asking this machine");
            vec![NameServerConfig::udp_and_tcp(IpAddr::V4(Ipv4Addr::LOCALHOST))]
        }
    }
}

fn name_server(server: SocketAddr) -> NameServerConfig {
    let with_port = |mut connection: ConnectionConfig| {
        connection.port = server.port();
        connection
    };
    let connections = vec![with_port(ConnectionConfig::udp()), with_port(ConnectionConfig::tcp())];
    NameServerConfig::new(server.ip(), true, connections)
}

/// The system's own options are not taken over: the bounds are ours.
fn options(settings: &Settings, validate: bool) -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.attempts = limits::REPEATS;
    // Each attempt gets its part, so that the last one still fits.
    options.timeout = settings.timeout / u32::try_from(limits::REPEATS + 2).unwrap_or(4);
    options.validate = validate;
    options.cache_size = limits::CACHE_ANSWERS;
    options.use_hosts_file = ResolveHosts::Never;
    options.positive_max_ttl = Some(limits::CACHE_TIME);
    options.negative_max_ttl = Some(limits::CACHE_TIME_NEGATIVE);
    options.max_active_requests = 2 * limits::AT_ONCE;
    options.preserve_intermediates = true;
    options
}
