//! WebAssembly components: check, compile, limit, call, swap, record, replay.
