//! Components and slots: the owner's to manage.

use api::verbs::{
    AddComponent, ClearComponentState, FallbackSeen, ListComponentState, ListComponents, ListSlots,
    OrderFilters, RemoveComponent, RemoveFilter, RollBack, UseComponent, UsePolicySet,
};
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use crate::dto::{Component, ComponentName, ComponentSignature};
use crate::limits::COMPONENT_TIME;
use crate::problem::Refused;
use crate::service::Routes;
use crate::shared::{Shared, run_awaited};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .verb(ListComponents, |management, _| async move { management.components().await })
        .handler(AddComponent, |call| async move {
            let (query, file) = (call.query, call.body);
            add_component(&call.shared, file.permit, query.name, file.content, query.signature).await
        })
        .verb(RemoveComponent, |management, call| async move { management.remove_component(call.path).await })
        .verb(ListComponentState, |management, _| async move { management.component_state().await })
        .verb(ClearComponentState, |management, call| async move {
            management.clear_component_state(call.path, &call.account).await
        })
        .verb(ListSlots, |management, _| async move { management.slots().await })
        .verb(UseComponent, |management, call| async move {
            management.use_component(call.path, call.body.component, call.body.entry).await
        })
        .verb(
            RollBack,
            |management, call| async move { management.roll_back(call.path, call.body.entry).await },
        )
        .verb(FallbackSeen, |management, call| async move {
            management.fallback_seen(call.path, call.body.entry).await
        })
        .verb(
            OrderFilters,
            |management, call| async move { management.order_filters(call.body.entries).await },
        )
        .verb(RemoveFilter, |management, call| async move { management.remove_filter(call.path).await })
        .verb(UsePolicySet, |management, call| async move { management.use_policy_set(call.body.path).await })
}

/// Checks, compiles and keeps a component that was uploaded; a client that goes away while it is compiled ends that.
pub(crate) async fn add_component(
    shared: &Shared,
    permit: OwnedSemaphorePermit,
    name: ComponentName,
    bytes: Bytes,
    signature: Option<ComponentSignature>,
) -> Result<Component, Refused> {
    let management = shared.management.clone();
    let verb = async move {
        let added = management.add_component(name, bytes, signature).await;
        drop(permit);
        added
    };
    run_awaited(COMPONENT_TIME, verb).await
}
