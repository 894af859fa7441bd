//! `klaviyo-connector sync`: the contacts of a file, in Klaviyo.
//!
//! [`encoding`] makes UTF-8 of bytes and [`form`] tells what it is, [`frame`] finds rows in it, [`input`] and [`mapping`]
//! make contacts of them, by the [`columns`] of the header and the [`consent`] that is asked for; [`batches`] makes
//! portions of those, by a [`rehearsal`] of the calls that follow; the [`engine`], or [`single`] contact by contact, makes these
//! calls, and keeps the [`journal`] and the [`ledger`], which is the report.

mod batches;
mod caller;
mod columns;
mod consent;
mod dates;
mod draft;
mod encoding;
mod engine;
mod field;
mod form;
mod frame;
mod headings;
mod help;
mod identities;
mod input;
mod journal;
mod ledger;
mod mapping;
mod object;
mod outcome;
mod plan;
mod progress;
mod record;
mod rehearsal;
mod settings;
mod single;
mod words;

pub(crate) use consent::{ChannelName, ConsentColumn, consent_column};
pub(crate) use dates::{DateFormat, Zone, date_format, zone};
pub(crate) use encoding::encoding;
pub(crate) use field::{Pair, Unknown, pair};
pub(crate) use form::{Format, separator};
pub(crate) use help::HELP;

use crate::args::{Account, Sync};
use crate::done::{Done, View};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::lists;
use crate::report;
use crate::session::Session;
use batches::Batches;
use caller::Caller;
use engine::Engine;
use form::Form;
use journal::{Begun, Journal};
use klaviyo_host::Usage;
use klaviyo_host::types::Code;
use ledger::Ledger;
use outcome::Counts;
use plan::Plan;
use rehearsal::Rehearsal;
use serde_json::json;
use settings::{Settings, limits};
use std::time::{Instant, SystemTime};

/// Syncs, or says what would be sent.
pub(crate) async fn run(account: &Account, options: &Sync) -> (Result<Done, Failure>, Usage) {
    if options.dry_run {
        return (dry_run(account, options).await, Usage::default());
    }
    let mut usage = Usage::default();
    let outcome = sync(account, options, &mut usage).await;
    (outcome, usage)
}

async fn dry_run(account: &Account, options: &Sync) -> Result<Done, Failure> {
    let input = settings::input(options, account)?;
    let at = now();
    // What looks like an id is taken for one; the id of a name is only known to Klaviyo.
    let list = options.list.as_deref().map(|name| (if lists::is_id(name) { name } else { "LISTID" }, name));
    let rehearsal = Rehearsal::open(account, limits(1), list)?;
    let settings = Settings::new(options, list.map(|(id, _)| id.to_owned()), &at);
    let mut rows = input.open()?;
    let form = tokio::select! {
        form = rows.begin() => form?,
        _ = tokio::signal::ctrl_c() => return Err(Failure::interrupted()),
    };
    tell(&form);
    let past = journal::Past::default();
    let batches = Batches::new(rows, rehearsal, settings.clone(), &past);
    let mut plan = Plan::new(batches, &settings, form, !account.json);
    if list.is_some() {
        plan.batches.rehearsal.session.tenant().lists().await?;
        plan.show()?;
    }
    tokio::select! {
        done = plan.run() => done,
        _ = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
    }
}

