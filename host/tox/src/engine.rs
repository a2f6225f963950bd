//! The engine: c-toxcore behind a safe interface. Everything above this module knows friends by number, time
//! by turns, and nothing of C; an engine written in Rust would take the place of this module.
//!
//! An engine belongs to the thread that made it (it holds a raw pointer, so it is neither `Send` nor `Sync`):
//! c-toxcore wants one thread per instance, and gets it.
#![allow(unsafe_code)]

mod callbacks;
mod encrypted;
mod ffi;

pub use encrypted::decrypt;

use std::ffi::{CStr, CString, c_int};
use std::net::IpAddr;
use std::ptr::NonNull;

use mail::{Nospam, PublicKey, ToxId};

use crate::error::{AddFriendError, StartError};
use crate::event::{Connection, MessageId};
use crate::limits;
use crate::options::{Options, Proxy};
use crate::saved::{InvalidSavedData, SavedData};

/// A friend's number: valid until the friend is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FriendNumber(pub u32);

/// What one turn of the engine brings, in order. Bytes are borrowed from the engine.
pub enum Incoming<'a> {
    SelfConnection(Connection),
    FriendRequest { key: PublicKey, message: &'a [u8] },
    FriendConnection(FriendNumber, Connection),
    Packet(FriendNumber, &'a [u8]),
    Message(FriendNumber, &'a [u8]),
    Receipt(FriendNumber, MessageId),
    Name(FriendNumber, &'a [u8]),
    StatusMessage(FriendNumber, &'a [u8]),
}

/// What became of something to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent<T> {
    /// The engine has it.
    Done(T),
    /// Congestion control lets nothing through now, or the friend just went: try again after a turn.
    Later,
    /// Never: wrong length or id, or no such friend.
    Refused,
}

/// One instance of c-toxcore.
pub struct Engine {
    /// From `tox_new`, not yet killed: true for as long as this value lives.
    tox: NonNull<ffi::CTox>,
}

impl Engine {
    /// Starts an instance. May block (a proxy's name is resolved), so it is called on the owning thread.
    pub fn start(options: &Options) -> Result<Self, StartError> {
        check_library()?;
        let c_options = EngineOptions::new(options)?;
        let mut error: c_int = ffi::ERR_NEW_OK;
        // SAFETY: the options are valid, and all that they point to lives in `options` and `c_options`, which
        // outlive the call (c-toxcore copies what it keeps). `error` is a valid place for the call.
        let tox = unsafe { ffi::tox_new(c_options.raw.as_ptr(), &raw mut error) };
        // Damaged data gives an instance and an error: it is wrapped first, so that it is killed in any case.
        let engine = NonNull::new(tox).map(|tox| Self { tox });
        match engine {
            Some(engine) if error == ffi::ERR_NEW_OK => {
                engine.register_callbacks();
                engine.check_identity(options.saved.as_ref())?;
                Ok(engine)
            }
            _ => Err(start_error(error, options)),
        }
    }

    fn register_callbacks(&self) {
        let tox = self.tox.as_ptr();
        // SAFETY: the instance is alive, and each function has the signature that its callback has in tox.h.
        unsafe {
            ffi::tox_callback_self_connection_status(tox, Some(callbacks::self_connection));
            ffi::tox_callback_friend_request(tox, Some(callbacks::friend_request));
            ffi::tox_callback_friend_connection_status(tox, Some(callbacks::friend_connection));
            ffi::tox_callback_friend_name(tox, Some(callbacks::name));
            ffi::tox_callback_friend_status_message(tox, Some(callbacks::status_message));
            ffi::tox_callback_friend_message(tox, Some(callbacks::message));
            ffi::tox_callback_friend_read_receipt(tox, Some(callbacks::receipt));
            ffi::tox_callback_friend_lossless_packet(tox, Some(callbacks::packet));
        }
    }

    /// c-toxcore derives the public key from the secret one: a damaged secret key shows as another identity.
    fn check_identity(&self, saved: Option<&SavedData>) -> Result<(), StartError> {
        match saved {
            Some(saved) if saved.public_key() != self.id()?.key => Err(InvalidSavedData::Refused.into()),
            _ => Ok(()),
        }
    }

    /// One turn: receives, sends what is due, and tells `deliver` what happened.
    pub fn iterate(&mut self, deliver: &mut dyn FnMut(Incoming<'_>)) {
        let mut context = callbacks::Context { deliver };
        // SAFETY: the instance is alive and used by this thread alone (`&mut self`, not `Send`). The context
        // outlives the call, and the callbacks that get it run only within the call, one at a time.
        unsafe { ffi::tox_iterate(self.tox.as_ptr(), (&raw mut context).cast()) };
    }

    /// Milliseconds until the next turn is due, at most 50.
    pub fn interval_ms(&self) -> u32 {
        // SAFETY: the instance is alive.
        unsafe { ffi::tox_iteration_interval(self.tox.as_ptr()) }
    }

    /// The own Tox ID.
    pub fn id(&self) -> Result<ToxId, StartError> {
        let mut bytes = [0; ToxId::BYTES];
        // SAFETY: the instance is alive, and an address has TOX_ADDRESS_SIZE = 38 bytes, as the array.
        unsafe { ffi::tox_self_get_address(self.tox.as_ptr(), bytes.as_mut_ptr()) };
        ToxId::from_bytes(&bytes).map_err(|_| StartError::Resources)
    }

    /// The key under which the network finds this instance as a node.
    pub fn dht_key(&self) -> PublicKey {
        let mut key = [0; 32];
        // SAFETY: the instance is alive, and a key has TOX_PUBLIC_KEY_SIZE = 32 bytes, as the array.
        unsafe { ffi::tox_self_get_dht_id(self.tox.as_ptr(), key.as_mut_ptr()) };
        PublicKey(key)
    }

    /// The UDP port, where UDP is used.
    pub fn udp_port(&self) -> Option<u16> {
        let mut error: c_int = 0;
        // SAFETY: the instance is alive and `error` a valid place.
        let port = unsafe { ffi::tox_self_get_udp_port(self.tox.as_ptr(), &raw mut error) };
        (error == 0).then_some(port)
    }

    /// The TCP port of the relay, where this instance is one.
    pub fn tcp_port(&self) -> Option<u16> {
        let mut error: c_int = 0;
        // SAFETY: the instance is alive and `error` a valid place.
        let port = unsafe { ffi::tox_self_get_tcp_port(self.tox.as_ptr(), &raw mut error) };
        (error == 0).then_some(port)
    }

    /// Changes the nospam of the own Tox ID.
    pub fn set_nospam(&mut self, nospam: Nospam) {
        // SAFETY: the instance is alive. c-toxcore takes the number whose big-endian bytes stand in the ID.
        unsafe { ffi::tox_self_set_nospam(self.tox.as_ptr(), u32::from_be_bytes(nospam.0)) };
    }

    /// Sets the own name; `false` if it is too long.
    pub fn set_name(&mut self, name: &str) -> bool {
        let mut error: c_int = 0;
        // SAFETY: the instance is alive; pointer and length are those of one string, which is copied.
        unsafe { ffi::tox_self_set_name(self.tox.as_ptr(), name.as_ptr(), name.len(), &raw mut error) }
    }

    /// Sets the own status message; `false` if it is too long.
    pub fn set_status_message(&mut self, text: &str) -> bool {
        let mut error: c_int = 0;
        // SAFETY: the instance is alive; pointer and length are those of one string, which is copied.
        unsafe {
            ffi::tox_self_set_status_message(self.tox.as_ptr(), text.as_ptr(), text.len(), &raw mut error)
        }
    }

    /// What to store.
    pub fn saved(&self) -> Result<SavedData, InvalidSavedData> {
        // SAFETY: the instance is alive.
        let size = unsafe { ffi::tox_get_savedata_size(self.tox.as_ptr()) };
        let mut bytes = vec![0; size];
        // SAFETY: the instance is alive and unchanged since the call above, so it writes exactly `size` bytes.
        unsafe { ffi::tox_get_savedata(self.tox.as_ptr(), bytes.as_mut_ptr()) };
        SavedData::new(bytes)
    }

    /// Asks a node for peers; `false` where its address cannot be used.
    pub fn bootstrap(&mut self, address: IpAddr, port: u16, key: &PublicKey) -> bool {
        self.with_node(ffi::tox_bootstrap, address, port, key)
    }

    /// Uses a Tox TCP relay; `false` where its address cannot be used.
    pub fn add_tcp_relay(&mut self, address: IpAddr, port: u16, key: &PublicKey) -> bool {
        self.with_node(ffi::tox_add_tcp_relay, address, port, key)
    }

    fn with_node(&mut self, call: NodeCall, address: IpAddr, port: u16, key: &PublicKey) -> bool {
        let Ok(host) = CString::new(address.to_string()) else {
            return false;
        };
        let mut error: c_int = 0;
        // SAFETY: the instance is alive; the host is a C string, the key has 32 bytes, and both outlive the call,
        // which keeps neither. An address, unlike a name, makes the call return without asking a name server.
        unsafe { call(self.tox.as_ptr(), host.as_ptr(), port, key.0.as_ptr(), &raw mut error) }
    }

    /// Adds a friend who gets a request with this message.
    pub fn add_friend(&mut self, id: &ToxId, message: &str) -> Result<FriendNumber, AddFriendError> {
        let address = id.to_bytes();
        let mut error: c_int = 0;
        // SAFETY: the instance is alive; the address has 38 bytes; pointer and length of the message are those of
        // one string; both are copied.
        let number = unsafe {
            ffi::tox_friend_add(
                self.tox.as_ptr(),
                address.as_ptr(),
                message.as_ptr(),
                message.len(),
                &raw mut error,
            )
        };
        if error == ffi::ERR_FRIEND_ADD_SET_NEW_NOSPAM {
            // Asked before under another nospam: c-toxcore asks again under the new one.
            return self.friend_number(&id.key).ok_or(AddFriendError::AlreadyFriend);
        }
        added(number, error)
    }

    /// Adds a friend without a request: they asked, or are known otherwise.
    pub fn accept_friend(&mut self, key: &PublicKey) -> Result<FriendNumber, AddFriendError> {
        let mut error: c_int = 0;
        // SAFETY: the instance is alive, and the key has 32 bytes, which are copied.
        let number =
            unsafe { ffi::tox_friend_add_norequest(self.tox.as_ptr(), key.0.as_ptr(), &raw mut error) };
        added(number, error)
    }

    /// Deletes a friend; `false` if there is none of this number.
    pub fn delete_friend(&mut self, friend: FriendNumber) -> bool {
        let mut error: c_int = 0;
        // SAFETY: the instance is alive; an unknown number is an error, not undefined.
        unsafe { ffi::tox_friend_delete(self.tox.as_ptr(), friend.0, &raw mut error) }
    }

    fn friend_number(&self, key: &PublicKey) -> Option<FriendNumber> {
        let mut error: c_int = 0;
        // SAFETY: the instance is alive, and the key has 32 bytes.
        let number =
            unsafe { ffi::tox_friend_by_public_key(self.tox.as_ptr(), key.0.as_ptr(), &raw mut error) };
        (error == 0).then_some(FriendNumber(number))
    }

    /// All friends.
    pub fn friends(&self) -> Vec<(FriendNumber, PublicKey)> {
        // SAFETY: the instance is alive.
        let count = unsafe { ffi::tox_self_get_friend_list_size(self.tox.as_ptr()) };
        let mut numbers = vec![0_u32; count];
        // SAFETY: the instance is alive and unchanged since the call above, so it writes exactly `count` numbers.
        unsafe { ffi::tox_self_get_friend_list(self.tox.as_ptr(), numbers.as_mut_ptr()) };
        numbers
            .into_iter()
            .filter_map(|number| Some((FriendNumber(number), self.friend_key(number)?)))
            .collect()
    }

    fn friend_key(&self, number: u32) -> Option<PublicKey> {
        let mut key = [0; 32];
        let mut error: c_int = 0;
        // SAFETY: the instance is alive, and a key has 32 bytes, as the array.
        let found = unsafe {
            ffi::tox_friend_get_public_key(self.tox.as_ptr(), number, key.as_mut_ptr(), &raw mut error)
        };
        found.then_some(PublicKey(key))
    }

    /// Gives the engine a custom lossless packet. Length and id were checked before.
    pub fn send_packet(&mut self, friend: FriendNumber, packet: &[u8]) -> Sent<()> {
        let mut error: c_int = 0;
        // SAFETY: the instance is alive; pointer and length are those of one slice, which is copied; wrong lengths,
        // ids and numbers are errors, not undefined.
        unsafe {
            ffi::tox_friend_send_lossless_packet(
                self.tox.as_ptr(),
                friend.0,
                packet.as_ptr(),
                packet.len(),
                &raw mut error,
            )
        };
        match error {
            ffi::ERR_CUSTOM_PACKET_OK => Sent::Done(()),
            ffi::ERR_CUSTOM_PACKET_SENDQ | ffi::ERR_CUSTOM_PACKET_NOT_CONNECTED => Sent::Later,
            _ => Sent::Refused,
        }
    }

    /// Gives the engine a text message. Its length was checked before.
    pub fn send_message(&mut self, friend: FriendNumber, text: &[u8]) -> Sent<MessageId> {
        let mut error: c_int = 0;
        // SAFETY: as in `send_packet`.
        let id = unsafe {
            ffi::tox_friend_send_message(
                self.tox.as_ptr(),
                friend.0,
                ffi::MESSAGE_TYPE_NORMAL,
                text.as_ptr(),
                text.len(),
                &raw mut error,
            )
        };
        match error {
            ffi::ERR_SEND_MESSAGE_OK => Sent::Done(MessageId(id)),
            ffi::ERR_SEND_MESSAGE_SENDQ | ffi::ERR_SEND_MESSAGE_NOT_CONNECTED => Sent::Later,
            _ => Sent::Refused,
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // SAFETY: the instance is alive and never used again: this value owned it.
        unsafe { ffi::tox_kill(self.tox.as_ptr()) };
    }
}

/// `tox_bootstrap` and `tox_add_tcp_relay` have the same signature.
type NodeCall =
    unsafe extern "C" fn(*mut ffi::CTox, *const std::ffi::c_char, u16, *const u8, *mut c_int) -> bool;

fn added(number: u32, error: c_int) -> Result<FriendNumber, AddFriendError> {
    match error {
        ffi::ERR_FRIEND_ADD_OK => Ok(FriendNumber(number)),
        ffi::ERR_FRIEND_ADD_TOO_LONG => Err(AddFriendError::MessageTooLong),
        ffi::ERR_FRIEND_ADD_NO_MESSAGE => Err(AddFriendError::MessageEmpty),
        ffi::ERR_FRIEND_ADD_OWN_KEY => Err(AddFriendError::OwnKey),
        ffi::ERR_FRIEND_ADD_ALREADY_SENT => Err(AddFriendError::AlreadyFriend),
        _ => Err(AddFriendError::Memory),
    }
}

fn check_library() -> Result<(), StartError> {
    if ffi::tox_version_is_compatible(0, 2, 18) {
        return Ok(());
    }
    let version = [ffi::tox_version_major(), ffi::tox_version_minor(), ffi::tox_version_patch()];
    Err(StartError::Library(version.map(|part| part.to_string()).join(".")))
}

fn start_error(error: c_int, options: &Options) -> StartError {
    match error {
        ffi::ERR_NEW_PORT_ALLOC => port_error(options),
        ffi::ERR_NEW_PROXY_BAD_HOST | ffi::ERR_NEW_PROXY_NOT_FOUND => {
            StartError::ProxyHost(match &options.proxy {
                Proxy::None => String::new(),
                Proxy::Socks5(host, _) | Proxy::Http(host, _) => host.clone(),
            })
        }
        ffi::ERR_NEW_PROXY_BAD_PORT => StartError::ProxyPort,
        ffi::ERR_NEW_LOAD_ENCRYPTED => InvalidSavedData::Encrypted.into(),
        ffi::ERR_NEW_LOAD_BAD_FORMAT => InvalidSavedData::Refused.into(),
        _ => StartError::Resources,
    }
}

/// c-toxcore does not say which port it was: the relay's is tried.
fn port_error(options: &Options) -> StartError {
    if let Some(port) = options.tcp_relay_port
        && std::net::TcpListener::bind(("0.0.0.0", port)).is_err()
    {
        return StartError::RelayPortTaken(port);
    }
    StartError::PortTaken(options.ports)
}

/// `Tox_Options`, freed on drop, and what it points to.
struct EngineOptions {
    raw: NonNull<ffi::COptions>,
    _proxy_host: Option<CString>,
}

impl EngineOptions {
    fn new(options: &Options) -> Result<Self, StartError> {
        let proxy = match &options.proxy {
            Proxy::None => None,
            Proxy::Http(host, port) => Some((ffi::PROXY_HTTP, host, *port)),
            Proxy::Socks5(host, port) => Some((ffi::PROXY_SOCKS5, host, *port)),
        };
        let proxy_host = match proxy {
            None => None,
            Some((_, _, 0)) => return Err(StartError::ProxyPort),
            Some((_, host, _)) => Some(c_host(host)?),
        };
        let mut error: c_int = 0;
        // SAFETY: `error` is a valid place.
        let raw =
            NonNull::new(unsafe { ffi::tox_options_new(&raw mut error) }).ok_or(StartError::Resources)?;
        let set = raw.as_ptr();
        // SAFETY: the options are alive. They keep the pointers to the proxy's host, which the returned value owns
        // (moving a CString does not move its text), and to the saved data, which lives in `options`: both outlive
        // `tox_new`, the only reader. The log callback has the signature it has in tox.h.
        unsafe {
            ffi::tox_options_set_ipv6_enabled(set, options.ipv6);
            ffi::tox_options_set_udp_enabled(set, options.udp && proxy.is_none());
            ffi::tox_options_set_local_discovery_enabled(set, options.local_discovery && proxy.is_none());
            ffi::tox_options_set_hole_punching_enabled(set, options.hole_punching);
            ffi::tox_options_set_start_port(set, options.ports.first());
            ffi::tox_options_set_end_port(set, options.ports.last());
            ffi::tox_options_set_tcp_port(set, options.tcp_relay_port.unwrap_or(0));
            if let (Some((kind, _, port)), Some(host)) = (proxy, &proxy_host) {
                ffi::tox_options_set_proxy_type(set, kind);
                ffi::tox_options_set_proxy_host(set, host.as_ptr());
                ffi::tox_options_set_proxy_port(set, port);
            }
            if let Some(saved) = &options.saved {
                let bytes = saved.as_bytes();
                ffi::tox_options_set_savedata_type(set, ffi::SAVEDATA_TOX_SAVE);
                ffi::tox_options_set_savedata_data(set, bytes.as_ptr(), bytes.len());
            }
            ffi::tox_options_set_log_callback(set, Some(callbacks::log));
        }
        Ok(Self { raw, _proxy_host: proxy_host })
    }
}

impl Drop for EngineOptions {
    fn drop(&mut self) {
        // SAFETY: from `tox_options_new`, not yet freed, and never used again: this value owned it.
        unsafe { ffi::tox_options_free(self.raw.as_ptr()) };
    }
}

fn c_host(host: &str) -> Result<CString, StartError> {
    let unknown = || StartError::ProxyHost(host.to_owned());
    if host.is_empty() || host.len() > limits::HOST_BYTES {
        return Err(unknown());
    }
    CString::new(host).map_err(|_| unknown())
}

/// The bytes of a C string, or nothing where there is none.
///
/// # Safety
/// `text` is null or points to a C string that lives for `'a`.
unsafe fn c_text<'a>(text: *const std::ffi::c_char) -> &'a [u8] {
    if text.is_null() {
        return &[];
    }
    // SAFETY: not null, and a C string for `'a` by this function's contract.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}
