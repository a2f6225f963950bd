//! What the host knows of one running call, and what it answers to the component's imports.

use std::fmt;
use std::sync::Arc;

use mail::decision::mail_filter::MessageBytes;
use mail::{AccountName, Address, Cause, Wall};
use wasmtime::component::Resource;

use crate::awaited::Awaited;
use crate::capabilities::{self, Capabilities, Contact, State, StateTurn};
use crate::engine::Engine;
use crate::engine::bindings::host::toxmail::gateway::{contacts, dns, log, message, state, types};
use crate::engine::memory::Memory;
use crate::engine::seat::Seat;
use crate::engine::seen::Seen;
use crate::engine::ticker::{Running, TICK, ticks};
use crate::engine::wasi;
use crate::limits::{ABANDONED_TIME, Limits, STATE_KEY_BYTES, STATE_KEYS, STATE_WAIT};
use crate::questions::message::{Message, NotTaken, Unavailable};
use crate::questions::parts::Budget;
use crate::record::{CapabilityCall, LogLevel, Transcript};

/// The data of a store: one call of one component.
pub struct Guest {
    /// Its memory limit.
    pub memory: Memory,
    /// What it did, for the record.
    pub transcript: Transcript,
    /// Inert WASI.
    pub wasi: wasi::Inert,
    limits: Arc<Limits>,
    capabilities: Capabilities,
    shown_as: Arc<str>,
    state: Arc<str>,
    account: AccountName,
    message: Option<Message>,
    seat: Option<Arc<Seat>>,
    awaited: Awaited,
    running: Running,
    started: u64,
    /// Ticks spent waiting for DNS: they do not count as running time.
    waited: u64,
    /// Ticks spent waiting for a turn at the state: they do not count as running time either.
    stood: u64,
    /// Its turn at the state, once it has touched that; given back while it waits for DNS.
    turn: Option<StateTurn>,
    seen: Seen,
    calls: u32,
    dns_lookups: u32,
}

/// Why the host ends a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It ran too long.
    TimeLimit,
    /// It called capabilities too often.
    CapabilityLimit,
    /// A capability failed.
    Gateway(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimeLimit => formatter.write_str("time limit"),
            Self::CapabilityLimit => formatter.write_str("capability limit"),
            Self::Gateway(why) => formatter.write_str(why),
        }
    }
}

impl std::error::Error for Stop {}

/// The account and the limits of a call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The name before its lines in the gateway's log: the entry of the policy set, or what runs beside it.
    pub shown_as: Arc<str>,
    /// The name of its state: `slot/entry/component`.
    pub state: Arc<str>,
    /// The account.
    pub account: AccountName,
    /// The time of the call.
    pub now: Wall,
    /// Limits of the entry.
    pub limits: Arc<Limits>,
    /// The seat that it leaves while it waits for DNS; None for calls beside the slots.
    pub seat: Option<Arc<Seat>>,
    /// Whether somebody waits for the answer.
    pub awaited: Awaited,
}

impl Guest {
    /// A call that begins now.
    pub fn new(
        call: &Call,
        capabilities: Capabilities,
        source: Option<Arc<dyn MessageBytes>>,
        engine: &Engine,
    ) -> Self {
        let running = engine.run();
        let memory = call.limits.memory_bytes.min(engine.memory_ceiling());
        Self {
            memory: Memory::new(memory, call.limits.table_elements),
            transcript: Transcript::default(),
            wasi: wasi::Inert::new(call.now),
            limits: Arc::clone(&call.limits),
            capabilities,
            shown_as: Arc::clone(&call.shown_as),
            state: Arc::clone(&call.state),
            account: call.account.clone(),
            message: source.map(Message::new),
            seat: call.seat.clone(),
            awaited: call.awaited.clone(),
            started: running.now(),
            running,
            waited: 0,
            stood: 0,
            turn: None,
            seen: Seen::default(),
            calls: 0,
            dns_lookups: 0,
        }
    }

    /// Ticks that the call may still run until somebody looks again; None when its time is over or
    /// nobody waits for it any more.
    pub fn ticks_left(&self) -> Option<u64> {
        if self.awaited.is_abandoned() {
            return None;
        }
        let spent = self.running.now().saturating_sub(self.started);
        let spent = spent.saturating_sub(self.waited).saturating_sub(self.stood);
        let left = ticks(self.limits.call_time()).checked_sub(spent).filter(|left| *left > 0)?;
        Some(if self.awaited.can_be_abandoned() { left.min(ticks(ABANDONED_TIME)) } else { left })
    }

