//! Who may leave cells on this gateway's drop relay: half of the room is kept for token holders.

use crate::bindings::exports::toxmail::gateway::policy_decisions::{Deposit, DepositAnswer};

/// The answer to one deposit.
pub fn answer(deposit: &Deposit) -> DepositAnswer {
    let (room, full) = match deposit.admission.as_str() {
        "token" => (deposit.capacity, "this relay is full: use another one, or try again tomorrow"),
        "stamp" => (
            deposit.capacity / 2,
            "the room for deposits without a token is full: use another relay, or ask its owner for tokens",
        ),
        _ => return refuse("show a token or a stamp to leave a cell here"),
    };
    if deposit.cells < room { DepositAnswer::Allow } else { refuse(full) }
}

fn refuse(text: &str) -> DepositAnswer {
    DepositAnswer::Refuse(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(admission: &str, cells: u64) -> bool {
        let deposit = Deposit {
            admission: admission.to_owned(),
            ttl_days: 7,
            cells,
            capacity: 100,
            today: 0,
            attributes: vec![],
        };
        matches!(answer(&deposit), DepositAnswer::Allow)
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
    fn anything_else_is_refused() {
        assert!(!allowed("please", 0));
    }
}
