//! The replay cache of a door without a queue: the signatures that this process has accepted.

use crate::signature::TOLERANCE;
use parking_lot::{Mutex, MutexGuard};
use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

/// A signature is valid from one tolerance before its time stamp to one after it.
const REMEMBERED: Duration = Duration::from_secs(2 * TOLERANCE.as_secs());
/// More requests than a process accepts in that time. A million signatures take 60 MB.
const MOST: usize = 1_000_000;

/// The accepted signatures that are still valid.
#[derive(Default)]
pub(super) struct ReplayCache(Mutex<Signatures>);

#[derive(Default)]
struct Signatures {
    known: HashSet<String>,
    order: VecDeque<(Instant, String)>,
}

/// The cache has no room for another signature.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl ReplayCache {
    /// Whether a signature was accepted.
    pub(super) fn has(&self, signature: &str, now: Instant) -> bool {
        self.lock_valid(now).known.contains(signature)
    }

    /// Whether a signature comes for the first time. It counts as accepted from now on.
    pub(super) fn first_use(&self, signature: &str, now: Instant) -> Result<bool, Full> {
        let mut signatures = self.lock_valid(now);
        let Signatures { known, order } = &mut *signatures;
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

    /// Forgets a signature whose request had no effect.
    pub(super) fn forget(&self, signature: &str, now: Instant) {
        let Signatures { known, order } = &mut *self.lock_valid(now);
        if known.remove(signature)
            // It was accepted lately.
            && let Some(index) = order.iter().rposition(|(_, known)| known == signature)
        {
            order.remove(index);
        }
    }

    /// Locks the signatures, and removes those that are not valid any more.
    fn lock_valid(&self, now: Instant) -> MutexGuard<'_, Signatures> {
        let mut signatures = self.0.lock();
        let Signatures { known, order } = &mut *signatures;
        while let Some((_, old)) = order.pop_front_if(|(at, _)| now.duration_since(*at) > REMEMBERED) {
            known.remove(&old);
        }
        signatures
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
        assert_eq!(seen.0.lock().known.len(), 1);
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
        assert!(seen.0.lock().order.is_empty());
    }
}
