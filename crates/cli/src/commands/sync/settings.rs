//! The settings of a sync, by its arguments.

use super::args::Sync;
use crate::account::Account;
use crate::failure::Failure;
use klaviyo_sync::files::{self, distinct};
use klaviyo_sync::{Input, Settings, Source};
use std::io;
use std::path::PathBuf;

/// What the arguments ask for.
pub(super) fn of(options: &Sync, account: &Account) -> Settings {
    Settings {
        list: options.list.clone(),
        consent: options.consent.clone(),
        consent_columns: options.consent_column.clone(),
        consent_yes: options.consent_yes.clone(),
        consent_no: options.consent_no.clone(),
        consent_source: options.consent_source.clone(),
        historical: options.historical,
        time_zone: options.time_zone.clone(),
        date_format: options.date_format.clone(),
        one_by_one: options.one_by_one,
        map: options.map.clone(),
        unknown_columns: options.unknown_columns,
        region: options.region,
        strict: options.strict,
        format: options.format,
        separator: options.separator,
        encoding: options.encoding,
        batch: options.batch,
        report: options.report.clone(),
        state: options.state.clone(),
        patience: options.patience,
        endpoint: account.endpoint.as_ref().map(|endpoint| endpoint.url.clone()),
    }
}

/// What is to be read. No file that is written to is another one of the command.
pub(super) fn input(options: &Sync, settings: &Settings, account: &Account) -> Result<Input, Failure> {
    let is_stdin = options.file.as_os_str() == "-";
    let source = match files::file_of(io::stdin()).filter(|_| is_stdin) {
        Some(file) => Source::file(STDIN, file),
        None if is_stdin => Source::reader(STDIN, io::stdin()),
        None => Source::path(&options.file),
    };
    let input = Input::new(source, settings)?;
    let of = |path: Option<&PathBuf>| path.and_then(|path| files::identity(path));
    let read = if is_stdin { files::identity_of(io::stdin()) } else { files::identity(&options.file) };
    let used = [
        ("the key", of(account.key_file.as_ref())),
        ("the component", of(account.component.as_ref())),
        ("the input", read),
        ("--report", of(options.report.as_ref())),
        ("--state", of(options.state.as_ref())),
    ];
    // These may well be one file.
    let printed = [
        ("standard output", files::identity_of(io::stdout())),
        ("standard error", files::identity_of(io::stderr())),
    ];
    distinct(&used, &printed).map_err(|reason| Failure::invalid(None, &reason))?;
    Ok(input)
}

const STDIN: &str = "standard input";
