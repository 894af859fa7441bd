//! `klaviyo-connector`: Klaviyo from the command line, through the connector in its sandbox.
//!
//! [`args`] is the command line, and [`commands`] has a file for each command. The other modules are what commands
//! share. `klaviyo-connector --help` documents the exit codes and the shape of `--json`.

mod account;
mod args;
mod argv_key_guard;
mod channel;
mod commands;
mod component;
mod component_source;
mod contact;
mod context;
mod credential;
mod dry_run;
mod exchange;
mod failure;
mod file_or_text;
mod find_list;
mod group;
mod interrupt;
mod key;
mod near;
mod notices;
mod output;
mod registry;
mod rows;
mod runtime;
mod service;
mod session;
mod text;
mod traces;
mod verbose;
mod when;

use args::Arguments;
use clap::{CommandFactory, Parser};
use context::Context;
use failure::Failure;
use klaviyo_host::types::Code;
use klaviyo_host::{Meter, Usage};
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    // First: a complaint about an argument repeats the argument.
    if argv_key_guard::has_key(&words) {
        return argv_key_guard::refusal().print(wants_json(&words), Usage::default());
    }
    let Arguments { account, command } = match Arguments::try_parse_from(&words) {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error, &words),
    };
    let context = Context { options: account, grammar: Arguments::command, meter: Meter::default() };
    let outcome = command.run(&context);
    let (json, usage) = (context.options.json, context.meter.usage());
    match outcome {
        Ok(output) => output.print(json, usage),
        Err(failure) => failure.print(json, usage),
    }
}

/// Whether the answer is to be JSON, although the arguments may be wrong.
fn wants_json(words: &[OsString]) -> bool {
    words.iter().skip(1).take_while(|word| *word != "--").any(|word| word == "--json")
}

/// Prints what is wrong with the command line, or the help that it asks for.
fn refuse(error: &clap::Error, words: &[OsString]) -> ExitCode {
    if !error.use_stderr() {
        error.exit();
    }
    let complaint = error.to_string();
    if wants_json(words) {
        // How the command is used follows the sentence.
        let is_sentence =
            |line: &&str| !line.starts_with("Usage:") && !line.starts_with("For more information");
        let words = complaint.lines().take_while(is_sentence).flat_map(str::split_whitespace);
        let sentence = words.collect::<Vec<_>>().join(" ");
        let failure = Failure::invalid(None, sentence.trim_start_matches("error: "));
        return failure.print(true, Usage::default());
    }
    // The complaint repeats an argument, which may have come from somebody else.
    if words.iter().any(|word| !text::is_clean(&word.to_string_lossy())) {
        text::clean_lines(&complaint).for_each(|line| output::eprint(&format!("{line}\n")));
        return ExitCode::from(failure::exit_code(Code::InvalidInput));
    }
    error.exit()
}
