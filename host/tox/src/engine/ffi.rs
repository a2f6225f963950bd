//! The part of c-toxcore's C API that is used, as `tox.h` of 0.2.18 declares it.
//!
//! Enumerations are passed as `c_int`, never as Rust enums: a value unknown here must stay harmless.

use std::ffi::{c_char, c_int, c_void};
use std::marker::{PhantomData, PhantomPinned};

/// `struct Tox`: opaque, bound to one thread at a time.
#[repr(C)]
pub struct CTox {
    _opaque: [u8; 0],
    _not_send: PhantomData<(*mut u8, PhantomPinned)>,
}

/// `struct Tox_Options`: opaque, set through its accessors.
#[repr(C)]
pub struct COptions {
    _opaque: [u8; 0],
    _not_send: PhantomData<(*mut u8, PhantomPinned)>,
}

pub const PROXY_HTTP: c_int = 1;
pub const PROXY_SOCKS5: c_int = 2;

pub const SAVEDATA_TOX_SAVE: c_int = 1;

pub const ERR_NEW_OK: c_int = 0;
pub const ERR_NEW_PORT_ALLOC: c_int = 3;
pub const ERR_NEW_PROXY_BAD_HOST: c_int = 5;
pub const ERR_NEW_PROXY_BAD_PORT: c_int = 6;
pub const ERR_NEW_PROXY_NOT_FOUND: c_int = 7;
pub const ERR_NEW_LOAD_ENCRYPTED: c_int = 8;
pub const ERR_NEW_LOAD_BAD_FORMAT: c_int = 9;

pub const CONNECTION_TCP: c_int = 1;
pub const CONNECTION_UDP: c_int = 2;

pub const ERR_FRIEND_ADD_OK: c_int = 0;
pub const ERR_FRIEND_ADD_TOO_LONG: c_int = 2;
pub const ERR_FRIEND_ADD_NO_MESSAGE: c_int = 3;
pub const ERR_FRIEND_ADD_OWN_KEY: c_int = 4;
pub const ERR_FRIEND_ADD_ALREADY_SENT: c_int = 5;
pub const ERR_FRIEND_ADD_SET_NEW_NOSPAM: c_int = 7;

pub const MESSAGE_TYPE_NORMAL: c_int = 0;

pub const ERR_SEND_MESSAGE_OK: c_int = 0;
pub const ERR_SEND_MESSAGE_NOT_CONNECTED: c_int = 3;
pub const ERR_SEND_MESSAGE_SENDQ: c_int = 4;

pub const ERR_CUSTOM_PACKET_OK: c_int = 0;
pub const ERR_CUSTOM_PACKET_NOT_CONNECTED: c_int = 3;
pub const ERR_CUSTOM_PACKET_SENDQ: c_int = 7;

pub const ERR_DECRYPTION_KEY_DERIVATION_FAILED: c_int = 4;
pub const ERR_DECRYPTION_FAILED: c_int = 5;

pub const LOG_TRACE: c_int = 0;

pub type LogCallback =
    unsafe extern "C" fn(*mut CTox, c_int, *const c_char, u32, *const c_char, *const c_char, *mut c_void);
pub type SelfConnectionCallback = unsafe extern "C" fn(*mut CTox, c_int, *mut c_void);
pub type FriendRequestCallback = unsafe extern "C" fn(*mut CTox, *const u8, *const u8, usize, *mut c_void);
pub type FriendConnectionCallback = unsafe extern "C" fn(*mut CTox, u32, c_int, *mut c_void);
pub type FriendBytesCallback = unsafe extern "C" fn(*mut CTox, u32, *const u8, usize, *mut c_void);
pub type FriendMessageCallback = unsafe extern "C" fn(*mut CTox, u32, c_int, *const u8, usize, *mut c_void);
pub type FriendReceiptCallback = unsafe extern "C" fn(*mut CTox, u32, u32, *mut c_void);

