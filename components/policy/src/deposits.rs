//! Who may leave cells on this gateway's drop relay: half of the room is kept for token holders, or all of it.

use crate::bindings::exports::toxmail::gateway::policy_decisions::{Deposit, DepositAnswer};

/// The setting `deposits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Half of the room for everybody, all of it for token holders.
    Everybody,
    /// Token holders alone.
    Members,
}

impl Rule {
    /// Reads the setting; without it everybody may.
    pub fn from_settings(settings: &[(String, String)]) -> Result<Self, String> {
        match settings.iter().find(|(name, _)| name == "deposits").map(|(_, value)| value.as_str()) {
            None | Some("everybody") => Ok(Self::Everybody),
            Some("members") => Ok(Self::Members),
            Some(other) => Err(format!(
                "deposits is `{other}`; it can be everybody or members. Only token holders may deposit."
            )),
        }
    }

    /// The answer to one deposit.
    pub fn answer(self, deposit: &Deposit) -> DepositAnswer {
        let (room, full) = match (deposit.admission.as_str(), self) {
            ("token", _) => (deposit.capacity, "this relay is full: use another one, or try again tomorrow"),
            ("stamp", Self::Everybody) => (
                deposit.capacity / 2,
                "the room for deposits without a token is full: use another relay, or ask its owner for tokens",
            ),
            ("stamp", Self::Members) => {
                return refuse(
                    "this relay is for members: ask its owner for an invitation, or use another one",
                );
            }
            _ => return refuse("show a token or a stamp to leave a cell here"),
        };
        if deposit.cells < room { DepositAnswer::Allow } else { refuse(full) }
    }
}

fn refuse(text: &str) -> DepositAnswer {
    DepositAnswer::Refuse(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(admission: &str, cells: u64) -> bool {
        allowed_by(Rule::Everybody, admission, cells)
    }

    fn allowed_by(rule: Rule, admission: &str, cells: u64) -> bool {
        let deposit = Deposit {
            admission: admission.to_owned(),
            ttl_days: 7,
            cells,
            capacity: 100,
            today: 0,
            attributes: vec![],
        };
        matches!(rule.answer(&deposit), DepositAnswer::Allow)
    }

    #[test]
    fn token_holders_may_fill_it() {
        assert!(allowed("token", 99));
        assert!(!allowed("token", 100));
    }

    #[test]
    fn strangers_get_half() {
        assert!(allowed("stamp", 49));
        assert!(!allowed("stamp", 50));
    }

    #[test]
    fn a_relay_for_members_takes_no_stamps() {
        assert!(allowed_by(Rule::Members, "token", 99));
        assert!(!allowed_by(Rule::Members, "token", 100));
        assert!(!allowed_by(Rule::Members, "stamp", 0));
    }

    #[test]
    fn the_setting_is_read_and_a_mistake_is_told() {
        let read = |value: &str| Rule::from_settings(&[("deposits".to_owned(), value.to_owned())]);
        assert_eq!((read("everybody"), read("members")), (Ok(Rule::Everybody), Ok(Rule::Members)));
        assert_eq!(Rule::from_settings(&[]), Ok(Rule::Everybody));
        assert!(read("memebrs").unwrap_err().contains("`memebrs`"));
    }

    #[test]
    fn anything_else_is_refused() {
        assert!(!allowed("please", 0));
    }
}
