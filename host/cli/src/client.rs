//! The running gateway: finding it and asking it.

mod exchange;

use std::fs::File;
use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use api::dto::PROBLEM_CONTENT_TYPE;
use api::{Endpoint, NoBody, Readable, Token};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Response, header};
use hyper_util::rt::TokioIo;
use mail::AccountName;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::error::ClientError;
use crate::limits::{ANSWER_BYTES, CONNECT_TIME, PAGES, TOKEN_FILE_BYTES};
use crate::ready::{Ready, ReadyError};
use crate::request::Request;
use crate::tls;

pub use exchange::Exchange;

/// A gateway that runs, as far as its ready file says.
pub struct Gateway {
    directory: PathBuf,
    address: SocketAddr,
    token: Token,
    /// Over TLS to the certificate that the ready file names, where it is.
    tls: Option<TlsConnector>,
    /// What its ready file says.
    pub ready: Ready,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Gateway").field("address", &self.address).finish_non_exhaustive()
    }
}

/// One page of an answer.
struct Answer {
    value: Value,
    next: Option<String>,
}

impl Gateway {
    /// Reads `ready.json` and the token of a data directory. A ready file whose process has ended is stale.
    pub fn find(directory: &Path) -> Result<Self, ClientError> {
        let not_running = || ClientError::NotRunning(shell_quoted(directory));
        let ready = match Ready::read(directory) {
            Ok(ready) => ready,
            Err(ReadyError::Missing) => return Err(not_running()),
            Err(error) => return Err(ClientError::Ready(error)),
        };
        if !ready.is_process_alive() {
            return Err(not_running());
        }
        let address = ready.admin.parse().map_err(|_| {
            let path = directory.join(crate::ready::FILE_NAME);
            ClientError::Ready(ReadyError::Damaged { path, problem: "`admin` is not an address".to_owned() })
        })?;
        let token = read_token(&directory.join(&ready.admin_token_file))?;
        let tls = ready.admin_certificate_file.as_deref().map(tls::connector).transpose();
        let tls = tls.map_err(|error| ClientError::Input(error.to_string()))?;
        Ok(Self { directory: directory.to_owned(), address: reachable(address), token, tls, ready })
    }

    /// Asks, and follows the pages of a list to its end. An answer without content is an empty object.
    pub async fn ask(&self, request: Request) -> Result<Value, ClientError> {
        let time = request.time;
        let asking = async {
            let mut sender = self.connect().await?;
            self.ask_all_pages(&mut sender, request).await
        };
        tokio::time::timeout(time, asking).await.unwrap_or(Err(ClientError::Silent))
    }

    /// Asks an endpoint that needs nothing but an account.
    pub async fn get<E>(
        &self,
        endpoint: E,
        account: Option<&AccountName>,
    ) -> Result<<E::Answer as Readable>::Value, ClientError>
    where
        E: Endpoint<Path = (), Query: Default, Body = NoBody, Answer: Readable>,
    {
        let request = Request::new(endpoint, account, &(), E::Query::default(), ())?;
        E::Answer::read(self.ask(request).await?).map_err(|error| ClientError::unexpected(&error))
    }

    async fn ask_all_pages(
        &self,
        sender: &mut SendRequest<Full<Bytes>>,
        mut request: Request,
    ) -> Result<Value, ClientError> {
        let mut items = Vec::new();
        for _ in 0..PAGES {
            let Answer { value, next } = self.ask_once(sender, &request).await?;
            let Value::Array(page) = value else { return Ok(value) };
            items.extend(page);
            match next {
                Some(query) => {
                    let path = request.target.split('?').next().unwrap_or_default();
                    request.target = format!("{path}{query}");
                }
                None => return Ok(Value::Array(items)),
            }
        }
        Err(ClientError::Unexpected("an endless list".to_owned()))
    }

