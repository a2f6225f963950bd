//! One component in its slot: settings, limits, tests, trials; the owner's.

use crate::dto::{self, Slot};
use crate::limits::{COMPONENT_TIME, REPLAY_TIME};
use crate::{CaseFile, ComponentQuery, EntryQuery, Json, One, OptionalComponentFile, Owner, TrialQuery};

endpoints! {
    /// The report of the slot's shadow, the component beside the live one; for the owner.
    ShowShadow: GET "/slots/{slot}/shadow" as shadow for Owner { path: Slot, answer: One<dto::Shadow> }

    /// Lets a component run beside the live one; for the owner. It gets the same questions, and its
    /// answers are compared and not used.
    BeginShadow: PUT "/slots/{slot}/shadow" as begin_shadow for Owner {
        path: Slot, body: Json<dto::BeginShadow>, answer: One<dto::Shadow>, time: COMPONENT_TIME
    }

    /// Ends the shadow of a slot and gives its last report; for the owner.
    EndShadow: DELETE "/slots/{slot}/shadow" as end_shadow for Owner { path: Slot, answer: One<dto::Shadow> }

    /// Asks a component what was decided in the last days and compares the answers; for the owner.
    /// The component is named, or its file is the body.
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

    /// Runs a component on the test bench, with the conformance cases of the slot or with the case
    /// file in the body; for the owner.
    TestComponent: POST "/slots/{slot}/test" as test_component for Owner {
        path: Slot, query: ComponentQuery, body: CaseFile, answer: One<dto::Tested>, time: COMPONENT_TIME
    }
}
