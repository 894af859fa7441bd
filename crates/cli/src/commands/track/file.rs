//! `track --file`: the events of a file. klaviyo-sync does it; here it gets its settings.

use super::Track;
use crate::context::Context;
use crate::credential::Credential;
use crate::failure::Failure;
use crate::output::Output;
use crate::rows::progress::Terminal;
use crate::rows::summary::summary;
use crate::rows::{self, tell_form};
use crate::{interrupt, notices, runtime, session};
use klaviyo_host::types::Code;
use klaviyo_sync::{EventInput, EventSettings, Summary};
use std::path::Path;
use std::time::Instant;

/// Tracks the events of a file.
pub(super) fn track(context: &Context, options: &Track, file: &Path) -> Result<Output, Failure> {
    let account = context.account()?;
    let settings = settings(options);
    runtime::on_this_thread(async {
        let started = Instant::now();
        let input = EventInput::new(rows::input::source(file), &settings)?;
        rows::input::check_files(file, &[("--report", settings.report.as_ref())], &account)?;
        let credential = Credential::read(&account)?;
        let interrupt = interrupt::listen()?;
        // Before Klaviyo hears of it.
        let input = tokio::select! {
            input = input.open() => input?,
            () = interrupt.asked() => return Err(Failure::interrupted()),
        };
        let form = input.form.clone();
        tell_form(&form);
        notices::print();
        let tenant =
            session::open(&account, credential, settings.limits(), None)?.metered(context.meter.clone());
        let mut terminal = Terminal::new(input.length);
        let tracked = klaviyo_sync::track(input, &settings, tenant.clone(), interrupt, &mut terminal).await;
        tenant.settled().await;
        match tracked {
            Ok(counts) => {
                let done = Summary { counts, ended_now: counts.rows(), was_complete: false };
                let (report, usage) = (settings.report.as_deref(), context.meter.usage());
                Ok(summary(&done, &form, report, started.elapsed(), usage, &terminal.first_reasons()))
            }
            Err(error) => {
                let has_begun = error.stopped.is_some();
                let failure = rows::stopped(error, &terminal);
                let is_worth_repeating = has_begun && failure.error.code != Code::InvalidInput;
                Err(if is_worth_repeating {
                    failure
                        .hint("run the same command again: Klaviyo keeps each event once, by its unique-id")
                } else {
                    failure
                })
            }
        }
    })
    .map_err(|failure| account.explain(failure))
}

fn settings(options: &Track) -> EventSettings {
    EventSettings {
        metric: options.metric.clone(),
        map: options.map.clone(),
        unknown_columns: options.input.unknown_columns,
        region: options.who.region,
        time_zone: options.time_zone.clone(),
        date_format: options.date_format.clone(),
        format: options.input.format,
        separator: options.input.separator,
        encoding: options.input.encoding,
        report: options.report.clone(),
        patience: options.patience,
    }
}