    /// Things an answer may list where `most` is the most for everybody.
    pub fn output_items(&self, most: usize) -> usize {
        usize::try_from(self.limits.output_items).unwrap_or(usize::MAX).min(most)
    }

    /// Counts a call of a capability. The engine looks at the clock while the component runs, the host here.
    fn count(&mut self) -> wasmtime::Result<()> {
        self.calls += 1;
        if self.calls > self.limits.capability_calls {
            return Err(Stop::CapabilityLimit.into());
        }
        if self.ticks_left().is_none() {
            return Err(Stop::TimeLimit.into());
        }
        Ok(())
    }

    fn lookup(&mut self, name: &str) -> Result<capabilities::TxtAnswer, capabilities::DnsError> {
        let wait = self.limits.dns_wait();
        let left = wait.saturating_sub(TICK * u32::try_from(self.waited).unwrap_or(u32::MAX));
        if left.is_zero() {
            return Err(capabilities::DnsError::Unavailable("the call has waited too long for DNS".into()));
        }
        // Who waits for somebody else's name server keeps nobody from the state.
        if self.turn.is_some() {
            let state = &self.capabilities.state;
            self.seen.turn_ends(|key| state.get(&self.state, &self.account, key).ok());
            self.turn = None;
        }
        let before = self.running.now();
        let ask = || self.capabilities.dns.lookup_txt(name, left);
        let answer = match &self.seat {
            Some(seat) => seat.leave_for(ask).unwrap_or_else(|| {
                Err(capabilities::DnsError::Unavailable("too many look-ups wait for DNS already".into()))
            }),
            None => ask(),
        };
        self.waited += self.running.now().saturating_sub(before);
        answer
    }

    fn contact(
        &mut self,
        by: &str,
        value: &str,
        answer: Result<Option<Contact>, Cause>,
    ) -> wasmtime::Result<Option<contacts::Contact>> {
        let answer = answer.map_err(gateway_failed)?;
        let bytes = value.len() + answer.as_ref().map_or(0, |contact| 200 + 60 * contact.addresses.len());
        self.transcript.call(bytes, || CapabilityCall::Contact {
            by: by.to_owned(),
            value: value.to_owned(),
            answer: answer.clone(),
        });
        Ok(answer.map(to_wit))
    }

    fn state_call(&mut self, function: &str, key: &str) -> wasmtime::Result<Result<(), state::StateError>> {
        self.count()?;
        self.transcript.call(function.len() + key.len(), || CapabilityCall::State {
            function: function.to_owned(),
            key: crate::questions::validate::one_line(key, STATE_KEY_BYTES),
        });
        let fits = (1..=STATE_KEY_BYTES).contains(&key.len()) || (function == "keys" && key.is_empty());
        Ok(if fits { self.take_turn() } else { Err(state::StateError::InvalidKey) })
    }

    /// Keeps other calls away from the state until this one ends or waits for DNS: what they change, they have read
    /// after it.
    fn take_turn(&mut self) -> Result<(), state::StateError> {
        if self.turn.is_some() {
            return Ok(());
        }
        let before = self.running.now();
        let turn = self.capabilities.state.turn(&self.state, &self.account, STATE_WAIT);
        self.stood += self.running.now().saturating_sub(before);
        self.turn = Some(turn.map_err(state_error)?);
        Ok(())
    }

    /// A call that changes a key. It does not write over what another call wrote while this one waited for DNS.
    fn change(
        &mut self,
        function: &str,
        key: &str,
        change: impl FnOnce(&dyn State, &str, &AccountName) -> Result<(), capabilities::StateError>,
    ) -> StateResult<()> {
        if let Err(error) = self.state_call(function, key)? {
            return Ok(Err(error));
        }
        let (state, space, account) = (&*self.capabilities.state, &*self.state, &self.account);
        if self.seen.may_be_old(key) {
            match state.get(space, account, key) {
                Ok(value) if self.seen.is_as_seen(key, value.as_deref()) => {}
                Ok(_) => return Ok(Err(state::StateError::Unavailable)),
                Err(error) => return Ok(Err(state_error(error))),
            }
        }
        let done = change(state, space, account);
        if done.is_ok() {
            self.seen.note(key);
        }
        Ok(done.map_err(state_error))
    }