    /// A connection for many requests.
    pub async fn open(&self) -> Result<Exchange<'_>, ClientError> {
        Ok(Exchange::new(self, self.connect().await?))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, ClientError> {
        let connecting = tokio::time::timeout(CONNECT_TIME, TcpStream::connect(self.address)).await;
        let stream = match connecting {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                return Err(ClientError::NotRunning(shell_quoted(&self.directory)));
            }
            Ok(Err(error)) => return Err(ClientError::Broken(error.to_string())),
            Err(_) => return Err(ClientError::Silent),
        };
        match &self.tls {
            None => speak(stream).await,
            Some(tls) => {
                let name = ServerName::IpAddress(self.address.ip().into());
                let shaken = tokio::time::timeout(CONNECT_TIME, tls.connect(name, stream)).await;
                let stream = shaken.map_err(|_| ClientError::Silent)?;
                speak(stream.map_err(|error| ClientError::Broken(error.to_string()))?).await
            }
        }
    }

    async fn ask_once(
        &self,
        sender: &mut SendRequest<Full<Bytes>>,
        request: &Request,
    ) -> Result<Answer, ClientError> {
        let broken = |error: hyper::Error| ClientError::Broken(error.to_string());
        let request = self.addressed(request)?;
        sender.ready().await.map_err(broken)?;
        let response = sender.send_request(request).await.map_err(broken)?;
        read_answer(response).await
    }

    /// The request with host and token.
    fn addressed(&self, request: &Request) -> Result<hyper::Request<Full<Bytes>>, ClientError> {
        let mut builder = hyper::Request::builder()
            .method(&request.method)
            .uri(&request.target)
            .header(header::HOST, self.address.to_string())
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.reveal()));
        let body = match &request.body {
            Some((content_type, body)) => {
                builder = builder.header(header::CONTENT_TYPE, *content_type);
                body.clone()
            }
            None => Bytes::new(),
        };
        builder.body(Full::new(body)).map_err(|error| ClientError::Unexpected(error.to_string()))
    }
}

async fn speak<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, ClientError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| ClientError::Broken(error.to_string()))?;
    // Ends with the sender; what goes wrong shows in the answer.
    tokio::spawn(connection);
    Ok(sender)
}

async fn read_answer(response: Response<hyper::body::Incoming>) -> Result<Answer, ClientError> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, ANSWER_BYTES).collect().await;
    let body = body.map_err(|error| ClientError::Broken(error.to_string()))?.to_bytes();
    if head.status.is_success() {
        let value = if body.is_empty() {
            Value::Object(serde_json::Map::new())
        } else {
            serde_json::from_slice(&body).map_err(|error| ClientError::unexpected(&error))?
        };
        let link = head.headers.get(header::LINK).and_then(|value| value.to_str().ok());
        return Ok(Answer { value, next: link.and_then(next_page) });
    }
    Err(refusal(&head, &body))
}

fn refusal(head: &hyper::http::response::Parts, body: &[u8]) -> ClientError {
    let content_type = head.headers.get(header::CONTENT_TYPE).map(header::HeaderValue::as_bytes);
    match serde_json::from_slice(body).ok() {
        Some(problem) if content_type == Some(PROBLEM_CONTENT_TYPE.as_bytes()) => {
            ClientError::Refused(problem)
        }
        _ => ClientError::Unexpected(format!("status {}", head.status)),
    }
}

/// The query of `<?limit=100&after=x>; rel="next"` (RFC 8288).
fn next_page(link: &str) -> Option<String> {
    let (target, relation) = link.strip_prefix('<')?.split_once('>')?;
    let is_next = relation.split(';').any(|parameter| parameter.trim() == "rel=\"next\"");
    (is_next && target.starts_with('?')).then(|| target.to_owned())
}

/// Where to connect to reach a listener: one on all addresses is reached on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn read_token(path: &Path) -> Result<Token, ClientError> {
    let failed = |problem: String| ClientError::Token { path: path.to_owned(), problem };
    let mut text = zeroize::Zeroizing::new(String::new());
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    file.take(TOKEN_FILE_BYTES).read_to_string(&mut text).map_err(|error| failed(error.to_string()))?;
    text.parse().map_err(|error: api::InvalidToken| failed(error.to_string()))
}

/// The directory as it can be pasted into a shell.
fn shell_quoted(directory: &Path) -> String {
    let text = directory.display().to_string();
    let is_plain = |char: char| char.is_alphanumeric() || "/._-+,@%".contains(char);
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests;
