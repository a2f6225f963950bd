//! The variable part of a path.

use std::error::Error;
use std::str::FromStr;

use mail::{AccountName, Address, MailId, PublicKey};
use utoipa::PartialSchema as _;
use utoipa::openapi::{RefOr, Schema};

use crate::dto::{ComponentRef, Slot};
use crate::openapi::Schemas;

/// The variable part in the path of an endpoint: one segment, or nothing.
pub trait Path: Sized + Send + 'static {
    /// Reads the segment, which is already percent-decoded.
    ///
    /// # Errors
    /// [`InvalidSegment`] says what the text should be.
    fn read(segment: &str) -> Result<Self, InvalidSegment>;

    /// The segment as text, not yet percent-encoded; `None` where the path is fixed.
    fn segment(&self) -> Option<String>;

    /// How OpenAPI describes the segment; `None` where the path is fixed.
    fn describe(schemas: &mut Schemas) -> Option<RefOr<Schema>>;
}

/// A segment that its endpoint does not accept.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct InvalidSegment(Box<dyn Error + Send + Sync>);

impl Path for () {
    fn read(_segment: &str) -> Result<Self, InvalidSegment> {
        Ok(())
    }

    fn segment(&self) -> Option<String> {
        None
    }

    fn describe(_schemas: &mut Schemas) -> Option<RefOr<Schema>> {
        None
    }
}

/// Types whose text is a segment, and what OpenAPI says they are.
macro_rules! segments {
    ($($type:ty: $shape:expr),+ $(,)?) => {$(
        impl Path for $type {
            fn read(segment: &str) -> Result<Self, InvalidSegment> {
                segment.parse().map_err(|error: <$type as FromStr>::Err| InvalidSegment(error.into()))
            }

            fn segment(&self) -> Option<String> {
                Some(self.to_string())
            }

            fn describe(schemas: &mut Schemas) -> Option<RefOr<Schema>> {
                let shape: fn(&mut Schemas) -> RefOr<Schema> = $shape;
                Some(shape(schemas))
            }
        }
    )+};
}

segments! {
    AccountName: |_| String::schema(),
    Address: |_| String::schema(),
    ComponentRef: |_| String::schema(),
    MailId: |_| String::schema(),
    PublicKey: |_| String::schema(),
    Slot: |schemas| schemas.refer::<Slot>().into(),
    String: |_| String::schema(),
    u64: |_| u64::schema(),
}
