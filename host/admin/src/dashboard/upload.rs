//! Posted forms with a file: plain ones, no script is needed to send them.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;

use super::form::{Fields, Submitted, check_origin, session_of};
use super::page::PageError;
use super::text::bytes as in_words;
use crate::extract::check_content_type;
use crate::limits::{FORM_BODY_BYTES, JSON_BODY_TIME};
use crate::multipart::{self, Delimiter, Head, MultipartError};
use crate::problem::Refused;
use crate::shared::Shared;

/// The field the file is in.
const FILE: &str = "file";

/// A form with a file, posted by its user: its CSRF token was checked, its file is not read yet.
pub(super) struct Upload {
    pub(super) submitted: Submitted,
    file_name: String,
    delimiter: Delimiter,
    /// The bytes of the file that came with the fields before it.
    begun: BytesMut,
    body: Body,
}

impl From<MultipartError> for Refused {
    fn from(error: MultipartError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl FromRequest<Shared> for Upload {
    type Rejection = PageError;

    async fn from_request(request: Request, _shared: &Shared) -> Result<Self, PageError> {
        const FORM: &str = "multipart/form-data";
        let session = session_of(&request)?;
        check_content_type(request.headers(), &[FORM])?;
        check_origin(request.headers())?;
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let delimiter =
            Delimiter::of_content_type(content_type.unwrap_or_default()).map_err(Refused::from)?;
        let mut body = request.into_body();
        let (head, begun) = in_time(JSON_BODY_TIME, read_head(&mut body, &delimiter)).await?;
        let fields = Fields::of(head.fields);
        if fields.raw("csrf").is_empty() {
            let text = "The form has no field csrf before its file. Nothing was changed: open the page again and repeat what you did. \
                        A program sends csrf first and the file last, or uses the API.";
            return Err(Refused::new(StatusCode::FORBIDDEN, text).into());
        }
        if head.file_field != FILE {
            return Err(Refused::bad_request(format!("the file has to be in the field {FILE}")).into());
        }
        let submitted = Submitted::checked(session, fields)?;
        Ok(Self { submitted, file_name: head.file_name, delimiter, begun, body })
    }
}

/// Reads up to where the file begins, and gives what came of the file already.
async fn read_head(body: &mut Body, delimiter: &Delimiter) -> Result<(Head, BytesMut), Refused> {
    let mut bytes = BytesMut::new();
    loop {
        let head = multipart::head(&bytes, delimiter)?;
        if head.as_ref().map_or(bytes.len(), |head| head.start) > FORM_BODY_BYTES {
            let text = format!(
                "the fields before the file have more than {}: send less",
                in_words(FORM_BODY_BYTES as u64)
            );
            return Err(Refused::new(StatusCode::PAYLOAD_TOO_LARGE, text));
        }
        if let Some(head) = head {
            let begun = bytes.split_off(head.start);
            return Ok((head, begun));
        }
        let piece =
            next(body).await?.ok_or_else(|| Refused::bad_request("the form broke off: send it again"))?;
        bytes.extend_from_slice(&piece);
    }
}

/// The next piece of a body; None at its end.
async fn next(body: &mut Body) -> Result<Option<Bytes>, Refused> {
    loop {
        let Some(frame) = body.frame().await else { return Ok(None) };
        let frame = frame.map_err(|_| Refused::bad_request("the form broke off: send it again"))?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
}

async fn in_time<T>(time: Duration, read: impl Future<Output = Result<T, Refused>>) -> Result<T, Refused> {
    let slow = || Refused::new(StatusCode::REQUEST_TIMEOUT, "the form came too slowly: send it again");
    tokio::time::timeout(time, read).await.map_err(|_| slow())?
}

impl Upload {
    /// The file, of at most `largest` bytes, read within `time`.
    ///
    /// # Errors
    /// 413 where it is larger, 408 where it is slower, 400 where it is not the end of the form or none was chosen.
    pub(super) async fn file(&mut self, largest: usize, time: Duration) -> Result<Bytes, Refused> {
        let rest = in_time(time, self.rest(largest)).await?;
        let file = multipart::file(&rest, &self.delimiter)?;
        if file.is_empty() && self.file_name.is_empty() {
            return Err(MultipartError::NoFile.into());
        }
        if file.len() > largest { Err(too_large(largest)) } else { Ok(file) }
    }

    /// All that is left of the form.
    async fn rest(&mut self, largest: usize) -> Result<Bytes, Refused> {
        let bound = largest + Delimiter::AFTER_FILE;
        let announced = axum::body::HttpBody::size_hint(&self.body).lower();
        // A browser shows an answer only once it has sent everything: a file that is not much too large is read to its end.
        if announced > 2 * bound as u64 {
            return Err(too_large(largest));
        }
        let mut rest = std::mem::take(&mut self.begun);
        rest.reserve(usize::try_from(announced).unwrap_or(0).min(bound));
        let mut length = rest.len();
        while let Some(piece) = next(&mut self.body).await? {
            length += piece.len();
            if length > 2 * bound {
                break;
            }
            if length > bound {
                rest = BytesMut::new();
            } else {
                rest.extend_from_slice(&piece);
            }
        }
        if length > bound { Err(too_large(largest)) } else { Ok(rest.freeze()) }
    }

    /// A name made from the name of the file, of at most `most` bytes: without its ending, and with
    /// dashes in place of characters that a name cannot have.
    pub(super) fn name(&self, ending: &str, most: usize) -> String {
        name_from(&self.file_name, ending, most)
    }
}

fn too_large(largest: usize) -> Refused {
    let text = format!("the file has more than {}, the limit", in_words(largest as u64));
    Refused::new(StatusCode::PAYLOAD_TOO_LARGE, text)
}

fn name_from(file_name: &str, ending: &str, most: usize) -> String {
    // Some browsers send the path.
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_kept = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
    let name = name.strip_suffix(ending).unwrap_or(name).chars();
    let name = name.map(|character| if is_kept(character) { character.to_ascii_lowercase() } else { '-' });
    name.skip_while(|character| !character.is_ascii_alphanumeric()).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::name_from;

    #[test]
    fn a_file_names_what_is_made_of_it() {
        for (file, name) in [
            ("strict.wasm", "strict"),
            ("C:\\Users\\Ann\\My Own 2.wasm", "my-own-2"),
            ("../../etc/passwd", "passwd"),
            ("_\u{e9}x.wasm.wasm", "x.wasm"),
            (".wasm", ""),
            ("", ""),
            ("abcdefghijklmnop", "abcdefghij"),
        ] {
            assert_eq!(name_from(file, ".wasm", 10), name, "{file}");
        }
    }
}
