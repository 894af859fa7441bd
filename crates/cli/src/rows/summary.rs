//! What a run came to: the counts, and the first rows that are not done where no report has them.

use crate::failure::exit_code;
use crate::output::Output;
use crate::rows::form_json;
use crate::text::{clean, field, good, warning};
use klaviyo_host::Usage;
use klaviyo_host::types::Code;
use klaviyo_sync::{Form, Summary};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

pub(crate) fn summary(
    summary: &Summary,
    form: &Form,
    report: Option<&Path>,
    took: Duration,
    usage: Usage,
    first_reasons: &[String],
) -> Output {
    let counts = summary.counts;
    let (rows, left) = (counts.rows(), counts.rows() - counts.done);
    let rate =
        if summary.was_complete { 0.0 } else { summary.ended_now as f64 / took.as_secs_f64().max(0.001) };
    let (seconds, rate) = ((took.as_secs_f64() * 10.0).round() / 10.0, rate.round() as u64);
    let report = report.map(|path| path.display().to_string());

    let sentence = match (summary.was_complete, rows, left) {
        (true, ..) => "this sync had ended before; nothing was done".to_owned(),
        (_, 0, _) => "the input has no rows".to_owned(),
        (_, 1, 0) => "the row is done".to_owned(),
        (_, rows, 0) => format!("all {rows} rows are done"),
        (_, 1, 1) => "the row is not done".to_owned(),
        (_, rows, 1) => format!("1 of {rows} rows is not done"),
        (_, rows, left) => format!("{left} of {rows} rows are not done"),
    };
    let mut text = if left == 0 { good(&sentence) } else { warning(&sentence) };
    for (name, count) in [("done", counts.done), ("refused", counts.refused), ("failed", counts.failed)] {
        field(&mut text, name, &count.to_string());
    }
    if counts.warned > 0 {
        let rows = if counts.warned == 1 { "row is" } else { "rows are" };
        let warned = format!("{} {rows} done without a part of what the input says", counts.warned);
        field(&mut text, "warnings", &warned);
    }
    if !summary.was_complete {
        let attempts = if usage.attempts == 1 { "attempt" } else { "attempts" };
        field(&mut text, "requests", &format!("{}, in {} {attempts}", usage.requests, usage.attempts));
        field(&mut text, "time", &format!("{seconds} s, {rate} rows a second"));
    }
    if let Some(report) = &report {
        field(&mut text, "report", report);
    }

    let mut notes = String::new();
    if report.is_none() {
        // Writing to a string does not fail.
        first_reasons.iter().for_each(|row| {
            let _ = writeln!(notes, "{}", clean(row));
        });
        if left + counts.warned > first_reasons.len() as u64 {
            notes.push_str("… --report FILE has all of them\n");
        }
    }
    let value = json!({
        "rows": rows,
        "done": counts.done,
        "refused": counts.refused,
        "failed": counts.failed,
        "warned": counts.warned,
        "seconds": seconds,
        "rows-per-second": rate,
        "requests": usage.requests,
        "attempts": usage.attempts,
        "was-complete": summary.was_complete,
        "input": form_json(form),
        "report": report,
    });
    let exit_code = if counts.all_done() { 0 } else { exit_code(Code::Rejected) };
    Output::new(value, text).with_notes(notes).with_exit_code(exit_code)
}
