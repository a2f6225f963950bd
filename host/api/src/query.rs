//! The queries of endpoints. A field that a query does not have is refused.

use mail::{AccountName, MailId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::dto::{
    ComponentName, ComponentRef, ComponentSignature, DecisionQuery, Page, SearchText, Slot, Timestamp,
};
use crate::limits::{CURSOR_BYTES, PAGE_DEFAULT, PAGE_LARGEST, REPLAY_DAYS};

/// A query: what follows the `?` of a request.
pub trait Query: Serialize + DeserializeOwned + IntoParams + Clone + Send + Sync + 'static {
    /// The account that the request names.
    fn account(&self) -> Option<&AccountName> {
        None
    }

    /// The same for this account, where the query has one.
    #[must_use]
    fn for_account(self, _account: Option<&AccountName>) -> Self {
        self
    }

    /// The query that asks for the page that begins at this cursor, where the query asks for pages.
    fn next_page(self, _cursor: Cursor) -> Option<Self> {
        None
    }
}

/// A query that asks for one page of a list.
pub trait Paging: Query {
    /// Which page.
    fn page(&self) -> Page;
}

/// No field is allowed.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NoQuery {}

impl Query for NoQuery {}

/// The account that a request is about.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountQuery {
    /// The account; the caller's own if absent, the owner's for the token.
    #[param(value_type = Option<String>)]
    pub account: Option<AccountName>,
}

/// The account, and the part of a list. A Link header with `rel="next"` names the next part.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// The account; the caller's own if absent, the owner's for the token.
    #[param(value_type = Option<String>)]
    pub account: Option<AccountName>,
    /// Most items; 100 if absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    pub limit: Option<PageLimit>,
    /// The cursor that the page before named.
    #[param(value_type = Option<String>)]
    pub after: Option<Cursor>,
}

/// The account, and how many of the mails that left its outbox.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OutcomesQuery {
    /// The account; the caller's own if absent, the owner's for the token.
    #[param(value_type = Option<String>)]
    pub account: Option<AccountName>,
    /// Most items; 100 if absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    pub limit: Option<PageLimit>,
}

/// The account, and whether a contact that is removed is blocked too.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RemoveContactQuery {
    /// The account; the caller's own if absent, the owner's for the token.
    #[param(value_type = Option<String>)]
    pub account: Option<AccountName>,
    /// Whether the contact's later friend requests are ignored; false if absent.
    pub block: Option<bool>,
}

/// The wanted decisions: those that match every given field.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DecisionsQuery {
    /// The account; the caller's own if absent, the owner's for the token.
    #[param(value_type = Option<String>)]
    pub account: Option<AccountName>,
    /// Only of this slot.
    pub slot: Option<Slot>,
    /// Only about this mail: 32 hex digits.
    #[param(value_type = Option<String>)]
    pub mail: Option<MailId>,
    /// Recorded at this time or later.
    pub from: Option<Timestamp>,
    /// Recorded at this time or earlier.
    pub until: Option<Timestamp>,
    /// With this text in what the component was told, answered or logged; 1 to 200 bytes.
    #[param(value_type = Option<String>)]
    pub text: Option<SearchText>,
    /// Most items; 100 if absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    pub limit: Option<PageLimit>,
    /// The cursor that the page before named.
    #[param(value_type = Option<String>)]
    pub after: Option<Cursor>,
}

/// The entry of a slot.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EntryQuery {
    /// The entry; needed where the slot has several.
    pub entry: Option<String>,
}

/// The component to test.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ComponentQuery {
    /// The component, by name or SHA-256.
    #[param(value_type = String)]
    pub component: ComponentRef,
}

/// The component to replay decisions with.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TrialQuery {
    /// A component the gateway has, by name or SHA-256; absent if its file is the body.
    #[param(value_type = Option<String>)]
    pub component: Option<ComponentRef>,
    /// The entry; needed where the slot has several.
    pub entry: Option<String>,
    /// How many days back, 1 to 30; all that are kept if absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 30)]
    pub days: Option<Days>,
}

