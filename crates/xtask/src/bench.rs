//! Everything that the project promises about speed, memory and size, measured on this machine, as one table.

use crate::command::{output, program};
use crate::peers::{self, Language};
use crate::program::{built, profile};
use crate::runtimes::Skipped;
use crate::simulator::Simulator;
use crate::{artifact, catalog, examples};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// The row of `host-test bench` that Klaviyo's own packages are compared with.
const OPT_IN: &str = "CPU of an opt-in, 3 requests over loopback HTTP";
/// The most microseconds that a call of another runtime may take.
const CALL: f64 = 300.0;
/// The most that the connector may weigh, in KB, and its part for opt-ins.
const WHOLE: f64 = 192.0;
const OPT_IN_PART: f64 = 96.0;
/// The most that the adapter for `wasi:http` may add, in KB.
const ADAPTER: f64 = 40.0;

/// Measures, and prints the table.
pub(crate) fn run(peers: bool) -> Result<()> {
    let mut skipped = Skipped::default();
    let mut rows = of_the_host()?;
    if peers {
        rows.extend(of_the_peers(&rows, &mut skipped)?);
    }
    rows.extend(of_other_runtimes(&mut skipped)?);
    rows.extend(sizes()?);
    println!("{}\n", about()?);
    println!("| what | measured | target | |");
    println!("|---|---|---|---|");
    for row in &rows {
        println!("{}", cells(row)?);
    }
    skipped.report();
    Ok(())
}

/// The rows of Rust. What criterion says meanwhile goes to standard error.
fn of_the_host() -> Result<Vec<Value>> {
    let mut command = program(built("host-test", profile(true)));
    let mut process = command.arg("bench").stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let lines = BufReader::new(process.stdout.take().context("a process has an output")?).lines();
    let mut rows = Vec::new();
    for line in lines {
        let line = line?;
        eprintln!("{line}");
        if line.starts_with('{') {
            rows.push(serde_json::from_str(&line)?);
        }
    }
    let status = process.wait()?;
    ensure!(status.success(), "host-test bench failed ({status})");
    Ok(rows)
}

fn of_the_peers(rows: &[Value], skipped: &mut Skipped) -> Result<Vec<Value>> {
    let own = rows.iter().find(|row| row.get("what").is_some_and(|what| what == OPT_IN));
    let own = own.and_then(|row| row.get("measured")?.as_f64()).context("an opt-in is measured")?;
    let languages =
        [(Language::Node, ["node", "npm"], 12.0), (Language::Python, ["python3", "python3"], 10.0)];
    let mut rows = Vec::new();
    for (language, programs, target) in languages {
        if skipped.has("Klaviyo's own package", &programs)? {
            let (title, milliseconds) = peers::official_cpu(language)?;
            let what = format!("CPU of an opt-in with {title}, beside that");
            let note = format!("{milliseconds:.2} ms");
            rows.push(json!({
                "what": what, "measured": milliseconds * 1e3 / own, "unit": "×", "at_least": target, "note": note,
            }));
        }
    }
    Ok(rows)
}

fn of_other_runtimes(skipped: &mut Skipped) -> Result<Vec<Value>> {
    let simulator = Simulator::start(profile(true), "off", &[])?;
    let mut rows = Vec::new();
    examples::other_runtimes(&simulator, skipped, |line| {
        let name = line.get("runtime").and_then(Value::as_str).context("a runtime has a name")?;
        let call = line.get("call_us").and_then(Value::as_f64).context("a call is measured")?;
        rows.push(
            json!({ "what": format!("a call in {name}"), "measured": call, "unit": "µs", "at_most": CALL }),
        );
        Ok(())
    })?;
    Ok(rows)
}

