//! Identities, friends, packets: a safe API over c-toxcore.
