//! Lists in pages.

use std::str::FromStr;

use admin::dto::{Listing, Page};
use admin::management::{ManagementError, Result};

/// Where the page after the one before begins.
pub fn cursor<T: FromStr>(page: &Page) -> Result<Option<T>> {
    let invalid = |_| {
        ManagementError::Unprocessable(
            "unknown cursor: use the one from the previous page, or start without".to_owned(),
        )
    };
    page.after().map(|after| after.parse().map_err(invalid)).transpose()
}

/// A page of what was read: one more than it holds, where there is more.
pub fn listing<T>(page: &Page, items: impl Iterator<Item = T>, cursor: impl Fn(&T) -> String) -> Listing<T> {
    let mut items: Vec<T> = items.collect();
    let is_last = items.len() <= page.limit();
    items.truncate(page.limit());
    let next = if is_last { None } else { items.last().map(cursor) };
    Listing { items, next }
}
