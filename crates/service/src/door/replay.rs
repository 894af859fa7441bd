//! The signatures that this process has seen.

use super::signature::TOLERANCE;
use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A request can be repeated as long as its time stamp is not too old, wherever in the tolerance it began.
const REMEMBERED: Duration = Duration::from_secs(2 * TOLERANCE.as_secs());
/// More than a process takes in that time; a million of them have 60 MB.
const MOST: usize = 1_000_000;

/// The signatures of the requests that can still be repeated.
#[derive(Default)]
pub(super) struct ReplayCache(Mutex<Signatures>);

#[derive(Default)]
struct Signatures {
    known: HashSet<String>,
    order: VecDeque<(Instant, String)>,
}

/// There are too many to remember another one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl ReplayCache {
    /// Whether a signature is remembered.
    pub(super) fn has(&self, signature: &str, now: Instant) -> bool {
        self.memory(now).known.contains(signature)
    }

    /// Whether a signature is seen for the first time. It is remembered from now on.
    pub(super) fn first_use(&self, signature: &str, now: Instant) -> Result<bool, Full> {
        let mut memory = self.memory(now);
        let Signatures { known, order } = &mut *memory;
        if known.contains(signature) {
            return Ok(false);
        }
        if known.len() >= MOST {
            return Err(Full);
        }
        known.insert(signature.to_owned());
        order.push_back((now, signature.to_owned()));
        Ok(true)
    }

    /// ForgetOnDrop a signature: nothing came of its request.
    pub(super) fn forget(&self, signature: &str, now: Instant) {
        let Signatures { known, order } = &mut *self.memory(now);
        if known.remove(signature)
            // It is among the last.
            && let Some(place) = order.iter().rposition(|(_, known)| known == signature)
        {
            order.remove(place);
        }
    }

    /// Without those that cannot be repeated any more.
    fn memory(&self, now: Instant) -> MutexGuard<'_, Signatures> {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Signatures { known, order } = &mut *memory;
        while let Some((_, old)) = order.pop_front_if(|(at, _)| now.duration_since(*at) > REMEMBERED) {
            known.remove(&old);
        }
        memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_new_once_in_its_time() {
        let (seen, now) = (ReplayCache::default(), Instant::now());
        assert_eq!(seen.first_use("one", now), Ok(true));
        assert_eq!(seen.first_use("other", now), Ok(true));
        assert_eq!(seen.first_use("one", now + REMEMBERED), Ok(false));
        assert_eq!(seen.first_use("one", now + REMEMBERED + Duration::from_millis(1)), Ok(true));
        assert_eq!(seen.0.lock().unwrap().known.len(), 1);
    }

    #[test]
    fn one_that_is_forgotten_is_new_again() {
        let (seen, now) = (ReplayCache::default(), Instant::now());
        for _ in 0..3 {
            assert_eq!(seen.first_use("one", now), Ok(true));
            assert!(seen.has("one", now));
            seen.forget("one", now);
            assert!(!seen.has("one", now));
        }
        seen.forget("other", now);
        assert!(seen.0.lock().unwrap().order.is_empty());
    }
}
