//! TXT records that tell a Tox ID, as the Tox network has used them since 2014, also in the forms that DNS panels make of them.
//!
//! What is meant is `v=tox1;id=<76 hex digits>`, with other fields after it that nobody needs (`sign`). Accepted as well, because only one
//! thing can be meant: quotes around the whole or around a value, blanks around `=`, `,` or a blank or `\;` between fields, fields in
//! another order, names in another case, a Tox ID in groups of digits or as a `tox:` link. The checksum of the Tox ID says whether it
//! was read right. Everything else is refused, and [`Wrong`] says why.

use std::fmt;

use crate::tox_id::{self, ID_DIGITS};

/// What the records of a name say.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A Tox ID, in upper case.
    ToxId(String),
    /// A record about Tox that cannot be used.
    Wrong(Wrong),
    /// Only records of version 2 or 3, which need more than DNS.
    OtherVersion,
    /// Nothing about Tox.
    Nothing,
}

/// What is wrong with a record about Tox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// There is no `id`.
    NoId,
    /// There is an `id` of a Tox ID but no `v`.
    NoVersion,
    /// `v` begins with `tox` and is no version of Tox records.
    Version,
    /// It has so many hex digits instead of 76.
    Length(usize),
    /// Something else than hex digits stands in it.
    NotHex,
    /// The checksum does not fit.
    Checksum,
    /// Several `id` or `v` that differ, or several records with different keys.
    Several,
}

impl fmt::Display for Wrong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoId => formatter.write_str("has no `id=` with a Tox ID"),
            Self::NoVersion => formatter.write_str("has a Tox ID but does not begin with `v=tox1`"),
            Self::Version => {
                formatter.write_str("does not begin with `v=tox1;` (a `;` follows `tox1`, and then `id=`)")
            }
            Self::Length(digits) => {
                write!(formatter, "has {digits} hex digits in `id=`, a Tox ID has {ID_DIGITS}")
            }
            Self::NotHex => formatter.write_str("has something else than hex digits in `id=`"),
            Self::Checksum => {
                formatter.write_str("has a Tox ID with a wrong checksum (a digit was mistyped)")
            }
            Self::Several => {
                formatter.write_str("names several Tox IDs or versions, and it is not clear which one counts")
            }
        }
    }
}

/// Reads the TXT records of a name. DNS gives them in any order, so the order does not count.
pub fn read(records: &[String]) -> Found {
    let mut ids: Vec<String> = Vec::new();
    let (mut wrong, mut other_version) = (None, false);
    for record in records {
        match read_one(record) {
            Found::ToxId(id) => ids.push(id),
            Found::Wrong(why) => wrong = wrong.or(Some(why)),
            Found::OtherVersion => other_version = true,
            Found::Nothing => {}
        }
    }
    // Which nospam of one key is the present one, nobody can say: the same one each time.
    ids.sort();
    match (ids.first(), wrong) {
        (Some(first), _) if ids.iter().any(|id| key_of(id) != key_of(first)) => Found::Wrong(Wrong::Several),
        (Some(first), _) => Found::ToxId(first.clone()),
        (None, Some(wrong)) => Found::Wrong(wrong),
        (None, None) if other_version => Found::OtherVersion,
        (None, None) => Found::Nothing,
    }
}

fn key_of(id: &str) -> &str {
    id.get(..tox_id::KEY_DIGITS).unwrap_or(id)
}

/// One record.
fn read_one(record: &str) -> Found {
    let fields = fields(record);
    let (version, id) = (only(&fields, "v"), only(&fields, "id"));
    match (version, id) {
        (Ok(Some(version)), id) if version.eq_ignore_ascii_case("tox1") => match id {
            Ok(Some(id)) => read_id(id),
            Ok(None) => Found::Wrong(Wrong::NoId),
            Err(Several) => Found::Wrong(Wrong::Several),
        },
        (Ok(Some(version)), _) if is_other_version(version) => Found::OtherVersion,
        (Ok(Some(version)), _) if begins_with_tox(version) => Found::Wrong(Wrong::Version),
        // Another kind of record: SPF, DKIM and so on have `v` as well.
        (Ok(Some(_)), _) => Found::Nothing,
        (Err(Several), _) if fields.iter().any(|(name, value)| name == "v" && begins_with_tox(value)) => {
            Found::Wrong(Wrong::Several)
        }
        (Ok(None), Ok(Some(id))) if matches!(read_id(id), Found::ToxId(_)) => Found::Wrong(Wrong::NoVersion),
        _ => Found::Nothing,
    }
}

/// The versions there have been beside 1.
fn is_other_version(version: &str) -> bool {
    ["tox2", "tox3"].iter().any(|other| version.eq_ignore_ascii_case(other))
}

fn begins_with_tox(version: &str) -> bool {
    version.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("tox"))
}

