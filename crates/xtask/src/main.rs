//! `cargo xtask`: set-up, build, demo and test, each doing all that it needs.

mod artifact;
mod command;
mod contract;
mod toolchain;

use anyhow::Result;
use clap::{Parser, Subcommand};
use command::{cargo, run};
use std::process::ExitCode;
use std::time::Instant;

/// The tasks of this project.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what compiling to WebAssembly needs, where it is missing
    Setup,
    /// Build the component, to target/component/klaviyo.wasm
    Build,
    /// Run the WhatsApp opt-in of the README in the component, against a Klaviyo on this machine
    #[command(disable_help_flag = true)]
    Demo {
        /// What the demo takes; `--help` among it
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Check and test everything: format, lints, unit tests, the component, both replays
    Test,
}

fn main() -> ExitCode {
    let done = |()| ExitCode::SUCCESS;
    let result = match Arguments::parse().task {
        Task::Setup => toolchain::set_up().map(|_| {
            eprintln!("xtask: this machine compiles to {}", toolchain::TARGET);
            ExitCode::SUCCESS
        }),
        Task::Build => artifact::build().map(done),
        Task::Demo { arguments } => demo(&arguments),
        Task::Test => test().map(done),
    };
    result.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

/// The demo says itself what failed, so only its status is passed on.
fn demo(arguments: &[String]) -> Result<ExitCode> {
    artifact::build()?;
    // Built first, so that compiling shows its progress and the story stands alone.
    run(cargo().args(["build", "--package", "host-test"]))?;
    let mut demo = cargo();
    demo.args(["run", "--quiet", "--package", "host-test", "--", "demo"]).args(arguments);
    Ok(if demo.status()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn test() -> Result<()> {
    const FIXTURES: &str = "host-test/fixtures";
    let started = Instant::now();
    step("format", || run(cargo().args(["fmt", "--all", "--check"])))?;
    step("lints", || {
        run(cargo().args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
    })?;
    step("the component, its contract and its size", artifact::build)?;
    // The test host by itself, as it is run by itself: together with the other crates its dependencies get other
    // features, and wasmtime is built twice.
    step("tests", || run(cargo().args(["test", "--workspace", "--exclude", "host-test"])))?;
    step("tests of the component", || run(cargo().args(["test", "--package", "host-test"])))?;
    step("the embedding of the README", || {
        run(cargo().args(["run", "--quiet", "--package", "host-test", "--example", "embed"]))
    })?;
    let replay = ["run", "--quiet", "--package", "host-test", "--", "replay"];
    step("the fixtures, natively", || run(cargo().args(replay).args(["--native", FIXTURES])))?;
    step("the fixtures, in the component", || run(cargo().args(replay).arg(FIXTURES)))?;
    eprintln!("\nall passed in {} s", started.elapsed().as_secs());
    Ok(())
}

fn step(name: &str, task: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("\n── {name}");
    task()
}
