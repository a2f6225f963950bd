//! Writing header fields: folded, encoded where needed, and never more than the one field that was meant.

use super::encoded_word::encoded_words;
use crate::text::{cut, one_line};

/// Where lines are folded (RFC 5322 section 2.1.1, the 78 that lines should keep to).
const FOLD_AT: usize = 78;

/// The longest word written without a break: with the name it stays under the 998 of RFC 5322 section 2.1.1.
const WORD_BYTES: usize = 900;

/// The longest field name written: leaves room for a word in the line.
const NAME_BYTES: usize = 64;

/// The name of a header field: 1 to 64 printable ASCII characters without blank and colon
/// (RFC 5322 section 3.6.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldName<'a>(&'a str);

impl<'a> FieldName<'a> {
    /// `Authentication-Results`, RFC 8601.
    pub const AUTHENTICATION_RESULTS: Self = Self("Authentication-Results");
    /// `Date`, RFC 5322 section 3.6.1.
    pub const DATE: Self = Self("Date");
    /// `Delivered-To`, RFC 9228.
    pub const DELIVERED_TO: Self = Self("Delivered-To");
    /// `Message-ID`, RFC 5322 section 3.6.4.
    pub const MESSAGE_ID: Self = Self("Message-ID");
    /// `Received`, RFC 5321 section 4.4.
    pub const RECEIVED: Self = Self("Received");
    /// `Reply-To`, RFC 5322 section 3.6.2.
    pub const REPLY_TO: Self = Self("Reply-To");
    /// `Return-Path`, RFC 5321 section 4.4.
    pub const RETURN_PATH: Self = Self("Return-Path");
    /// Says that a filter should have seen this mail and did not, and why.
    pub const UNFILTERED: Self = Self("X-Toxmail-Unfiltered");
    /// Something about this mail a reader should know.
    pub const WARNING: Self = Self("X-Toxmail-Warning");

    /// `Action`, RFC 3464 section 2.3.3.
    pub const ACTION: Self = Self("Action");
    /// `Arrival-Date`, RFC 3464 section 2.2.5.
    pub const ARRIVAL_DATE: Self = Self("Arrival-Date");
    /// `Auto-Submitted`, RFC 3834 section 5.
    pub const AUTO_SUBMITTED: Self = Self("Auto-Submitted");
    /// `Content-Type`, RFC 2045 section 5.
    pub const CONTENT_TYPE: Self = Self("Content-Type");
    /// `Diagnostic-Code`, RFC 3464 section 2.3.6.
    pub const DIAGNOSTIC_CODE: Self = Self("Diagnostic-Code");
    /// `Final-Log-Id`, RFC 3464 section 2.3.8.
    pub const FINAL_LOG_ID: Self = Self("Final-Log-Id");
    /// `Final-Recipient`, RFC 3464 section 2.3.2.
    pub const FINAL_RECIPIENT: Self = Self("Final-Recipient");
    /// `From`, RFC 5322 section 3.6.2.
    pub const FROM: Self = Self("From");
    /// `Last-Attempt-Date`, RFC 3464 section 2.3.7.
    pub const LAST_ATTEMPT_DATE: Self = Self("Last-Attempt-Date");
    /// `MIME-Version`, RFC 2045 section 4.
    pub const MIME_VERSION: Self = Self("MIME-Version");
    /// `Original-Envelope-Id`, RFC 3464 section 2.2.1.
    pub const ORIGINAL_ENVELOPE_ID: Self = Self("Original-Envelope-Id");
    /// `Original-Recipient`, RFC 3464 section 2.3.1.
    pub const ORIGINAL_RECIPIENT: Self = Self("Original-Recipient");
    /// `Reporting-MTA`, RFC 3464 section 2.2.2.
    pub const REPORTING_MTA: Self = Self("Reporting-MTA");
    /// `Status`, RFC 3464 section 2.3.4.
    pub const STATUS: Self = Self("Status");
    /// `Subject`, RFC 5322 section 3.6.5.
    pub const SUBJECT: Self = Self("Subject");
    /// `To`, RFC 5322 section 3.6.3.
    pub const TO: Self = Self("To");
    /// `Will-Retry-Until`, RFC 3464 section 2.3.9.
    pub const WILL_RETRY_UNTIL: Self = Self("Will-Retry-Until");

    /// `name`, if it is one; None otherwise.
    #[must_use]
    pub fn new(name: &'a str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b':';
        ((1..=NAME_BYTES).contains(&name.len()) && name.bytes().all(allowed)).then_some(Self(name))
    }

    /// The name as text.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

/// A run of header fields under construction; each ends in CRLF, no line is over 998 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<u8>);

impl Fields {
    /// No fields.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds an unstructured field. Control characters in `value` become blanks; what is not ASCII, or is one word
    /// too long for a line, becomes encoded words (RFC 2047).
    pub fn text(&mut self, name: FieldName<'_>, value: &str) -> &mut Self {
        let clean = one_line(value);
        if clean.is_ascii() && clean.split(' ').all(|word| word.len() <= WORD_BYTES) {
            return self.words(name, clean.split(' '));
        }
        let words = encoded_words(&clean);
        self.words(name, words.iter().map(String::as_str))
    }

    /// Adds a structured field made of words that are separated by blanks, and folded only there.
    ///
    /// Control characters inside a word become blanks, a word over 900 bytes is cut: callers give words that are valid in the
    /// field, this only keeps a hostile one inside it. UTF-8 stays as it is (RFC 6532).
    pub fn words<'w>(&mut self, name: FieldName<'_>, words: impl IntoIterator<Item = &'w str>) -> &mut Self {
        self.0.extend_from_slice(name.0.as_bytes());
        self.0.push(b':');
        let mut column = name.0.len() + 1;
        let mut line_is_blank = true;
        for word in words {
            let word = one_line(cut(word, WORD_BYTES));
            // A line of blanks alone would be taken for the end of the header section by some programs.
            if column + 1 + word.len() > FOLD_AT && !line_is_blank && !word.trim().is_empty() {
                self.0.extend_from_slice(b"\r\n");
                column = 0;
                line_is_blank = true;
            }
            if column + 1 + word.len() > WORD_BYTES + NAME_BYTES {
                continue;
            }
            self.0.push(b' ');
            self.0.extend_from_slice(word.as_bytes());
            column += 1 + word.len();
            line_is_blank &= word.trim().is_empty();
        }
        self.0.extend_from_slice(b"\r\n");
        self
    }

    /// The fields so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The fields as bytes, each line ending in CRLF.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
