//! Drop relays: the owner's to manage.

use api::verbs::{AddRelay, InviteToRelay, ListInvitations, ListRelays, RemoveRelay, UninviteFromRelay};

use crate::service::Routes;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .verb(ListRelays, |management, _| async move { management.relays().await })
        .verb(AddRelay, |management, call| async move { management.add_relay(call.body).await })
        .verb(RemoveRelay, |management, call| async move { management.remove_relay(call.path).await })
        .verb(InviteToRelay, |management, _| async move { management.invite_to_relay().await })
        .verb(ListInvitations, |management, _| async move { management.invitations().await })
        .verb(UninviteFromRelay, |management, call| async move {
            management.uninvite_from_relay(&call.path).await
        })
}
