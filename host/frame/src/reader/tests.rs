use proptest::prelude::*;

use super::*;
use crate::writer::Writer;

proptest! {
    #[test]
    fn what_was_written_is_read(
        a: u8, b: u16, c: u32, d: u64, key: [u8; 32],
        blob in proptest::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,50}", tail: [u8; 3],
    ) {
        let mut writer = Writer::new();
        writer.u8(a).u16(b).u32(c).u64(d).raw(&key).bytes16(&blob).text16(&text).raw(&tail);
        let bytes = writer.finish().unwrap();
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(reader.u8("a"), Ok(a));
        prop_assert_eq!(reader.u16("b"), Ok(b));
        prop_assert_eq!(reader.u32("c"), Ok(c));
        prop_assert_eq!(reader.u64("d"), Ok(d));
        prop_assert_eq!(reader.array::<32>("key"), Ok(key));
        prop_assert_eq!(reader.bytes16("blob", 300), Ok(&blob[..]));
        prop_assert_eq!(reader.text16("text", 250), Ok(text.as_str()));
        prop_assert_eq!(reader.remaining(), 3);
        prop_assert_eq!(reader.clone().finish(), Err(ReadError::Trailing(3)));
        prop_assert_eq!(reader.rest(), &tail[..]);
        prop_assert_eq!(reader.position(), bytes.len());
        prop_assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn a_truncated_piece_is_refused_and_nothing_is_lost(bytes in proptest::collection::vec(any::<u8>(), 0..8)) {
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(reader.u64("number"), Err(ReadError::Truncated("number")));
        prop_assert_eq!(reader.take("all", usize::MAX), Err(ReadError::Truncated("all")));
        prop_assert_eq!(reader.rest(), &bytes[..]);
    }
}

#[test]
fn bounds_are_kept() {
    let mut long = Reader::new(&[5, 0, 1, 2, 3, 4, 5]);
    assert_eq!(long.bytes16("name", 4), Err(ReadError::TooLong { what: "name", length: 5, max: 4 }));
    assert_eq!(Reader::new(&[9, 1]).count("list", 9), Ok(9));
    assert_eq!(
        Reader::new(&[9, 1]).count("list", 8),
        Err(ReadError::TooLong { what: "list", length: 9, max: 8 })
    );
    assert_eq!(Reader::new(&[1, 0, 0xff]).text16("name", 4), Err(ReadError::NotText("name")));
    assert!(Writer::new().bytes16(&[0; 65_536]).finish().is_err());
}
