//! The settings of a sync, by its arguments.

use super::args::Sync;
use crate::account::Account;
use crate::failure::Failure;
use crate::rows;
use klaviyo_sync::{Input, Settings};

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
        unknown_columns: options.input.unknown_columns,
        region: options.region,
        strict: options.strict,
        format: options.input.format,
        separator: options.input.separator,
        encoding: options.input.encoding,
        batch: options.batch,
        report: options.report.clone(),
        state: options.state.clone(),
        patience: options.patience,
        endpoint: account.endpoint.as_ref().map(|endpoint| endpoint.url.clone()),
    }
}

/// What is to be read. No file that is written to is another one of the command.
pub(super) fn input(options: &Sync, settings: &Settings, account: &Account) -> Result<Input, Failure> {
    let input = Input::new(rows::input::source(&options.file), settings)?;
    let written = [("--report", options.report.as_ref()), ("--state", options.state.as_ref())];
    rows::input::check_files(&options.file, &written, account)?;
    Ok(input)
}
