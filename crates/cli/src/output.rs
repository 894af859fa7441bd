//! The end of a command: its answer, its exit code. And all else that is printed.

use crate::done::{Done, View};
use crate::failure::{self, Failure};
use crate::text::{WARNING, clean, clean_json, clean_lines};
use crate::view;
use klaviyo_host::Usage;
use klaviyo_host::types::Code;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;

/// Prints what came out, and returns the exit code for it.
pub(crate) fn end(json: bool, outcome: Result<Done, Failure>, usage: Usage) -> ExitCode {
    let code = match &outcome {
        Ok(done) => done.amiss.map_or(0, failure::exit),
        Err(failure) => failure.exit(),
    };
    let printed = match outcome {
        Ok(Done { view: View::Shown, .. }) => Ok(()),
        Ok(done) if json => print(&document("ok", done.value, usage)),
        Err(failure) if json => print(&document("err", failure.error.to_json(), usage)),
        Ok(done) => {
            let view::Shown { answer, warnings } = view::done(&done);
            let printed = print(&answer);
            aside(&warnings);
            printed
        }
        Err(failure) => {
            aside(&view::failure(&failure, usage));
            Ok(())
        }
    };
    ended(printed, code)
}

/// Prints what is wrong with a command line that has more than text in it.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    clean_lines(&error.to_string()).for_each(|line| aside(&format!("{line}\n")));
    ExitCode::from(failure::exit(Code::InvalidInput))
}

/// Prints a script.
pub(crate) fn script(script: &[u8]) -> ExitCode {
    ended(io::stdout().lock().write_all(script), 0)
}

/// Prints on standard output, in colour on a terminal.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints on standard error, in colour on a terminal. Where that is closed there is nobody to tell.
pub(crate) fn aside(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Warns of something, in one line on standard error: also with `--json`, whose document has no place for it.
pub(crate) fn warn(text: &str) {
    aside(&format!("{WARNING}!{WARNING:#} {}\n", clean(text)));
}

/// The one document of `--json`, and a line end.
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

fn ended(printed: io::Result<()>, code: u8) -> ExitCode {
    match printed {
        Ok(()) => ExitCode::from(code),
        // Whoever reads, `head` say, has enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(code),
        Err(error) => {
            aside(&format!("cannot write the answer: {error}\n"));
            ExitCode::FAILURE
        }
    }
}
