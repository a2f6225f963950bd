//! Dates as mail writes them.

use time::OffsetDateTime;
use time::macros::format_description;

use crate::clock::Wall;

/// The last second of the year 9999: RFC 5322 has no five-digit years that programs understand.
const LAST_SECOND: u64 = 253_402_300_799;

/// `time` as a date-time of RFC 5322 section 3.3, in UTC: `Sun, 22 Nov 2026 12:12:48 +0000`.
///
/// Times after the year 9999 are written as its last second.
#[must_use]
pub fn date_time(time: Wall) -> String {
    let seconds = i64::try_from(time.seconds().min(LAST_SECOND)).unwrap_or(0);
    let form = format_description!(
        "[weekday repr:short], [day padding:none] [month repr:short] [year] [hour]:[minute]:[second] +0000"
    );
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|moment| moment.format(&form).ok())
        .unwrap_or_else(|| "Thu, 1 Jan 1970 00:00:00 +0000".to_owned())
}
