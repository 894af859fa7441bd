//! The packages for Node and Python beside Klaviyo's own: both do the same against the simulator, one after the other
//! in the same run, and each row of a table says which does it better.

mod figure;
mod measures;
mod package;

use crate::command::{output, program};
use crate::program::profile;
use crate::runtimes::Skipped;
use crate::simulator::Simulator;
use anyhow::{Context, Result, bail, ensure};
use figure::{Cost, Figure, Row, Verdict, faults, table};
pub(crate) use measures::Language;
use measures::{Measure, SMOKE, WHOLE, measures};
use package::Package;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Measures beside the simulator of a release build, and prints a table for each language; `smoke`: a few calls of
/// everything beside that of a debug build, which all have to succeed.
pub(crate) fn compare(only: &[Language], smoke: bool, skipped: &mut Skipped) -> Result<()> {
    let plan = if smoke { &SMOKE } else { &WHOLE };
    // The simulator of a debug build is slower than the clients, and the row of whoever asks for more would measure it.
    let profile = profile(!smoke);
    for language in [Language::Node, Language::Python] {
        if !only.is_empty() && !only.contains(&language) {
            continue;
        }
        let (runtime, official, own) = match language {
            Language::Node if skipped.has("the packages for Node", &["node", "npm"])? => package::node()?,
            Language::Python if skipped.has("the packages for Python", &["python3"])? => package::python()?,
            _ => continue,
        };
        let mut rows = Vec::new();
        for measure in measures(language, plan) {
            eprintln!("xtask: {runtime}: {} {}", measure.script, measure.number);
            rows.extend(measured(profile, &measure, &official, &own)?);
        }
        rows.extend(installed(&official, &own));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let commit = output(program("git").args(["rev-parse", "--short", "HEAD"]));
        let commit = commit.map_or(String::new(), |commit| format!(", commit {commit}"));
        println!("{runtime}, {cores} cores{commit}\n");
        println!("{}", table(&official.title, &own.title, &rows));
        let lost = rows.iter().filter(|row| row.verdict() == Verdict::Loss).count();
        eprintln!("xtask: {runtime}: {lost} of {} rows are lost", rows.len());
        if smoke {
            let failed: Vec<&str> =
                rows.iter().filter(|row| faults(&row.own) > 0).map(|row| row.name.as_str()).collect();
            ensure!(failed.is_empty(), "our package failed: {}", failed.join("; "));
        }
    }
    Ok(())
}

/// Klaviyo's own package for a language, and the milliseconds of CPU that an opt-in takes with it, beside the
/// simulator of a release build.
pub(crate) fn official_cpu(language: Language) -> Result<(String, f64)> {
    let (_, official, _) = match language {
        Language::Node => package::node()?,
        Language::Python => package::python()?,
    };
    let mut measures = measures(language, &WHOLE).into_iter();
    let measure = measures.find(|measure| measure.script == "cpu").context("the CPU is measured")?;
    let mut taken = (0..measure.runs)
        .map(|_| {
            let (line, _) = run(profile(true), &measure, &official, "official")?;
            line.get("milliseconds").and_then(Value::as_f64).with_context(|| format!("{line} has no time"))
        })
        .collect::<Result<Vec<f64>>>()?;
    taken.sort_by(f64::total_cmp);
    let median = taken.get(taken.len() / 2).copied().context("nothing was measured")?;
    Ok((official.title, median))
}

/// The rows of a measure: run by run, each client in turn.
fn measured(profile: &str, measure: &Measure, official: &Package, own: &Package) -> Result<Vec<Row>> {
    let scripts = || measure.pairs.iter().flat_map(|pair| [(pair.official, official), (pair.own, own)]);
    let run = |(script, package)| run(profile, measure, package, script);
    let runs: Vec<Vec<(Value, Duration)>> = if measure.rates == "klaviyo" && measure.script == "opt-ins" {
        // They wait for minutes, each with a simulator of its own.
        let run = &run;
        let ended: Result<_> = std::thread::scope(|scope| {
            let started: Vec<_> = scripts().map(|client| scope.spawn(move || run(client))).collect();
            started
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| bail!("a thread panicked")))
                .collect()
        });
        vec![ended?]
    } else {
        (0..measure.runs).map(|_| scripts().map(run).collect()).collect::<Result<_>>()?
    };
    let mut rows = Vec::new();
    for (name, reader) in &measure.rows {
        let figures = |client: usize| -> Result<Vec<Figure>> {
            runs.iter().filter_map(|run| run.get(client)).map(|(line, took)| reader(line, *took)).collect()
        };
        for (at, pair) in measure.pairs.iter().enumerate() {
            let name = format!("{name}{}", pair.about);
            rows.push(Row { name, official: figures(2 * at)?, own: figures(2 * at + 1)? });
        }
    }
    Ok(rows)
}

/// Runs one client; its line, and when it came.
fn run(profile: &str, measure: &Measure, package: &Package, script: &str) -> Result<(Value, Duration)> {
    let simulator = Simulator::start(profile, measure.rates, &measure.options)?;
    let mut command = (package.command)();
    command.args([script, measure.script, &measure.number.to_string()]);
    if measure.rates == "off" {
        command.env("KLAVIYO_FAST", "1");
    }
    let keys = (0..=measure.number).map(|n| format!("pk_account{n:02}")).collect::<Vec<_>>();
    simulator.known_to(&mut command).env("KLAVIYO_KEYS", keys.join(","));
    let begin = Instant::now();
    let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut output = BufReader::new(process.stdout.take().context("a process has an output")?);
    let mut line = String::new();
    output.read_line(&mut line)?;
    let took = begin.elapsed();
    std::io::copy(&mut output.by_ref(), &mut std::io::sink())?;
    let status = process.wait()?;
    ensure!(status.success(), "{} {} failed ({status})", package.title, measure.script);
    let line = serde_json::from_str(&line).with_context(|| format!("{script} printed {line:?}"))?;
    Ok((line, took))
}

fn installed(official: &Package, own: &Package) -> [Row; 2] {
    let row = |name: &str, cost: &dyn Fn(&Package) -> Cost| Row {
        name: name.to_owned(),
        official: vec![Figure::plain(cost(official))],
        own: vec![Figure::plain(cost(own))],
    };
    [
        row("installed, with what it needs", &|package| Cost::Megabytes(package.bytes as f64 / 1e6)),
        row("other packages that it needs", &|package| Cost::Packages(package.dependencies as f64)),
    ]
}
