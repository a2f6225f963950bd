//! Who becomes a contact without the user being asked.

use crate::bindings::exports::toxmail::gateway::policy_decisions::{FriendRequest, FriendRequestAnswer};

/// The setting `accept-friends`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The user decides on each.
    Ask,
    /// Accept those the account has written to; the user decides on the others.
    WrittenTo,
    /// Accept all.
    Everybody,
}

impl Rule {
    /// Reads the setting; without it the user is asked.
    pub fn from_settings(settings: &[(String, String)]) -> Result<Self, String> {
        match settings.iter().find(|(name, _)| name == "accept-friends").map(|(_, value)| value.as_str()) {
            None | Some("ask") => Ok(Self::Ask),
            Some("written-to") => Ok(Self::WrittenTo),
            Some("everybody") => Ok(Self::Everybody),
            Some(other) => Err(format!(
                "accept-friends is `{other}`; it can be ask, written-to or everybody. The user is asked."
            )),
        }
    }

    /// The answer to one request.
    pub fn answer(self, request: &FriendRequest) -> FriendRequestAnswer {
        match self {
            Self::Everybody => FriendRequestAnswer::Accept,
            Self::WrittenTo if request.written_to => FriendRequestAnswer::Accept,
            Self::WrittenTo | Self::Ask => FriendRequestAnswer::AskUser,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(setting: &str, written_to: bool) -> FriendRequestAnswer {
        let settings = [("accept-friends".to_owned(), setting.to_owned())];
        let request =
            FriendRequest { key: "AB".repeat(32), message: "hello".into(), written_to, attributes: vec![] };
        Rule::from_settings(&settings).unwrap().answer(&request)
    }

    #[test]
    fn each_rule_answers_as_it_says() {
        assert!(matches!(answer("ask", true), FriendRequestAnswer::AskUser));
        assert!(matches!(answer("written-to", true), FriendRequestAnswer::Accept));
        assert!(matches!(answer("written-to", false), FriendRequestAnswer::AskUser));
        assert!(matches!(answer("everybody", false), FriendRequestAnswer::Accept));
    }

    #[test]
    fn without_a_setting_the_user_is_asked() {
        assert_eq!(Rule::from_settings(&[]), Ok(Rule::Ask));
    }

    #[test]
    fn a_mistyped_setting_is_told() {
        let settings = [("accept-friends".to_owned(), "evrybody".to_owned())];
        assert!(Rule::from_settings(&settings).unwrap_err().contains("`evrybody`"));
    }
}
