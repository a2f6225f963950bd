//! What implements [`mail::Clock`]: the machine's clock, and with the feature `testing` the two that tests hand in
//! instead, so that days pass in milliseconds.
//!
//! | clock | monotonic time | time of day |
//! | --- | --- | --- |
//! | [`SystemClock`] | the machine's | the machine's |
//! | `SimulatedClock` | that of the tokio runtime, which tests pause | starts at a fixed day, and jumps on demand |
//! | `ManualClock` | stands still until it is advanced | goes with it, and is set on demand |
//!
//! This crate never decides anything by the time, and is the only one that asks the machine for it.

#[cfg(feature = "testing")]
mod manual;
#[cfg(feature = "testing")]
mod simulated;
mod system;

#[cfg(feature = "testing")]
pub use manual::ManualClock;
#[cfg(feature = "testing")]
pub use simulated::SimulatedClock;
pub use system::SystemClock;
