//! What the command line and the configuration file say together.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use drops::board::Quotas;
use relay::Upstream;
use tox::{Node, Proxy, public_nodes};

use super::error::UpError;
use crate::backup;
use crate::config::{self, Config, Listen};
use crate::directory::DataDirectory;
use crate::relays::{RelaySettings, ServeSettings};
use cli::args::{Common, Up};
use net::NetworkSettings;

/// How to run.
pub struct Options {
    /// Where data lies.
    pub directory: DataDirectory,
    /// Where to listen.
    pub listen: Listen,
    /// The file, or its defaults.
    pub config: Config,
    /// Where the file is, or would be.
    pub config_file: PathBuf,
    /// Whether new accounts find a welcome mail.
    pub welcome: bool,
    /// How to ask DNS.
    pub dns: resolve::Settings,
    nodes: Vec<Node>,
    proxy: Proxy,
    tox_port: Option<u16>,
    tox_tcp_port: Option<u16>,
    /// Nothing but the drop relay.
    pub relay_only: bool,
    serve_drops: bool,
    tor: Upstream,
}

impl Options {
    /// Reads the file and lets the command line win.
    ///
    /// # Errors
    /// [`UpError`], naming file, line and key.
    pub async fn read(arguments: Up, common: &Common) -> Result<Self, UpError> {
        let path = common
            .data
            .clone()
            .or_else(cli::directory::default_data_directory)
            .ok_or(UpError::NoDirectory)?;
        let directory = DataDirectory::new(&path).map_err(|error| UpError::Directory { path, error })?;
        backup::refuse_unfinished(directory.path())?;
        let config = read_config(&directory, arguments.config.as_deref())?;
        let config_file = arguments.config.clone().unwrap_or_else(|| directory.config());
        let listen = Listen {
            smtp: arguments.smtp.unwrap_or(config.listen.smtp),
            pop3: arguments.pop3.unwrap_or(config.listen.pop3),
            admin: arguments.admin.unwrap_or(config.listen.admin),
        };
        let dns = dns(arguments.dns.as_deref(), config.dns.server.as_deref()).await?;
        let nodes = nodes(&arguments, &config)?;
        let proxy = proxy(config.tox.proxy.as_deref())?;
        let tor = upstream(config.drops.tor.as_deref(), &proxy)?;
        Ok(Self {
            directory,
            listen,
            dns,
            nodes,
            proxy,
            relay_only: arguments.relay_only,
            serve_drops: arguments.serve_drops || config.drops.serve,
            tor,
            tox_port: arguments.network.tox_port.or(config.tox.port),
            tox_tcp_port: arguments.network.tox_tcp_port.or(config.tox.tcp_port),
            welcome: config.mail.welcome && !arguments.no_welcome,
            config,
            config_file,
        })
    }

    /// Two servers cannot have one address.
    ///
    /// # Errors
    /// [`UpError::SameAddress`]
    pub fn check_addresses(&self) -> Result<(), UpError> {
        let Listen { smtp, pop3, admin } = self.listen;
        let mail = [("--smtp", smtp), ("--pop3", pop3)];
        let mail = mail.into_iter().filter(|_| !self.relay_only);
        different(&mail.chain([("--admin", admin)]).collect::<Vec<_>>())
    }

    /// How Tox instances reach the network.
    pub fn network(&self) -> NetworkSettings {
        NetworkSettings {
            nodes: self.nodes.clone(),
            udp: self.config.tox.udp,
            proxy: self.proxy.clone(),
            port: self.tox_port,
            ports: self.config.tox.ports,
            tcp_port: self.tox_tcp_port,
        }
    }

