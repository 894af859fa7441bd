//! Faults on demand: rules, and the random numbers that decide when they apply.

use crate::rule::{Fault, Rule, When};
use fastrand::Rng;
use std::time::Duration;

/// Rules about faults, and the seed of their random numbers.
///
/// Whether a rule applies to a request depends on the seed, the position of the rule and the number of
/// earlier requests of its route. It does not depend on time or on other routes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    pub(crate) seed: u64,
    pub(crate) rules: Vec<Rule>,
}

impl Faults {
    /// No faults.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// No rules yet, with this seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { seed, rules: Vec::new() }
    }

    /// Adds a rule. If several apply to a request, their latencies add up, and of the other faults the first
    /// happens.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }
}

/// Rules at work.
#[derive(Debug, Default)]
pub(crate) struct Injector {
    faults: Faults,
    tallies: Vec<Tally>,
}

/// The counts of a rule.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// The number of requests of its route.
    pub(crate) requests: u64,
    /// The number of requests that it was applied to.
    pub(crate) applied: u64,
}

/// What happens to one request.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Plan {
    pub(crate) latency: Duration,
    pub(crate) fault: Option<Fault>,
}

impl Injector {
    pub(crate) fn new(faults: Faults) -> Self {
        let tallies = vec![Tally::default(); faults.rules.len()];
        Self { faults, tallies }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.faults.seed
    }

    pub(crate) fn tallies(&self) -> impl Iterator<Item = (&Rule, Tally)> {
        self.faults.rules.iter().zip(self.tallies.iter().copied())
    }

    pub(crate) fn plan(&mut self, method: &str, path: &str) -> Plan {
        let mut plan = Plan::default();
        let seed = self.faults.seed;
        for ((rule, tally), position) in self.faults.rules.iter().zip(&mut self.tallies).zip(0..) {
            if !rule.route.matches(method, path) {
                continue;
            }
            tally.requests += 1;
            let applies = match &rule.when {
                When::Always => true,
                When::Percent(percent) => draw(seed, position, tally.requests) * 100.0 < *percent,
                When::Numbers(ranges) => {
                    ranges.iter().any(|(first, last)| (first..=last).contains(&&tally.requests))
                }
            };
            match rule.fault {
                _ if !applies => continue,
                Fault::Latency(latency) => plan.latency = plan.latency.saturating_add(latency),
                // An earlier rule has decided.
                _ if plan.fault.is_some() => continue,
                fault => plan.fault = Some(fault),
            }
            tally.applied += 1;
        }
        plan
    }
}

/// A number from 0 up to 1 that depends on these three only.
pub(crate) fn draw(seed: u64, rule: u64, request: u64) -> f64 {
    // Odd constants spread neighbouring seeds over the whole range; the generator mixes them further.
    let rule = rule.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let request = request.wrapping_mul(0xD1B5_4A32_D192_ED03);
    let mut rng = Rng::with_seed(seed ^ rule ^ request.rotate_left(32));
    rng.u64(..);
    rng.f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn injector(seed: u64, rules: &[&str]) -> Injector {
        Injector::new(
            rules.iter().fold(Faults::seeded(seed), |faults, rule| faults.rule(rule.parse().unwrap())),
        )
    }

    fn hits(injector: &mut Injector, path: &str) -> Vec<bool> {
        (0..1000).map(|_| injector.plan("GET", path).fault.is_some()).collect()
    }

    #[test]
    fn draws_depend_on_the_seed_the_rule_and_the_count_alone() {
        let rules = ["GET /a: 10% truncate", "GET /b: 10% truncate"];
        let alone = hits(&mut injector(7, &rules), "/a");
        let share = alone.iter().filter(|hit| **hit).count();
        assert!((70..130).contains(&share), "{share} of 1000 at 10%");

        let mut both = injector(7, &rules);
        let among_others: Vec<bool> = (0..1000)
            .map(|_| {
                both.plan("GET", "/b");
                both.plan("GET", "/a").fault.is_some()
            })
            .collect();
        assert_eq!(alone, among_others);
        assert_ne!(alone, hits(&mut injector(8, &rules), "/a"));
        assert_ne!(alone, hits(&mut injector(7, &rules), "/b"));
    }

    #[test]
    fn nought_is_never_and_a_hundred_is_always() {
        assert!(!hits(&mut injector(7, &["*: 0% truncate"]), "/a").contains(&true));
        assert!(!hits(&mut injector(7, &["*: 100% truncate"]), "/a").contains(&false));
    }

    #[test]
    fn latencies_add_up_and_the_first_fault_counts() {
        let rules =
            ["*: always latency 1s", "*: #2-3 status 500", "*: always latency 2s", "*: #3,5 truncate"];
        let mut injector = injector(7, &rules);
        let plans: Vec<Option<Fault>> = (0..5)
            .map(|_| {
                let plan = injector.plan("GET", "/a");
                assert_eq!(plan.latency, Duration::from_secs(3));
                plan.fault
            })
            .collect();
        let status = Some(Fault::Status { code: 500, retry_after: None });
        assert_eq!(plans, [None, status, status, None, Some(Fault::Truncate)]);
        let applied: Vec<u64> = injector.tallies().map(|(_, tally)| tally.applied).collect();
        assert_eq!(applied, [5, 2, 5, 1]);
    }
}
