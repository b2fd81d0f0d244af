//! What is going to happen, in the order of true time; what is due at once comes in the order it was planned.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

#[derive(Debug)]
struct Due<T> {
    at: u64,
    order: u64,
    what: T,
}

impl<T> PartialEq for Due<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}
impl<T> Eq for Due<T> {}
impl<T> PartialOrd for Due<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Due<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    heap: BinaryHeap<Due<T>>,
    order: u64,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), order: 0 }
    }
}

impl<T> Queue<T> {
    /// Plans it.
    pub(crate) fn push(&mut self, at: u64, what: T) {
        self.order += 1;
        self.heap.push(Due { at, order: self.order, what });
    }

    /// What comes next, unless it comes after `until`.
    pub(crate) fn pop(&mut self, until: u64) -> Option<(u64, T)> {
        if self.heap.peek()?.at > until {
            return None;
        }
        self.heap.pop().map(|due| (due.at, due.what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_time_then_by_order() {
        let mut queue = Queue::default();
        for (at, what) in [(2, 'c'), (1, 'a'), (2, 'd'), (1, 'b')] {
            queue.push(at, what);
        }
        let taken: String = std::iter::from_fn(|| queue.pop(9)).map(|(_, what)| what).collect();
        assert_eq!(taken, "abcd");
    }
}