    /// How drop relays are used and served.
    pub fn relays(&self) -> RelaySettings {
        let network = self.network();
        let sessions = relay::Settings {
            nodes: network.nodes.clone(),
            upstream: self.tor.clone(),
            is_local: network.is_local(),
        };
        let drops = &self.config.drops;
        let serve = self.serve_drops.then(|| ServeSettings {
            // The ports that are named are the first account's, where there is one.
            tox: network.options(None, self.relay_only),
            // Checked with the configuration.
            owner: drops.owner.as_ref().and_then(|mark| mark.parse().ok()),
            quotas: Quotas { bytes: drops.quota_bytes, day_cells: drops.day_cells, ..Quotas::default() },
            cells: self.directory.cells(),
            secrets: self.directory.secrets(),
            is_all: self.relay_only,
        });
        RelaySettings { sessions, serve }
    }

    /// The settings of the core.
    pub fn gateway(&self) -> gateway::Settings {
        gateway::Settings {
            max_mail_bytes: self.config.mail.max_bytes,
            expiry: self.config.mail.expiry(),
            delay_notice: self.config.mail.delay_notice(),
            bin_time: self.config.mail.bin_time(),
            ..gateway::Settings::default()
        }
    }
}

fn different(listeners: &[(&'static str, SocketAddr)]) -> Result<(), UpError> {
    for (place, (second, address)) in listeners.iter().enumerate() {
        let before = listeners.iter().take(place).find(|(_, other)| overlap(*other, *address));
        if let Some((first, _)) = before {
            return Err(UpError::SameAddress { first, second, address: *address });
        }
    }
    Ok(())
}

/// Whether the system gives only one server both addresses. Port 0 is another free port each time.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let takes_all = |wide: SocketAddr, narrow: SocketAddr| {
        wide.ip().is_unspecified() && (wide.is_ipv6() || narrow.is_ipv4())
    };
    one.port() == other.port()
        && one.port() != 0
        && (one.ip() == other.ip() || takes_all(one, other) || takes_all(other, one))
}

fn read_config(directory: &DataDirectory, named: Option<&Path>) -> Result<Config, UpError> {
    match named {
        Some(path) => Ok(config::read(path)?),
        None => Ok(config::read_if_there(&directory.config())?),
    }
}

async fn dns(option: Option<&str>, configured: Option<&str>) -> Result<resolve::Settings, UpError> {
    let Some(server) = option.or(configured) else { return Ok(resolve::Settings::default()) };
    let server = resolve::server_address(server).await.map_err(|error| {
        let why = error.to_string();
        if option.is_some() {
            UpError::Option { option: "--dns", why }
        } else {
            UpError::Value { key: "dns.server", why }
        }
    });
    Ok(resolve::Settings { server: Some(server?), ..resolve::Settings::default() })
}

fn nodes(arguments: &Up, config: &Config) -> Result<Vec<Node>, UpError> {
    let mut nodes = arguments.network.bootstrap.clone();
    for text in &config.tox.bootstrap {
        let parsed = text.parse::<Node>();
        nodes.push(
            parsed.map_err(|error| UpError::Value {
                key: "tox.bootstrap",
                why: format!("`{text}`: {error}"),
            })?,
        );
    }
    if config.tox.public_bootstrap && !arguments.network.no_public_bootstrap {
        nodes.extend(public_nodes());
    }
    Ok(nodes)
}

/// What throwaways go through: Tor if it is named, else what everything goes through.
fn upstream(tor: Option<&str>, proxy: &Proxy) -> Result<Upstream, UpError> {
    let Some(tor) = tor else {
        return Ok(match proxy.clone() {
            Proxy::None => Upstream::Direct,
            Proxy::Socks5(host, port) => Upstream::Socks5(host, port),
            Proxy::Http(host, port) => Upstream::Http(host, port),
        });
    };
    let parts = tor.rsplit_once(':').and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
    let (host, port) = parts.ok_or_else(|| UpError::Value {
        key: "drops.tor",
        why: format!("`{tor}` is not HOST:PORT: write where Tor listens, as in tor = \"127.0.0.1:9050\""),
    })?;
    Ok(Upstream::Socks5(host, port))
}

