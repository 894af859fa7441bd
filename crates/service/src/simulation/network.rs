//! What happens to each message between a process and what it asks, chosen by a seed.
//!
//! A choice depends on the seed, on who asks for what, and on how often that was asked before, and not on what others
//! ask meanwhile. So a history is the same in each run, whatever order tasks have that are ready at the same time.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// What can go wrong, in thousandths of all requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// The request does not arrive.
    pub(crate) lost: u64,
    /// The request is carried out, and the answer does not arrive.
    pub(crate) unanswered: u64,
    /// The request arrives late, by some seconds.
    pub(crate) late: u64,
}

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    /// Until it is carried out.
    pub(crate) there: Duration,
    /// Until its answer arrives.
    pub(crate) back: Duration,
    pub(crate) is_lost: bool,
    pub(crate) is_unanswered: bool,
}

/// A network between the processes of one simulation, and all that went through it.
pub(crate) struct Network {
    seed: u64,
    begun: Instant,
    faults: Mutex<Faults>,
    asked: Mutex<HashMap<String, u64>>,
    history: Mutex<Vec<String>>,
    wrong: Mutex<Vec<String>>,
}

impl Network {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            begun: Instant::now(),
            faults: Mutex::default(),
            asked: Mutex::default(),
            history: Mutex::default(),
            wrong: Mutex::default(),
        }
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        *self.faults.lock() = faults;
    }

    /// What happens to the next request of this kind.
    pub(crate) fn fate(&self, what: &str) -> Fate {
        let n = {
            let mut asked = self.asked.lock();
            let n = asked.entry(what.to_owned()).or_default();
            *n += 1;
            *n
        };
        let mut chance = Chance::new(self.seed, &format!("{what} {n}"));
        let Faults { lost, unanswered, late } = *self.faults.lock();
        let delay = |chance: &mut Chance| Duration::from_millis(chance.below(8) + 1);
        let (mut there, back, drawn) = (delay(&mut chance), delay(&mut chance), chance.below(1_000));
        if drawn >= 1_000 - late {
            there += Duration::from_millis(chance.below(9_000));
        }
        Fate { there, back, is_lost: drawn < lost, is_unanswered: (lost..lost + unanswered).contains(&drawn) }
    }

    /// Writes down what has happened.
    pub(crate) fn note(&self, what: &str) {
        let ms = self.begun.elapsed().as_millis();
        self.history.lock().push(format!("{ms:>9} {what}"));
    }

    /// Writes down what must not happen.
    pub(super) fn note_wrong(&self, what: String) {
        self.note(&format!("WRONG: {what}"));
        self.wrong.lock().push(what);
    }

    /// All that happened and must not.
    pub(super) fn wrong(&self) -> Vec<String> {
        self.wrong.lock().clone()
    }

    pub(crate) fn history(&self) -> Vec<String> {
        self.history.lock().clone()
    }
}

/// Numbers that follow from a seed and a text.
#[derive(Clone, Debug)]
pub(crate) struct Chance(fastrand::Rng);

impl Chance {
    pub(crate) fn new(seed: u64, of: &str) -> Self {
        // FNV-1a: a hasher of the standard library may be another one in the next version.
        let hash = of.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(fastrand::Rng::with_seed(hash ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0.u64(..end)
    }
}
