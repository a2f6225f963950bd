//! What endpoints answer where the verb was done.

use std::marker::PhantomData;

use http::StatusCode;
use utoipa::PartialSchema as _;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::ArrayBuilder;
use utoipa::openapi::{ContentBuilder, RefOr, Required, Response, ResponseBuilder, Schema};

use crate::Value;
use crate::dto::{Event, ImportedMail};
use crate::openapi::{JSON, Schemas, bytes};

/// The answer of an endpoint where the verb was done.
pub trait Answer: Send + Sync + 'static {
    /// The statuses it may have, the usual one first.
    const STATUSES: &'static [StatusCode];

    /// Its content type and how OpenAPI describes it; `None` where it has no content.
    fn content(schemas: &mut Schemas) -> Option<(&'static str, RefOr<Schema>)>;

    /// Header fields of the request that change the answer.
    fn parameters() -> Vec<Parameter> {
        Vec::new()
    }
}

/// An answer that a client reads as a value.
pub trait Readable: Answer {
    /// What it says.
    type Value;

    /// Reads an answer; one without content is an empty object.
    ///
    /// # Errors
    /// The answer is not of this kind.
    fn read(answer: serde_json::Value) -> Result<Self::Value, serde_json::Error>;
}

/// A value.
#[derive(Debug)]
pub struct One<T>(PhantomData<T>);

/// A value that is new; status 201.
#[derive(Debug)]
pub struct Created<T>(PhantomData<T>);

/// A list that is short by nature.
#[derive(Debug)]
pub struct List<T>(PhantomData<T>);

/// A page of a list; the field `Link` names the next one.
#[derive(Debug)]
pub struct Paged<T>(PhantomData<T>);

/// Nothing: it is done.
#[derive(Debug)]
pub enum Empty {}

/// Nothing: it will be done.
#[derive(Debug)]
pub enum Accepted {}

/// What became of a mail that was put in; 201 where it is new, 200 where it was there.
#[derive(Debug)]
pub enum Imported {}

/// Events as they happen (server-sent events).
#[derive(Debug)]
pub enum Events {}

/// Bytes of this kind, piece by piece.
#[derive(Debug)]
pub struct Download<K>(PhantomData<K>);

/// A kind of bytes.
pub trait Kind: Send + Sync + 'static {
    /// The content type.
    const CONTENT_TYPE: &'static str;
}

/// The text of a mail, line ends CRLF.
#[derive(Debug)]
pub enum MailText {}

/// A tar archive.
#[derive(Debug)]
pub enum Archive {}

/// A configuration profile of Apple's programs.
#[derive(Debug)]
pub enum AppleProfile {}

impl Kind for MailText {
    const CONTENT_TYPE: &'static str = "message/rfc822";
}

impl Kind for Archive {
    const CONTENT_TYPE: &'static str = "application/x-tar";
}

impl Kind for AppleProfile {
    const CONTENT_TYPE: &'static str = "application/x-apple-aspen-config";
}

impl<T: Value> Answer for One<T> {
    const STATUSES: &'static [StatusCode] = &[StatusCode::OK];

    fn content(schemas: &mut Schemas) -> Option<(&'static str, RefOr<Schema>)> {
        Some((JSON, schemas.refer::<T>().into()))
    }
}

impl<T: Value> Answer for Created<T> {
    const STATUSES: &'static [StatusCode] = &[StatusCode::CREATED];

    fn content(schemas: &mut Schemas) -> Option<(&'static str, RefOr<Schema>)> {
        One::<T>::content(schemas)
    }
}

impl<T: Value> Answer for List<T> {
    const STATUSES: &'static [StatusCode] = &[StatusCode::OK];

    fn content(schemas: &mut Schemas) -> Option<(&'static str, RefOr<Schema>)> {
        let items = ArrayBuilder::new().items(schemas.refer::<T>());
        Some((JSON, Schema::from(items).into()))
    }
}

impl<T: Value> Answer for Paged<T> {
    const STATUSES: &'static [StatusCode] = &[StatusCode::OK];

    fn content(schemas: &mut Schemas) -> Option<(&'static str, RefOr<Schema>)> {
        List::<T>::content(schemas)
    }
}

impl Answer for Empty {
    const STATUSES: &'static [StatusCode] = &[StatusCode::NO_CONTENT];

    fn content(_schemas: &mut Schemas) -> Option<(&'static str, RefOr<Schema>)> {
        None
    }
}

impl Answer for Accepted {
    const STATUSES: &'static [StatusCode] = &[StatusCode::ACCEPTED];

    fn content(_schemas: &mut Schemas) -> Option<(&'static str, RefOr<Schema>)> {
        None
    }
}

impl Answer for Imported {
    const STATUSES: &'static [StatusCode] = &[StatusCode::OK, StatusCode::CREATED];

    fn content(schemas: &mut Schemas) -> Option<(&'static str, RefOr<Schema>)> {
        One::<ImportedMail>::content(schemas)
    }
}

impl Answer for Events {
    const STATUSES: &'static [StatusCode] = &[StatusCode::OK];

    fn content(schemas: &mut Schemas) -> Option<(&'static str, RefOr<Schema>)> {
        Some(("text/event-stream", schemas.refer::<Event>().into()))
    }

    fn parameters() -> Vec<Parameter> {
        let last_event_id = ParameterBuilder::new()
            .name("Last-Event-ID")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("The id of the last event that was heard."))
            .schema(Some(u64::schema()));
        vec![last_event_id.build()]
    }
}

impl<K: Kind> Answer for Download<K> {
    const STATUSES: &'static [StatusCode] = &[StatusCode::OK];

    fn content(_schemas: &mut Schemas) -> Option<(&'static str, RefOr<Schema>)> {
        Some((K::CONTENT_TYPE, bytes()))
    }
}

/// The answer as OpenAPI describes it.
pub(crate) fn response<A: Answer>(schemas: &mut Schemas) -> Response {
    let response = ResponseBuilder::new();
    match A::content(schemas) {
        Some((content_type, schema)) => {
            response.content(content_type, ContentBuilder::new().schema(Some(schema)).build()).build()
        }
        None => response.build(),
    }
}

/// Answers whose whole content is one JSON value.
macro_rules! readable {
    ($($answer:ty => $value:ty),+) => {$(
        impl<T: Value> Readable for $answer {
            type Value = $value;

            fn read(answer: serde_json::Value) -> Result<$value, serde_json::Error> {
                serde_json::from_value(answer)
            }
        }
    )+};
}

readable!(One<T> => T, Created<T> => T, List<T> => Vec<T>, Paged<T> => Vec<T>);

impl Readable for Imported {
    type Value = ImportedMail;

    fn read(answer: serde_json::Value) -> Result<ImportedMail, serde_json::Error> {
        serde_json::from_value(answer)
    }
}

impl Readable for Empty {
    type Value = ();

    fn read(_answer: serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

impl Readable for Accepted {
    type Value = ();

    fn read(_answer: serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }
}
