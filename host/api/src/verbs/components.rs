//! Components and slots: the owner's to manage.

use crate::dto::{self, ComponentRef, Slot};
use crate::limits::COMPONENT_TIME;
use crate::{
    AccountQuery, ComponentFile, Created, Empty, Json, List, OptionalJson, Owner, OwnerForAccount,
    UploadQuery,
};

endpoints! {
    /// Components this gateway has; for the owner.
    ListComponents: GET "/components" as list_components for Owner { answer: List<dto::Component> }

    /// Checks, compiles and keeps a component; for the owner.
    AddComponent: POST "/components" as add_component for Owner {
        query: UploadQuery, body: ComponentFile, answer: Created<dto::Component>, time: COMPONENT_TIME
    }

    /// Removes a component that no slot needs; for the owner.
    RemoveComponent: DELETE "/components/{component}" as remove_component for Owner {
        path: ComponentRef, answer: Empty
    }

    /// The state that components keep between calls; for the owner.
    ListComponentState: GET "/component-state" as component_state for Owner { answer: List<dto::ComponentState> }

    /// Deletes the state that a component keeps for an account; for the owner.
    ClearComponentState: DELETE "/component-state/{space}" as clear_component_state for OwnerForAccount {
        path: String, query: AccountQuery, answer: Empty, time: COMPONENT_TIME
    }

    /// What is live in the slots; for the owner.
    ListSlots: GET "/slots" as slots for Owner { answer: List<dto::SlotEntry> }

    /// Makes a component live; for the owner.
    UseComponent: POST "/slots/{slot}/use" as use_component for Owner {
        path: Slot, body: Json<dto::UseComponent>, answer: List<dto::SlotEntry>, time: COMPONENT_TIME
    }

    /// Goes back to the component that was live before; for the owner.
    RollBack: POST "/slots/{slot}/rollback" as roll_back for Owner {
        path: Slot, body: OptionalJson<dto::RollBack>, answer: List<dto::SlotEntry>, time: COMPONENT_TIME
    }

    /// Dismisses the notice of a fallback; for the owner.
    FallbackSeen: POST "/slots/{slot}/seen" as fallback_seen for Owner {
        path: Slot, body: OptionalJson<dto::SeenFallback>, answer: List<dto::SlotEntry>
    }

    /// Brings the filters into another order; for the owner.
    OrderFilters: PUT "/filters" as order_filters for Owner {
        body: Json<dto::FilterOrder>, answer: List<dto::SlotEntry>, time: COMPONENT_TIME
    }

    /// Takes a filter out of the chain; for the owner.
    RemoveFilter: DELETE "/filters/{entry}" as remove_filter for Owner {
        path: String, answer: List<dto::SlotEntry>, time: COMPONENT_TIME
    }

    /// Puts a policy set to work, all of it or nothing; for the owner.
    UsePolicySet: PUT "/policy-set" as use_policy_set for Owner {
        body: Json<dto::UsePolicySet>, answer: List<dto::SlotEntry>, time: COMPONENT_TIME
    }
}
