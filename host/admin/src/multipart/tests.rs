use proptest::prelude::*;

use super::*;

fn delimiter() -> Delimiter {
    Delimiter::of_content_type("multipart/form-data; boundary=----x7").unwrap()
}

/// A form as browsers write it.
fn form(fields: &[(&str, &str)], file_name: &str, content: &[u8]) -> Vec<u8> {
    let mut form = Vec::new();
    for (name, value) in fields {
        let field = format!("------x7\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        form.extend_from_slice(field.as_bytes());
    }
    let file = format!(
        "------x7\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    [form.as_slice(), file.as_bytes(), content, b"\r\n------x7--\r\n"].concat()
}

fn read(form: &[u8]) -> Result<(Head, Bytes), MultipartError> {
    let head = head(form, &delimiter())?.ok_or(MultipartError::BrokenOff)?;
    let rest = Bytes::copy_from_slice(&form[head.start..]);
    Ok((head, file(&rest, &delimiter())?))
}

#[test]
fn the_boundary_stands_in_the_content_type() {
    for (value, boundary) in [
        ("multipart/form-data; boundary=abc", Some("abc")),
        ("multipart/form-data;charset=utf-8;BOUNDARY = \"a b:c\"", Some("a b:c")),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=", None),
        ("multipart/form-data; boundary=\"\"", None),
        ("multipart/form-data; boundary=a\u{e9}", None),
        ("multipart/form-data; boundary=\"a \"", None),
    ] {
        let delimiter = Delimiter::of_content_type(value).ok();
        assert_eq!(delimiter, boundary.map(|text| Delimiter(format!("\r\n--{text}").into())), "{value}");
    }
    let longest = format!("multipart/form-data; boundary={}", "x".repeat(70));
    assert!(Delimiter::of_content_type(&longest).is_ok());
    assert!(Delimiter::of_content_type(&format!("{longest}x")).is_err());
}

#[test]
fn fields_and_file_are_found() {
    let content = b"\0asm\r\n-----\r\n\r\nend\r";
    let form = form(&[("csrf", "00"), ("name", "a\r\n--b"), ("empty", "")], "s\u{e9} %22x%22.wasm", content);
    let (head, file) = read(&form).unwrap();
    let fields: Vec<_> = head.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(fields, [("csrf", "00"), ("name", "a\r\n--b"), ("empty", "")]);
    assert_eq!((head.file_field.as_str(), head.file_name.as_str()), ("file", "s\u{e9} \"x\".wasm"));
    assert_eq!(file, content.as_slice());
}

#[test]
fn the_file_comes_last() {
    let whole = form(&[], "a", b"content");
    let field = b"\r\n------x7\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n00\r\n------x7--\r\n";
    let wrong = [&whole[..whole.len() - b"\r\n------x7--\r\n".len()], field].concat();
    assert_eq!(read(&wrong).unwrap_err(), MultipartError::FileNotLast);
    let without = b"------x7\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n00\r\n------x7--\r\n";
    assert_eq!(read(without).unwrap_err(), MultipartError::NoFile);
}

#[test]
fn what_is_no_form_is_refused() {
    for wrong in [
        "x",
        "------x7x\r\n",
        "------x7\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n",
        "------x7\r\nContent-Disposition: form-data\r\n\r\n",
        "------x7\r\nContent-Disposition: form-data; name=a\r\n\r\n",
        "------x7\r\nContent-Disposition: form-data; name=\"a\r\n\r\n",
        "------x7\r\nContent-Type: text/plain\r\n\r\n",
        "------x7\r\n\r\n\r\n\r\n",
    ] {
        let answer = head(wrong.as_bytes(), &delimiter());
        assert!(matches!(answer, Err(MultipartError::Malformed(_))), "{wrong}: {answer:?}");
    }
}

proptest! {
    #[test]
    fn what_is_sent_is_what_is_read(
        fields in prop::collection::vec(("[a-z]{1,8}", "[^\r]{0,20}"), 0..4),
        file_name in "[^\"\\\\\r\n%]{0,20}",
        content in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let whole = form(&fields, &file_name, &content);
        let (read_head, file) = read(&whole).unwrap();
        prop_assert_eq!(read_head.file_name, file_name);
        prop_assert_eq!(read_head.fields.len(), fields.len());
        prop_assert_eq!(file, content);
        // However much of it has come so far: more is asked for, or the same is found.
        for end in 0..whole.len() {
            match head(&whole[..end], &delimiter()).unwrap() {
                None => prop_assert!(end < read_head.start),
                Some(found) => prop_assert_eq!(found.start, read_head.start),
            }
            if end >= read_head.start {
                let rest = Bytes::copy_from_slice(&whole[read_head.start..end]);
                let is_whole = end + 2 == whole.len();
                prop_assert_eq!(super::file(&rest, &delimiter()).is_ok(), is_whole, "{}", end);
            }
        }
    }

    #[test]
    fn nothing_that_is_sent_is_too_much(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..400) {
        let mut broken = form(&[("a", "b")], "c", &bytes);
        broken.truncate(cut);
        broken.extend_from_slice(&bytes);
        if let Ok(Some(head)) = head(&broken, &delimiter()) {
            prop_assert!(head.start <= broken.len());
            let _ = file(&Bytes::copy_from_slice(&broken[head.start..]), &delimiter());
        }
    }
}
