//! The clocks that implement [`mail::Clock`]: the machine's clock, and with the feature `testing`
//! two clocks for tests, in which days pass in milliseconds.
//!
//! | clock | monotonic time | time of day |
//! | --- | --- | --- |
//! | [`SystemClock`] | the machine's | the machine's |
//! | `SimulatedClock` | that of the tokio runtime, which tests pause | starts at a fixed day, and jumps on demand |
//! | `ManualClock` | stands still until it is advanced | goes with it, and is set on demand |
//!
//! This crate never decides anything by the time. It is the only one that asks the machine for the
//! time.

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
