//! One component in its slot: settings, limits, tests, trials; the owner's.

use crate::dto::{self, Slot};
use crate::limits::{COMPONENT_TIME, REPLAY_TIME};
use crate::{CaseFile, ComponentQuery, EntryQuery, Json, One, OptionalComponentFile, Owner, TrialQuery};

endpoints! {
    /// How the component beside the live one is doing; for the owner.
    ShowShadow: GET "/slots/{slot}/shadow" as shadow for Owner { path: Slot, answer: One<dto::Shadow> }

    /// Lets a component run beside the live one: it is asked the same, and its answers are compared, not used; for the owner.
    BeginShadow: PUT "/slots/{slot}/shadow" as begin_shadow for Owner {
        path: Slot, body: Json<dto::BeginShadow>, answer: One<dto::Shadow>, time: COMPONENT_TIME
    }

    /// Ends the shadow of a slot; its last report; for the owner.
    EndShadow: DELETE "/slots/{slot}/shadow" as end_shadow for Owner { path: Slot, answer: One<dto::Shadow> }

    /// Asks a component what was decided in the last days, and compares; for the owner. The component is named, or its file is the body.
    Replay: POST "/slots/{slot}/replay" as replay for Owner {
        path: Slot, query: TrialQuery, body: OptionalComponentFile, answer: One<dto::Replay>, time: REPLAY_TIME
    }

    /// Settings and limits of an entry; for the owner.
    ShowSettings: GET "/slots/{slot}/settings" as settings for Owner {
        path: Slot, query: EntryQuery, answer: One<dto::Tuned>
    }

    /// Changes settings and limits of an entry; what is not named stays; for the owner.
    ChangeSettings: PATCH "/slots/{slot}/settings" as change_settings for Owner {
        path: Slot, query: EntryQuery, body: Json<dto::Tune>, answer: One<dto::Tuned>
    }

    /// Asks a component the conformance cases of the slot, or the case file in the body, on the test bench; for the owner.
    TestComponent: POST "/slots/{slot}/test" as test_component for Owner {
        path: Slot, query: ComponentQuery, body: CaseFile, answer: One<dto::Tested>, time: COMPONENT_TIME
    }
}
