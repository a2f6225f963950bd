//! What requests carry.

use std::marker::PhantomData;
use std::time::Duration;

use utoipa::PartialSchema as _;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{ContentBuilder, RefOr, Required, Schema};

use crate::Value;
use crate::limits::{
    CASE_BYTES, COMPONENT_BODY_TIME, COMPONENT_BYTES, JSON_BODY_BYTES, JSON_BODY_TIME, MAIL_BODY_TIME,
    MAIL_BYTES, PROFILE_BYTES,
};
use crate::openapi::{JSON, Schemas, bytes};

/// The body of a request.
pub trait Body: Send + Sync + 'static {
    /// What a client gives.
    type Given;

    /// The content types that are taken, the usual one first; empty where there is no body.
    const CONTENT_TYPES: &'static [&'static str];

    /// Most bytes.
    const LARGEST: usize;

    /// How long a client may take to send it.
    const TIME: Duration;

    /// The body as it is sent; `None` for none.
    ///
    /// # Errors
    /// The value cannot be JSON.
    fn encode(given: Self::Given) -> Result<Option<Encoded>, serde_json::Error>;

    /// How OpenAPI describes it; `None` where there is no body.
    fn describe(schemas: &mut Schemas) -> Option<RequestBody>;

    /// Header fields that belong to the body.
    fn parameters() -> Vec<Parameter> {
        Vec::new()
    }
}

/// A body as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Its content type.
    pub content_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// No body.
#[derive(Debug)]
pub enum NoBody {}

/// A value as JSON.
#[derive(Debug)]
pub struct Json<T>(PhantomData<T>);

/// A value as JSON that may be left out: its default is meant then.
#[derive(Debug)]
pub struct OptionalJson<T>(PhantomData<T>);

/// The file of a component.
#[derive(Debug)]
pub enum ComponentFile {}

/// The file of a component, unless the query names one.
#[derive(Debug)]
pub enum OptionalComponentFile {}

/// A mail.
#[derive(Debug)]
pub enum MailFile {}

/// The profile of another Tox program; the field `X-Profile-Password` opens an encrypted one.
#[derive(Debug)]
pub enum ProfileFile {}

/// A case file of the test bench; without one the conformance cases are asked.
#[derive(Debug)]
pub enum CaseFile {}

impl Body for NoBody {
    type Given = ();

    const CONTENT_TYPES: &'static [&'static str] = &[];
    const LARGEST: usize = 0;
    const TIME: Duration = Duration::ZERO;

    fn encode((): ()) -> Result<Option<Encoded>, serde_json::Error> {
        Ok(None)
    }

    fn describe(_schemas: &mut Schemas) -> Option<RequestBody> {
        None
    }
}

impl<T: Value> Body for Json<T> {
    type Given = T;

    const CONTENT_TYPES: &'static [&'static str] = &[JSON];
    const LARGEST: usize = JSON_BODY_BYTES;
    const TIME: Duration = JSON_BODY_TIME;

    fn encode(given: T) -> Result<Option<Encoded>, serde_json::Error> {
        Ok(Some(Encoded { content_type: JSON, bytes: serde_json::to_vec(&given)? }))
    }

    fn describe(schemas: &mut Schemas) -> Option<RequestBody> {
        Some(required(JSON, schemas.refer::<T>()))
    }
}

impl<T: Value + Default> Body for OptionalJson<T> {
    type Given = Option<T>;

    const CONTENT_TYPES: &'static [&'static str] = &[JSON];
    const LARGEST: usize = JSON_BODY_BYTES;
    const TIME: Duration = JSON_BODY_TIME;

    fn encode(given: Option<T>) -> Result<Option<Encoded>, serde_json::Error> {
        given.map_or(Ok(None), Json::<T>::encode)
    }

    fn describe(schemas: &mut Schemas) -> Option<RequestBody> {
        let value_or_null = OneOfBuilder::new().item(schemas.refer::<T>()).item(null());
        Some(optional(JSON, Schema::from(value_or_null)))
    }
}

/// Bodies of bytes: content types, most bytes, time to send them, what a client gives, description.
macro_rules! files {
    ($($body:ty: $types:expr, $largest:expr, $time:expr, $given:ty, $description:expr;)+) => {$(
        impl Body for $body {
            type Given = $given;

            const CONTENT_TYPES: &'static [&'static str] = &$types;
            const LARGEST: usize = $largest;
            const TIME: Duration = $time;

            fn encode(given: $given) -> Result<Option<Encoded>, serde_json::Error> {
                let [content_type, ..] = $types;
                let bytes: Option<Vec<u8>> = given.into();
                Ok(bytes.map(|bytes| Encoded { content_type, bytes }))
            }

            fn describe(_schemas: &mut Schemas) -> Option<RequestBody> {
                let [content_type, ..] = $types;
                let description: fn(&str) -> RequestBody = $description;
                Some(description(content_type))
            }
        }
    )+};
}

const WASM: [&str; 2] = ["application/wasm", "application/octet-stream"];

files! {
    ComponentFile: WASM, COMPONENT_BYTES, COMPONENT_BODY_TIME, Vec<u8>,
        |content_type| required(content_type, bytes());
    OptionalComponentFile: WASM, COMPONENT_BYTES, COMPONENT_BODY_TIME, Option<Vec<u8>>,
        |content_type| optional(content_type, bytes());
    MailFile: ["message/rfc822"], MAIL_BYTES, MAIL_BODY_TIME, Vec<u8>,
        |content_type| required(content_type, bytes());
    CaseFile: ["application/toml"], CASE_BYTES, JSON_BODY_TIME, Option<Vec<u8>>,
        |content_type| optional(content_type, String::schema());
}

impl Body for ProfileFile {
    type Given = Vec<u8>;

    const CONTENT_TYPES: &'static [&'static str] = &["application/octet-stream"];
    const LARGEST: usize = PROFILE_BYTES;
    const TIME: Duration = JSON_BODY_TIME;

    /// Clients open an encrypted profile themselves: its password goes nowhere.
    fn encode(bytes: Vec<u8>) -> Result<Option<Encoded>, serde_json::Error> {
        Ok(Some(Encoded { content_type: "application/octet-stream", bytes }))
    }

    fn describe(_schemas: &mut Schemas) -> Option<RequestBody> {
        Some(required("application/octet-stream", bytes()))
    }

    fn parameters() -> Vec<Parameter> {
        let about = "The password of an encrypted profile, percent-encoded (RFC 3986 section 2.1); 1024 characters at most.";
        let password = ParameterBuilder::new()
            .name("X-Profile-Password")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(String::schema()));
        vec![password.build()]
    }
}

fn required(content_type: &str, schema: impl Into<RefOr<Schema>>) -> RequestBody {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    RequestBodyBuilder::new().content(content_type, content).required(Some(Required::True)).build()
}

fn optional(content_type: &str, schema: impl Into<RefOr<Schema>>) -> RequestBody {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    RequestBodyBuilder::new().content(content_type, content).build()
}

fn null() -> Schema {
    ObjectBuilder::new().schema_type(Type::Null).into()
}
