//! Reply lines: the type every protocol defines for its own, and texts from outside made fit for one.

use std::borrow::Cow;

// For the macro, whose users need not know the crate.
#[doc(hidden)]
pub use bytes::BytesMut;

use crate::limits::REPLY_BYTES;

/// Defines a protocol's type of reply, one line without CR LF, and those with a fixed text as its constants.
///
/// The type wraps a `Cow<'static, str>` that only the module of the macro can make; everybody may read it
/// (`as_str`) and append it to an output with CR LF (`write`).
#[macro_export]
macro_rules! replies {
    ($(#[$attribute:meta])* $visibility:vis struct $Reply:ident; $($name:ident = $text:literal;)*) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        $visibility struct $Reply(::std::borrow::Cow<'static, str>);

        impl $Reply {
            $(
                #[doc = concat!("```text\n", $text, "\n```")]
                pub const $name: Self = Self(::std::borrow::Cow::Borrowed($text));
            )*

            /// The line, without CR LF.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Appends the line and CR LF to `output`.
            pub fn write(&self, output: &mut $crate::reply::BytesMut) {
                output.extend_from_slice(self.0.as_bytes());
                output.extend_from_slice(b"\r\n");
            }
        }
    };
}

/// Makes a text from outside one line of at most [`REPLY_BYTES`] bytes without control characters, in ASCII unless the
/// client asked for `utf8` (RFC 6531 section 3.7.4.2, RFC 6856 section 2). What does not fit becomes a question mark or
/// is cut off.
#[must_use]
pub fn one_line(text: String, utf8: bool) -> Cow<'static, str> {
    let is_clean = |char: char| !char.is_control() && (utf8 || char.is_ascii());
    let mut line: String = if text.chars().all(is_clean) {
        text
    } else {
        text.chars().map(|char| if is_clean(char) { char } else { '?' }).collect()
    };
    let mut end = line.len().min(REPLY_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.truncate(end);
    Cow::Owned(line)
}

#[cfg(test)]
mod tests;
