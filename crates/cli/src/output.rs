//! The answer of a command, and how text gets to standard output and standard error. Answers go to standard output,
//! everything else to standard error.

use crate::failure::Failure;
use crate::text::{self, clean_json};
use klaviyo_host::Usage;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;

/// The answer of a command that did its work.
#[derive(Debug)]
pub(crate) struct Output {
    /// The document of `--json`.
    pub(crate) value: Value,
    /// The same for people, on standard output.
    text: String,
    /// What else there is to say to people, on standard error.
    notes: String,
    pub(crate) exit_code: u8,
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// `value` with `--json`, else `text` and `notes`.
    Answer,
    /// `text`, with `--json` too.
    Script,
    /// Nothing: the command has printed its answer itself.
    Printed,
}

impl Output {
    /// An answer, as JSON and as text.
    pub(crate) fn new(value: Value, text: String) -> Self {
        Self { value, text, notes: String::new(), exit_code: 0, form: Form::Answer }
    }

    /// The answer of a search that found nothing.
    pub(crate) fn nothing(sentence: &str, exit_code: u8) -> Self {
        Self { exit_code, ..Self::new(Value::Null, String::new()).with_notes(text::bad(sentence)) }
    }

    /// With remarks for people, for standard error.
    pub(crate) fn with_notes(self, notes: String) -> Self {
        Self { notes, ..self }
    }

    /// With an exit code that is not 0: the command did its work and found that something is wrong.
    pub(crate) fn with_exit_code(self, exit_code: u8) -> Self {
        Self { exit_code, ..self }
    }

    /// A text that programs read, which has no form in JSON.
    pub(crate) fn script(text: String) -> Self {
        Self { form: Form::Script, ..Self::new(Value::Null, text) }
    }

    /// The end of a command that printed its answer while it ran.
    pub(crate) fn printed() -> Self {
        Self { form: Form::Printed, ..Self::new(Value::Null, String::new()) }
    }

    /// Prints the answer, and returns the exit code.
    pub(crate) fn print(self, json: bool, usage: Usage) -> ExitCode {
        let printed = match self.form {
            Form::Printed => Ok(()),
            Form::Script => io::stdout().lock().write_all(self.text.as_bytes()),
            Form::Answer if json => print(&document("ok", self.value, usage)),
            Form::Answer => {
                let printed = print(&self.text);
                eprint(&self.notes);
                printed
            }
        };
        ended(printed, self.exit_code)
    }
}

/// The exit code of a command whose last text was `printed`.
pub(crate) fn ended(printed: io::Result<()>, exit_code: u8) -> ExitCode {
    match printed {
        Ok(()) => ExitCode::from(exit_code),
        // The reader, such as `head`, has enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(exit_code),
        Err(error) => {
            eprint(&format!("cannot write the answer: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Prints on standard output, in colour on a terminal.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints JSON documents, each in a line; false if nobody reads any more.
pub(crate) fn print_lines<'a>(documents: impl IntoIterator<Item = &'a str>) -> Result<bool, Failure> {
    let one_line = |document: &str| clean_json(&document.replace(['\n', '\r'], " ")).into_owned() + "\n";
    let lines: String = documents.into_iter().map(one_line).collect();
    match print(&lines) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::other(format!("cannot write the answer: {error}"))),
    }
}

/// Prints on standard error, in colour on a terminal. If standard error is closed, nobody reads it.
pub(crate) fn eprint(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Prints a warning on standard error, in one line. `--json` has no place for it.
pub(crate) fn warn(sentence: &str) {
    let style = text::WARNING;
    eprint(&format!("{style}!{style:#} {}\n", text::clean(sentence)));
}

/// Prints what a service says when it is up. The service runs on if nobody reads that.
pub(crate) fn announce(json: bool, value: Value, text: &str) {
    let _ = if json { print(&document("ok", value, Usage::default())) } else { print(text) };
}

/// The document of `--json`, and a line end.
pub(crate) fn document(name: &str, value: Value, usage: Usage) -> String {
    let usage = json!({
        "requests": usage.requests,
        "attempts": usage.attempts,
        "sent-bytes": usage.sent_bytes,
        "received-bytes": usage.received_bytes,
        "waited-ms": u64::try_from(usage.waited.as_millis()).unwrap_or(u64::MAX),
    });
    let mut text = clean_json(&json!({ name: value, "usage": usage }).to_string()).into_owned();
    text.push('\n');
    text
}
