//! The description of the API for programs (OpenAPI 3.1), made of its endpoints.

use http::Method;
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, HttpMethod, OpenApi as Document, Ref, RefOr, Required, ResponseBuilder, Schema,
};
use utoipa::{IntoParams as _, Modify, OpenApi, PartialSchema as _, ToSchema};

use crate::dto::{PROBLEM_CONTENT_TYPE, Problem};
use crate::{Answer as _, Body as _, Endpoint, Path as _, answer};

/// The content type of most bodies and answers.
pub(crate) const JSON: &str = "application/json";

/// A description that grows by one endpoint at a time.
pub struct Description {
    document: Document,
    schemas: Schemas,
}

/// The types that a description refers to by name.
#[derive(Default)]
pub struct Schemas(Vec<(String, RefOr<Schema>)>);

impl Schemas {
    /// Describes a type and what it consists of; the reference stands for it.
    pub fn refer<T: ToSchema>(&mut self) -> Ref {
        let name = T::name();
        self.0.push((name.clone().into_owned(), T::schema()));
        T::schemas(&mut self.0);
        Ref::from_schema_name(name)
    }
}

impl std::fmt::Debug for Description {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Description").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Schemas {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Default for Description {
    fn default() -> Self {
        Self { document: Api::openapi(), schemas: Schemas::default() }
    }
}

impl Description {
    /// Adds an endpoint.
    pub fn add<E: Endpoint>(&mut self) {
        let operation = operation::<E>(&mut self.schemas);
        let path = format!("/api/v1{}", E::PATH);
        self.document.paths.add_path_operation(path, vec![method(&E::METHOD)], operation);
    }

    /// The description as JSON.
    #[must_use]
    pub fn into_json(mut self) -> String {
        self.document.components.get_or_insert_default().schemas.extend(self.schemas.0);
        // It is made of plain maps and texts: it cannot fail to become JSON.
        self.document.to_pretty_json().unwrap_or_default()
    }
}

fn operation<E: Endpoint>(schemas: &mut Schemas) -> Operation {
    let mut lines = E::ABOUT.iter().map(|line| line.strip_prefix(' ').unwrap_or(line));
    let paragraph: Vec<&str> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    let rest: Vec<&str> = lines.collect();
    let description = (!rest.is_empty()).then(|| rest.join("\n"));
    let mut operation = OperationBuilder::new()
        .summary(Some(paragraph.join("\n")))
        .description(description)
        .operation_id(Some(E::NAME))
        .request_body(E::Body::describe(schemas));
    for parameter in parameters::<E>(schemas) {
        operation = operation.parameter(parameter);
    }
    for status in E::Answer::STATUSES {
        operation = operation.response(status.as_str(), answer::response::<E::Answer>(schemas));
    }
    operation.response("default", problem()).build()
}

fn parameters<E: Endpoint>(schemas: &mut Schemas) -> Vec<Parameter> {
    let query = E::Query::into_params(|| Some(ParameterIn::Query));
    let name = E::PATH.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(name, _)| name);
    let segment = name.zip(E::Path::describe(schemas)).map(|(name, schema)| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(schema))
            .build()
    });
    let headers = E::Body::parameters().into_iter().chain(E::Answer::parameters());
    query.into_iter().chain(segment).chain(headers).collect()
}

/// The answer of every endpoint to a request it refuses.
fn problem() -> utoipa::openapi::Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    ResponseBuilder::new()
        .description("What is wrong and what to do (RFC 9457).")
        .content(PROBLEM_CONTENT_TYPE, content)
        .build()
}

fn method(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

/// A body of bytes.
pub(crate) fn bytes() -> RefOr<Schema> {
    <Vec<u8>>::schema()
}

/// What all endpoints have in common.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Toxmail",
        version = "1",
        description = "The web API of a Toxmail gateway. Within /api/v1 fields and routes are added, never renamed or removed.",
        license(name = "GPL-3.0-or-later"),
        contact()
    ),
    components(schemas(Problem)),
    modifiers(&Access)
)]
struct Api;

struct Access;

impl Modify for Access {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The token of the gateway: 64 hex digits, in the file that ready.json names."))
            .build();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        let cookie = ApiKeyValue::with_description(
            "toxmail-PORT",
            "The session of a browser. Changes also carry the CSRF token of its pages, in X-CSRF-Token.",
        );
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        document.security = Some(vec![
            utoipa::openapi::SecurityRequirement::new("token", Vec::<String>::new()),
            utoipa::openapi::SecurityRequirement::new("session", Vec::<String>::new()),
        ]);
    }
}
