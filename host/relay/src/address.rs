//! How a board is named to its users.

use std::fmt;
use std::str::FromStr;

use drops::board::board_nospam;
use drops::message::InvitationCode;
use mail::{PublicKey, ToxId};

/// A board's key, and for invited users their invitation. Written as the board's Tox ID (76 hex digits), or its key (64), then `/` and
/// the 32 hex digits of the invitation where there is one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BoardAddress {
    /// Which board.
    pub key: PublicKey,
    /// What gives tokens there. A secret: whoever has it can use it up.
    pub invitation: Option<InvitationCode>,
}

/// Why a text names no board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBoardAddress {
    /// Not of the form.
    #[error(
        "a drop relay's address is 76 (or 64) hex digits, with an invitation then `/` and 32 more: copy it again"
    )]
    Form,
    /// The Tox ID of something else: boards have a nospam that follows from their key.
    #[error("this is a Tox ID, but not of a drop relay: to add a person use `toxmail contact add`")]
    NotABoard,
}

impl BoardAddress {
    /// The Tox ID that friend requests go to: everybody uses the same.
    #[must_use]
    pub fn tox_id(&self) -> ToxId {
        ToxId { key: self.key, nospam: board_nospam(&self.key) }
    }
}

impl From<PublicKey> for BoardAddress {
    fn from(key: PublicKey) -> Self {
        Self { key, invitation: None }
    }
}

impl FromStr for BoardAddress {
    type Err = InvalidBoardAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (board, invitation) = match text.split_once('/') {
            Some((board, code)) => (board, Some(invitation(code)?)),
            None => (text, None),
        };
        if let Ok(key) = board.parse::<PublicKey>() {
            return Ok(Self { key, invitation });
        }
        let id: ToxId = board.parse().map_err(|_| InvalidBoardAddress::Form)?;
        if id.nospam != board_nospam(&id.key) {
            return Err(InvalidBoardAddress::NotABoard);
        }
        Ok(Self { key: id.key, invitation })
    }
}

/// A number of 128 bits in hex.
fn invitation(text: &str) -> Result<InvitationCode, InvalidBoardAddress> {
    let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u128::from_str_radix(text, 16).ok().filter(|_| is_hex);
    number.map(u128::to_be_bytes).ok_or(InvalidBoardAddress::Form)
}

impl fmt::Display for BoardAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.tox_id())?;
        match self.invitation {
            Some(code) => write!(formatter, "/{:032X}", u128::from_be_bytes(code)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for BoardAddress {
    /// Without the invitation: it is a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "BoardAddress({})", self.key)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_person_is_not_a_board() {
        let key = PublicKey([5; 32]);
        let person = ToxId { key, nospam: mail::Nospam([1, 2, 3, 4]) };
        assert_eq!(person.to_string().parse::<BoardAddress>(), Err(InvalidBoardAddress::NotABoard));
        assert_eq!(key.to_string().parse(), Ok(BoardAddress::from(key)));
        let board = BoardAddress { key, invitation: Some([7; 16]) };
        assert!(!format!("{board:?}").contains("0707070707"), "an invitation is a secret");
    }

    proptest! {
        #[test]
        fn addresses_are_read_back(key: [u8; 32], invitation: Option<[u8; 16]>) {
            let address = BoardAddress { key: PublicKey(key), invitation };
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9a-fA-F/+ ]{0,120}") {
            if let Ok(address) = text.parse::<BoardAddress>() {
                prop_assert_eq!(address.to_string().parse(), Ok(address));
            }
        }
    }
}
