//! What goes wrong with the processes of a run beside the faults of Klaviyo.

use super::stage::Stage;
use anyhow::Result;
use std::fmt;

/// A process is killed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Disruption {
    Worker,
    Door,
    Nats,
}

/// The disruptions in turn, one after each part of a run.
pub(super) const DISRUPTIONS: [Disruption; 8] = [
    Disruption::Worker,
    Disruption::Nats,
    Disruption::Worker,
    Disruption::Worker,
    Disruption::Door,
    Disruption::Worker,
    Disruption::Nats,
    Disruption::Worker,
];

/// How often each was killed.
#[derive(Default)]
pub(super) struct Disrupted {
    workers: usize,
    doors: usize,
    nats: usize,
}

impl Disruption {
    /// What it does.
    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::Worker => "a worker is killed, and another started",
            Self::Door => "a front door is killed, and started again",
            Self::Nats => "NATS is killed, and started again",
        }
    }
}

impl Disrupted {
    /// How many processes that send replies, or keep what they claim, were killed.
    pub(super) const fn killed(&self) -> usize {
        self.workers + self.nats
    }
}

impl fmt::Display for Disrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workers, doors, nats } = self;
        write!(f, "{workers} workers, {doors} doors and NATS {nats} times killed")
    }
}

impl Stage {
    /// Kills a process, one of its kind by chance, and has another in its place.
    pub(super) fn disrupt(&mut self, disruption: Disruption, disrupted: &mut Disrupted) -> Result<()> {
        match disruption {
            Disruption::Worker => {
                self.replace_worker(fastrand::usize(..self.workers.len()))?;
                disrupted.workers += 1;
            }
            Disruption::Door => {
                self.restart_door(fastrand::usize(..self.doors.len()))?;
                disrupted.doors += 1;
            }
            Disruption::Nats => {
                self.nats.restart()?;
                disrupted.nats += 1;
            }
        }
        Ok(())
    }
}
