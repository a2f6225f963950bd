//! Forms with a file (`multipart/form-data`, RFC 7578), as browsers send them (WHATWG HTML, section 4.10.22.8).
//!
//! Fields first, the file last: so whether the request may do what it asks for is known before its file is read. The pages send
//! their forms like that; what comes in another order is refused. (`multer`, which axum would use, takes in all that has come before it
//! gives out the first field: a file of any allowed size, before its sender's token was looked at.)

use bytes::Bytes;

// Named by its path for the fuzz target, which includes this file from elsewhere.
#[cfg(test)]
#[path = "multipart/tests.rs"]
mod tests;

/// Why a body is not such a form. The text says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MultipartError {
    /// The content type has no usable boundary (RFC 2046, section 5.1.1).
    #[error(
        "the content type has no boundary of 1 to 70 characters: send the form as browsers do, or with `curl --form`"
    )]
    Boundary,
    /// It is not put together as RFC 7578 says.
    #[error("this is no form as RFC 7578 describes it ({0}): send it as browsers do, or `curl --form`")]
    Malformed(&'static str),
    /// It ends without a file.
    #[error("there is no file in this form: choose one and send it again")]
    NoFile,
    /// Something comes after the file.
    #[error("the file has to be the last field of the form: put `csrf` and all others before it")]
    FileNotLast,
    /// It ends within the file.
    #[error("the form broke off within its file: send it again")]
    BrokenOff,
}

/// The delimiter between the parts of a form: CRLF, two dashes, and the boundary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delimiter(Vec<u8>);

impl Delimiter {
    /// Most bytes that come after the file: the last delimiter, two dashes and CRLF.
    pub const AFTER_FILE: usize = 4 + 70 + 4;

    /// The one that a content type names.
    ///
    /// # Errors
    /// [`MultipartError::Boundary`]
    pub fn of_content_type(value: &str) -> Result<Self, MultipartError> {
        let mut parameters = value.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
        let boundary = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"));
        let boundary = boundary.map(|(_, value)| value.trim()).ok_or(MultipartError::Boundary)?;
        let quoted = boundary.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let boundary = quoted.unwrap_or(boundary);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
        if (1..=70).contains(&boundary.len()) && boundary.bytes().all(allowed) && !boundary.ends_with(' ') {
            Ok(Self([b"\r\n--", boundary.as_bytes()].concat()))
        } else {
            Err(MultipartError::Boundary)
        }
    }

    /// Where the next one begins.
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        let mut from = 0;
        loop {
            let left = bytes.get(from..)?;
            let at = from + left.iter().position(|byte| *byte == b'\r')?;
            if bytes.get(at..)?.starts_with(&self.0) {
                return Some(at);
            }
            from = at + 1;
        }
    }
}

/// What comes before the bytes of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Names and values of the other fields.
    pub fields: Vec<(String, String)>,
    /// The field the file is in.
    pub file_field: String,
    /// What the file was called; empty where none was chosen.
    pub file_name: String,
    /// Where the file begins.
    pub start: usize,
}

/// Reads what comes before the bytes of the file; None where more bytes are needed.
///
/// # Errors
/// [`MultipartError`]
pub fn head(bytes: &[u8], delimiter: &Delimiter) -> Result<Option<Head>, MultipartError> {
    // The first one has no line before it that would have to end.
    let first = delimiter.0.get(2..).unwrap_or_default();
    if bytes.len() < first.len() && first.starts_with(bytes) {
        return Ok(None);
    }
    if !bytes.starts_with(first) {
        return Err(MultipartError::Malformed("it does not begin with its boundary"));
    }
    let mut head = Head { start: first.len(), ..Head::default() };
    loop {
        let left = bytes.get(head.start..).unwrap_or_default();
        match left.get(..2) {
            None => return Ok(None),
            Some(b"--") => return Err(MultipartError::NoFile),
            Some(b"\r\n") => {}
            Some(_) => return Err(MultipartError::Malformed("there is something after a boundary")),
        }
        let left = left.get(2..).unwrap_or_default();
        let Some(length) = left.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(None) };
        let part = Part::of(left.get(..length).unwrap_or_default())?;
        let value = left.get(length + 4..).unwrap_or_default();
        head.start += 2 + length + 4;
        if let Some(file_name) = part.file_name {
            return Ok(Some(Head { file_field: part.name, file_name, ..head }));
        }
        let Some(length) = delimiter.find(value) else { return Ok(None) };
        let text = std::str::from_utf8(value.get(..length).unwrap_or_default());
        let text = text.map_err(|_| MultipartError::Malformed("a field is not UTF-8"))?;
        head.fields.push((part.name, text.to_owned()));
        head.start += length + delimiter.0.len();
    }
}

/// The file, of all bytes from [`Head::start`] to the end of the form.
///
/// # Errors
/// [`MultipartError::FileNotLast`], [`MultipartError::BrokenOff`]
pub fn file(rest: &Bytes, delimiter: &Delimiter) -> Result<Bytes, MultipartError> {
    let end = delimiter.find(rest).ok_or(MultipartError::BrokenOff)?;
    let after = rest.get(end + delimiter.0.len()..).unwrap_or_default();
    match after {
        b"--" | b"--\r\n" => Ok(rest.slice(..end)),
        [] | [b'-'] => Err(MultipartError::BrokenOff),
        _ => Err(MultipartError::FileNotLast),
    }
}

/// What the header of a part says of it.
struct Part {
    name: String,
    file_name: Option<String>,
}

impl Part {
    fn of(header: &[u8]) -> Result<Self, MultipartError> {
        let wrong = MultipartError::Malformed;
        let header = std::str::from_utf8(header).map_err(|_| wrong("the header of a part is not UTF-8"))?;
        let mut fields = header.split("\r\n").filter_map(|line| line.split_once(':'));
        let disposition = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-disposition"));
        let (_, value) = disposition.ok_or(wrong("a part has no Content-Disposition"))?;
        let (kind, mut left) = value.split_once(';').unwrap_or((value, ""));
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return Err(wrong("a part is not form-data"));
        }
        let (mut name, mut file_name) = (None, None);
        while let Some((parameter, rest)) = left.split_once('=') {
            let (text, rest) = quoted(rest).ok_or(wrong("a parameter is not between quotes"))?;
            match parameter.trim_matches([' ', '\t', ';']).to_ascii_lowercase().as_str() {
                "name" => name = Some(text),
                "filename" => file_name = Some(text),
                _ => {}
            }
            left = rest;
        }
        let name = name.ok_or(wrong("a part has no name"))?;
        Ok(Self { name, file_name })
    }
}

/// A text between quotes and what comes after it. Browsers write a quote in it as `%22`, others as `\"`.
fn quoted(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start().strip_prefix('"')?;
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value.replace("%22", "\""), text.get(at + 1..)?)),
            '\\' if text.get(at + 1..)?.starts_with('"') => {
                value.push('"');
                characters.next();
            }
            other => value.push(other),
        }
    }
    None
}
