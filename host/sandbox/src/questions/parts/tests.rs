use super::*;

fn apart(mail: &str) -> Vec<Leaf> {
    let mut budget = Budget { bytes: 64 << 20, is_over: &|| false };
    take_apart(&Bytes::from(mail.replace('\n', "\r\n")), &mut budget).unwrap()
}

fn text(leaf: &Leaf) -> String {
    match &leaf.content {
        Content::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
        Content::Binary(bytes) => format!("{:?}", bytes.as_ref()),
        Content::Container => "container".to_owned(),
    }
}

/// Each part as type, parent and content.
fn shown(mail: &str) -> Vec<String> {
    let leaves = apart(mail);
    leaves
        .iter()
        .map(|leaf| format!("{} {:?} {}", leaf.part.content_type, leaf.part.parent, text(leaf).trim_end()))
        .collect()
}

#[test]
fn a_boundary_that_never_comes_leaves_text() {
    assert_eq!(
        shown("Content-Type: multipart/mixed; boundary=b\n\nall of it\n"),
        ["multipart/mixed None all of it"]
    );
}

#[test]
fn a_part_without_end_ends_with_the_mail() {
    let mail = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo";
    assert_eq!(
        shown(mail),
        ["multipart/mixed None container", "text/plain Some(0) one", "text/html Some(0) two"]
    );
}

#[test]
fn an_outer_boundary_ends_what_is_open_inside() {
    let mail = "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\na\n--o\n\nb\n--o--\nafter\n";
    assert_eq!(
        shown(mail),
        [
            "multipart/mixed None container",
            "multipart/mixed Some(0) container",
            "text/plain Some(1) a",
            "text/plain Some(0) b"
        ]
    );
}

#[test]
fn the_parts_of_a_digest_are_mails() {
    let mail = "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\none\n--b--\n";
    let leaves = apart(mail);
    let types: Vec<_> = leaves.iter().map(|leaf| leaf.part.content_type.as_str()).collect();
    assert_eq!(types, ["multipart/digest", "message/rfc822", "text/plain"]);
    assert_eq!(text(&leaves[2]), "one");
}

#[test]
fn a_mail_that_came_encoded_is_taken_apart() {
    // "Subject: x\r\n\r\ninner" in base64.
    let mail =
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeA0KDQppbm5l\ncg==\n";
    let leaves = apart(mail);
    assert_eq!(leaves.len(), 2);
    assert_eq!((leaves[1].part.parent, text(&leaves[1]).as_str()), (Some(0), "inner"));
    assert_eq!(leaves[0].part.size, 19);
}

#[test]
fn what_cannot_be_decoded_is_shown_as_it_came() {
    let mail = "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n\u{fc}!!\n";
    assert!(shown(mail)[0].ends_with("\u{fc}!!"), "{:?}", shown(mail));
}

#[test]
fn the_content_of_identity_parts_is_a_range_of_the_mail() {
    let mail = Bytes::from("Content-Type: message/rfc822\r\n\r\nContent-Type: application/pdf\r\n\r\nbytes");
    let mut budget = Budget { bytes: 64 << 20, is_over: &|| false };
    let leaves = take_apart(&mail, &mut budget).unwrap();
    let range = mail.as_ptr_range();
    for leaf in &leaves {
        let Content::Binary(bytes) = &leaf.content else { panic!("{leaf:?}") };
        assert!(range.contains(&bytes.as_ptr()), "a copy was made");
    }
}

#[test]
fn levels_parts_memory_and_time_are_bounded() {
    let beyond = |mail: String, bytes: u64, is_over: bool| {
        let mut budget = Budget { bytes, is_over: &|| is_over };
        take_apart(&Bytes::from(mail), &mut budget).map(|leaves| leaves.len())
    };
    let nested = |levels: usize| "Content-Type: message/rfc822\r\n\r\n".repeat(levels);
    assert_eq!(beyond(nested(MAIL_LEVELS), 1 << 20, false), Ok(MAIL_LEVELS + 1));
    assert_eq!(beyond(nested(MAIL_LEVELS + 1), 1 << 20, false), Err(Beyond::Structure));
    let flat = |parts: usize| {
        format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{}", "--b\r\n\r\nx\r\n".repeat(parts))
    };
    assert_eq!(beyond(flat(MAIL_PARTS - 1), 1 << 20, false), Ok(MAIL_PARTS));
    assert_eq!(beyond(flat(MAIL_PARTS), 1 << 20, false), Err(Beyond::Structure));
    let encoded = format!("Content-Transfer-Encoding: base64\r\n\r\n{}", "QUFB".repeat(10_000));
    assert_eq!(beyond(encoded.clone(), 100_000, false), Ok(1));
    assert_eq!(beyond(encoded, 10_000, false), Err(Beyond::Memory));
    assert_eq!(beyond("\r\n".repeat(10_000), 1 << 20, true), Err(Beyond::Time));
}

proptest::proptest! {
    #[test]
    fn no_bytes_bring_it_down_and_parents_come_first(
        lines in proptest::collection::vec("(--[ab](--)?|Content-Type: (multipart/mixed; boundary=[ab]|message/rfc822|text/plain)|\
            Content-Transfer-Encoding: (base64|quoted-printable)||.{0,20})", 0..60)
    ) {
        let mail = Bytes::from(lines.join("\r\n"));
        let mut budget = Budget { bytes: 64 << 20, is_over: &|| false };
        let leaves = take_apart(&mail, &mut budget).unwrap();
        for (place, leaf) in leaves.iter().enumerate() {
            proptest::prop_assert_eq!(leaf.part.index as usize, place);
            proptest::prop_assert!(leaf.part.parent.is_none_or(|parent| (parent as usize) < place));
            if let Content::Text(text) = &leaf.content {
                proptest::prop_assert!(std::str::from_utf8(text).is_ok());
            }
        }
        proptest::prop_assert!(!leaves.is_empty());
    }
}