/// The uploaded component.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// The component's name.
    #[param(value_type = String)]
    pub name: ComponentName,
    /// The signature of its file (Ed25519): 128 hex digits.
    #[param(value_type = Option<String>)]
    pub signature: Option<ComponentSignature>,
}

impl Query for EntryQuery {}
impl Query for ComponentQuery {}
impl Query for TrialQuery {}
impl Query for UploadQuery {}

/// Queries that name an account; and how they go on with the next page, where they ask for pages.
macro_rules! of_account {
    ($($query:ty $(: $next:expr)?),+ $(,)?) => {$(
        impl Query for $query {
            fn account(&self) -> Option<&AccountName> {
                self.account.as_ref()
            }

            fn for_account(mut self, account: Option<&AccountName>) -> Self {
                self.account = account.cloned();
                self
            }

            $(fn next_page(self, cursor: Cursor) -> Option<Self> {
                let next: fn(Self, Cursor) -> Self = $next;
                Some(next(self, cursor))
            })?
        }
    )+};
}

of_account! {
    AccountQuery,
    OutcomesQuery,
    RemoveContactQuery,
    PageQuery: |query, cursor| Self { limit: Some(query.limit.unwrap_or_default()), after: Some(cursor), ..query },
    DecisionsQuery: |query, cursor| Self { limit: Some(query.limit.unwrap_or_default()), after: Some(cursor), ..query },
}

/// The page that is asked for.
macro_rules! paging {
    ($($query:ty),+) => {$(
        impl Paging for $query {
            fn page(&self) -> Page {
                let after = self.after.as_ref().map(|Cursor(after)| after.clone());
                Page::new(self.limit.unwrap_or_default().items(), after)
            }
        }
    )+};
}

paging!(PageQuery, DecisionsQuery);

impl From<DecisionsQuery> for DecisionQuery {
    fn from(query: DecisionsQuery) -> Self {
        let DecisionsQuery { account, slot, mail, from, until, text, .. } = query;
        Self { slot, mail, account, from, until, text }
    }
}

/// Most items of a page: 1 to [`PAGE_LARGEST`], [`PAGE_DEFAULT`] where a request does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "usize", into = "usize")]
pub struct PageLimit(usize);

/// A number that is not a [`PageLimit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`limit` must be from 1 to {PAGE_LARGEST}")]
pub struct InvalidPageLimit;

impl PageLimit {
    /// As many items as a page can have.
    pub const LARGEST: Self = Self(PAGE_LARGEST);

    /// The number of items.
    #[must_use]
    pub const fn items(self) -> usize {
        self.0
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(PAGE_DEFAULT)
    }
}

impl TryFrom<usize> for PageLimit {
    type Error = InvalidPageLimit;

    fn try_from(items: usize) -> Result<Self, Self::Error> {
        if (1..=PAGE_LARGEST).contains(&items) { Ok(Self(items)) } else { Err(InvalidPageLimit) }
    }
}

impl From<PageLimit> for usize {
    fn from(limit: PageLimit) -> Self {
        limit.0
    }
}

/// Where a page begins: after the last item of the page before. At most [`CURSOR_BYTES`] long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor(String);

/// A text that is not a [`Cursor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown cursor `after`: use the value of `next` from the previous page")]
pub struct InvalidCursor;

impl TryFrom<String> for Cursor {
    type Error = InvalidCursor;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.len() <= CURSOR_BYTES { Ok(Self(text)) } else { Err(InvalidCursor) }
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.0
    }
}

/// How many days back a replay goes: 1 to [`REPLAY_DAYS`], which is also the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Days(u32);

/// A number that is no [`Days`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`days` must be from 1 to {REPLAY_DAYS}")]
pub struct InvalidDays;

impl Default for Days {
    fn default() -> Self {
        Self(REPLAY_DAYS)
    }
}

impl TryFrom<u32> for Days {
    type Error = InvalidDays;

    fn try_from(days: u32) -> Result<Self, Self::Error> {
        if (1..=REPLAY_DAYS).contains(&days) { Ok(Self(days)) } else { Err(InvalidDays) }
    }
}

impl From<Days> for u32 {
    fn from(days: Days) -> Self {
        days.0
    }
}

#[cfg(test)]
mod tests;
