#![no_main]
//! Forms with a file: what comes before the file does not depend on how much of it has come, and the file lies within the form.

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

// The parser needs nothing of the crate `admin` around it, which would bring a web server.
#[allow(dead_code)]
#[path = "../../../host/admin/src/multipart.rs"]
mod multipart;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = multipart::Delimiter::of_content_type(text);
    }
    let delimiter =
        multipart::Delimiter::of_content_type("multipart/form-data; boundary=b").expect("it is one");
    let Ok(Some(head)) = multipart::head(bytes, &delimiter) else { return };
    let before = head.fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    assert!(head.start <= bytes.len() && before <= head.start);
    assert_eq!(multipart::head(&bytes[..head.start], &delimiter), Ok(Some(head.clone())));
    let rest = Bytes::copy_from_slice(&bytes[head.start..]);
    if let Ok(file) = multipart::file(&rest, &delimiter) {
        assert!(rest.starts_with(&file) && file.len() < rest.len());
    }
});
