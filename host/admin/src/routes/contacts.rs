//! Contacts, those who want to be one, and pinned names.

use api::Paging as _;
use api::verbs::{
    AcceptContact, AcceptPin, AddContact, ConfirmName, DeclineContact, ListChangedPins, ListContactRequests,
    ListContacts, ListToldNames, RemoveContact, RenameContact,
};

use crate::service::Routes;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .verb(ListContacts, |management, call| async move {
            management.contacts(&call.account, &call.query.page()).await
        })
        .verb(
            AddContact,
            |management, call| async move { management.add_contact(&call.account, call.body).await },
        )
        .verb(RemoveContact, |management, call| async move {
            let block = call.query.block.unwrap_or(false);
            management.remove_contact(&call.account, &call.path, block).await
        })
        .verb(RenameContact, |management, call| async move {
            management.rename_contact(&call.account, &call.path, call.body.alias).await
        })
        .verb(DeclineContact, |management, call| async move {
            management.decline_contact(&call.account, call.path).await
        })
        .verb(ListToldNames, |management, call| async move {
            management.told_names(&call.account, &call.path).await
        })
        .verb(ConfirmName, |management, call| async move {
            management.confirm_name(&call.account, &call.path, &call.body.address).await
        })
        .verb(ListContactRequests, |management, call| async move {
            management.contact_requests(&call.account).await
        })
        .verb(AcceptContact, |management, call| async move {
            management.accept_contact(&call.account, call.path, call.body.alias).await
        })
        .verb(ListChangedPins, |management, call| async move { management.changed_pins(&call.account).await })
        .verb(
            AcceptPin,
            |management, call| async move { management.accept_pin(&call.account, &call.path).await },
        )
}
