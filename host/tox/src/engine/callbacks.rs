//! What c-toxcore calls. Each callback turns C's arguments into an [`Incoming`] and hands it on.
//!
//! A panic in here would end the process (it must not unwind through C), so nothing here panics, and what
//! `deliver` does is a few pushes.

use std::ffi::{c_char, c_int, c_void};

use mail::PublicKey;

use super::{FriendNumber, Incoming, c_text, ffi};
use crate::event::{Connection, MessageId};
use crate::limits;

/// Lives on the stack of [`super::Engine::iterate`], and reaches the callbacks as their user data.
pub struct Context<'a> {
    pub deliver: &'a mut dyn FnMut(Incoming<'_>),
}

/// Hands on one thing that happened.
///
/// # Safety
/// `context` is the pointer that `iterate` gave to c-toxcore, and `iterate` has not returned.
unsafe fn deliver(context: *mut c_void, incoming: Incoming<'_>) {
    // SAFETY: by the contract it points to a live `Context` that nobody else uses: callbacks run one at a time,
    // and `deliver` cannot call back into the engine, which `iterate` borrows mutably.
    if let Some(context) = unsafe { context.cast::<Context<'_>>().as_mut() } {
        (context.deliver)(incoming);
    }
}

/// The bytes c-toxcore passes; it passes null for none.
///
/// # Safety
/// `data` is null, or points to `length` bytes that stay unchanged for `'a`.
unsafe fn bytes<'a>(data: *const u8, length: usize) -> &'a [u8] {
    if data.is_null() || length == 0 {
        return &[];
    }
    // SAFETY: not null, and `length` bytes that live and stay for `'a`, by the contract.
    unsafe { std::slice::from_raw_parts(data, length) }
}

fn connection(status: c_int) -> Connection {
    match status {
        ffi::CONNECTION_TCP => Connection::Tcp,
        ffi::CONNECTION_UDP => Connection::Udp,
        _ => Connection::None,
    }
}

pub unsafe extern "C" fn self_connection(_: *mut ffi::CTox, status: c_int, context: *mut c_void) {
    // SAFETY: called by c-toxcore within `iterate`, with its context.
    unsafe { deliver(context, Incoming::SelfConnection(connection(status))) };
}

pub unsafe extern "C" fn friend_request(
    _: *mut ffi::CTox,
    key: *const u8,
    message: *const u8,
    length: usize,
    context: *mut c_void,
) {
    // SAFETY: c-toxcore passes a key of TOX_PUBLIC_KEY_SIZE = 32 bytes, valid during this call.
    let Ok(key) = <[u8; 32]>::try_from(unsafe { bytes(key, 32) }) else {
        return;
    };
    // SAFETY: c-toxcore passes `length` bytes, valid during this call, within `iterate`, with its context.
    unsafe {
        deliver(context, Incoming::FriendRequest { key: PublicKey(key), message: bytes(message, length) });
    }
}

pub unsafe extern "C" fn friend_connection(
    _: *mut ffi::CTox,
    friend: u32,
    status: c_int,
    context: *mut c_void,
) {
    // SAFETY: called by c-toxcore within `iterate`, with its context.
    unsafe { deliver(context, Incoming::FriendConnection(FriendNumber(friend), connection(status))) };
}

pub unsafe extern "C" fn name(
    _: *mut ffi::CTox,
    friend: u32,
    data: *const u8,
    length: usize,
    context: *mut c_void,
) {
    // SAFETY: c-toxcore passes `length` bytes, valid during this call, within `iterate`, with its context.
    unsafe { deliver(context, Incoming::Name(FriendNumber(friend), bytes(data, length))) };
}

pub unsafe extern "C" fn status_message(
    _: *mut ffi::CTox,
    friend: u32,
    data: *const u8,
    length: usize,
    context: *mut c_void,
) {
    // SAFETY: as in `name`.
    unsafe { deliver(context, Incoming::StatusMessage(FriendNumber(friend), bytes(data, length))) };
}

pub unsafe extern "C" fn message(
    _: *mut ffi::CTox,
    friend: u32,
    _kind: c_int,
    data: *const u8,
    length: usize,
    context: *mut c_void,
) {
    // SAFETY: as in `name`.
    unsafe { deliver(context, Incoming::Message(FriendNumber(friend), bytes(data, length))) };
}

pub unsafe extern "C" fn receipt(_: *mut ffi::CTox, friend: u32, message: u32, context: *mut c_void) {
    // SAFETY: called by c-toxcore within `iterate`, with its context.
    unsafe { deliver(context, Incoming::Receipt(FriendNumber(friend), MessageId(message))) };
}

pub unsafe extern "C" fn packet(
    _: *mut ffi::CTox,
    friend: u32,
    data: *const u8,
    length: usize,
    context: *mut c_void,
) {
    // SAFETY: as in `name`.
    unsafe { deliver(context, Incoming::Packet(FriendNumber(friend), bytes(data, length))) };
}

/// c-toxcore's log. It names addresses and public keys, never secret ones or contents; still it goes no higher
/// than debug. Runs within any call into the instance, so it touches nothing of ours.
pub unsafe extern "C" fn log(
    _: *mut ffi::CTox,
    level: c_int,
    _file: *const c_char,
    _line: u32,
    function: *const c_char,
    message: *const c_char,
    _context: *mut c_void,
) {
    let trace = level == ffi::LOG_TRACE;
    // Most lines (a full queue is one, every time) are wanted by nobody: they cost no formatting.
    if trace && !tracing::enabled!(target: "tox::core", tracing::Level::TRACE)
        || !tracing::enabled!(target: "tox::core", tracing::Level::DEBUG)
    {
        return;
    }
    // SAFETY: c-toxcore passes C strings that are valid during this call.
    let (function, message) = unsafe { (c_text(function), c_text(message)) };
    let message = message.get(..limits::LOG_LINE_BYTES).unwrap_or(message);
    let (function, message) = (function.escape_ascii(), message.escape_ascii());
    if trace {
        tracing::trace!(target: "tox::core", "{function}: {message}");
    } else {
        tracing::debug!(target: "tox::core", "{function}: {message}");
    }
}
