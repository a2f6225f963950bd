//! Events that cannot fail what they tell of.

use std::sync::Arc;

use crate::ports::{Event, Events};

/// Events that cannot fail their sender. They go out after something is durable, so a panic of a
/// listener must not lose the reply.
pub(crate) struct Harmless(pub(crate) Arc<dyn Events>);

impl Events for Harmless {
    fn publish(&self, event: Event) {
        let _told = supervisor::attempt_now("events", || self.0.publish(event));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken;

    impl Events for Broken {
        fn publish(&self, _: Event) {
            panic!("nobody can be told");
        }
    }

    #[test]
    fn a_panic_of_who_is_told_does_not_reach_who_tells() {
        let account = "anna".parse().unwrap();
        Harmless(Arc::new(Broken)).publish(Event::ContactsChanged { account });
        let counted = supervisor::status().into_iter().find(|task| task.name == "events").unwrap();
        assert_eq!(counted.problem.as_deref(), Some("nobody can be told"));
    }
}
