use proptest::prelude::*;

use super::*;

fn envelope(from: Option<&str>, flags: u8) -> Envelope {
    let reverse_path = from.map_or(ReversePath::Null, |text| ReversePath::Mailbox(text.parse().unwrap()));
    Envelope {
        notify: Notify { success: flags & 1 != 0, failure: flags & 2 != 0, delay: flags & 4 != 0 },
        ret: if flags & 8 == 0 { Return::Headers } else { Return::Full },
        envelope_id: Some("QQ314159".to_owned()),
        original_recipient: None,
        ..Envelope::new(reverse_path, "ben@tox".parse().unwrap())
    }
}

proptest! {
    #[test]
    fn a_mail_comes_out_as_it_went_in(flags in 0_u8..16, is_report: bool, body: Vec<u8>) {
        let envelope = envelope((!is_report).then_some("anna@example.org"), flags);
        let content = MailContent { envelope, body: Bytes::from(body) };
        prop_assert_eq!(MailContent::decode(&content.encode().unwrap()), Ok(content));
    }

    #[test]
    fn words_come_out_as_they_went_in(ids in proptest::collection::vec(any::<([u8; 16], [u8; 32], bool)>(), 0..=32)) {
        let words: Vec<Word> = ids
            .into_iter()
            .map(|(id, digest, is_refused)| Word {
                id: MailId(id),
                digest: BodyDigest(digest),
                refusal: is_refused.then(|| Refusal::permanent(7, 1, "not wanted here")),
            })
            .collect();
        prop_assert_eq!(decode_words(&encode_words(&words).unwrap()), Ok(words));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _either = MailContent::decode(&bytes);
        if let Ok(words) = decode_words(&bytes) {
            prop_assert!(words.len() <= ACKNOWLEDGEMENTS_TOGETHER);
        }
    }
}

#[test]
fn other_versions_unknown_flags_and_control_characters_are_refused() {
    let content = MailContent { envelope: envelope(None, 0), body: Bytes::new() };
    let good = content.encode().unwrap();
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        MailContent::decode(&bytes)
    };
    assert_eq!(with(0, 2), Err(ContentError::Version(2)));
    assert_eq!(with(1, 16), Err(ContentError::Value("flags")));
    let at = good.windows(2).position(|pair| pair == b"QQ").unwrap();
    assert_eq!(with(at, b'\n'), Err(ContentError::Value("ENVID")));
    for length in 0..good.len() {
        assert!(MailContent::decode(&good[..length]).is_err(), "cut to {length}");
    }
}

#[test]
fn more_words_than_fit_are_not_written() {
    let word = Word { id: MailId([0; 16]), digest: BodyDigest([0; 32]), refusal: None };
    assert!(encode_words(&vec![word; 33]).is_none());
}
