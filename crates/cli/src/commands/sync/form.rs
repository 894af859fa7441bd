//! The form of the input: what it is written in, as it was given or found out.

use crate::output;
use klaviyo_sync::Form;
use serde_json::{Value, json};

/// Says on standard error how the input is read, if a user would expect something else.
pub(super) fn tell(form: &Form) {
    if let Some(news) = form.news() {
        output::eprint(&format!("{news}\n"));
    }
    form.notes.iter().for_each(|note| output::warn(note));
}

/// The form for `--json`.
pub(super) fn json(form: &Form) -> Value {
    json!({
        "format": form.format.name(),
        "separator": form.separator.map(|separator| char::from(separator).to_string()),
        "encoding": form.encoding.name().to_lowercase(),
    })
}
