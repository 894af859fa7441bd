//! Faults on demand: rules, and the random numbers that decide when they apply.

use crate::rule::{Fault, Rule};
use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};
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

    /// Reads `{"seed": 7, "rules": ["POST /api/profiles: 10% reset-after"]}`.
    ///
    /// # Errors
    /// When it is something else; the error says what is wrong.
    pub fn from_json(body: &[u8]) -> Result<Self> {
        const FORM: &str = r#"the body is {"seed": <number>, "rules": [<rule>, …]}"#;
        let document: Map<String, Value> = serde_json::from_slice(body).context(FORM)?;
        // A misspelt name must not look like faults that never apply.
        if let Some(unknown) = document.keys().find(|name| !["seed", "rules"].contains(&name.as_str())) {
            bail!("{FORM}, without {unknown:?}");
        }
        let seed = match document.get("seed") {
            None => 0,
            Some(seed) => seed.as_u64().context(FORM)?,
        };
        let rules = document.get("rules").and_then(Value::as_array).context(FORM)?;
        rules.iter().try_fold(Self::seeded(seed), |faults, rule| {
            Ok(faults.rule(rule.as_str().context(FORM)?.parse()?))
        })
    }
}

/// Rules at work.
#[derive(Debug, Default)]
pub struct Injector {
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
pub struct Plan {
    /// How long it waits before it is carried out.
    pub latency: Duration,
    /// The fault; none if all goes well.
    pub fault: Option<Fault>,
}

impl Injector {
    /// Counts requests from 1.
    #[must_use]
    pub fn new(faults: Faults) -> Self {
        let tallies = vec![Tally::default(); faults.rules.len()];
        Self { faults, tallies }
    }

    pub(crate) fn tallies(&self) -> impl Iterator<Item = (&Rule, Tally)> {
        self.faults.rules.iter().zip(self.tallies.iter().copied())
    }

    /// The rules, and how often each has been applied.
    #[must_use]
    pub fn document(&self) -> Value {
        let rules: Vec<Value> = self
            .tallies()
            .map(|(rule, tally)| {
                json!({ "rule": rule.to_string(), "requests": tally.requests, "applied": tally.applied })
            })
            .collect();
        json!({ "seed": self.faults.seed, "rules": rules })
    }

    /// Counts a request, and chooses what happens to it.
    pub fn plan(&mut self, method: &str, path: &str) -> Plan {
        let mut plan = Plan::default();
        let seed = self.faults.seed;
        for ((rule, tally), position) in self.faults.rules.iter().zip(&mut self.tallies).zip(0..) {
            if !rule.route.matches(method, path) {
                continue;
            }
            tally.requests += 1;
            let applies = rule.when.hits(seed, position, tally.requests);
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
