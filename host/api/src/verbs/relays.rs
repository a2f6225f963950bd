//! Drop relays: the owner's to manage.

use mail::PublicKey;

use crate::dto;
use crate::{Created, Empty, Json, List, Owner};

endpoints! {
    /// Known drop relays, the gateway's own first; for the owner.
    ListRelays: GET "/relays" as list_relays for Owner { answer: List<dto::Relay> }

    /// Names a drop relay to use; for the owner.
    AddRelay: POST "/relays" as add_relay for Owner { body: Json<dto::NewRelay>, answer: Created<dto::Relay> }

    /// Forgets a drop relay; for the owner.
    RemoveRelay: DELETE "/relays/{key}" as remove_relay for Owner { path: PublicKey, answer: Empty }

    /// Creates an invitation to the gateway's own drop relay; for the owner.
    InviteToRelay: POST "/relays/invitations" as invite_to_relay for Owner { answer: Created<dto::Invitation> }

    /// Invitations to the gateway's own drop relay; for the owner.
    ListInvitations: GET "/relays/invitations" as list_relay_invitations for Owner {
        answer: List<dto::InvitationGiven>
    }

    /// Takes back an invitation to the gateway's own drop relay; for the owner.
    UninviteFromRelay: DELETE "/relays/invitations/{name}" as uninvite_from_relay for Owner {
        path: String, answer: Empty
    }
}
