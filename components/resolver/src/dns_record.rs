//! TXT records that tell a Tox ID, as the Tox network has used them since 2014.

use crate::tox_id;

/// What the records of a name say.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A Tox ID, in upper case: the first valid `tox1` record.
    ToxId(String),
    /// A `tox1` record without a valid Tox ID: damaged by whoever wrote it.
    Damaged,
    /// Only records of version 2 or 3, which need more than DNS.
    OtherVersion,
    /// Nothing about Tox.
    Nothing,
}

/// Reads the TXT records of a name.
pub fn read(records: &[String]) -> Found {
    let mut best = Found::Nothing;
    for record in records {
        match read_one(record) {
            Found::ToxId(id) => return Found::ToxId(id),
            Found::Damaged => best = Found::Damaged,
            Found::OtherVersion if best == Found::Nothing => best = Found::OtherVersion,
            Found::OtherVersion | Found::Nothing => {}
        }
    }
    best
}

/// One record: fields `name=value` divided by semicolons, `v=` first. Fields nobody knows (`sign` among them, which no
/// client checks) are passed over.
fn read_one(record: &str) -> Found {
    let mut fields = record.split(';').filter_map(|field| field.trim().split_once('='));
    match fields.next() {
        Some(("v", "tox1")) => {
            let id = fields.find(|(name, _)| *name == "id").map(|(_, id)| id.trim());
            match id {
                Some(id) if tox_id::is_valid(id) => Found::ToxId(id.to_ascii_uppercase()),
                _ => Found::Damaged,
            }
        }
        Some(("v", version)) if version.starts_with("tox") => Found::OtherVersion,
        _ => Found::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tox_id::tests::ID;

    fn found(records: &[&str]) -> Found {
        read(&records.iter().map(|&record| record.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_signature_and_blanks_do_not_disturb() {
        let id = ID.to_lowercase();
        assert_eq!(found(&[&format!("v=tox1;id={ID}")]), Found::ToxId(ID.into()));
        assert_eq!(found(&[&format!("v=tox1; id={id}; sign=QUJDRA==")]), Found::ToxId(ID.into()));
        assert_eq!(found(&[&format!("v=tox1;sign=a=b;id={id};")]), Found::ToxId(ID.into()));
    }

    #[test]
    fn the_first_valid_record_counts() {
        let good = format!("v=tox1;id={ID}");
        assert_eq!(found(&["v=spf1 -all", "v=tox1;id=00", &good, "v=tox2;pub=0"]), Found::ToxId(ID.into()));
    }

    #[test]
    fn what_cannot_be_used_is_told_apart() {
        assert_eq!(found(&["v=tox1"]), Found::Damaged);
        assert_eq!(found(&["v=tox2;pub=00;check=00"]), Found::OtherVersion);
        assert_eq!(found(&["v=tox2;pub=00", "v=tox1;id=xyz"]), Found::Damaged);
        assert_eq!(found(&["v=spf1 -all", "", ";;=;"]), Found::Nothing);
    }
}
