//! What the commands share that bring the rows of a file to Klaviyo: options, the input, what is shown while they run
//! and at their end.

pub(crate) mod input;
pub(crate) mod options;
pub(crate) mod progress;
pub(crate) mod summary;

use crate::failure::Failure;
use crate::output;
use klaviyo_sync::{Error, Form, Stopped};
use progress::Terminal;
use serde_json::{Value, json};

/// Says on standard error how the input is read, if a user would expect something else.
pub(crate) fn tell_form(form: &Form) {
    if let Some(news) = form.news() {
        output::eprint(&format!("{news}\n"));
    }
    form.notes.iter().for_each(|note| output::warn(note));
}

/// The form for `--json`.
pub(crate) fn form_json(form: &Form) -> Value {
    json!({
        "format": form.format.as_ref(),
        "separator": form.separator.map(|separator| char::from(separator).to_string()),
        "encoding": form.encoding.name().to_lowercase(),
    })
}

/// Says how far a run was that stopped.
pub(crate) fn stopped(error: Error, terminal: &Terminal) -> Failure {
    let stopped = error.stopped.clone();
    let failure = Failure::from(error);
    let Some(Stopped { counts, incomplete_report }) = stopped else { return failure };
    terminal
        .say(&format!("stopped: {} done, {} refused, {} failed", counts.done, counts.refused, counts.failed));
    match incomplete_report {
        Some(reason) => failure.hint(format!("the report is not complete: {reason}")),
        None => failure,
    }
}
