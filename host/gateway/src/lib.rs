//! The core: submission, outbox schedule, reception, bounces.
