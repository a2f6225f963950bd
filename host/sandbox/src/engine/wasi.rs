//! Inert WASI, so that what stock toolchains build loads: `io`, `cli`, `clocks` and `random` of any 0.2 version.
//!
//! Nothing here reaches the machine. There are no arguments, variables or files; standard input is at its end; output is thrown
//! away; clocks show the time of the call and stand still; random numbers are the same in every call, so that a
//! decision can be repeated. A component that asks for more is refused before it gets here.

use mail::Wall;
use wasmtime::StoreContextMut;
use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::component::{Component, Linker, LinkerInstance, Resource, ResourceAny, ResourceType, Val};

use crate::engine::guest::Guest;
use crate::limits::{WASI_RANDOM_BYTES, WASI_WRITE_BYTES};

/// Packages that are answered.
pub const PACKAGES: [&str; 4] = ["wasi:io/", "wasi:cli/", "wasi:clocks/", "wasi:random/"];

/// Every handle WASI gives out here: a stream into nothing, an event that has happened.
struct Nothing;

/// The WASI of one call.
#[derive(Debug)]
pub struct Inert {
    now: Wall,
    random: u64,
}

impl Inert {
    /// Clocks show `now`.
    pub fn new(now: Wall) -> Self {
        Self { now, random: 0x746f_786d_6169_6c00 }
    }

    /// The next number of a fixed sequence (SplitMix64).
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Answers what the component imports of WASI, whichever 0.2 version it was built for.
///
/// # Errors
/// If an import is no interface of functions.
pub fn link(
    engine: &wasmtime::Engine,
    linker: &mut Linker<Guest>,
    component: &Component,
) -> wasmtime::Result<()> {
    let component_type = component.component_type();
    for (name, item) in component_type.imports(engine) {
        if !PACKAGES.iter().any(|package| name.starts_with(package)) {
            continue;
        }
        let ComponentItem::ComponentInstance(interface) = item.ty else { continue };
        let mut instance = linker.instance(name)?;
        for (function, item) in interface.exports(engine) {
            define(&mut instance, function, &item.ty)?;
        }
    }
    Ok(())
}

fn define(
    instance: &mut LinkerInstance<'_, Guest>,
    name: &str,
    item: &ComponentItem,
) -> wasmtime::Result<()> {
    match item {
        ComponentItem::Resource(_) => instance.resource(name, ResourceType::host::<Nothing>(), |_, _| Ok(())),
        ComponentItem::ComponentFunc(_) => {
            let name_of_call = name.to_owned();
            instance.func_new(name, move |store, ty, params, results| {
                answer(store, &name_of_call, &ty, params, results)
            })
        }
        _ => Ok(()),
    }
}

/// Answers one call: what its name asks for, else the emptiest value of its type.
fn answer(
    mut store: StoreContextMut<'_, Guest>,
    name: &str,
    ty: &ComponentFunc,
    params: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    for param in params {
        release(&mut store, param)?;
    }
    let (Some(result), Some(result_type)) = (results.first_mut(), ty.results().next()) else {
        if name == "exit" || name == "exit-with-code" {
            return Err(wasmtime::Error::msg("it called exit"));
        }
        return Ok(());
    };
    *result = match name {
        "get-random-bytes" | "get-insecure-random-bytes" => random_bytes(&mut store, params)?,
        "get-random-u64" | "get-insecure-random-u64" => Val::U64(store.data_mut().wasi.next_random()),
        "[method]output-stream.check-write" => Val::Result(Ok(Some(Box::new(Val::U64(WASI_WRITE_BYTES))))),
        "[method]input-stream.read" | "[method]input-stream.blocking-read" => {
            let closed = Val::Variant("closed".into(), None);
            Val::Result(Err(Some(Box::new(closed))))
        }
        "[method]pollable.ready" => Val::Bool(true),
        // The first of the events has happened.
        "poll" => Val::List(vec![Val::U32(0)]),
        "now" => now(&store, &result_type),
        _ => empty(&mut store, &result_type)?,
    };
    Ok(())
}

/// Gives handles back: those lent to a call have to be, before it ends.
fn release(store: &mut StoreContextMut<'_, Guest>, value: &Val) -> wasmtime::Result<()> {
    match value {
        Val::Resource(resource) => resource.resource_drop(store),
        Val::List(values) | Val::Tuple(values) => values.iter().try_for_each(|value| release(store, value)),
        Val::Option(Some(value)) => release(store, value),
        _ => Ok(()),
    }
}

fn random_bytes(store: &mut StoreContextMut<'_, Guest>, params: &[Val]) -> wasmtime::Result<Val> {
    let Some(Val::U64(length @ ..=WASI_RANDOM_BYTES)) = params.first() else {
        return Err(wasmtime::Error::msg("it asked for too many random bytes at once"));
    };
    let wasi = &mut store.data_mut().wasi;
    Ok(Val::List((0..*length).map(|_| Val::U8(wasi.next_random().to_le_bytes()[0])).collect()))
}

/// The wall clock shows the time of the call, the monotonic clock nothing.
fn now(store: &StoreContextMut<'_, Guest>, ty: &Type) -> Val {
    let now = store.data().wasi.now;
    match ty {
        Type::Record(_) => {
            let nanoseconds = u32::try_from(now.0 % 1000).unwrap_or(0) * 1_000_000;
            Val::Record(vec![
                ("seconds".into(), Val::U64(now.seconds())),
                ("nanoseconds".into(), Val::U32(nanoseconds)),
            ])
        }
        _ => Val::U64(0),
    }
}

/// The emptiest value of a type: zero, nothing, success.
fn empty(store: &mut StoreContextMut<'_, Guest>, ty: &Type) -> wasmtime::Result<Val> {
    Ok(match ty {
        Type::Bool => Val::Bool(false),
        Type::S8 => Val::S8(0),
        Type::U8 => Val::U8(0),
        Type::S16 => Val::S16(0),
        Type::U16 => Val::U16(0),
        Type::S32 => Val::S32(0),
        Type::U32 => Val::U32(0),
        Type::S64 => Val::S64(0),
        Type::U64 => Val::U64(0),
        Type::Float32 => Val::Float32(0.0),
        Type::Float64 => Val::Float64(0.0),
        Type::Char => Val::Char('\0'),
        Type::String => Val::String(String::new()),
        Type::List(_) => Val::List(Vec::new()),
        Type::Option(_) => Val::Option(None),
        Type::Flags(_) => Val::Flags(Vec::new()),
        Type::Result(result) => Val::Result(Ok(match result.ok() {
            Some(ok) => Some(Box::new(empty(store, &ok)?)),
            None => None,
        })),
        Type::Tuple(tuple) => {
            Val::Tuple(tuple.types().map(|ty| empty(store, &ty)).collect::<wasmtime::Result<_>>()?)
        }
        Type::Record(record) => Val::Record(
            record
                .fields()
                .map(|field| Ok((field.name.to_owned(), empty(store, &field.ty)?)))
                .collect::<wasmtime::Result<_>>()?,
        ),
        Type::Own(_) => {
            let handle = Resource::<Nothing>::new_own(0);
            Val::Resource(ResourceAny::try_from_resource(handle, store)?)
        }
        Type::Enum(names) => Val::Enum(names.names().next().unwrap_or_default().to_owned()),
        _ => return Err(wasmtime::Error::msg("the gateway's WASI has no answer of this type")),
    })
}