fn read_id(id: &str) -> Found {
    let link = id.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("tox:"));
    let id = if link { id.get(4..).unwrap_or_default().trim_start_matches('/') } else { id };
    // In groups of digits.
    let id = id.replace('-', "");
    if id.is_empty() {
        return Found::Wrong(Wrong::NoId);
    }
    if !tox_id::is_hex(&id) {
        return Found::Wrong(Wrong::NotHex);
    }
    if id.len() != ID_DIGITS {
        return Found::Wrong(Wrong::Length(id.len()));
    }
    if !tox_id::is_valid(&id) {
        return Found::Wrong(Wrong::Checksum);
    }
    Found::ToxId(id.to_ascii_uppercase())
}

/// A field stands there twice, with different values.
struct Several;

/// The value of a field that counts once.
fn only<'a>(fields: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, Several> {
    let mut values = fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value.as_str());
    let Some(first) = values.next() else { return Ok(None) };
    if values.all(|other| other.eq_ignore_ascii_case(first)) { Ok(Some(first)) } else { Err(Several) }
}

/// The fields of a record, names in lower case. A word without `=` continues the value before it: a Tox ID in groups.
fn fields(record: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for word in words(record) {
        match word.split_once('=') {
            Some((name, value)) => {
                let name = name.to_ascii_lowercase();
                match unseparated_id(&name, value) {
                    Some(id) => {
                        fields.extend([(name, "tox1".to_owned()), ("id".to_owned(), id.to_owned())]);
                    }
                    None => fields.push((name, value.to_owned())),
                }
            }
            None => {
                // Only words that are hex digits can belong to an ID.
                if let Some((name, value)) = fields.last_mut()
                    && name == "id"
                    && tox_id::is_hex(&word)
                {
                    value.push_str(&word);
                }
            }
        }
    }
    fields
}

/// The value of an `id` that follows the version without a separator, or behind one of another kind: a panel made one text of
/// two, or took the `;` out.
fn unseparated_id<'a>(name: &str, value: &'a str) -> Option<&'a str> {
    let is_version = name == "v" && value.get(..4)?.eq_ignore_ascii_case("tox1");
    let rest = value.get(4..).filter(|_| is_version)?;
    let rest = rest.trim_start_matches(|char: char| char.is_ascii_punctuation());
    rest.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("id=")).then(|| rest.get(3..)).flatten()
}

/// The words between blanks, `,` and `;`, without quotes and escapes; an `=` with blanks around it holds its word together.
fn words(record: &str) -> Vec<String> {
    let is_noise =
        |char: &char| matches!(char, '"' | '\'' | '\\' | '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{FEFF}');
    let text: String = record.chars().filter(|char| !is_noise(char)).collect();
    let mut words: Vec<String> = Vec::new();
    for piece in text.split(|char: char| char == ',' || char == ';' || char.is_whitespace()) {
        match words.last_mut() {
            _ if piece.is_empty() => {}
            Some(last) if last.ends_with('=') && !piece.contains('=') && is_name_of(last) => {
                last.push_str(piece)
            }
            Some(last) if piece.starts_with('=') && !last.contains('=') => last.push_str(piece),
            _ => words.push(piece.to_owned()),
        }
    }
    words
}

