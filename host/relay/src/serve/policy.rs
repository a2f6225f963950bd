//! Asks who may deposit.

use std::sync::Arc;

use async_trait::async_trait;
use drops::admission::DepositFacts;
use drops::board::Question;
use mail::decision::policy::DepositAnswer;
use tokio::sync::{Semaphore, mpsc};

use super::engine::Event;
use crate::limits::QUESTIONS;

/// Decides who may deposit: the gateway's `policy` component.
#[async_trait]
pub trait DepositPolicy: Send + Sync {
    /// Whether a cell may be deposited. A failure of whoever decides is a refusal, with a text for the depositor.
    async fn allow(&self, facts: DepositFacts) -> DepositAnswer;
}

/// Answers the board's questions, a few at once.
pub(super) async fn answer(
    mut questions: mpsc::UnboundedReceiver<Question>,
    policy: Arc<dyn DepositPolicy>,
    engine: mpsc::WeakSender<Event>,
) {
    let room = Arc::new(Semaphore::new(QUESTIONS));
    while let Some(question) = questions.recv().await {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let (policy, engine) = (Arc::clone(&policy), engine.clone());
        tokio::spawn(async move {
            let answer = supervisor::attempt("board-question", policy.allow(question.facts)).await;
            let answer = answer.unwrap_or_else(|| {
                DepositAnswer::Refuse("the drop relay failed: try again later".to_owned())
            });
            if let Some(engine) = engine.upgrade() {
                // Gone: nobody waits for the answer.
                let _ = engine.send(Event::Decided(question.ticket, answer)).await;
            }
            drop(permit);
        });
    }
}
