use mail::Wall;
use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn a_time_survives_json(milliseconds in 0_u64..253_402_300_800_000) {
        let json = serde_json::to_string(&Timestamp(Wall(milliseconds))).unwrap();
        prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), Timestamp(Wall(milliseconds)));
    }

    #[test]
    fn any_text_is_a_contact_address_or_refused(text in "(tox:)?[0-9A-Fa-f]{0,80}(@[a-z.]{0,12})?|\\PC{0,40}") {
        if let Ok(address) = text.parse::<ContactAddress>() {
            prop_assert_eq!(address.to_string().parse::<ContactAddress>(), Ok(address));
        }
    }

    #[test]
    fn any_text_is_a_component_reference_or_refused(text in "[0-9a-f]{60,70}|[a-zA-Z0-9._-]{0,70}|\\PC{0,10}") {
        if let Ok(component) = text.parse::<ComponentRef>() {
            prop_assert_eq!(component.to_string().parse::<ComponentRef>(), Ok(component));
        }
    }

    #[test]
    fn pages_cover_a_list_once(length in 0_usize..40, limit in 1_usize..12) {
        let all: Vec<String> = (0..length).map(|number| format!("{number:03}")).collect();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let listing = Page::new(limit, after).cut(all.clone(), String::clone);
            prop_assert!(listing.items.len() <= limit);
            seen.extend(listing.items);
            after = listing.next;
            if after.is_none() { break }
        }
        prop_assert_eq!(seen, all);
    }
}

#[test]
fn a_page_goes_on_after_an_item_that_is_gone() {
    let items = vec!["a".to_owned(), "c".to_owned()];
    let listing = Page::new(5, Some("b".to_owned())).cut(items, String::clone);
    assert_eq!(listing.items, ["c"]);
}

#[test]
fn times_are_rfc_3339() {
    assert_eq!(Timestamp(Wall(0)).to_text(), "1970-01-01T00:00:00Z");
    assert_eq!(Timestamp(Wall(1_700_000_000_120)).to_text(), "2023-11-14T22:13:20.12Z");
    assert_eq!(Timestamp(Wall(u64::MAX)).to_text(), "9999-12-31T23:59:59.999Z");
}

#[test]
fn a_password_is_never_printed() {
    let password = Password::new("correct horse".to_owned()).unwrap();
    assert_eq!(format!("{password:?}"), "Password(..)");
    assert_eq!(password.reveal(), "correct horse");
}

#[test]
fn passwords_have_bounds() {
    assert!(Password::new("seven 7".to_owned()).is_err());
    assert!(Password::new("x".repeat(mail::limits::PASSWORD_BYTES)).is_ok());
    assert!(Password::new("x".repeat(mail::limits::PASSWORD_BYTES + 1)).is_err());
    assert!(Password::new("line\nbreak".to_owned()).is_err());
    assert!(Password::new("éééééééé".to_owned()).is_ok());
}

#[test]
fn a_tox_id_is_understood_in_every_spelling() {
    let id = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5";
    for spelling in
        [id.to_owned(), id.to_lowercase(), format!("tox:{id}"), format!("{id}@tox"), format!(" {id}\n")]
    {
        assert_eq!(spelling.parse(), Ok(ContactAddress::ToxId(id.parse().unwrap())), "{spelling}");
    }
}

#[test]
fn a_mistyped_tox_id_is_told_as_such() {
    let wrong = "66A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5";
    assert!(matches!(wrong.parse::<ContactAddress>(), Err(InvalidContactAddress::ToxId(_))));
    assert!(matches!(format!("{wrong}@tox").parse::<ContactAddress>(), Err(InvalidContactAddress::ToxId(_))));
}