fn proxy(text: Option<&str>) -> Result<Proxy, UpError> {
    let Some(text) = text else { return Ok(Proxy::None) };
    let wrong = || UpError::Value {
        key: "tox.proxy",
        why: format!(
            "`{text}` is not socks5://HOST:PORT or http://HOST:PORT: write it as in proxy = \"socks5://127.0.0.1:9050\" or \
             proxy = \"http://192.168.1.1:3128\""
        ),
    };
    let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
    let (host, port) = rest.trim_end_matches('/').rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().map_err(|_| wrong())?;
    match scheme {
        "socks5" => Ok(Proxy::Socks5(host.to_owned(), port)),
        "http" => Ok(Proxy::Http(host.to_owned(), port)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throwaways_go_through_tor_or_what_everything_goes_through() {
        let tor = Upstream::Socks5("127.0.0.1".to_owned(), 9050);
        assert_eq!(upstream(Some("127.0.0.1:9050"), &Proxy::None).unwrap(), tor);
        let everything = Proxy::Http("10.0.0.1".to_owned(), 3128);
        assert_eq!(upstream(Some("127.0.0.1:9050"), &everything).unwrap(), tor);
        assert_eq!(upstream(None, &everything).unwrap(), Upstream::Http("10.0.0.1".to_owned(), 3128));
        assert_eq!(upstream(None, &Proxy::None).unwrap(), Upstream::Direct);
        let error = upstream(Some("9050"), &Proxy::None).unwrap_err().to_string();
        assert!(error.contains("as in tor = \"127.0.0.1:9050\""), "{error}");
    }

    #[tokio::test]
    async fn a_name_server_that_is_none_is_told_where_it_was_named_and_how_to_write_it() {
        for (option, configured, place) in
            [(Some("dns"), None, "--dns: "), (None, Some("1.1.1.1:0"), "dns.server in the configuration: ")]
        {
            let error = dns(option, configured).await.unwrap_err().to_string();
            assert!(error.starts_with(place) && error.contains("as in 9.9.9.9"), "{error}");
        }
    }

    #[test]
    fn two_servers_at_one_address_are_told_so() {
        let listeners = |addresses: [&str; 3]| {
            let [smtp, pop3, admin] = addresses.map(|address| address.parse().unwrap());
            different(&[("--smtp", smtp), ("--pop3", pop3), ("--admin", admin)])
        };
        let same = listeners(["127.0.0.1:2525", "127.0.0.1:2525", "127.0.0.1:1"]).unwrap_err().to_string();
        assert!(
            same.contains("--smtp and --pop3 are both 127.0.0.1:2525") && same.contains("as in"),
            "{same}"
        );
        for overlapping in
            [["0.0.0.0:1", "127.0.0.1:2", "127.0.0.1:1"], ["[::]:1", "127.0.0.1:2", "127.0.0.1:1"]]
        {
            assert!(listeners(overlapping).is_err(), "{overlapping:?}");
        }
        for apart in [
            ["127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"],
            ["127.0.0.1:1", "127.0.0.2:1", "[::1]:1"],
            ["0.0.0.0:1", "[::1]:1", "127.0.0.1:2"],
        ] {
            assert!(listeners(apart).is_ok(), "{apart:?}");
        }
    }

    #[test]
    fn a_proxy_is_a_url() {
        let tor = Proxy::Socks5("127.0.0.1".to_owned(), 9050);
        assert_eq!(proxy(Some("socks5://127.0.0.1:9050")).unwrap(), tor);
        assert_eq!(proxy(None).unwrap(), Proxy::None);
        for text in ["127.0.0.1:9050", "ftp://a:1", "socks5://a", "socks5://a:b"] {
            let error = proxy(Some(text)).unwrap_err().to_string();
            assert!(error.contains("as in proxy = \"socks5://"), "{error}");
        }
    }
}
