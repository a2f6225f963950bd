//! The configuration file: TOML, every key optional, unknown keys refused.
//!
//! A key that is not given has the default beside it; options of the command line win over the
//! file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mail::limits;
use serde::{Deserialize, Serialize};
use tox::PortRange;

use crate::drop_times::{DropTimes, InvalidTime};
use crate::limits::CONFIG_BYTES;
use crate::listen_address;
use crate::signature::TrustedKey;
use crate::text_file;

/// The whole file. `config.example.toml` beside the sources of this crate documents every key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where mail programs and browsers connect.
    pub listen: Listen,
    /// The Tox network.
    pub tox: ToxConfig,
    /// Sizes, times and bounds of mail.
    pub mail: MailConfig,
    /// DNS.
    pub dns: DnsConfig,
    /// Drop relays.
    pub drops: DropsConfig,
    /// TLS for listeners on other addresses than loopback.
    pub tls: TlsConfig,
    /// What components may do.
    pub components: ComponentsConfig,
}

/// `[listen]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// SMTP submission; beyond loopback over TLS.
    #[serde(deserialize_with = "listen_address::deserialize")]
    pub smtp: SocketAddr,
    /// POP3; beyond loopback over TLS.
    #[serde(deserialize_with = "listen_address::deserialize")]
    pub pop3: SocketAddr,
    /// Web API; beyond loopback over TLS.
    #[serde(deserialize_with = "listen_address::deserialize")]
    pub admin: SocketAddr,
}

impl Default for Listen {
    fn default() -> Self {
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        // The ports of the prototype of 2014.
        Self { smtp: loopback(2525), pop3: loopback(2626), admin: loopback(8080) }
    }
}

/// A value whose text is its form in the file.
mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'a, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'a>,
    {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// `[tox]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToxConfig {
    /// UDP port of the first account; a free one of `ports` where not said.
    pub port: Option<u16>,
    /// UDP ports of which each further account takes a free one.
    #[serde(with = "as_text")]
    pub ports: PortRange,
    /// TCP port on which the first account serves as Tox TCP relay; none where not said.
    pub tcp_port: Option<u16>,
    /// Whether UDP is used. Without it everything goes through Tox TCP relays: slower, and needed behind a proxy.
    pub udp: bool,
    /// Nodes to start from, `HOST:PORT:KEY[:TCPPORT]`, besides the public ones.
    pub bootstrap: Vec<String>,
    /// Whether the built-in list of public nodes is used.
    pub public_bootstrap: bool,
    /// `socks5://HOST:PORT` or `http://HOST:PORT`: everything Tox goes through it (Tor: `socks5://127.0.0.1:9050`).
    pub proxy: Option<String>,
}

impl Default for ToxConfig {
    fn default() -> Self {
        Self {
            port: None,
            ports: PortRange::default(),
            tcp_port: None,
            udp: true,
            bootstrap: Vec::new(),
            public_bootstrap: true,
            proxy: None,
        }
    }
}

/// `[mail]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// Largest mail in bytes, both ways.
    pub max_bytes: u64,
    /// Hours after which the sender is told that a mail still waits.
    pub delay_notice_hours: u64,
    /// Days after which a mail is given up.
    pub expiry_days: u64,
    /// What becomes of incoming mail while the filter fails: `deliver` (marked) or `quarantine`.
    pub unfiltered: Unfiltered,
    /// Days for which a mail that a filter threw away can be restored; 0: not at all.
    pub discarded_days: u64,
    /// Whether new accounts find a welcome mail.
    pub welcome: bool,
}

/// What becomes of incoming mail while the filter fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Unfiltered {
    /// Into the mailbox, with the header field `X-Toxmail-Unfiltered`.
    #[default]
    Deliver,
    /// Into quarantine.
    Quarantine,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            max_bytes: limits::MAIL_BYTES_DEFAULT,
            delay_notice_hours: 4,
            expiry_days: limits::EXPIRY.as_secs() / (24 * 3600),
            unfiltered: Unfiltered::default(),
            discarded_days: gateway::limits::BIN_TIME.as_secs() / (24 * 3600),
            welcome: true,
        }
    }
}

impl MailConfig {
    /// Time in the outbox after which a mail is given up.
    pub fn expiry(&self) -> Duration {
        Duration::from_secs(self.expiry_days * 24 * 3600)
    }

