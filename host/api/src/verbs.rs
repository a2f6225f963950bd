//! Every verb of the web API, written once.
//!
//! A declaration gives the method, the path, the name in OpenAPI and who may ask. After that come
//! path, query, body, answer and time. Left out, they mean: no variable segment, no query, no body,
//! [`REQUEST_TIME`](crate::limits::REQUEST_TIME).

/// Declares endpoints, as the module describes.
macro_rules! endpoints {
    ($($(#[doc = $about:literal])+ $verb:ident: $method:ident $at:literal as $name:ident for $who:ty {
        $(path: $path:ty,)? $(query: $query:ty,)? $(body: $body:ty,)? answer: $answer:ty $(, time: $time:expr)?
    })+) => {$(
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug)]
        pub struct $verb;

        impl $crate::Endpoint for $verb {
            type Who = $who;
            type Path = or!([$($path)?] ());
            type Query = or!([$($query)?] $crate::NoQuery);
            type Body = or!([$($body)?] $crate::NoBody);
            type Answer = $answer;

            const METHOD: http::Method = http::Method::$method;
            const PATH: &'static str = $at;
            const NAME: &'static str = stringify!($name);
            const ABOUT: &'static [&'static str] = &[$($about),+];
            const TIME: std::time::Duration = value_or!([$($time)?] $crate::limits::REQUEST_TIME);
        }
    )+};
}

/// The type in brackets, or the other where there is none.
macro_rules! or {
    ([] $other:ty) => {
        $other
    };
    ([$given:ty] $other:ty) => {
        $given
    };
}

/// The same for values.
macro_rules! value_or {
    ([] $other:expr) => {
        $other
    };
    ([$given:expr] $other:expr) => {
        $given
    };
}

mod accounts;
mod components;
mod contacts;
mod gateway;
mod mails;
mod relays;
mod trials;

pub use accounts::*;
pub use components::*;
pub use contacts::*;
pub use gateway::*;
pub use mails::*;
pub use relays::*;
pub use trials::*;
