//! Times in JSON.

use std::str::FromStr;

use mail::Wall;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

/// A wall-clock time, written as RFC 3339 in UTC with milliseconds at most. Times after the year 9999 are
/// written as its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Timestamp(pub Wall);

/// The last millisecond RFC 3339 can write.
const LAST_MILLISECOND: u64 = 253_402_300_799_999;

impl Timestamp {
    /// The time as RFC 3339 text, `2026-01-31T12:00:00Z`.
    #[must_use]
    pub fn to_text(self) -> String {
        let nanoseconds = i128::from(self.0.0.min(LAST_MILLISECOND)) * 1_000_000;
        OffsetDateTime::from_unix_timestamp_nanos(nanoseconds)
            .ok()
            .and_then(|time| time.format(&Rfc3339).ok())
            .unwrap_or_default()
    }
}

/// Why a text is not a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time is written as 2026-01-31T12:00:00Z (RFC 3339), 1970 or later")]
pub struct InvalidTimestamp;

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| InvalidTimestamp)?;
        let milliseconds = u64::try_from(time.unix_timestamp_nanos() / 1_000_000);
        milliseconds.map(|milliseconds| Self(Wall(milliseconds))).map_err(|_| InvalidTimestamp)
    }
}

impl From<Wall> for Timestamp {
    fn from(time: Wall) -> Self {
        Self(time)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
