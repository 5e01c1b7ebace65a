//! A bounded queue between async callers and the store's threads.
//!
//! Putting never waits: a full queue is the caller's answer. Taking waits. A closed queue takes nothing more in but
//! still hands out what it holds, so that closing loses no waiting write.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Why nothing was put.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    Closed,
}

pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    waiting_max: usize,
}

struct State<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(super) fn new(waiting_max: usize) -> Queue<T> {
        let state = Mutex::new(State { waiting: VecDeque::new(), closed: false });
        Queue { state, filled: Condvar::new(), waiting_max }
    }

    pub(super) fn waiting_max(&self) -> usize {
        self.waiting_max
    }

    pub(super) fn put(&self, item: T) -> Result<(), Refused> {
        let mut state = self.state();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.waiting.len() >= self.waiting_max {
            return Err(Refused::Full);
        }
        state.waiting.push_back(item);
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for items and takes up to `group_max` of them, oldest first, and how many are left waiting.
    /// `None` when the queue is closed and empty.
    pub(super) fn take(&self, group_max: usize) -> Option<(Vec<T>, usize)> {
        let mut state = self.state();
        while state.waiting.is_empty() {
            if state.closed {
                return None;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let count = state.waiting.len().min(group_max);
        let group = state.waiting.drain(..count).collect();
        Some((group, state.waiting.len()))
    }

    pub(super) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_all();
    }

    /// Closes and lets go of everything waiting: nobody is left to serve it.
    pub(super) fn abandon(&self) {
        self.close();
        let abandoned = std::mem::take(&mut self.state().waiting);
        drop(abandoned);
    }

    /// Nothing that can panic runs under the lock, so a poisoned state is still whole.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by the thread that serves a queue: however the thread ends, nobody is left waiting.
pub(super) struct AbandonAtEnd<'a, T>(pub(super) &'a Queue<T>);

impl<T> Drop for AbandonAtEnd<'_, T> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_refuses_and_a_closed_one_still_hands_out() {
        let queue = Queue::new(2);
        assert_eq!((queue.put(1), queue.put(2), queue.put(3)), (Ok(()), Ok(()), Err(Refused::Full)));
        assert_eq!(queue.take(1), Some((vec![1], 1)));
        queue.close();
        assert_eq!(queue.put(4), Err(Refused::Closed));
        assert_eq!(queue.take(9), Some((vec![2], 0)));
        assert_eq!(queue.take(9), None);
    }

    #[test]
    fn an_abandoned_queue_holds_nothing() {
        let queue = Queue::new(2);
        queue.put(1).unwrap();
        queue.abandon();
        assert_eq!(queue.take(9), None);
    }
}
