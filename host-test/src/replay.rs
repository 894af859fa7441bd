//! Replaying fixtures: every case against the connector, strictly.

use crate::fixture::{Fixture, files};
use crate::script::Script;
use crate::{Subject, compare, lock, one_line};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// How a run of fixtures ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many cases went as their fixtures say.
    pub passed: usize,
    /// The files of those that did not, and what differed.
    pub failed: Vec<(PathBuf, String)>,
}

/// Replays all fixtures at these paths. What cannot be read, or is not a fixture, is a failure among the others.
///
/// # Errors
/// When there is no fixture at all.
pub fn replay(subject: &dyn Subject, paths: &[PathBuf]) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for path in paths {
        let files = match files(path) {
            Ok(files) => files,
            Err(error) => {
                outcome.failed.push((path.clone(), one_line(&error)));
                continue;
            }
        };
        for file in files {
            match case(subject, &file) {
                Ok(()) => outcome.passed += 1,
                Err(error) => outcome.failed.push((file, one_line(&error))),
            }
        }
    }
    if outcome == Outcome::default() {
        bail!("there is no fixture (*.json) in what was given");
    }
    Ok(outcome)
}

/// Replays one fixture.
///
/// # Errors
/// When it cannot be read or called, and when anything differs.
pub fn case(subject: &dyn Subject, file: &Path) -> Result<()> {
    let fixture = Fixture::read(file)?;
    let script = Arc::new(Mutex::new(Script::new(fixture.exchanges)));
    let returned = subject.call(&fixture.call.function, &fixture.call.arguments, script.clone());
    let mut differences = lock(&script).differences();
    match returned {
        Ok(value) => differences.extend(compare::returned(&fixture.returns, &value)),
        Err(error) => differences.push(format!("{error:#}")),
    }
    if !differences.is_empty() {
        bail!("{}: {}", fixture.name, differences.join("; "));
    }
    Ok(())
}
