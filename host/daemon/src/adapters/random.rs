//! Randomness from the operating system.

use gateway::ports::Random;

/// The operating system's random source.
#[derive(Debug)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            // Linux gives random bytes or has no kernel: going on with predictable ids would be worse than stopping.
            tracing::error!(%error, "the operating system gives no random bytes");
            std::process::abort();
        }
    }
}
