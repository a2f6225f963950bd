//! How a board is named to its users.

use std::fmt;
use std::str::FromStr;

use drops::board::board_nospam;
use drops::message::InvitationCode;
use drops::record::OwnerMark;
use mail::{PublicKey, ToxId};

/// A board's key, for invited users their invitation, and the mark of its owner. Written as the board's Tox ID (76 hex digits), or
/// its key (64), then `/` and the 32 hex digits of the invitation, then `/` and the 16 of the mark, where there are such.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BoardAddress {
    /// The key of the board.
    pub key: PublicKey,
    /// The invitation, which gives tokens there. It is a secret: anybody who has it can use it up.
    pub invitation: Option<InvitationCode>,
    /// The same for all boards of one owner: mails are spread over different ones.
    pub owner: Option<OwnerMark>,
}

/// Why a text does not name a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBoardAddress {
    /// Not of the form.
    #[error(
        "a drop relay's address is 76 (or 64) hex digits, then `/` and 32 more with an invitation, then `/` and 16 that mark its owner: copy it again"
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
        Self { key, invitation: None, owner: None }
    }
}

impl FromStr for BoardAddress {
    type Err = InvalidBoardAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('/');
        let board = parts.next().unwrap_or_default();
        let (mut code, mut owner) = (None, None);
        for part in parts {
            // Told apart by their length; each once, in this order.
            match part.len() {
                32 if code.is_none() && owner.is_none() => code = Some(invitation(part)?),
                _ if owner.is_none() => {
                    owner = Some(part.parse().map_err(|_| InvalidBoardAddress::Form)?);
                }
                _ => return Err(InvalidBoardAddress::Form),
            }
        }
        let invitation = code;
        if let Ok(key) = board.parse::<PublicKey>() {
            return Ok(Self { key, invitation, owner });
        }
        let id: ToxId = board.parse().map_err(|_| InvalidBoardAddress::Form)?;
        if id.nospam != board_nospam(&id.key) {
            return Err(InvalidBoardAddress::NotABoard);
        }
        Ok(Self { key: id.key, invitation, owner })
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
        if let Some(code) = self.invitation {
            write!(formatter, "/{:032X}", u128::from_be_bytes(code))?;
        }
        match self.owner {
            Some(mark) => write!(formatter, "/{mark}"),
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
        let board = BoardAddress { key, invitation: Some([7; 16]), owner: None };
        assert!(!format!("{board:?}").contains("0707070707"), "an invitation is a secret");
    }

    proptest! {
        #[test]
        fn addresses_are_read_back(key: [u8; 32], invitation: Option<[u8; 16]>, owner: Option<[u8; 8]>) {
            let address = BoardAddress { key: PublicKey(key), invitation, owner: owner.map(OwnerMark) };
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
