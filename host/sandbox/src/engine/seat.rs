//! The seat of a running call: its turn among the calls of its component, and its place among those of its slot.
//!
//! A call that waits for something outside the process leaves its seat to others until the answer is there.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A turn and a place, taken in this order by everybody.
#[derive(Debug)]
pub struct Seat {
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
    aside: Arc<Semaphore>,
    taken: Mutex<Option<Taken>>,
}

/// The permits that are given back when the seat is dropped.
type Taken = (OwnedSemaphorePermit, OwnedSemaphorePermit);

impl Seat {
    /// Waits for a turn and a place; None if the component or its slot is gone. `aside` says how many may have left their
    /// seats at once.
    pub async fn take(
        turns: &Arc<Semaphore>,
        places: &Arc<Semaphore>,
        aside: &Arc<Semaphore>,
    ) -> Option<Self> {
        let taken = Mutex::new(Some(take(turns, places).await?));
        Some(Self { turns: Arc::clone(turns), places: Arc::clone(places), aside: Arc::clone(aside), taken })
    }

    /// Runs `wait` without the seat and takes the seat again; None, and nothing is run, if too many are aside. Blocks: only
    /// for the thread of the call.
    pub fn leave_for<R>(&self, wait: impl FnOnce() -> R) -> Option<R> {
        let _aside = Arc::clone(&self.aside).try_acquire_owned().ok()?;
        self.give_up();
        let result = wait();
        *self.taken() = block_on(take(&self.turns, &self.places));
        Some(result)
    }

    /// Gives the seat back for good.
    pub fn give_up(&self) {
        self.taken().take();
    }

    fn taken(&self) -> MutexGuard<'_, Option<Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn take(turns: &Arc<Semaphore>, places: &Arc<Semaphore>) -> Option<Taken> {
    let turn = Arc::clone(turns).acquire_owned().await.ok()?;
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    Some((turn, place))
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future that needs no runtime, on this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(count: usize) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(count))
    }

    #[tokio::test]
    async fn who_waits_outside_leaves_the_seat_to_others_and_takes_it_again() {
        let (turns, all, aside) = (places(1), places(1), places(1));
        let seat = Seat::take(&turns, &all, &aside).await.unwrap();
        assert_eq!((turns.available_permits(), all.available_permits()), (0, 0));
        let free = || (turns.available_permits(), all.available_permits(), aside.available_permits());
        assert_eq!(seat.leave_for(free), Some((1, 1, 0)));
        assert_eq!(free(), (0, 0, 1));
        seat.give_up();
        assert_eq!(free(), (1, 1, 1));
    }

    #[tokio::test]
    async fn where_too_many_are_aside_nobody_waits_for_them() {
        let (turns, all, aside) = (places(2), places(2), places(1));
        let one = Seat::take(&turns, &all, &aside).await.unwrap();
        let other = Seat::take(&turns, &all, &aside).await.unwrap();
        assert_eq!(one.leave_for(|| other.leave_for(|| ())), Some(None));
        assert_eq!((turns.available_permits(), all.available_permits()), (0, 0));
    }

    #[tokio::test]
    async fn the_seat_is_waited_for_when_somebody_else_has_it() {
        let (turns, all, aside) = (places(1), places(1), places(1));
        let seat = Arc::new(Seat::take(&turns, &all, &aside).await.unwrap());
        let (left, has_left) = tokio::sync::oneshot::channel();
        let (answer, may_return) = std::sync::mpsc::channel::<()>();
        let of_thread = Arc::clone(&seat);
        let thread = std::thread::spawn(move || {
            of_thread.leave_for(|| {
                left.send(()).unwrap();
                may_return.recv().unwrap();
            })
        });
        has_left.await.unwrap();
        let other = Seat::take(&turns, &all, &aside).await.unwrap();
        answer.send(()).unwrap();
        assert!(seat.taken().is_none());
        other.give_up();
        assert_eq!(thread.join().unwrap(), Some(()));
        assert!(seat.taken().is_some());
    }
}
