//! Endpoints as routes: a request is checked and read as its [`Endpoint`] says, a verb of [`Management`] does it, and
//! its result becomes the answer that the endpoint promises.

mod admit;
mod answer;
mod body;

use std::future::Future;
use std::sync::Arc;

use api::openapi::Description;
use api::{Endpoint, Path as _, Query as _};
use axum::RequestPartsExt as _;
use axum::Router;
use axum::extract::{FromRequestParts as _, Path, Query, Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{MethodFilter, on};

use crate::access::Caller;
use crate::management::{self, Management};
use crate::problem::Refused;
use crate::shared::{Shared, run};

pub(crate) use admit::Admit;
pub(crate) use answer::Respond;
pub(crate) use body::ReadBody;

/// An endpoint that this server can serve.
pub(crate) trait Served: Endpoint<Who: Admit, Body: ReadBody, Answer: Respond> {}

impl<E: Endpoint<Who: Admit, Body: ReadBody, Answer: Respond>> Served for E {}

/// What a verb gives for the answer of its endpoint.
type Given<E> = <<E as Endpoint>::Answer as Respond>::Given;

/// A request of an endpoint that was checked and read.
pub(crate) struct Call<E: Served> {
    /// The account it is about; nothing where an endpoint is about none.
    pub(crate) account: <E::Who as Admit>::Account,
    /// The variable segment of its path.
    pub(crate) path: E::Path,
    /// Its query.
    pub(crate) query: E::Query,
    /// Its body.
    pub(crate) body: <E::Body as ReadBody>::Read,
    /// Who asks.
    pub(crate) caller: Caller,
    /// Its header fields and extensions.
    pub(crate) parts: Parts,
    /// What all handlers have.
    pub(crate) shared: Shared,
}

/// Routes, and the description of every one of them.
pub(crate) struct Routes {
    router: Router<Shared>,
    description: Description,
}

impl Routes {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), description: Description::default() }
    }

    /// Serves an endpoint with one verb, which runs to its end also when the client goes away.
    pub(crate) fn verb<E, V, F>(self, endpoint: E, verb: V) -> Self
    where
        E: Served,
        V: Fn(Arc<dyn Management>, Call<E>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = management::Result<Given<E>>> + Send + 'static,
    {
        self.handler(endpoint, move |call: Call<E>| run(E::TIME, verb(call.shared.management.clone(), call)))
    }

    /// Serves an endpoint with something that is more than one verb.
    pub(crate) fn handler<E, H, F>(mut self, _endpoint: E, handler: H) -> Self
    where
        E: Served,
        H: Fn(Call<E>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Given<E>, Refused>> + Send + 'static,
    {
        self.description.add::<E>();
        let serve =
            move |State(shared): State<Shared>, request: Request| serve(shared, request, handler.clone());
        self.router = self.router.route(E::PATH, on(filter(&E::METHOD), serve));
        self
    }

    /// The routes under `/api/v1`, and their description in OpenAPI.
    pub(crate) fn finish(self) -> (Router<Shared>, String) {
        (Router::new().nest("/api/v1", self.router), self.description.into_json())
    }
}

async fn serve<E, H, F>(shared: Shared, request: Request, handler: H) -> Result<Response, Refused>
where
    E: Served,
    H: Fn(Call<E>) -> F,
    F: Future<Output = Result<Given<E>, Refused>>,
{
    let (mut parts, body) = request.into_parts();
    let caller = Caller::from_request_parts(&mut parts, &shared).await?;
    E::Who::check(&caller)?;
    let path = read_path::<E>(&mut parts).await?;
    let query = Query::<E::Query>::try_from_uri(&parts.uri);
    let Query(query) = query.map_err(|error| Refused::bad_request(error.body_text()))?;
    let account = E::Who::account(&shared, &caller, query.account()).await?;
    let body = E::Body::read(&shared, &parts.headers, body).await?;
    let asked = query.clone();
    let given = handler(Call { account, path, query, body, caller, parts, shared }).await?;
    Ok(E::Answer::respond(given, asked))
}

async fn read_path<E: Served>(parts: &mut Parts) -> Result<E::Path, Refused> {
    let segment = if E::PATH.contains('{') {
        let Path(segment) =
            parts.extract::<Path<String>>().await.map_err(|error| Refused::bad_request(error.body_text()))?;
        segment
    } else {
        String::new()
    };
    E::Path::read(&segment).map_err(|error| Refused::bad_request(error.to_string()))
}

fn filter(method: &Method) -> MethodFilter {
    match *method {
        Method::POST => MethodFilter::POST,
        Method::PUT => MethodFilter::PUT,
        Method::PATCH => MethodFilter::PATCH,
        Method::DELETE => MethodFilter::DELETE,
        _ => MethodFilter::GET,
    }
}