    fn message(&mut self) -> wasmtime::Result<&Message> {
        self.count()?;
        self.message.as_ref().ok_or_else(no_mail)
    }

    /// Reads something of the parts of the mail: what that takes counts as memory and time of the call.
    fn of_parts<T>(
        &mut self,
        read: impl FnOnce(&Message, &mut Budget<'_>) -> Result<T, NotTaken>,
    ) -> MessageResult<T> {
        self.count()?;
        let left = self.memory.left();
        let is_over = || self.ticks_left().is_none();
        let mut budget = Budget { bytes: left, is_over: &is_over };
        let answer = read(self.message.as_ref().ok_or_else(no_mail)?, &mut budget);
        let taken = left.saturating_sub(budget.bytes);
        self.memory.keep(taken);
        match answer {
            Ok(answer) => Ok(Ok(answer)),
            Err(NotTaken::Said(error)) => Ok(Err(error)),
            Err(NotTaken::TimeOver) => Err(Stop::TimeLimit.into()),
        }
    }
}

fn no_mail() -> wasmtime::Error {
    Stop::Gateway("this call has no mail".into()).into()
}

impl types::Host for Guest {}

impl log::Host for Guest {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.count()?;
        let level = match level {
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        let (lines, bytes) = (self.limits.log_lines, self.limits.log_bytes);
        if let Some(line) = self.transcript.log(level, &message, lines, bytes) {
            // Its words may quote somebody's mail: only who asks for them finds them in the gateway's log.
            tracing::debug!(target: "component", entry = &*self.shown_as, level = ?line.level, "{}", line.text);
        }
        Ok(())
    }
}

type StateResult<T> = wasmtime::Result<Result<T, state::StateError>>;

impl state::Host for Guest {
    fn get(&mut self, key: String) -> StateResult<Option<Vec<u8>>> {
        if let Err(error) = self.state_call("get", &key)? {
            return Ok(Err(error));
        }
        let value = self.capabilities.state.get(&self.state, &self.account, &key);
        if value.is_ok() {
            self.seen.note(&key);
        }
        Ok(value.map_err(state_error))
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> StateResult<()> {
        let quota = self.limits.state_bytes;
        let fits = (key.len() + value.len()) as u64 <= quota;
        self.change("set", &key, |state, space, account| {
            if !fits {
                return Err(capabilities::StateError::QuotaExceeded(quota));
            }
            state.set(space, account, &key, &value, quota)
        })
    }

    fn delete(&mut self, key: String) -> StateResult<()> {
        self.change("delete", &key, |state, space, account| state.delete(space, account, &key))
    }

    fn keys(&mut self, prefix: String, after: Option<String>, max: u32) -> StateResult<Vec<String>> {
        if let Err(error) = self.state_call("keys", &prefix)? {
            return Ok(Err(error));
        }
        let max = max.min(STATE_KEYS) as usize;
        let keys = self.capabilities.state.keys(&self.state, &self.account, &prefix, after.as_deref(), max);
        Ok(keys.map_err(state_error))
    }
}

fn state_error(error: capabilities::StateError) -> state::StateError {
    match error {
        capabilities::StateError::QuotaExceeded(quota) => state::StateError::QuotaExceeded(quota),
        capabilities::StateError::Unavailable(why) => {
            tracing::warn!("component state: {why}");
            state::StateError::Unavailable
        }
    }
}

impl dns::Host for Guest {
    fn lookup_txt(&mut self, name: String) -> wasmtime::Result<Result<dns::TxtAnswer, dns::DnsError>> {
        self.count()?;
        if self.dns_lookups >= self.limits.dns_lookups {
            return Ok(Err(dns::DnsError::TooMany));
        }
        self.dns_lookups += 1;
        // A name of DNS has 253 characters at most (RFC 1035 section 2.3.4, without the root).
        let answer =
            if name.len() > 253 { Err(capabilities::DnsError::InvalidName) } else { self.lookup(&name) };
        let bytes = answer.as_ref().map_or(0, |answer| answer.records.iter().map(String::len).sum());
        self.transcript.call(name.len().min(300) + bytes, || CapabilityCall::LookupTxt {
            name: crate::questions::validate::one_line(&name, 300),
            answer: answer.clone(),
        });
        Ok(match answer {
            Ok(answer) => Ok(dns::TxtAnswer {
                records: answer.records,
                dnssec: if answer.secure { dns::Dnssec::Secure } else { dns::Dnssec::Insecure },
            }),
            Err(capabilities::DnsError::NoRecord) => Err(dns::DnsError::NoRecord),
            Err(capabilities::DnsError::Unavailable(why)) => Err(dns::DnsError::Unavailable(why)),
            Err(capabilities::DnsError::Bogus) => Err(dns::DnsError::Bogus),
            Err(capabilities::DnsError::InvalidName) => Err(dns::DnsError::InvalidName),
        })
    }
}

impl contacts::Host for Guest {
    fn by_alias(&mut self, alias: String) -> wasmtime::Result<Option<contacts::Contact>> {
        self.count()?;
        let answer = self.capabilities.contacts.by_alias(&self.account, &alias);
        self.contact("alias", &alias, answer)
    }

