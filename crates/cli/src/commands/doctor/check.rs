//! One check: what was found, whether that is good, and what to do about it.

use crate::text::{self, FAINT, TITLE, clean, wrapped};
use klaviyo_host::types::Code;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;

pub(super) const GOOD: &str = "good";
pub(super) const WARNING: &str = "warning";
pub(super) const BAD: &str = "bad";
/// Something that the key need not have.
pub(super) const MISSING: &str = "missing";
pub(super) const UNKNOWN: &str = "unknown";

/// The width of the names of checks.
const NAME: usize = 20;

/// One thing that was looked at.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) name: &'static str,
    /// [`GOOD`], [`WARNING`], [`BAD`], [`MISSING`], or [`UNKNOWN`] if it could not be looked at.
    pub(super) state: &'static str,
    found: String,
    fix: Option<String>,
    /// What is wrong, for the exit code, if the state is [`BAD`].
    pub(super) code: Code,
}

impl Check {
    pub(super) fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: GOOD, found: found.into(), fix: None, code: Code::Other }
    }

    pub(super) fn warning(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { state: WARNING, fix: Some(fix.into()), ..Self::good(name, found) }
    }

    pub(super) fn bad(
        name: &'static str,
        code: Code,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { state: BAD, fix: Some(fix.into()), code, ..Self::good(name, found) }
    }

    pub(super) fn missing(name: &'static str, found: impl Into<String>) -> Self {
        Self { state: MISSING, ..Self::good(name, found) }
    }

    pub(super) fn unknown(name: &'static str, found: impl Into<String>) -> Self {
        Self { state: UNKNOWN, ..Self::good(name, found) }
    }

    pub(super) fn json(&self) -> Value {
        json!({ "check": self.name, "state": self.state, "found": self.found, "fix": self.fix })
    }
}

/// All checks for people. What fixes several of them is said once: one new key has all scopes that the old one lacks.
pub(super) fn text(checks: &[Check]) -> String {
    let mut out = String::new();
    let mut fixes = BTreeSet::new();
    // Writing to a string does not fail.
    for check in checks {
        let (style, mark) = match check.state {
            GOOD => (text::GOOD, '✓'),
            WARNING => (text::WARNING, '!'),
            BAD => (text::BAD, '✗'),
            _ => (FAINT, '–'),
        };
        let (mut mark, mut name) = (format!("{style}{mark}{style:#}"), check.name);
        for line in wrapped(&clean(&check.found), 2 + NAME) {
            let _ = writeln!(out, "{mark} {name:<NAME$}{line}");
            (mark, name) = (" ".to_owned(), "");
        }
        let Some(fix) = check.fix.as_deref().filter(|fix| fixes.insert(*fix)) else { continue };
        let mut arrow = '→';
        for line in wrapped(&clean(fix), 4 + NAME) {
            let _ = writeln!(out, "  {:<NAME$}{TITLE}{arrow} {line}{TITLE:#}", "");
            arrow = ' ';
        }
    }
    let count = |state| checks.iter().filter(|check| check.state == state).count();
    let things = |count: usize| if count == 1 { "1 thing".to_owned() } else { format!("{count} things") };
    let (style, verdict) = match (count(BAD), count(WARNING)) {
        (0, 0) => (text::GOOD, "nothing is wrong".to_owned()),
        (0, warnings) => (text::WARNING, format!("nothing is wrong, {} to see to", things(warnings))),
        (bad, _) => (text::BAD, format!("{} to fix", things(bad))),
    };
    let _ = writeln!(out, "\n{style}{verdict}{style:#}");
    out
}
