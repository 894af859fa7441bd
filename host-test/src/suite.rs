//! Suites of cases, each of which proves one rule. They run as Rust's tests do: with filters, `--list` and
//! threads.

use crate::canary::KeyWatch;
use crate::one_line;
use anyhow::{Context, Result};
use libtest_mimic::{Arguments, Trial};
use std::time::Duration;

/// More than any case takes.
const TOO_LONG: Duration = Duration::from_secs(60);
/// Most cases wait for a time limit, so more of them run at once than there are cores.
const THREADS: usize = 8;

/// One case.
pub struct Case {
    /// Its name. The case of a hostile guest has the name of the guest's file.
    pub name: &'static str,
    /// The limit or the rule that it proves.
    pub proves: &'static str,
    /// Runs it.
    pub run: fn() -> Result<()>,
}

pub(crate) const fn case(name: &'static str, proves: &'static str, run: fn() -> Result<()>) -> Case {
    Case { name, proves, run }
}

/// Runs the cases that the arguments choose, and looks for the key in everything that this process logs
/// meanwhile. Returns whether all passed.
///
/// # Errors
/// When the key was logged.
pub fn run(cases: &'static [Case], mut arguments: Arguments) -> Result<bool> {
    let trial = |case: &'static Case| {
        let run = || (case.run)().map_err(|error| one_line(&error).into());
        Trial::test(case.name, run).with_kind(case.proves)
    };
    arguments.test_threads.get_or_insert(THREADS);
    let watch = KeyWatch::begin()?;
    let conclusion = libtest_mimic::run(&arguments, cases.iter().map(trial).collect());
    if arguments.list {
        return Ok(true);
    }
    println!("the key is in none of {} lines of log", watch.end()?);
    println!("{} passed, {} failed", conclusion.num_passed, conclusion.num_failed);
    Ok(!conclusion.has_failed())
}

/// Runs a future to its end on this thread.
///
/// # Errors
/// When it fails, or does not end.
pub fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { tokio::time::timeout(TOO_LONG, future).await.context("it did not end")? })
}
