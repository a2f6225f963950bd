use proptest::prelude::*;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::tox_id::{Nospam, PublicKey};

const ID: &str = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5";

fn tox_id(text: &str) -> Result<ToxId, InvalidVcard> {
    super::tox_id(text.as_bytes())
}

fn card(lines: &str) -> String {
    format!("BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ben\r\n{lines}\r\nEND:VCARD\r\n")
}

#[test]
fn an_id_is_found_wherever_programs_put_it() {
    let id: ToxId = ID.parse().unwrap();
    let small = ID.to_lowercase();
    for lines in [
        format!("IMPP:tox:{ID}"),
        format!("item1.IMPP;X-SERVICE-TYPE=\"Tox: it\":TOX:{ID}?name=Ben"),
        format!("X-TOX:{ID}"),
        format!("url:tox://{small}/"),
        format!("EMAIL;TYPE=home:ben@example.org\r\nEMAIL:{small}@tox"),
        format!("IMPP:xmpp:ben@example.org\r\nIMPP:tox:{}\r\n {}", &ID[..40], &ID[40..]),
    ] {
        assert_eq!(tox_id(&card(&lines)), Ok(id), "{lines}");
    }
}

#[test]
fn two_different_ids_are_refused_and_the_same_one_twice_is_not() {
    let id: ToxId = ID.parse().unwrap();
    let other = ToxId { nospam: Nospam([9; 4]), ..id };
    assert_eq!(tox_id(&card(&format!("IMPP:tox:{ID}\r\nX-TOX:{ID}"))), Ok(id));
    assert_eq!(tox_id(&card(&format!("IMPP:tox:{ID}\r\nIMPP:tox:{other}"))), Err(InvalidVcard::SeveralIds));
    // A mistyped one beside a right one is passed over, wherever it is.
    for lines in [format!("X-TOX:12\r\nIMPP:tox:{ID}"), format!("IMPP:tox:{ID}\r\nX-TOX:12")] {
        assert_eq!(tox_id(&card(&lines)), Ok(id), "{lines}");
    }
}

/// `56A1 ADE4 ...`
fn grouped(separator: &str) -> String {
    ID.as_bytes().chunks(4).map(|group| str::from_utf8(group).unwrap()).collect::<Vec<_>>().join(separator)
}

#[test]
fn an_id_is_found_in_the_forms_that_address_books_export() {
    let id: ToxId = ID.parse().unwrap();
    let photo = format!("PHOTO;ENCODING=b;TYPE=JPEG:{}", "/9j/4AAQSkZJRg\r\n ".repeat(200_000));
    let soft = format!("{}=\r\n{}=\r\n{}", &ID[..30], &ID[30..60], &ID[60..]);
    let base64 = STANDARD.encode(ID);
    let (head, tail) = base64.split_at(60);
    let encoded: String = ID.bytes().map(|byte| format!("={byte:02X}")).collect();
    for lines in [
        format!("{photo}\r\nIMPP:tox:{ID}"),
        format!("X-TOX:{}", grouped(" ")),
        format!("IMPP;X-SERVICE-TYPE=Tox:{ID}"),
        format!("IMPP;X-SERVICE-TYPE=tox;type=pref:x-apple:{ID}"),
        format!("EMAIL:mailto:{ID}@tox"),
        format!("X-TOX:{}", grouped("-")),
        format!("IMPP:tox:{}", grouped("%20")),
        format!("X-TOX;ENCODING=QUOTED-PRINTABLE:{soft}"),
        format!("X-TOX;CHARSET=UTF-8;quoted-printable:{encoded}"),
        format!("X-TOX;ENCODING=BASE64:{head}\r\n {tail}\r\n"),
        format!("X-TOX;ENCODING=b:{base64}"),
        format!("X-TOX;BASE64:{base64}"),
        format!("X-TOX;TYPE=b:{ID}"),
        format!("IMPP;ENCODING=QUOTED-PRINTABLE:tox=3A{}", grouped("=20")),
        format!("N;ENCODING=QUOTED-PRINTABLE:M=C3=BCller=\r\n;Ben=\r\nX\r\nX-TOX:{ID}"),
    ] {
        let card = card(&lines);
        assert_eq!(tox_id(&card), Ok(id), "{lines:.200}");
        assert_eq!(tox_id(&card.replace("\r\n", "\r")), Ok(id), "{lines:.200}");
        assert_eq!(tox_id(&card.replace("\r\n", "\n")), Ok(id), "{lines:.200}");
        assert_eq!(tox_id(&format!("\u{feff}{card}")), Ok(id));
        for mark in ["\u{feff}", ""] {
            let units: Vec<u16> = format!("{mark}{card}").encode_utf16().collect();
            let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            assert_eq!(super::tox_id(&little), Ok(id));
            assert_eq!(super::tox_id(&big), Ok(id));
        }
    }
    let wrong = card(&format!("X-TOX:{}", grouped(" ").replacen("56A1", "56A2", 1)));
    assert_eq!(tox_id(&wrong), Err(InvalidVcard::ToxId(InvalidToxId::Checksum)));
    assert_eq!(
        tox_id(&card("X-TOX;ENCODING=QUOTED-PRINTABLE:=")),
        Err(InvalidVcard::ToxId(InvalidToxId::Form))
    );
}

#[test]
fn what_leads_to_nobody_is_told() {
    assert_eq!(tox_id("hello"), Err(InvalidVcard::Form));
    assert_eq!(tox_id(""), Err(InvalidVcard::Form));
    assert_eq!(tox_id(&card("EMAIL:ben@example.org")), Err(InvalidVcard::NoToxId));
    let mistyped = card(&format!("IMPP:tox:{}", ID.replace("56A1", "56A2")));
    assert_eq!(tox_id(&mistyped), Err(InvalidVcard::ToxId(InvalidToxId::Checksum)));
    let two = card(&format!("IMPP:tox:{ID}")) + &card("");
    assert_eq!(tox_id(&two), Err(InvalidVcard::Several));
    assert_eq!(
        tox_id(&("BEGIN:VCARD\r\n".to_owned() + &"X:y\r\n".repeat(4_000_000))),
        Err(InvalidVcard::Form)
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read_and_stays_in_its_lines(name: String, key: [u8; 32], nospam: [u8; 4]) {
        let id = ToxId { key: PublicKey(key), nospam: Nospam(nospam) };
        let address = Address::at_tox(&id.to_string().to_lowercase()).unwrap();
        let text = write(&name, id, &[address]);
        prop_assert!(text.split("\r\n").all(|line| line.len() <= 75));
        prop_assert_eq!(text.matches("BEGIN:VCARD").count() - name.matches("BEGIN:VCARD").count(), 1);
        prop_assume!(!name.chars().any(|char| char.is_control() || matches!(char, '\u{85}' | '\u{2028}' | '\u{2029}')));
        prop_assert_eq!(tox_id(&text), Ok(id));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>, mark in prop::sample::select(vec![&b""[..], b"\xff\xfe", b"BEGIN:VCARD\r"])) {
        let _ = super::tox_id(&[mark, &bytes].concat());
    }

    #[test]
    fn any_text_is_read_or_refused(text: String) {
        let _ = tox_id(&text);
        let _ = tox_id(&card(&text));
    }
}
