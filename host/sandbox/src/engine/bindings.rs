//! Rust types and traits generated from the WIT package. One module has all that components import; the others have
//! one slot's export each.

#![allow(missing_docs, clippy::all, reason = "generated; the WIT files document it")]

pub mod host {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package toxmail:host;
            world host {
                import toxmail:gateway/types@0.1.0;
                import toxmail:gateway/log@0.1.0;
                import toxmail:gateway/state@0.1.0;
                import toxmail:gateway/dns@0.1.0;
                import toxmail:gateway/contacts@0.1.0;
                import toxmail:gateway/message@0.1.0;
            }
        ",
        world: "toxmail:host/host",
        imports: { default: trappable },
        with: { "toxmail:gateway/message.message": crate::questions::message::Message },
    });
}

macro_rules! slot {
    ($module:ident, $world:literal, $($interface:literal => $shared:ident),*) => {
        pub mod $module {
            wasmtime::component::bindgen!({
                path: "../../wit",
                world: $world,
                imports: { default: trappable },
                with: { $($interface: crate::engine::bindings::host::toxmail::gateway::$shared),* },
            });
        }
    };
}

slot!(
    policy, "policy",
    "toxmail:gateway/types" => types, "toxmail:gateway/log" => log, "toxmail:gateway/state" => state
);
slot!(
    resolver, "resolver",
    "toxmail:gateway/types" => types, "toxmail:gateway/log" => log, "toxmail:gateway/state" => state,
    "toxmail:gateway/dns" => dns, "toxmail:gateway/contacts" => contacts
);
slot!(
    relay_selector, "relay-selector",
    "toxmail:gateway/types" => types, "toxmail:gateway/log" => log, "toxmail:gateway/state" => state
);
slot!(
    mail_filter, "mail-filter",
    "toxmail:gateway/types" => types, "toxmail:gateway/log" => log, "toxmail:gateway/state" => state,
    "toxmail:gateway/message" => message
);
slot!(
    learning_mail_filter, "learning-mail-filter",
    "toxmail:gateway/types" => types, "toxmail:gateway/log" => log, "toxmail:gateway/state" => state,
    "toxmail:gateway/message" => message
);
