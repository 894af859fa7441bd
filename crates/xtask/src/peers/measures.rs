//! What is measured: what the scripts are asked for, on which simulator, and what their lines mean.

use super::figure::{Cost, Figure};
use anyhow::{Context, Result};
use serde_json::Value;
use std::time::Duration;

/// A language in which there are both.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Language {
    Node,
    Python,
}

/// How much is measured.
pub(crate) struct Plan {
    pub(crate) opt_ins: &'static [usize],
    pub(crate) calls: usize,
    pub(crate) clients: usize,
    pub(crate) cpu: usize,
    /// Runs of what this machine's speed decides.
    pub(crate) runs: usize,
}

pub(crate) const WHOLE: Plan = Plan { opt_ins: &[200, 400], calls: 400, clients: 50, cpu: 200, runs: 5 };
pub(crate) const SMOKE: Plan = Plan { opt_ins: &[5], calls: 20, clients: 3, cpu: 5, runs: 1 };

/// Something that is measured.
pub(crate) struct Measure {
    /// What the scripts call it.
    pub(crate) script: &'static str,
    pub(crate) number: usize,
    /// The simulator's rates, and its other options.
    pub(crate) rates: &'static str,
    pub(crate) options: Vec<String>,
    pub(crate) runs: usize,
    /// Which clients, each of ours beside one of Klaviyo's.
    pub(crate) pairs: &'static [Pair],
    /// The rows.
    pub(crate) rows: Vec<(String, Reader)>,
}

/// The scripts of two clients that do the same.
pub(crate) struct Pair {
    pub(crate) official: &'static str,
    pub(crate) own: &'static str,
    /// What the rows add to their name.
    pub(crate) about: &'static str,
}

/// What one run comes to, by the line that it printed, and by how long that took.
pub(crate) type Reader = Box<dyn Fn(&Value, Duration) -> Result<Figure> + Send + Sync>;

const PLAIN: Pair = Pair { official: "official", own: "own", about: "" };
const TASKS: Pair = Pair { official: "official_async", own: "own_async", about: "" };

const ONE: &[Pair] = &[PLAIN];
const CANCELLABLE: &[Pair] = &[TASKS];
const BOTH: &[Pair] = &[PLAIN, Pair { about: ", in asyncio", ..TASKS }];

/// All that is measured of a language, but for the installed packages.
pub(crate) fn measures(language: Language, plan: &Plan) -> Vec<Measure> {
    let (all, cancellable, another) = match language {
        Language::Node => (ONE, ONE, "a worker thread beside a client, to its first answer"),
        Language::Python => (BOTH, CANCELLABLE, "a forked child beside its parent, by one client"),
    };
    let late = |milliseconds: u32| format!("--fault=GET /api/profiles: always latency {milliseconds}ms");
    let mut measures: Vec<Measure> = plan
        .opt_ins
        .iter()
        .map(|&number| Measure {
            script: "opt-ins",
            number,
            rates: "klaviyo",
            options: Vec::new(),
            runs: 1,
            pairs: all,
            rows: vec![(format!("{number} opt-ins at once"), Box::new(move |line, _| opt_ins(line, number)))],
        })
        .collect();
    let calls = plan.calls;
    for (rates, about) in [("klaviyo", "Klaviyo's rates"), ("off", "no rates")] {
        measures.push(Measure {
            script: "calls",
            number: calls,
            rates,
            options: vec![late(300)],
            // At the rates they take seconds, which Klaviyo decides. Without them they take less than one, and threads decide.
            runs: if rates == "off" { 2 * plan.runs - 1 } else { plan.runs.min(3) },
            pairs: all,
            rows: vec![(
                format!("{calls} lookups at once, 300 ms each, {about}"),
                Box::new(move |line, _| done(line, calls)),
            )],
        });
    }
    let keys = (0..=plan.clients).map(|n| format!("--key=account{n:02}=profiles:read"));
    measures.push(Measure {
        script: "clients",
        number: plan.clients,
        rates: "off",
        options: keys.collect(),
        runs: plan.runs,
        pairs: ONE,
        rows: vec![
            (
                format!("memory of {} more accounts", plan.clients),
                Box::new(|line, _| Ok(Figure::plain(Cost::Resident(number(line, "megabytes")?)))),
            ),
            ("making one more client".to_owned(), Box::new(|line, _| milliseconds(line))),
        ],
    });
    let alone = |script, number, pairs, runs, name: &str, reader| Measure {
        script,
        number,
        rates: "off",
        options: Vec::new(),
        runs,
        pairs,
        rows: vec![(name.to_owned(), reader)],
    };
    let cpu: Reader = Box::new(|line, _| milliseconds(line));
    measures.push(alone("cpu", plan.cpu, all, plan.runs, "CPU of an opt-in", cpu));
    let first: Reader =
        Box::new(|_, took| Ok(Figure::plain(Cost::Milliseconds(took.as_secs_f64() * 1_000.0))));
    measures.push(alone("first", 0, ONE, plan.runs, "a new process, to its first answer", first));
    measures.push(alone("another", 0, ONE, plan.runs, another, Box::new(|line, _| works(line))));
    let mut cancel =
        alone("cancel", 0, cancellable, 1, "a call that is cancelled", Box::new(|line, _| cancelled(line)));
    cancel.options = vec![late(400), "--fault=GET /api/profiles: always status 503".to_owned()];
    measures.push(cancel);
    measures
}

fn number(line: &Value, name: &str) -> Result<f64> {
    line.get(name).and_then(Value::as_f64).with_context(|| format!("{line} has no number {name}"))
}

fn count(line: &Value, name: &str) -> Result<u64> {
    line.get(name).and_then(Value::as_u64).with_context(|| format!("{line} has no count {name}"))
}

fn milliseconds(line: &Value) -> Result<Figure> {
    Ok(Figure::plain(Cost::Milliseconds(number(line, "milliseconds")?)))
}

fn done(line: &Value, calls: usize) -> Result<Figure> {
    let done = count(line, "done")?;
    let faults = (calls as u64).saturating_sub(done);
    let counts = format!("{done} done, {faults} failed");
    Ok(Figure { faults, counts, cost: Cost::Seconds(number(line, "seconds")?) })
}

fn opt_ins(line: &Value, calls: usize) -> Result<Figure> {
    let mut figure = done(line, calls)?;
    if figure.faults > 0 {
        figure.counts += &format!(" ({} created and on no list)", count(line, "orphans")?);
    }
    Ok(figure)
}

fn works(line: &Value) -> Result<Figure> {
    let works =
        line.get("works").and_then(Value::as_bool).with_context(|| format!("{line} does not tell"))?;
    let counts = if works { "works" } else { "fails, or hangs" }.to_owned();
    Ok(Figure { faults: u64::from(!works), counts, ..milliseconds(line)? })
}

fn cancelled(line: &Value) -> Result<Figure> {
    let ends = line.get("ends").and_then(Value::as_bool).with_context(|| format!("{line} does not tell"))?;
    let after = count(line, "after")?;
    let counts = format!("{}, {after} requests after", if ends { "ends" } else { "does not end" });
    Ok(Figure { faults: u64::from(!ends) + after, counts, ..milliseconds(line)? })
}
