//! The examples: each embedding as its README says, tested where its runtime is found, and measured.

use crate::command::{self, PIP, program, root, run};
use crate::program::{built, profile};
use crate::runtimes::{self, Skipped};
use crate::simulator::Simulator;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::process::Command;

/// The environment of Python, with the packages of the examples.
pub(crate) const PYTHON: &str = "target/examples/python";

/// Runs the Rust examples of the last build.
pub(crate) fn rust() -> Result<()> {
    let simulator = Simulator::start(profile(false), "off", &[])?;
    for example in ["klaviyo-example-rust", "klaviyo-example-tenant"] {
        run(simulator.known_to(&mut program(built(example, profile(false)))))?;
    }
    Ok(())
}

/// Runs the tests of the example for Python.
pub(crate) fn python(skipped: &mut Skipped) -> Result<()> {
    if skipped.has("the example for Python", &["python3", "openssl"])? {
        prepare_python()?;
        run(interpreter().args(["-m", "mypy"]))?;
        run(interpreter().args(["-m", "pytest", "--quiet"]))?;
    }
    Ok(())
}

/// Runs the tests of the example for Node in its three runtimes, and in one file by bundlers.
pub(crate) fn node(skipped: &mut Skipped) -> Result<()> {
    if skipped.has("the example for Node, Deno and Bun", &["node", "npm"])? {
        prepare_node()?;
        for script in ["test", "test:deno", "test:bun", "test:bundlers"] {
            run(npm("node").args(["run", "--silent", script]))?;
        }
    }
    Ok(())
}

/// Runs the tests of the page.
pub(crate) fn browser(skipped: &mut Skipped) -> Result<()> {
    if skipped.has("the page for browsers", &["node", "npm", "chromium"])? {
        run(npm("browser").args(["ci", "--silent", "--no-audit", "--no-fund"]))?;
        run(npm("browser").args(["run", "--silent", "test"]))?;
    }
    Ok(())
}

/// Prints the README's table of runtimes, each row as it is measured.
pub(crate) fn matrix() -> Result<()> {
    let mut skipped = Skipped::default();
    let simulator = Simulator::start(profile(true), "off", &[])?;
    let print = |line: Value| cells(&line).map(|row| println!("{row}"));
    let measure = |way: &str| {
        let mut command = program(built("host-test", profile(true)));
        command.args(["measure", way]);
        command
    };
    println!("| runtime | corpus passed | real HTTP | cold start | a call | size |");
    println!("|---|---|---|---|---|---|");
    for way in ["native", "component", "opt-in", "composed"] {
        print(measured(&simulator, &mut measure(way))?)?;
    }
    other_runtimes(&simulator, &mut skipped, print)?;
    skipped.report();
    Ok(())
}

/// Runs the examples of the other languages, each of which measures itself, and hands over its line.
pub(crate) fn other_runtimes(
    simulator: &Simulator,
    skipped: &mut Skipped,
    mut line: impl FnMut(Value) -> Result<()>,
) -> Result<()> {
    if skipped.has("Node, Deno and Bun", &["node", "npm"])? {
        prepare_node()?;
        for script in ["matrix", "matrix:deno", "matrix:bun"] {
            line(measured(simulator, npm("node").args(["run", "--silent", script]))?)?;
        }
    }
    if skipped.has("Python", &["python3"])? {
        prepare_python()?;
        line(measured(simulator, interpreter().arg("matrix.py"))?)?;
    }
    Ok(())
}

/// Runs a program that measures itself; its line of JSON.
fn measured(simulator: &Simulator, command: &mut Command) -> Result<Value> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = simulator.known_to(command).stderr(std::process::Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot run {name}"))?;
    ensure!(output.status.success(), "{name} failed ({})", output.status);
    let text = String::from_utf8(output.stdout)?;
    serde_json::from_str(text.trim()).with_context(|| format!("{name} printed {text:?}"))
}

fn cells(line: &Value) -> Result<String> {
    let number = |name: &str| line.get(name).and_then(Value::as_f64);
    let (passed, failed) = (number("passed").unwrap_or_default(), number("failed").unwrap_or_default());
    let http = match line.get("http") {
        Some(Value::Bool(true)) => "yes",
        Some(Value::Null) => "–",
        _ => bail!("a runtime has no real HTTP: {line}"),
    };
    let optional = |value: Option<f64>, shown: fn(f64) -> String| value.map_or("–".to_owned(), shown);
    Ok(format!(
        "| {} | {passed} of {} | {http} | {} | {} | {} |",
        line.get("runtime").and_then(Value::as_str).context("a runtime has a name")?,
        passed + failed,
        optional(number("cold_start_ms"), |ms| if ms < 1.0 {
            format!("{ms:.2} ms")
        } else {
            format!("{ms:.0} ms")
        }),
        optional(number("call_us"), |us| if us < 10.0 {
            format!("{us:.1} µs")
        } else {
            format!("{us:.0} µs")
        }),
        optional(number("size"), |bytes| format!("{:.0} KB", bytes / 1000.0)),
    ))
}

/// npm, in the folder of an example.
pub(crate) fn npm(example: &str) -> Command {
    let mut command = program("npm");
    command.current_dir(root().join("examples").join(example));
    if let Some(browser) = runtimes::browser() {
        command.env("CHROMIUM", browser);
    }
    command
}

/// Installs what the example for Node is built and tested with, and builds it.
pub(crate) fn prepare_node() -> Result<()> {
    install_for_node()?;
    build_node()
}

/// Installs what the example for Node is built and tested with.
pub(crate) fn install_for_node() -> Result<()> {
    run(npm("node").args(["ci", "--silent", "--no-audit", "--no-fund"]))
}

/// Builds the example for Node.
pub(crate) fn build_node() -> Result<()> {
    run(npm("node").args(["run", "--silent", "build"]))
}

/// The Python of the examples, in the folder of the example.
pub(crate) fn interpreter() -> Command {
    let mut command = program(root().join(PYTHON).join("bin/python"));
    command.current_dir(root().join("examples/python"));
    command
}

/// Installs what the example for Python is built and tested with.
pub(crate) fn install_for_python() -> Result<()> {
    let packages = ["--require-hashes", "--requirement", "examples/python/requirements.lock"];
    command::python(PYTHON, &packages).map(|_| ())
}

/// Installs the example for Python, and what it is built and tested with.
pub(crate) fn prepare_python() -> Result<()> {
    install_for_python()?;
    let this = ["--no-deps", "--no-build-isolation", "--force-reinstall", "."];
    run(interpreter().args(PIP).args(this))
}

#[cfg(test)]
mod tests {
    use super::cells;
    use serde_json::json;

    #[test]
    fn a_measured_line_is_a_row_of_the_table() {
        let line = json!({
            "runtime": "Node 20", "passed": 7, "failed": 1, "http": true, "cold_start_ms": 41.6, "call_us": 8.25,
            "size": 203_257,
        });
        assert_eq!(cells(&line).unwrap(), "| Node 20 | 7 of 8 | yes | 42 ms | 8.2 µs | 203 KB |");
        let line =
            json!({ "runtime": "Rust", "passed": 2, "failed": 0, "http": null, "cold_start_ms": 0.054 });
        assert_eq!(cells(&line).unwrap(), "| Rust | 2 of 2 | – | 0.05 ms | – | – |");
        assert!(cells(&json!({ "runtime": "Rust", "passed": 2, "failed": 0, "http": false })).is_err());
    }
}
