//! What the connector costs: the rows of the table that `cargo xtask bench` prints.
//!
//! Times are medians. Whatever is compared is measured in the same run, in turns where it is short: the speed of a
//! shared machine changes. Counts and sizes are exact.

mod answers;
mod calls;
mod clock;
mod flood;
mod opt_in;
mod parsing;
mod resting;
mod reused;
mod row;
mod starts;
pub mod sync;

use anyhow::Result;
use row::Row;
use std::io::Write;

/// Measures, and prints each row as a line of JSON as soon as it is known.
///
/// # Errors
/// When something that is measured fails.
pub fn run() -> Result<()> {
    let measures: [fn() -> Result<Vec<Row>>; 7] =
        [calls::rows, flood::rows, opt_in::rows, resting::rows, starts::rows, parsing::rows, sync::rows];
    for measure in measures {
        for row in measure()? {
            let mut output = std::io::stdout().lock();
            writeln!(output, "{}", serde_json::to_string(&row)?)?;
        }
    }
    Ok(())
}
