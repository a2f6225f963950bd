//! Long lists, in pages.

use crate::limits::{PAGE_DEFAULT, PAGE_LARGEST};

/// The wanted part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    limit: usize,
    after: Option<String>,
}

impl Page {
    /// At most `limit` items (kept within 1 and [`PAGE_LARGEST`]) that come after the cursor `after`.
    #[must_use]
    pub fn new(limit: usize, after: Option<String>) -> Self {
        Self { limit: limit.clamp(1, PAGE_LARGEST), after }
    }

    /// Most items to return, 1 to [`PAGE_LARGEST`].
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// The cursor: the name of the last item of the page before, as the list's method says. None at the start.
    #[must_use]
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Cuts this page out of a whole list that is in order. `cursor` names an item. A cursor whose item is gone
    /// starts from the first item whose name comes after it, which fits lists ordered by that name.
    #[must_use]
    pub fn cut<T>(&self, items: Vec<T>, cursor: impl Fn(&T) -> String) -> Listing<T> {
        let start = self.after().map_or(0, |after| {
            items.iter().position(|item| cursor(item) == after).map_or_else(
                || items.iter().position(|item| cursor(item).as_str() > after).unwrap_or(items.len()),
                |at| at + 1,
            )
        });
        let is_last = items.len().saturating_sub(start) <= self.limit;
        let items: Vec<T> = items.into_iter().skip(start).take(self.limit).collect();
        let next = if is_last { None } else { items.last().map(cursor) };
        Listing { items, next }
    }
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: PAGE_DEFAULT, after: None }
    }
}

/// One page of a list. In HTTP the body is the array of items, and `next` is a `Link` header with `rel="next"`
/// (RFC 8288).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; None on the last.
    pub next: Option<String>,
}

impl<T> From<Vec<T>> for Listing<T> {
    fn from(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}
