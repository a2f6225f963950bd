//! The invitation that `relay uninvite` takes back.

use std::str::FromStr;

use relay::{BoardAddress, InvitationName};

/// An invitation, by its name or by the address that contains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvitationArgument(pub InvitationName);

/// A text that does not name an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the name of an invitation is 16 hex digits (see `toxmail relay invitations`); you can also give the address that contains it"
)]
pub struct InvalidInvitation;

impl FromStr for InvitationArgument {
    type Err = InvalidInvitation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(name) = text.parse() {
            return Ok(Self(name));
        }
        let address: BoardAddress = text.parse().map_err(|_| InvalidInvitation)?;
        let code = address.invitation.ok_or(InvalidInvitation)?;
        Ok(Self(InvitationName::of(&code)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_meant_by_its_name_or_by_its_address() {
        let address = BoardAddress { invitation: Some([7; 16]), ..mail::PublicKey([1; 32]).into() };
        let named: InvitationArgument = InvitationName::of(&[7; 16]).to_string().parse().unwrap();
        assert_eq!(address.to_string().parse(), Ok(named));
        let without = BoardAddress { invitation: None, ..address };
        assert_eq!(without.to_string().parse::<InvitationArgument>(), Err(InvalidInvitation));
        assert_eq!("me".parse::<InvitationArgument>(), Err(InvalidInvitation));
    }
}
