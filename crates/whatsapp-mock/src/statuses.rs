//! What becomes of a message that was taken: the statuses that follow, and when.

use crate::problem::Problem;
use klaviyo_mock::{When, draw};
use std::time::Duration;

/// Which statuses follow a message, and when, by the simulator's clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Statuses {
    /// How many of `sent`, `delivered` and `read`.
    count: usize,
    late: Duration,
    failing: Option<(When, u32)>,
}

/// A status.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Status {
    Sent,
    Delivered,
    Read,
    Failed(Problem),
}

/// A status that will be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Step {
    pub(crate) status: Status,
    /// How long after the message it is so.
    pub(crate) after: Duration,
    /// How long after the message the webhook about it is sent.
    pub(crate) told_after: Duration,
}

impl Statuses {
    /// A message is sent after a second, delivered after two and read after five.
    #[must_use]
    pub fn usual() -> Self {
        Self { count: 3, late: Duration::ZERO, failing: None }
    }

    /// Nobody reads: the last status is `delivered`.
    #[must_use]
    pub fn unread() -> Self {
        Self { count: 2, ..Self::usual() }
    }

    /// No webhooks about messages, but for those that fail.
    #[must_use]
    pub fn none() -> Self {
        Self { count: 0, ..Self::usual() }
    }

    /// Each webhook about a status is late by up to this time. With more than a second they come out of order.
    #[must_use]
    pub fn late(mut self, late: Duration) -> Self {
        self.late = late;
        self
    }

    /// Some messages, counted from 1, fail with this code of Meta's.
    #[must_use]
    pub fn failing(mut self, when: When, code: u32) -> Self {
        self.failing = Some((when, code));
        self
    }

    /// What becomes of the message with this number, counted from 1. `problem`: it fails with that.
    pub(crate) fn of(&self, seed: u64, number: u64, problem: Option<Problem>) -> Vec<Step> {
        const USUAL: [(Status, u64); 3] = [(Status::Sent, 1), (Status::Delivered, 2), (Status::Read, 5)];
        // The places tell these draws from each other, and from those of webhooks.
        const FAILING: u64 = 10;
        const LATE: u64 = 11;
        let drawn =
            self.failing.as_ref().filter(|(when, _)| when.hits(seed, FAILING, number)).map(|(_, code)| *code);
        let steps = match problem.or(drawn.map(Problem::of_code)) {
            Some(problem) => vec![(Status::Failed(problem), 1)],
            None => USUAL.into_iter().take(self.count).collect(),
        };
        let step = |((status, seconds), place): ((Status, u64), u64)| {
            let after = Duration::from_secs(seconds);
            let late = self.late.mul_f64(draw(seed, LATE + place, number));
            Step { status, after, told_after: after.saturating_add(late) }
        };
        steps.into_iter().zip(0..).map(step).collect()
    }
}

impl Default for Statuses {
    fn default() -> Self {
        Self::usual()
    }
}

impl Status {
    /// Its name in webhooks.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed(_) => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(steps: &[Step]) -> Vec<&'static str> {
        steps.iter().map(|step| step.status.name()).collect()
    }

    #[test]
    fn a_message_is_sent_delivered_and_read_or_fails() {
        assert_eq!(names(&Statuses::usual().of(1, 1, None)), ["sent", "delivered", "read"]);
        assert_eq!(names(&Statuses::unread().of(1, 1, None)), ["sent", "delivered"]);
        assert_eq!(names(&Statuses::none().of(1, 1, None)), [""; 0]);
        let failing = Statuses::usual().failing(When::Numbers(vec![(2, 2)]), 131_026);
        assert_eq!(names(&failing.of(1, 1, None)), ["sent", "delivered", "read"]);
        let failed = failing.of(1, 2, None);
        assert_eq!(failed[0].status, Status::Failed(Problem::Undeliverable));
        assert_eq!(failed.len(), 1);
        assert_eq!(names(&Statuses::none().of(1, 1, Some(Problem::Other(131_000)))), ["failed"]);
    }

    #[test]
    fn webhooks_that_are_late_come_in_another_order_and_the_same_with_the_same_seed() {
        let late = Statuses::usual().late(Duration::from_secs(60));
        let order = |seed, number| {
            let mut steps = late.of(seed, number, None);
            steps.sort_by_key(|step| step.told_after);
            names(&steps)
        };
        let usual = ["sent", "delivered", "read"];
        assert!((1..20).any(|number| order(7, number) != usual));
        assert!((1..20).all(|number| order(7, number) == order(7, number)));
        assert!(late.of(7, 1, None).iter().all(|step| step.told_after >= step.after));
    }
}