    fn by_key(&mut self, key: String) -> wasmtime::Result<Option<contacts::Contact>> {
        self.count()?;
        let answer = match key.parse() {
            Ok(key) => self.capabilities.contacts.by_key(&self.account, key),
            Err(_) => Ok(None),
        };
        self.contact("key", &key, answer)
    }

    fn by_address(&mut self, address: String) -> wasmtime::Result<Option<contacts::Contact>> {
        self.count()?;
        let answer = match address.parse::<Address>() {
            Ok(address) => self.capabilities.contacts.by_address(&self.account, &address),
            Err(_) => Ok(None),
        };
        self.contact("address", &address, answer)
    }

    fn account_of(&mut self, address: String) -> wasmtime::Result<Option<String>> {
        self.count()?;
        let answer = match address.parse::<Address>() {
            Ok(address) => self.capabilities.contacts.account_of(&address).map_err(gateway_failed)?,
            Err(_) => None,
        };
        self.transcript.call(address.len(), || CapabilityCall::AccountOf {
            address: address.clone(),
            answer: answer.clone(),
        });
        Ok(answer.map(String::from))
    }
}

fn to_wit(contact: Contact) -> contacts::Contact {
    contacts::Contact {
        alias: contact.alias,
        key: contact.key.to_string(),
        tox_id: contact.tox_id.map(|id| id.to_string()),
        addresses: contact.addresses.iter().map(Address::to_string).collect(),
        confirmed: contact.confirmed,
    }
}

impl message::Host for Guest {}

type MessageResult<T> = wasmtime::Result<Result<T, message::MessageError>>;

impl message::HostMessage for Guest {
    fn size(&mut self, _mail: Resource<Message>) -> wasmtime::Result<u64> {
        Ok(self.message()?.size())
    }

    fn header(&mut self, _mail: Resource<Message>, name: String) -> wasmtime::Result<Vec<String>> {
        self.message()?.header(&name).map_err(stop)
    }

    fn header_names(&mut self, _mail: Resource<Message>) -> wasmtime::Result<Vec<String>> {
        self.message()?.header_names().map_err(stop)
    }

    fn parts(&mut self, _mail: Resource<Message>) -> MessageResult<Vec<message::Part>> {
        self.of_parts(Message::parts)
    }

    fn text(&mut self, _mail: Resource<Message>, part: u32, offset: u64, max: u32) -> MessageResult<String> {
        self.of_parts(|mail, budget| mail.text(part, offset, max, budget))
    }

    fn content(
        &mut self,
        _mail: Resource<Message>,
        part: u32,
        offset: u64,
        max: u32,
    ) -> MessageResult<Vec<u8>> {
        self.of_parts(|mail, budget| mail.content(part, offset, max, budget))
    }

    fn raw(&mut self, _mail: Resource<Message>, offset: u64, max: u32) -> MessageResult<Vec<u8>> {
        Ok(self.message()?.raw(offset, max).map_err(|Unavailable(why)| {
            tracing::warn!("reading a mail for a filter: {why}");
            message::MessageError::Unavailable
        }))
    }

    fn drop(&mut self, _mail: Resource<Message>) -> wasmtime::Result<()> {
        Ok(())
    }
}

fn stop(Unavailable(why): Unavailable) -> wasmtime::Error {
    gateway_failed(why).into()
}

/// The records of decisions keep the words.
fn gateway_failed(why: Cause) -> Stop {
    Stop::Gateway(why.to_string())
}
