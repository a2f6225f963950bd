//! The native half of address resolution: DNS lookups and pinning.
