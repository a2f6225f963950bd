//! Facts that have a name instead of a field.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::MailId;

/// The name of [`Attributes::size`].
const SIZE: &str = "size";

/// The name of [`Attributes::mail`].
const MAIL: &str = "mail-id";

/// Facts that a version adds without changing a record of the WIT package (`types.attributes`): names and values. Those that
/// the gateway uses itself have a type here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(String, String)>", into = "Vec<(String, String)>")]
pub struct Attributes {
    /// `size`: bytes of the mail, where the record has no field for them.
    pub size: Option<u64>,
    /// All others, in their order.
    pub others: Vec<(String, String)>,
    /// `mail-id`: the mail that the question is about.
    pub mail: Option<MailId>,
}

impl Attributes {
    /// Those of a question about a mail.
    #[must_use]
    pub fn of(mail: MailId) -> Self {
        Self { mail: Some(mail), ..Self::default() }
    }

    /// As components are told them.
    #[must_use]
    pub fn to_list(&self) -> Vec<(String, String)> {
        let size = self.size.map(|size| (SIZE.to_owned(), size.to_string()));
        let mail = self.mail.map(|id| (MAIL.to_owned(), id.to_string()));
        size.into_iter().chain(self.others.iter().cloned()).chain(mail).collect()
    }
}

impl From<Attributes> for Vec<(String, String)> {
    fn from(attributes: Attributes) -> Self {
        attributes.to_list()
    }
}

impl From<Vec<(String, String)>> for Attributes {
    /// A test case may say anything: a value that the gateway would write otherwise is kept as it is.
    fn from(list: Vec<(String, String)>) -> Self {
        let mut attributes = Self::default();
        for (name, value) in list {
            let is_typed = match name.as_str() {
                SIZE => take(&mut attributes.size, &value),
                MAIL => take(&mut attributes.mail, &value),
                _ => false,
            };
            if !is_typed {
                attributes.others.push((name, value));
            }
        }
        attributes
    }
}

/// Fills an empty place with a value that prints as it is written. False if it stays as it was.
fn take<T: FromStr + ToString>(place: &mut Option<T>, text: &str) -> bool {
    if place.is_some() {
        return false;
    }
    *place = text.parse::<T>().ok().filter(|value| value.to_string() == text);
    place.is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_the_gateway_uses_has_a_type() {
        let id = MailId([10; 16]);
        let recorded = list(&[("size", "3"), ("mailbox-record", "known"), ("mail-id", &id.to_string())]);
        let attributes = Attributes::from(recorded.clone());
        assert_eq!((attributes.size, attributes.mail, attributes.others.len()), (Some(3), Some(id), 1));
        assert_eq!(attributes.to_list(), recorded, "as the gateway always wrote them");
    }

    #[test]
    fn what_the_gateway_would_write_otherwise_stays_as_it_is() {
        let id = "0A".repeat(16);
        let odd = list(&[("size", "03"), ("mail-id", &id), ("size", "many"), ("mail-id", "x")]);
        let attributes = Attributes::from(odd.clone());
        assert_eq!((attributes.size, attributes.mail), (None, None));
        assert_eq!(attributes.to_list(), odd);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(list in proptest::collection::vec(("size|mail-id|x", "[0-9]{0,3}|(0a){16}"), 0..6)) {
            let mut kept = Attributes::from(list.clone()).to_list();
            let mut list = list;
            kept.sort();
            list.sort();
            prop_assert_eq!(kept, list);
        }
    }
}
