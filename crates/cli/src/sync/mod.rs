//! `klaviyo-connector sync`: the contacts of a file, in Klaviyo, by klaviyo-sync.

mod dry_run;
mod help;
mod progress;
mod settings;

pub(crate) use help::HELP;
pub(crate) use settings::{channels, formats, unknown_columns};

use crate::account::Account;
use crate::commands::lists;
use crate::commands::sync::Sync;
use crate::done::{Done, View};
use crate::failure::Failure;
use crate::interrupt;
use crate::output;
use crate::session::Session;
use klaviyo_host::types::Code;
use klaviyo_host::{Meter, Pace, Secret, Tenant, Usage};
use klaviyo_sync::{
    Accounts, Backoff, DryAccount, Error, Form, Interrupt, RecordingTransport, Settings, Stopped,
};
use progress::Terminal;
use serde_json::{Value, json};
use std::time::Instant;

/// Syncs, or says what would be sent.
pub(crate) async fn run(account: &Account, options: &Sync) -> (Result<Done, Failure>, Usage) {
    if options.dry_run {
        return (dry_run::run(account, options).await, Usage::default());
    }
    let mut usage = Usage::default();
    let done = sync(account, options, &mut usage).await;
    (done, usage)
}

async fn sync(account: &Account, options: &Sync, usage: &mut Usage) -> Result<Done, Failure> {
    let started = Instant::now();
    let settings = settings::of(options, account);
    let input = settings::input(options, &settings, account)?;
    let key = crate::key::read(account)?;
    let signals = interrupt::Interrupt::listen()?;
    // Before anything is kept, or sent.
    let input = tokio::select! {
        input = input.open() => input?,
        () = signals.asked() => return Err(Failure::interrupted()),
    };
    let (form, length) = (input.form().clone(), input.length());
    let sync = klaviyo_sync::Sync::open(input, settings.clone())?;
    tell(&form);
    let mut session = Session::with(account, key, settings.limits(), None)?;
    let meter = Meter::default();
    let dry = DryAccount::new(|transport| dry_tenant(account, transport))?;
    let accounts = Accounts { tenant: session.tenant().metered(meter.clone()), dry };
    let interrupt = asked_by(signals);
    let mut terminal = Terminal::new(length);
    let find_list = async |name: &str| find_list(&mut session, name, &settings, &interrupt).await;
    let result = sync.run(accounts, find_list, interrupt.clone(), &mut terminal).await;
    *usage = meter.usage();
    *usage += session.usage();
    match result {
        Ok(summary) => {
            let counts = summary.counts;
            let seconds = started.elapsed().as_secs_f64();
            let rate = if summary.was_complete { 0.0 } else { summary.ended_now as f64 / seconds.max(0.001) };
            let value = json!({
                "rows": counts.rows(),
                "done": counts.done,
                "refused": counts.refused,
                "failed": counts.failed,
                "warned": counts.warned,
                "seconds": (seconds * 10.0).round() / 10.0,
                "rows-per-second": rate.round() as u64,
                "requests": usage.requests,
                "attempts": usage.attempts,
                "was-complete": summary.was_complete,
                "input": shown(&form),
                "report": options.report.as_deref().map(|path| path.display().to_string()),
            });
            let amiss = (!counts.all_done()).then_some(Code::Rejected);
            Ok(Done { amiss, ..Done::new(value, View::Synced(terminal.first_reasons())) })
        }
        Err(error) => Err(stopped(error, &settings, &mut terminal)),
    }
}

/// The id of the list.
async fn find_list(
    session: &mut Session,
    name: &str,
    settings: &Settings,
    interrupt: &Interrupt,
) -> Result<String, Error> {
    let mut backoff = Backoff::new(settings.patience);
    loop {
        let found = tokio::select! {
            id = lists::id_of(session, name) => id,
            () = interrupt.insisted() => return Err(Error::interrupted()),
        };
        match found {
            Ok(id) => return Ok(id),
            Err(failure) => backoff.pause(interrupt, Error::from(failure.error)).await?,
        }
    }
}

/// Says how far a sync was that stopped, and what the user can do about it.
fn stopped(error: Error, settings: &Settings, terminal: &mut Terminal) -> Failure {
    let stopped = error.stopped.clone();
    let mut failure = failure(error);
    let Some(Stopped { counts, incomplete_report }) = stopped else { return failure };
    terminal
        .say(&format!("stopped: {} done, {} refused, {} failed", counts.done, counts.refused, counts.failed));
    if let Some(reason) = incomplete_report {
        failure = failure.hint(format!("the report is not complete: {reason}"));
    }
    match (&settings.state, failure.error.code) {
        // Going on would end in the same way.
        (_, Code::InvalidInput) => failure,
        (Some(state), _) => failure
            .hint(format!("nothing is lost: the same command again, with --state {}, goes on from here", state.display())),
        (None, _) if settings.report.is_some() => failure.hint(
            "the report says which rows have not got to Klaviyo; with --state FILE the same command could have gone on",
        ),
        (None, _) => failure.hint("with --state FILE the same command could have gone on from here"),
    }
}

fn failure(error: Error) -> Failure {
    if error.is_interruption() {
        let mut failure = Failure::interrupted();
        failure.error.done = error.error.done;
        return failure;
    }
    Failure::stopped(error.error)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        failure(error)
    }
}

/// A tenant that sends nothing.
fn dry_tenant(account: &Account, transport: RecordingTransport) -> Result<Tenant, Failure> {
    let key = Secret::new("rehearsal").map_err(|error| Failure::other(error.to_string()))?;
    let session = Session::over(account, key, DryAccount::limits(), transport, Pace::unlimited())?;
    Ok(session.tenant().clone())
}

/// Ctrl-C and SIGTERM stop the sync.
fn asked_by(signals: interrupt::Interrupt) -> Interrupt {
    let (interrupter, interrupt) = Interrupt::new();
    tokio::spawn(async move {
        signals.asked().await;
        interrupter.ask();
        signals.repeated().await;
        interrupter.ask();
    });
    interrupt
}

/// Says how the input is read, if that is not what one would think.
fn tell(form: &Form) {
    if let Some(news) = form.news() {
        output::aside(&format!("{news}\n"));
    }
    form.notes.iter().for_each(|note| output::warn(note));
}

/// The form of the input for `--json`.
fn shown(form: &Form) -> Value {
    json!({
        "format": form.format.name(),
        "separator": form.separator.map(|separator| char::from(separator).to_string()),
        "encoding": form.encoding.name().to_lowercase(),
    })
}