/// Whether a word is a field name and `=` with nothing behind it: not the padding of a Base64 value.
fn is_name_of(word: &str) -> bool {
    word.find('=') == Some(word.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tox_id::tests::ID;

    fn found(records: &[&str]) -> Found {
        read(&records.iter().map(|&record| record.to_owned()).collect::<Vec<_>>())
    }

    fn id() -> Found {
        Found::ToxId(ID.into())
    }

    #[test]
    fn an_id_that_no_semicolon_separates_from_the_version_is_taken() {
        let grouped = [&ID[..38], &ID[38..]].join("-");
        assert_eq!(found(&[&format!("v=tox1;id={grouped}")]), id());
        for between in ["", ":", "|", "&", ".", ";;", " ; ", "/"] {
            assert_eq!(found(&[&format!("v=tox1{between}id={ID}")]), id(), "{between:?}");
        }
        assert_eq!(found(&[&format!("V=TOX1Id={}", &ID[..70])]), Found::Wrong(Wrong::Length(70)));
    }

    #[test]
    fn a_signature_and_blanks_do_not_disturb() {
        let lower = ID.to_lowercase();
        assert_eq!(found(&[&format!("v=tox1;id={ID}")]), id());
        assert_eq!(found(&[&format!("v=tox1; id={lower}; sign=QUJDRA==")]), id());
        assert_eq!(found(&[&format!("v=tox1;sign=a=b;id={lower};")]), id());
        assert_eq!(found(&[&format!("v=tox1; sign=QUJDRA==; id={lower}")]), id());
        assert_eq!(found(&[&format!("v=tox1;id={ID};sign=DEADBEEF AFFE")]), id());
    }

    #[test]
    fn what_panels_make_of_a_record_is_read_where_the_meaning_is_certain() {
        let groups: Vec<&str> = (0..ID.len()).step_by(4).map(|at| &ID[at..at + 4]).collect();
        for record in [
            format!("\"v=tox1;id={ID}\""),
            format!("v=tox1;id=\"{ID}\""),
            format!("\\\"v=tox1\\;id={ID}\\\""),
            format!("\u{201C}v=tox1;id={ID}\u{201D}"),
            format!("\u{FEFF}v=tox1;id={ID}"),
            format!("v = tox1 ; id = {ID}"),
            format!("v= tox1; id ={ID}"),
            format!("  v=tox1\t;\u{A0}id={ID}\r\n"),
            format!("id={ID};v=tox1"),
            format!("V=TOX1;ID={ID}"),
            format!("v=Tox1;Id={}", ID.to_lowercase()),
            format!("v=tox1,id={ID}"),
            format!("v=tox1 id={ID}"),
            format!("v=tox1;;id={ID},"),
            format!("v=tox1;id=tox:{ID}"),
            format!("v=tox1;id=TOX://{ID}"),
            format!("v=tox1;id={}", groups.join(" ")),
            format!("v=tox1;id={ID};id={}", ID.to_lowercase()),
        ] {
            assert_eq!(found(&[&record]), id(), "{record}");
        }
    }

    #[test]
    fn what_is_not_certain_is_refused_and_says_why() {
        let other = "00".repeat(38);
        for (record, wrong) in [
            ("v=tox1".to_owned(), Wrong::NoId),
            ("v=tox1;id=".to_owned(), Wrong::NoId),
            (format!("v=tox1;{ID}"), Wrong::NoId),
            (format!("id={ID}"), Wrong::NoVersion),
            (format!("v=tox;id={ID}"), Wrong::Version),
            (format!("v=tox10;id={ID}"), Wrong::Version),
            (format!("v=tox1.;id={ID}"), Wrong::Version),
            (format!("v=tox1059id={ID}"), Wrong::Version),
            (format!("v=tox1;id={}", &ID[..64]), Wrong::Length(64)),
            (format!("v=tox1;id={ID}00"), Wrong::Length(78)),
            (format!("v=tox1;id={}", ID.replace("56A1", "56A2")), Wrong::Checksum),
            ("v=tox1;id=<Tox-ID>".to_owned(), Wrong::NotHex),
            (format!("v=tox1;id={ID};id={other}"), Wrong::Several),
            (format!("v=tox1;v=tox2;id={ID}"), Wrong::Several),
        ] {
            assert_eq!(found(&[&record]), Found::Wrong(wrong), "{record}");
        }
        assert!(Wrong::Length(64).to_string().contains("64 hex digits"));
    }

    #[test]
    fn a_good_record_counts_beside_others_in_any_order() {
        let good = format!("v=tox1;id={ID}");
        let mut records = ["v=spf1 -all", "v=tox1;id=00", &good, "v=tox2;pub=0"];
        for _ in 0..records.len() {
            records.rotate_left(1);
            assert_eq!(found(&records), id());
        }
    }

    #[test]
    fn records_with_different_keys_are_refused_in_any_order_and_other_nospams_are_not() {
        let good = format!("v=tox1;id={ID}");
        let other_key = format!("v=tox1;id={}", "00".repeat(38));
        assert_eq!(found(&[&good, &other_key]), Found::Wrong(Wrong::Several));
        assert_eq!(found(&[&other_key, &good]), Found::Wrong(Wrong::Several));
        // Nospam and checksum are changed by the same bits.
        let other_nospam =
            format!("v=tox1;id={}{:04X}{}{:04X}", &ID[..64], 0xD34D_u16 ^ 1, &ID[68..72], 0x7CB5_u16 ^ 1);
        let one = found(&[&good, &other_nospam]);
        assert!(matches!(&one, Found::ToxId(id) if id[..64] == ID[..64]), "{one:?}");
        assert_eq!(one, found(&[&other_nospam, &good]));
    }

    #[test]
    fn what_cannot_be_used_is_told_apart() {
        assert_eq!(found(&["v=tox2;pub=00;check=00"]), Found::OtherVersion);
        assert_eq!(found(&["V = Tox3 ; id=abc"]), Found::OtherVersion);
        assert_eq!(found(&["v=tox2;pub=00", "v=tox1;id=xyz"]), Found::Wrong(Wrong::NotHex));
        for nothing in
            ["v=spf1 -all", "", ";;=;", "=", "id=5", "google-site-verification=abc", "v=DKIM1; k=rsa; p=AA=="]
        {
            assert_eq!(found(&[nothing]), Found::Nothing, "{nothing}");
        }
    }
}