    /// Time for which a mail that a filter threw away can be restored.
    pub fn bin_time(&self) -> Duration {
        Duration::from_secs(self.discarded_days * 24 * 3600)
    }

    /// Time in the outbox after which the sender is told.
    pub fn delay_notice(&self) -> Duration {
        Duration::from_secs(self.delay_notice_hours * 3600)
    }
}

/// `[dns]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DnsConfig {
    /// `HOST:PORT` of the DNS server to ask; the system's where not said.
    pub server: Option<String>,
}

/// `[drops]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DropsConfig {
    /// Whether a board is served.
    pub serve: bool,
    /// Bytes of cells it holds at most.
    pub quota_bytes: u64,
    /// Cells it takes a day: what each of its readers downloads.
    pub day_cells: u32,
    /// `HOST:PORT` of Tor's SOCKS port, only for throwaways; `tox.proxy` if not given.
    pub tor: Option<String>,
    /// 16 hex digits that mark the owner of the board: to be the same for all boards of one owner, so that mails are spread over different
    /// ones. Without, a random mark is made and kept.
    pub owner: Option<String>,
    /// When boards are read and acknowledgements go out.
    pub times: DropTimes,
}

impl Default for DropsConfig {
    fn default() -> Self {
        Self {
            serve: false,
            quota_bytes: drops::limits::BOARD_BYTES_DEFAULT,
            day_cells: drops::limits::BOARD_DAY_CELLS,
            tor: None,
            owner: None,
            times: DropTimes::default(),
        }
    }
}

/// `[tls]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate chain (PEM). None: one is made and kept in the data directory.
    pub certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub key: Option<PathBuf>,
    /// Names and IP addresses this gateway is reached by: the web page answers to them, and the made certificate is for them.
    pub names: Vec<String>,
}

/// `[components]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ComponentsConfig {
    /// The policy set that says which component fills which slot. What it leaves out stays as it was.
    pub policy_set: Option<PathBuf>,
    /// Settings handed to a component, by the name of its entry: `[components.settings.policy]`.
    pub settings: std::collections::BTreeMap<String, std::collections::BTreeMap<String, String>>,
    /// Ed25519 keys whose signatures of components count.
    pub trusted_keys: Vec<TrustedKey>,
    /// Whether only the built-in components and components with such a signature are taken and
    /// used.
    pub require_signature: bool,
    /// Whether what components say in their own words is kept with their decisions.
    pub keep_words: bool,
}

