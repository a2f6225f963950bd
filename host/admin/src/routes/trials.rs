//! Components on trial: the owner's to manage.

use api::verbs::{BeginShadow, EndShadow, Replay, ShowShadow};
use api::{Body as _, OptionalComponentFile};

use crate::dto::{self, ReplayQuery};
use crate::extract::wrong_content_type;
use crate::limits::REPLAY_TIME;
use crate::management::Candidate;
use crate::problem::Refused;
use crate::service::{Call, Routes};
use crate::shared::run_awaited;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .verb(ShowShadow, |management, call| async move { management.shadow(call.path).await })
        .verb(
            BeginShadow,
            |management, call| async move { management.begin_shadow(call.path, call.body).await },
        )
        .verb(EndShadow, |management, call| async move { management.end_shadow(call.path).await })
        .handler(Replay, replay)
}

async fn replay(call: Call<Replay>) -> Result<dto::Replay, Refused> {
    let candidate = match (call.query.component, call.body.content) {
        (Some(component), None) => Candidate::Known(component),
        (None, Some(file)) => Candidate::File(file),
        (Some(_), Some(_)) => return Err(Refused::bad_request("name a component or send one, not both")),
        (None, None) => return Err(wrong_content_type(OptionalComponentFile::CONTENT_TYPES)),
    };
    let days = call.query.days.unwrap_or_default().into();
    let query = ReplayQuery { slot: call.path, entry: call.query.entry, days };
    let (management, permit) = (call.shared.management, call.body.permit);
    let verb = async move {
        let replay = management.replay(candidate, query).await;
        drop(permit);
        replay
    };
    run_awaited(REPLAY_TIME, verb).await
}
