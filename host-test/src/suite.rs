//! Suites of cases, each of which proves one rule.

use crate::one_line;
use anstream::println;
use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result, bail};
use std::time::Duration;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
/// More than any case takes.
const TOO_LONG: Duration = Duration::from_secs(60);

/// One case.
pub struct Case {
    /// Its name; for a hostile guest that of its file.
    pub name: &'static str,
    /// The limit or the rule that it proves.
    pub proves: &'static str,
    /// Runs it.
    pub run: fn() -> Result<()>,
}

pub(crate) const fn case(name: &'static str, proves: &'static str, run: fn() -> Result<()>) -> Case {
    Case { name, proves, run }
}

/// Runs cases, several at a time, and prints each in the order in which they are listed. The answer is whether all
/// passed.
#[must_use]
pub fn run(cases: &'static [Case]) -> bool {
    const AT_ONCE: usize = 8;
    let (mut passed, mut failed) = (0_usize, 0_usize);
    for group in cases.chunks(AT_ONCE) {
        let running: Vec<_> = group.iter().map(|case| (case, std::thread::spawn(case.run))).collect();
        for (case, thread) in running {
            let result = thread.join().unwrap_or_else(|_| bail!("it panicked"));
            match result {
                Ok(()) => {
                    passed += 1;
                    println!("  {GOOD}✓{GOOD:#} {:<24} {}", case.name, case.proves);
                }
                Err(error) => {
                    failed += 1;
                    println!("  {BAD}✗{BAD:#} {:<24} {}: {}", case.name, case.proves, one_line(&error));
                }
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    failed == 0
}

/// Runs a future to its end on this thread.
///
/// # Errors
/// When it fails, or does not end.
pub fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { tokio::time::timeout(TOO_LONG, future).await.context("it did not end")? })
}