async fn sync(account: &Account, options: &Sync, usage: &mut Usage) -> Result<Done, Failure> {
    let started = Instant::now();
    let input = settings::input(options, account)?;
    let endpoint = account.endpoint.as_ref().map(|endpoint| endpoint.url.as_str());
    let key = crate::key::read(account)?;
    let interrupt = Interrupt::listen()?;
    // Before anything is kept, or sent.
    let mut rows = interrupt.blocking(move || input.open()).await??;
    let form = tokio::select! {
        form = rows.begin() => form?,
        () = interrupt.asked() => return Err(Failure::interrupted()),
    };
    let told = settings::told(options, &form, endpoint);
    let (mut journal, past) = Journal::open(options.state.as_deref())?;
    if let Some(difference) = past.begun.as_ref().and_then(|begun| begun.difference(&told)) {
        let state = options.state.as_deref().unwrap_or(std::path::Path::new("")).display();
        return Err(Failure::invalid(
            None,
            &format!(
                "the state {state} is of another sync: {difference}; repeat it as it was begun, or begin anew with \
                 another --state"
            ),
        ));
    }
    tell(&form);
    // One tenant has half of the calls at once.
    let calls = if options.one_by_one { 2 * single::AT_ONCE as u32 } else { 1 };
    let mut session = Session::with(account, key, limits(calls), None)?;
    let rehearsal = Rehearsal::open(account, limits(1), None)?;

    let begun = match past.begun.clone() {
        Some(begun) => begun,
        None => {
            let list = list(&mut session, options, &interrupt).await;
            *usage = session.usage();
            let begun = Begun::new(told, list?, now());
            journal.begun(begun.clone())?;
            begun
        }
    };
    let settings = Settings::new(options, begun.list.clone(), &begun.at);
    let mut batches = Batches::new(rows, rehearsal, settings.clone(), &past);
    if past.complete {
        let end = past.finished.as_ref().map_or(0, |last| last.end);
        let compared = async {
            batches.skip(end).await?;
            batches.expect_end().await
        };
        tokio::select! {
            same = compared => same?,
            () = interrupt.asked() => return Err(Failure::interrupted()),
        }
        return Ok(summary(
            &Summary {
                counts: past.counts,
                options,
                form: &form,
                complete: true,
                started,
                here: 0,
                usage: *usage,
            },
            &[],
        ));
    }
    let resumed = past.finished.as_ref().map(|last| last.report);
    let is_resumed = past.begun.is_some() && (resumed.is_some() || !past.planned.is_empty());
    let before = past.counts;
    let report = options.report.clone();
    let ledger = interrupt.blocking(move || Ledger::open(report.as_deref(), resumed, before)).await??;
    let caller = Caller::new(session.tenant().clone(), interrupt.clone(), options.patience);
    let mut engine = Engine::new(caller.clone(), batches, journal, ledger, settings, past);
    if is_resumed {
        let (rows, sent) = (before.rows(), engine.sent());
        engine
            .progress
            .say(&format!("going on: {rows} rows have ended, and {sent} imports were sent so far"));
    }
    let result = engine.run().await;
    crate::session::add(usage, caller.usage());
    match result {
        Ok(()) => {
            let counts = engine.ledger.counts;
            let here = counts.rows() - before.rows();
            let told = engine.ledger.told();
            drop(engine);
            Ok(summary(
                &Summary { counts, options, form: &form, complete: false, started, here, usage: *usage },
                &told,
            ))
        }
        Err(failure) => Err(stopped(engine, failure, &interrupt, options).await),
    }
}

/// The id of the list.
async fn list(
    session: &mut Session,
    options: &Sync,
    interrupt: &Interrupt,
) -> Result<Option<String>, Failure> {
    let Some(name) = &options.list else { return Ok(None) };
    let caller = Caller::new(session.tenant().clone(), interrupt.clone(), options.patience);
    let mut patience = caller.patience();
    loop {
        let failure = tokio::select! {
            id = lists::id_of(session, name) => match id {
                Ok(id) => return Ok(Some(id)),
                Err(failure) => failure,
            },
            () = interrupt.insisted() => return Err(Failure::interrupted()),
        };
        caller.pause(&mut patience, failure).await?;
    }
}

/// What there is to say when a sync stops before its end.
async fn stopped(mut engine: Engine, failure: Failure, interrupt: &Interrupt, options: &Sync) -> Failure {
    let mut failure = failure;
    let state = engine.journal.path().map(std::path::Path::to_owned);
    if state.is_none() {
        let reason = failure.error.message.clone();
        let given_up = tokio::select! {
            given_up = engine.give_up(&reason) => given_up,
            // A pipe may never end.
            () = interrupt.insisted() => Ok(()),
        };
        if let Err(other) = given_up {
            failure = failure.hint(format!("the report is not complete: {}", other.error.message));
        }
    }
    let counts = engine.ledger.counts;
    failure.error.done = u32::try_from(counts.done).unwrap_or(u32::MAX);
    engine
        .progress
        .say(&format!("stopped: {} done, {} refused, {} failed", counts.done, counts.refused, counts.failed));
    match (state, failure.error.code) {
        // Going on would end in the same way.
        (_, Code::InvalidInput) => failure,
        (Some(state), _) => failure
            .hint(format!("nothing is lost: the same command again, with --state {}, goes on from here", state.display())),
        (None, _) if options.report.is_some() => failure.hint(
            "the report says which rows have not got to Klaviyo; with --state FILE the same command could have gone on",
        ),
        (None, _) => failure.hint("with --state FILE the same command could have gone on from here"),
    }
}

struct Summary<'a> {
    counts: Counts,
    options: &'a Sync,
    form: &'a Form,
    /// It had ended before.
    complete: bool,
    started: Instant,
    /// How many rows ended in this run.
    here: u64,
    usage: Usage,
}

fn summary(summary: &Summary<'_>, told: &[String]) -> Done {
    let Summary { counts, options, form, complete, started, here, usage } = summary;
    let seconds = started.elapsed().as_secs_f64();
    let rate = if *complete { 0.0 } else { *here as f64 / seconds.max(0.001) };
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
        "was-complete": complete,
        "input": form.json(),
        "report": options.report.as_deref().map(|path| path.display().to_string()),
    });
    let amiss = (!counts.all_done()).then_some(Code::Rejected);
    Done { amiss, ..Done::new(value, View::Synced(told.to_vec())) }
}

/// Says how the input is read, if that is not what one would think.
fn tell(form: &Form) {
    if let Some(news) = form.news() {
        report::aside(&format!("{news}\n"));
    }
    form.notes.iter().for_each(|note| report::warn(note));
}

fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
