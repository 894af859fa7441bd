//! Replays fixtures: every case against the connector, strictly.

use crate::fixture::Fixture;
use crate::script::Script;
use crate::{Sent, Subject, compare, one_line};
use anyhow::{Result, bail};
use klaviyo_corpus::{Case, Corpus};
use parking_lot::Mutex;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How a run of fixtures ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ReplayOutcome {
    /// How many cases went as their fixtures say.
    pub passed: usize,
    /// The paths of the other cases, and what differed.
    pub failed: Vec<(PathBuf, String)>,
}

/// Replays all cases at these paths, several at a time. A case that cannot be read, or is no fixture, is a
/// failure among the others.
///
/// # Errors
/// When there is no case at all.
pub fn replay(subject: &dyn Subject, paths: &[PathBuf]) -> Result<ReplayOutcome> {
    let corpus = Corpus::default();
    let mut outcome = ReplayOutcome::default();
    for path in paths {
        match corpus.at(path) {
            Ok(cases) => run(subject, &cases, &mut outcome),
            Err(error) => outcome.failed.push((path.clone(), one_line(&error))),
        }
    }
    if outcome == ReplayOutcome::default() {
        bail!("there is no fixture (*.json) in what was given");
    }
    Ok(outcome)
}

/// Replays cases on all cores. Failures are in the order of the cases.
fn run(subject: &dyn Subject, cases: &[Case], outcome: &mut ReplayOutcome) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(number) else { break };
                    if let Err(error) = case.text().and_then(|text| self::case(subject, &text)) {
                        failed.lock().push((number, case.path.clone(), one_line(&error)));
                    }
                }
            });
        }
    });
    let mut failed = std::mem::take(&mut *failed.lock());
    failed.sort();
    outcome.passed += cases.len() - failed.len();
    outcome.failed.extend(failed.into_iter().map(|(_, path, difference)| (path, difference)));
}

/// Replays one fixture.
///
/// # Errors
/// When it is none or cannot be called, and when anything differs.
pub fn case(subject: &dyn Subject, text: &str) -> Result<()> {
    let Played { name, differences, .. } = play(subject, text)?;
    if !differences.is_empty() {
        bail!("{name}: {}", differences.join("; "));
    }
    Ok(())
}

/// How a fixture went.
pub(crate) struct Played {
    pub(crate) name: String,
    /// Phrases. None: it went as it is written.
    pub(crate) differences: Vec<String>,
    pub(crate) sent: Vec<Sent>,
    /// `{"ok": …}` or `{"err": …}`; null if the call could not be made.
    pub(crate) returned: Value,
}

/// Plays one fixture.
///
/// # Errors
/// When the text is none.
pub(crate) fn play(subject: &dyn Subject, text: &str) -> Result<Played> {
    let fixture = Fixture::parse(text)?;
    let script = Arc::new(Mutex::new(Script::new(fixture.exchanges)));
    let returned = subject.call(&fixture.call.function, &fixture.call.arguments, script.clone());
    let (mut differences, sent) = script.lock().end();
    let returned = match returned {
        Ok(value) => {
            differences.extend(compare::returned(&fixture.returns, &value));
            value
        }
        Err(error) => {
            differences.push(format!("{error:#}"));
            Value::Null
        }
    };
    Ok(Played { name: fixture.name, differences, sent, returned })
}
