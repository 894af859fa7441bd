//! `cargo xtask`: set-up, build, demo and test, each doing all that it needs.

mod alone;
mod artifact;
mod command;
mod corpus;
mod deploy;
mod examples;
mod file;
mod guest;
mod hostile;
mod nats;
mod openapi;
mod program;
mod runtimes;
mod sdk;
mod simulator;
mod toolchain;
mod wit;

use anyhow::Result;
use clap::{Parser, Subcommand};
use command::{cargo, run};
use runtimes::Skipped;
use std::path::PathBuf;
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
    /// Build the component, target/component/klaviyo.wasm, and the command with it inside, target/klaviyo-connector; write
    /// the fixtures for the tests of the examples, target/fixtures
    Build {
        /// Optimise the command
        #[arg(long)]
        release: bool,
    },
    /// Run the WhatsApp opt-in of the README in the component, against a Klaviyo on this machine
    #[command(disable_help_flag = true)]
    Demo(Passed),
    /// Write all fixtures, as files, to a folder that is new or empty
    Corpus {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Replay fixtures, or folders of them, against the component
    #[command(disable_help_flag = true)]
    Replay(Passed),
    /// Run the guests that misbehave
    #[command(disable_help_flag = true)]
    Hostile(Passed),
    /// Run the connector against servers that misbehave
    #[command(disable_help_flag = true)]
    Servers(Passed),
    /// Opt 10,000 contacts in at once, while one request in ten goes wrong
    #[command(disable_help_flag = true)]
    Soak(Passed),
    /// Sync large files with `klaviyo-connector sync`, with bad rows, faults, and kills
    #[command(disable_help_flag = true)]
    Sync(Passed),
    /// Bring 200,000 opt-ins of 20 accounts to front doors, a queue on NATS and workers, while they are killed
    #[command(disable_help_flag = true)]
    Scale(Passed),
    /// Measure what a sync takes, beside the guide's flow: requests, time and memory; `neighbour`: what a quiet tenant gets
    /// beside noisy ones
    #[command(disable_help_flag = true)]
    Bench(Passed),
    /// Check the requests of the fixtures, and what the simulator takes, against Klaviyo's OpenAPI files
    #[command(disable_help_flag = true)]
    Openapi(Passed),
    /// Run the fixtures in each runtime, measure it, and print the README's table
    Matrix,
    /// Check and test everything
    Test,
}

/// What the program behind this task takes; `--help` among it.
#[derive(clap::Args)]
struct Passed {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

fn main() -> ExitCode {
    let done = |()| ExitCode::SUCCESS;
    let result = match Arguments::parse().task {
        Task::Setup => toolchain::set_up().map(|_| {
            eprintln!("xtask: this machine compiles to {}", toolchain::TARGET);
            ExitCode::SUCCESS
        }),
        Task::Build { release } => components()
            .and_then(|()| corpus::build())
            .and_then(|()| program::build_command(release))
            .map(done),
        Task::Corpus { folder } => corpus::write(&folder).map(done),
        Task::Demo(passed) => host_test("demo", passed, false),
        Task::Replay(passed) => host_test("replay", passed, false),
        Task::Hostile(passed) => host_test("hostile", passed, false),
        Task::Servers(passed) => host_test("servers", passed, false),
        Task::Soak(passed) => host_test("soak", passed, false),
        Task::Sync(passed) => host_test("sync", passed, false),
        Task::Scale(passed) => nats::need().and_then(|()| host_test("scale", passed, true)),
        Task::Bench(passed) => {
            let needs_nats = passed.arguments.iter().any(|argument| argument == "strangers");
            let ready = if needs_nats { nats::need() } else { Ok(()) };
            ready.and_then(|()| host_test("bench", passed, true))
        }
        Task::Openapi(passed) => openapi::check(&passed.arguments),
        Task::Matrix => {
            let built = components().and_then(|()| corpus::build()).and_then(|()| program::build(true));
            built.and_then(|()| examples::matrix()).map(done)
        }
        Task::Test => test().map(done),
    };
    result.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

/// The component, and the guests that the test host runs beside it.
fn components() -> Result<()> {
    artifact::build()?;
    hostile::build()
}

fn host_test(command: &str, passed: Passed, release: bool) -> Result<ExitCode> {
    components()?;
    let arguments: Vec<String> = std::iter::once(command.to_owned()).chain(passed.arguments).collect();
    program::host_test(&arguments, release)
}

fn test() -> Result<()> {
    const FIXTURES: &str = "host-test/fixtures";
    let started = Instant::now();
    let mut skipped = Skipped::default();
    let nats = nats::set_up(&mut skipped)?;
    step("format", || run(cargo("fmt").args(["--all", "--check"])))?;
    step("lints", || {
        run(cargo("clippy").args(["--workspace", "--all-targets", "--", "--deny", "warnings"]))
    })?;
    step("the component, its contract and its size", components)?;
    step("tests without WebAssembly", || alone::test(&nats))?;
    step("each crate by itself", alone::check)?;
    step("the host by itself, and in a program outside the workspace", alone::host)?;
    step("tests of the host, the command and the component", || {
        run(nats.known_to(&mut program::cargo_on_crates("test")))
    })?;
    if let Some(mut tests) = nats.tests_on_other() {
        step("the queue, on the system's NATS server", || run(&mut tests))?;
    }
    step("guests that misbehave", || program::run_host_test(&["hostile"]))?;
    step("servers that misbehave", || program::run_host_test(&["servers"]))?;
    step("many at once", || program::run_host_test(&["soak", "--opt-ins", "1000"]))?;
    step("large files", || program::run_host_test(&["sync"]))?;
    if nats.any() {
        step("front doors, a queue and workers", || {
            program::run_host_test(&["scale", "--opt-ins", "6000", "--accounts", "6", "--workers", "2"])
        })?;
        step("what doors and workers hold", || program::run_host_test(&["scale", "--memory"]))?;
    }
    step("the fixtures, natively", || program::run_host_test(&["replay", "--native", FIXTURES]))?;
    step("the fixtures, in the component", || program::run_host_test(&["replay", FIXTURES]))?;
    step("the fixtures, in the component over wasi:http", || {
        program::run_host_test(&["replay", "--wasi", FIXTURES])
    })?;
    step("Klaviyo's OpenAPI", openapi::test)?;
    step("the command with the component inside", || program::build_command(false))?;
    step("the deployment files", || deploy::test(&mut skipped))?;
    step("the embeddings", || corpus::build().and_then(|()| examples::test(&mut skipped)))?;
    step("Klaviyo's own libraries against the simulator", || sdk::test(&mut skipped))?;
    eprintln!("\nall passed in {} s", started.elapsed().as_secs());
    skipped.report();
    Ok(())
}

fn step(name: &str, task: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("\n── {name}");
    task()
}