impl Default for ComponentsConfig {
    fn default() -> Self {
        Self {
            policy_set: None,
            settings: std::collections::BTreeMap::new(),
            trusted_keys: Vec::new(),
            require_signature: false,
            keep_words: true,
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {path} cannot be read: {error}; check the path given with --config")]
    Unreadable {
        /// The path of the file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file is damaged.
    #[error(
        "the configuration file {path} is not right:\n{error}\nCorrect that line, or remove it to get the default."
    )]
    Invalid {
        /// The path of the file.
        path: PathBuf,
        /// Where and why.
        error: InvalidConfig,
    },
}

/// What is wrong with the text of a configuration file.
#[derive(Debug, thiserror::Error)]
pub enum InvalidConfig {
    /// Not a text.
    #[error(transparent)]
    NoText(#[from] text_file::NoText),
    /// The file is too large.
    #[error("it is larger than 1 MiB")]
    TooLarge,
    /// Not TOML, or TOML with other keys: line and column, and for an unknown key the one probably meant.
    #[error("{0}")]
    Toml(String),
    /// A time of `[drops.times]` is out of its bounds.
    #[error(transparent)]
    Time(#[from] InvalidTime),
    /// Another value is out of its bounds: the key and the bounds.
    #[error("{0}")]
    Value(String),
}

impl InvalidConfig {
    fn value(text: &str) -> Self {
        Self::Value(text.to_owned())
    }
}

/// Reads the file.
///
/// # Errors
/// [`ConfigError`], saying which line.
pub fn read(path: &Path) -> Result<Config, ConfigError> {
    let unreadable = |error| ConfigError::Unreadable { path: path.to_owned(), error };
    if std::fs::metadata(path).map_err(unreadable)?.len() > CONFIG_BYTES {
        return Err(ConfigError::Invalid { path: path.to_owned(), error: InvalidConfig::TooLarge });
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let text = text_file::decode(bytes).map_err(InvalidConfig::from);
    text.and_then(|text| parse(&text)).map_err(|error| ConfigError::Invalid { path: path.to_owned(), error })
}

/// Reads the file; gives the defaults if there is no file. A link that leads nowhere counts as a
/// file.
///
/// # Errors
/// As [`read`].
pub fn read_if_there(path: &Path) -> Result<Config, ConfigError> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Config::default()),
        _ => read(path),
    }
}

/// Parses the text of a configuration file.
///
/// # Errors
/// [`InvalidConfig`]
pub fn parse(text: &str) -> Result<Config, InvalidConfig> {
    let parsed = toml::from_str(text);
    let config: Config = parsed.map_err(|error| InvalidConfig::Toml(with_suggestion(&error.to_string())))?;
    check(&config)?;
    Ok(config)
}

fn check(config: &Config) -> Result<(), InvalidConfig> {
    if !(1..=21).contains(&config.mail.expiry_days) {
        return Err(InvalidConfig::value("mail.expiry_days must be from 1 to 21"));
    }
    if !(1024..=1024 * 1024 * 1024).contains(&config.mail.max_bytes) {
        return Err(InvalidConfig::value("mail.max_bytes must be from 1024 to 1073741824 (1 GiB)"));
    }
    config.drops.times.check()?;
    if config.drops.quota_bytes < 64 * 1024 * 1024 {
        return Err(InvalidConfig::value("drops.quota_bytes must be 67108864 (64 MiB) or more"));
    }
    if config.drops.owner.as_ref().is_some_and(|mark| mark.parse::<drops::record::OwnerMark>().is_err()) {
        return Err(InvalidConfig::value(
            "drops.owner must be 16 hex digits, the same for all drop relays of one owner",
        ));
    }
    if !(64..=drops::limits::BOARD_DAY_CELLS_MOST).contains(&config.drops.day_cells) {
        return Err(InvalidConfig::value("drops.day_cells must be from 64 to 8192: no reader takes more"));
    }
    if !(1..=21 * 24).contains(&config.mail.delay_notice_hours) {
        return Err(InvalidConfig::value("mail.delay_notice_hours must be from 1 to 504"));
    }
    if !(0..=90).contains(&config.mail.discarded_days) {
        return Err(InvalidConfig::value(
            "mail.discarded_days must be from 0 to 90; 0 throws mail away for good",
        ));
    }
    if config.components.require_signature && config.components.trusted_keys.is_empty() {
        return Err(InvalidConfig::value(
            "components.require_signature needs a key in components.trusted_keys",
        ));
    }
    Ok(())
}

/// `unknown field `a`, expected one of `b`, `c`` gets the nearest of them named.
fn with_suggestion(error: &str) -> String {
    let quoted: Vec<&str> = error
        .lines()
        .filter(|line| line.contains("unknown field"))
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect();
    let nearest = quoted.split_first().and_then(|(unknown, known)| {
        known
            .iter()
            .map(|name| (strsim::levenshtein(unknown, name), *name))
            .min()
            .filter(|(steps, _)| *steps <= 3)
    });
    match nearest {
        Some((_, name)) => format!("{}\ndid you mean `{name}`?", error.trim_end()),
        None => error.trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the README names.
    const EXAMPLE: &str = include_str!("../config.example.toml");

    /// Every line of the example that is a key, without its comment sign.
    fn uncommented() -> String {
        let is_key = |line: &str| {
            let name = line.split('=').next().unwrap_or_default().trim_end();
            line.contains(" = ")
                && !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || b"_-".contains(&byte))
        };
        let lines = EXAMPLE.lines().map(|line| match line.strip_prefix("# ") {
            Some(key) if is_key(key) || key.starts_with("[components.settings") => key,
            _ => line,
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_example_parses_and_says_the_defaults() {
        assert_eq!(parse(EXAMPLE).unwrap(), Config::default());
    }

    #[test]
    fn the_example_documents_every_key() {
        let text = uncommented();
        parse(&text).unwrap();
        let example: serde_json::Value = toml::from_str(&text).unwrap();
        let known = serde_json::to_value(Config::default()).unwrap();
        let keys = |value: &serde_json::Value| -> Vec<String> {
            let tables = value.as_object().unwrap().iter();
            tables
                .flat_map(|(table, keys)| {
                    keys.as_object().unwrap().keys().map(move |key| format!("{table}.{key}"))
                })
                .collect()
        };
        let (mut example, mut known) = (keys(&example), keys(&known));
        example.sort();
        known.sort();
        assert_eq!(example, known, "config.example.toml and the keys differ");
    }

    #[test]
    fn an_empty_file_means_the_defaults() {
        let config = parse("").unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(config.listen.smtp.to_string(), "127.0.0.1:2525");
        assert_eq!(config.mail.expiry(), limits::EXPIRY);
    }

    #[test]
    fn a_mistyped_key_is_refused_with_line_and_suggestion() {
        let error = parse("[tox]\nboostrap = []\n").unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
        assert!(error.contains("did you mean `bootstrap`?"), "{error}");
    }

    #[test]
    fn values_out_of_bounds_are_refused() {
        assert!(parse("[mail]\nexpiry_days = 22").unwrap_err().to_string().contains("1 to 21"));
        assert!(parse("[mail]\nmax_bytes = 1").is_err());
        assert!(parse("[drops]\nquota_bytes = 1").unwrap_err().to_string().contains("64 MiB"));
        assert!(parse("[drops]\nday_cells = 1").is_err());
        assert!(parse("[drops]\nday_cells = 8193").unwrap_err().to_string().contains("8192"));
        assert!(parse("[drops]\nowner = \"me\"").unwrap_err().to_string().contains("16 hex digits"));
        assert!(parse("[mail]\ndelay_notice_hours = 0").is_err());
        assert!(parse("[mail]\ndiscarded_days = 91").unwrap_err().to_string().contains("0 to 90"));
    }

    #[test]
    fn garbage_is_refused_not_fatal() {
        for text in ["[", "\0", "listen = 3", "[listen]\nsmtp = \"nowhere\""] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_address_to_listen_on_is_taken_or_refused_with_an_example() {
        let listen = |value: &str| parse(&format!("[listen]\nsmtp = {value}"));
        for value in ["'localhost:2525'", "':2525'", "2525", "'2525'", "['127.0.0.1:2525']"] {
            assert_eq!(listen(value).unwrap().listen.smtp.to_string(), "127.0.0.1:2525", "{value}");
        }
        for value in [
            "'mail.example.org:25'",
            "['127.0.0.1:2525', '[::1]:2525']",
            "'[::1]'",
            "70000",
            "-1",
            "true",
            "[]",
        ] {
            let error = listen(value).unwrap_err().to_string();
            assert!(error.contains("line 2") && error.contains("127.0.0.1:2525"), "{value}: {error}");
        }
    }

    #[test]
    fn a_file_is_read_in_the_encodings_that_can_be_told() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("config.toml");
        let text = "# Grüße\n[mail]\nexpiry_days = 7\n";
        let utf16: Vec<u8> =
            "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for bytes in [text.as_bytes().to_vec(), format!("\u{feff}{text}").into_bytes(), utf16] {
            std::fs::write(&file, bytes).unwrap();
            assert_eq!(read(&file).unwrap().mail.expiry_days, 7);
        }
        std::fs::write(&file, b"# Gr\xfc\xdfe\n").unwrap();
        let error = read(&file).unwrap_err().to_string();
        assert!(
            error.contains("config.toml") && error.contains("line 1") && error.contains("iconv"),
            "{error}"
        );
    }

    #[test]
    fn trusted_keys_are_read_and_required_ones_have_to_be_there() {
        let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let text = format!("[components]\nrequire_signature = true\ntrusted_keys = ['{key}']");
        assert_eq!(hex::encode(parse(&text).unwrap().components.trusted_keys[0].0), key);
        assert!(
            parse("[components]\nrequire_signature = true").unwrap_err().to_string().contains("trusted_keys")
        );
        let wrong = parse("[components]\ntrusted_keys = ['d75a']").unwrap_err().to_string();
        assert!(wrong.contains("line 2") && wrong.contains("openssl"), "{wrong}");
    }

    #[test]
    fn a_link_that_leads_nowhere_is_not_taken_for_no_configuration() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("config.toml");
        assert_eq!(read_if_there(&file).unwrap(), Config::default());
        std::os::unix::fs::symlink(place.path().join("away"), &file).unwrap();
        assert!(matches!(read_if_there(&file), Err(ConfigError::Unreadable { .. })));
    }

    #[test]
    fn component_settings_are_strings_by_entry() {
        let config = parse("[components.settings.policy]\naccept-friends = \"written-to\"").unwrap();
        assert_eq!(config.components.settings["policy"]["accept-friends"], "written-to");
    }
}