unsafe extern "C" {
    pub safe fn tox_version_major() -> u32;
    pub safe fn tox_version_minor() -> u32;
    pub safe fn tox_version_patch() -> u32;
    pub safe fn tox_version_is_compatible(major: u32, minor: u32, patch: u32) -> bool;

    pub fn tox_options_new(error: *mut c_int) -> *mut COptions;
    pub fn tox_options_free(options: *mut COptions);
    pub fn tox_options_set_ipv6_enabled(options: *mut COptions, enabled: bool);
    pub fn tox_options_set_udp_enabled(options: *mut COptions, enabled: bool);
    pub fn tox_options_set_local_discovery_enabled(options: *mut COptions, enabled: bool);
    pub fn tox_options_set_hole_punching_enabled(options: *mut COptions, enabled: bool);
    pub fn tox_options_set_proxy_type(options: *mut COptions, kind: c_int);
    pub fn tox_options_set_proxy_host(options: *mut COptions, host: *const c_char);
    pub fn tox_options_set_proxy_port(options: *mut COptions, port: u16);
    pub fn tox_options_set_start_port(options: *mut COptions, port: u16);
    pub fn tox_options_set_end_port(options: *mut COptions, port: u16);
    pub fn tox_options_set_tcp_port(options: *mut COptions, port: u16);
    pub fn tox_options_set_savedata_type(options: *mut COptions, kind: c_int);
    pub fn tox_options_set_savedata_data(options: *mut COptions, data: *const u8, length: usize);
    pub fn tox_options_set_log_callback(options: *mut COptions, callback: Option<LogCallback>);

    pub fn tox_new(options: *const COptions, error: *mut c_int) -> *mut CTox;
    pub fn tox_kill(tox: *mut CTox);
    pub fn tox_iteration_interval(tox: *const CTox) -> u32;
    pub fn tox_iterate(tox: *mut CTox, user_data: *mut c_void);
    pub fn tox_get_savedata_size(tox: *const CTox) -> usize;
    pub fn tox_get_savedata(tox: *const CTox, savedata: *mut u8);

    pub fn tox_bootstrap(
        tox: *mut CTox,
        host: *const c_char,
        port: u16,
        key: *const u8,
        error: *mut c_int,
    ) -> bool;
    pub fn tox_add_tcp_relay(
        tox: *mut CTox,
        host: *const c_char,
        port: u16,
        key: *const u8,
        error: *mut c_int,
    ) -> bool;

    pub fn tox_self_get_address(tox: *const CTox, address: *mut u8);
    pub fn tox_self_set_nospam(tox: *mut CTox, nospam: u32);
    pub fn tox_self_get_dht_id(tox: *const CTox, key: *mut u8);
    pub fn tox_self_get_udp_port(tox: *const CTox, error: *mut c_int) -> u16;
    pub fn tox_self_get_tcp_port(tox: *const CTox, error: *mut c_int) -> u16;
    pub fn tox_self_set_name(tox: *mut CTox, name: *const u8, length: usize, error: *mut c_int) -> bool;
    pub fn tox_self_set_status_message(
        tox: *mut CTox,
        text: *const u8,
        length: usize,
        error: *mut c_int,
    ) -> bool;

    pub fn tox_friend_add(
        tox: *mut CTox,
        address: *const u8,
        message: *const u8,
        length: usize,
        error: *mut c_int,
    ) -> u32;
    pub fn tox_friend_add_norequest(tox: *mut CTox, key: *const u8, error: *mut c_int) -> u32;
    pub fn tox_friend_delete(tox: *mut CTox, friend: u32, error: *mut c_int) -> bool;
    pub fn tox_friend_by_public_key(tox: *const CTox, key: *const u8, error: *mut c_int) -> u32;
    pub fn tox_friend_get_public_key(tox: *const CTox, friend: u32, key: *mut u8, error: *mut c_int) -> bool;
    pub fn tox_self_get_friend_list_size(tox: *const CTox) -> usize;
    pub fn tox_self_get_friend_list(tox: *const CTox, friends: *mut u32);
    pub fn tox_friend_send_message(
        tox: *mut CTox,
        friend: u32,
        kind: c_int,
        message: *const u8,
        length: usize,
        error: *mut c_int,
    ) -> u32;
    pub fn tox_friend_send_lossless_packet(
        tox: *mut CTox,
        friend: u32,
        data: *const u8,
        length: usize,
        error: *mut c_int,
    ) -> bool;

    pub fn tox_pass_decrypt(
        data: *const u8,
        length: usize,
        password: *const u8,
        password_length: usize,
        plain: *mut u8,
        error: *mut c_int,
    ) -> bool;
    #[cfg(test)]
    pub fn tox_pass_encrypt(
        plain: *const u8,
        length: usize,
        password: *const u8,
        password_length: usize,
        data: *mut u8,
        error: *mut c_int,
    ) -> bool;

    pub fn tox_callback_self_connection_status(tox: *mut CTox, callback: Option<SelfConnectionCallback>);
    pub fn tox_callback_friend_request(tox: *mut CTox, callback: Option<FriendRequestCallback>);
    pub fn tox_callback_friend_connection_status(tox: *mut CTox, callback: Option<FriendConnectionCallback>);
    pub fn tox_callback_friend_name(tox: *mut CTox, callback: Option<FriendBytesCallback>);
    pub fn tox_callback_friend_status_message(tox: *mut CTox, callback: Option<FriendBytesCallback>);
    pub fn tox_callback_friend_message(tox: *mut CTox, callback: Option<FriendMessageCallback>);
    pub fn tox_callback_friend_read_receipt(tox: *mut CTox, callback: Option<FriendReceiptCallback>);
    pub fn tox_callback_friend_lossless_packet(tox: *mut CTox, callback: Option<FriendBytesCallback>);
}