fn sizes() -> Result<Vec<Value>> {
    let kilobytes = |name: &str| {
        let path = artifact::path(name);
        let metadata = path.metadata().with_context(|| format!("cannot read {}", path.display()))?;
        Ok::<_, anyhow::Error>(metadata.len() as f64 / 1e3)
    };
    let mut rows = Vec::new();
    let (whole, catalog) = (kilobytes("klaviyo")?, catalog::section()?.len() as f64 / 1e3);
    rows.push(json!({
        "what": "klaviyo.wasm, without its catalogue of actions", "measured": whole - catalog, "unit": "KB",
        "at_most": WHOLE, "note": format!("{whole:.0} KB with it"),
    }));
    rows.push(json!({
        "what": "klaviyo-opt-in.wasm", "measured": kilobytes("klaviyo-opt-in")?, "unit": "KB", "at_most": OPT_IN_PART,
    }));
    let composed = kilobytes("klaviyo-wasi")?;
    rows.push(json!({
        "what": "klaviyo-wasi.wasm, more than klaviyo.wasm", "measured": composed - kilobytes("klaviyo")?, "unit": "KB",
        "at_most": ADAPTER, "note": format!("{composed:.0} KB with both"),
    }));
    Ok(rows)
}

/// The commit and the machine.
fn about() -> Result<String> {
    let said = |command: &str, arguments: &[&str]| output(program(command).args(arguments));
    let commit = said("git", &["rev-parse", "--short", "HEAD"]).map_or(String::new(), |commit| {
        let changed = said("git", &["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty());
        format!("Commit {commit}{}, ", if changed { " and changes" } else { "" })
    });
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism()?;
    let system = said("uname", &["-sr"]).unwrap_or_else(|| std::env::consts::OS.to_owned());
    let rustc = said("rustc", &["--version"]).context("rustc does not tell its version")?;
    let rustc = rustc.split(" (").next().unwrap_or_default();
    Ok(format!("{commit}{cores} × {model}, {system}, {rustc}, release build"))
}

/// A row of the table: what was measured, what it should be, and whether it is, or by how much it is not.
fn cells(row: &Value) -> Result<String> {
    let number = |name: &str| row.get(name).and_then(Value::as_f64);
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    let what = text("what").context("a row has a name")?;
    let measured = number("measured").with_context(|| format!("{what} is not measured"))?;
    let unit = text("unit").unwrap_or_default();
    let (target, verdict) = match (number("at_most"), number("at_least")) {
        (Some(most), None) => (format!("at most {}", figure(most, unit)), verdict(measured, most)),
        (None, Some(least)) => (format!("at least {}", figure(least, unit)), verdict(least, measured)),
        (None, None) => ("–".to_owned(), String::new()),
        (Some(_), Some(_)) => bail!("{what} has two targets"),
    };
    let note = text("note").map_or(String::new(), |note| format!(" ({note})"));
    Ok(format!("| {what} | {}{note} | {target} | {verdict} |", figure(measured, unit)))
}

/// `small` should not be larger than `large`.
fn verdict(small: f64, large: f64) -> String {
    match small / large {
        _ if small <= large => "✓".to_owned(),
        times if times.is_finite() => format!("missed, {times:.2} ×"),
        _ => "missed".to_owned(),
    }
}

/// A number with three digits that count, and its unit.
fn figure(value: f64, unit: &str) -> String {
    let digits = if value == value.trunc() || value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.digits$} {unit}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_whether_its_target_is_met_or_by_how_much_it_is_missed() {
        let row = json!({ "what": "a call", "measured": 12.34, "unit": "µs", "at_most": 15.0, "note": "6 × native" });
        assert_eq!(cells(&row).unwrap(), "| a call | 12.3 µs (6 × native) | at most 15 µs | ✓ |");
        let row = json!({ "what": "a call", "measured": 30.0, "unit": "µs", "at_most": 15.0 });
        assert_eq!(cells(&row).unwrap(), "| a call | 30 µs | at most 15 µs | missed, 2.00 × |");
        let row = json!({ "what": "sync", "measured": 27_123.4, "unit": "rows/s", "at_least": 50_000.0 });
        assert_eq!(cells(&row).unwrap(), "| sync | 27123 rows/s | at least 50000 rows/s | missed, 1.84 × |");
        let row = json!({ "what": "wake-ups", "measured": 0.0, "unit": "", "at_most": 0.0 });
        assert_eq!(cells(&row).unwrap(), "| wake-ups | 0 | at most 0 | ✓ |");
        let row = json!({ "what": "native", "measured": 2.5, "unit": "µs" });
        assert_eq!(cells(&row).unwrap(), "| native | 2.50 µs | – |  |");
        assert!(cells(&json!({ "what": "nothing" })).is_err());
    }
}
