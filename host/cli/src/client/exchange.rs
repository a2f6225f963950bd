//! Many requests over one connection, and answers that are not held in memory.

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::header;
use serde_json::Value;

use super::{Gateway, refusal};
use crate::error::ClientError;
use crate::limits::{PROBLEM_BYTES, SILENCE};
use crate::request::Request;

/// A connection to the gateway.
pub struct Exchange<'g> {
    gateway: &'g Gateway,
    sender: SendRequest<Full<Bytes>>,
}

impl<'g> Exchange<'g> {
    pub(super) fn new(gateway: &'g Gateway, sender: SendRequest<Full<Bytes>>) -> Self {
        Self { gateway, sender }
    }

    /// Asks for something small.
    pub async fn ask(&mut self, request: &Request) -> Result<Value, ClientError> {
        let asking = self.gateway.ask_once(&mut self.sender, request);
        let answer = tokio::time::timeout(request.time, asking).await;
        answer.unwrap_or(Err(ClientError::Silent)).map(|answer| answer.value)
    }

    /// Asks for something large: `each` gets it piece by piece, with its whole length where the gateway told it.
    pub async fn stream(
        &mut self,
        request: &Request,
        mut each: impl FnMut(&[u8], Option<u64>) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let broken = |error: &dyn std::fmt::Display| ClientError::Broken(error.to_string());
        let time = request.time;
        let request = self.gateway.addressed(request)?;
        self.sender.ready().await.map_err(|error| broken(&error))?;
        let sent = tokio::time::timeout(time, self.sender.send_request(request)).await;
        let response = sent.map_err(|_| ClientError::Silent)?.map_err(|error| broken(&error))?;
        if !response.status().is_success() {
            let (head, body) = response.into_parts();
            let body = Limited::new(body, PROBLEM_BYTES).collect().await.map_err(|error| broken(&error))?;
            return Err(refusal(&head, &body.to_bytes()));
        }
        let length = response.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
        let mut body = response.into_body();
        loop {
            let frame = tokio::time::timeout(SILENCE, body.frame()).await.map_err(|_| ClientError::Silent)?;
            let Some(frame) = frame else { return Ok(()) };
            let frame = frame.map_err(|error| broken(&error))?;
            if let Some(piece) = frame.data_ref() {
                each(piece, length)?;
            }
        }
    }
}
