//! `cargo xtask`: the tasks of the project. Each builds what it needs.

mod alone;
mod artifact;
mod bench;
mod catalog;
mod command;
mod compatibility;
mod corpus;
mod dependencies;
mod deploy;
mod dist;
mod document;
mod examples;
mod file;
mod fuzz;
mod guest;
mod hostile;
mod label;
mod licences;
mod mcp;
mod nats;
mod openapi;
mod page;
mod peers;
mod prebuilt;
mod preview;
mod program;
mod recipes;
mod release;
mod runtimes;
mod sdk;
mod simulator;
mod test;
mod toolchain;
mod versions;
mod wit;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// The tasks of this project.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true, after_help = host_test_help())]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

/// The commands of the test host that are tasks, too.
const HOST_TEST: [(&str, &str); 9] = [
    ("demo", "Run the WhatsApp opt-in of the README in the component, against a Klaviyo on this machine"),
    ("replay", "Replay fixtures, or folders of them, against the component; --bless rewrites them"),
    ("hostile", "Run the guests that misbehave"),
    ("servers", "Run the connector against servers that misbehave"),
    ("soak", "Opt 10,000 contacts in at once, while one request in ten goes wrong"),
    ("changes", "Read what changes of 100,000 profiles while it changes, with faults and kills"),
    ("sync", "Sync large files with `klaviyo-connector sync`, with bad rows, faults, and kills"),
    (
        "scale",
        "Bring 200,000 opt-ins, and opt-outs, through doors, NATS and workers, which are killed, and answer them",
    ),
    ("story", "Tell the story of a person between WhatsApp and Klaviyo; with --people 20000, let many live"),
];

#[derive(Subcommand)]
enum Task {
    /// Install what compiling to WebAssembly needs, where it is missing
    Setup,
    /// Build the component, target/component/klaviyo.wasm, and the command with it inside,
    /// target/klaviyo-connector; write the fixtures for the tests of the examples, target/fixtures
    Build {
        /// Optimise the command
        #[arg(long)]
        release: bool,
    },
    /// Write all fixtures, as files, to a folder that is new or empty
    Corpus {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Write the catalogue of actions, klaviyo.actions.json, of wit/
    Catalog,
    /// Check the requests of the fixtures, and what the simulator takes, against Klaviyo's OpenAPI files
    #[command(disable_help_flag = true)]
    Openapi {
        /// The arguments of the check
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run the fixtures in each runtime, measure it, and print the README's table
    Matrix,
    /// Measure speed, memory and size, and print a table
    Bench {
        /// Klaviyo's own packages for Node and Python, too: installs them
        #[arg(long)]
        peers: bool,
        /// Measure one thing more closely instead: `sync`, `neighbour` or `strangers`, each with its own --help
        #[arg(value_name = "OTHER", trailing_var_arg = true, allow_hyphen_values = true)]
        other: Vec<String>,
    },
    /// Run the packages for Node and Python beside Klaviyo's own, and print the tables of their READMEs
    Peers {
        /// This language only
        #[arg(long, value_name = "LANGUAGE")]
        only: Vec<peers::Language>,
        /// A few calls, to see that everything works; the figures mean nothing
        #[arg(long)]
        smoke: bool,
    },
    /// Write the licences of the crates that are in the components and in the command, to target/licences
    Licences,
    /// Let libFuzzer run the fuzz targets, which needs a C++ compiler. CONTRIBUTING.md says what becomes of a finding
    Fuzz {
        /// The targets; all in turn if none is given
        targets: Vec<String>,
        /// How long each of them runs
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Build what a release consists of, in dist/
    Dist {
        /// Build it in another folder, too, compare the bytes, and try each package as it is packed
        #[arg(long)]
        check: bool,
        /// Build the command, too, static, and a Debian package of it
        #[arg(long)]
        binary: bool,
        /// What the packages are built with is installed: a run of this task says so to another
        #[arg(long, hide = true)]
        prepared: bool,
    },
    /// Walk the whole way to a release, and say what a person must do: it publishes nothing
    Release {
        /// It is always one
        #[arg(long)]
        dry_run: bool,
    },
    /// Check and test everything, and print how long each step took
    Test {
        /// Run this step only; repeat the option for more steps. An unknown name lists all steps
        #[arg(long, value_name = "STEP")]
        only: Vec<String>,
        /// What the steps need is made: one run of this task says so to another
        #[arg(long, hide = true)]
        prepared: bool,
    },
    #[command(external_subcommand)]
    HostTest(Vec<String>),
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
        Task::Catalog => catalog::write().map(done),
        Task::Openapi { arguments } => openapi::check(&arguments),
        Task::HostTest(words) => host_test(&words),
        Task::Matrix => {
            let built = components().and_then(|()| corpus::build()).and_then(|()| program::build(true));
            built.and_then(|()| examples::matrix()).map(done)
        }
        Task::Bench { peers, other } if other.is_empty() => {
            let built = components().and_then(|()| corpus::build()).and_then(|()| program::build(true));
            built.and_then(|()| bench::run(peers)).map(done)
        }
        Task::Bench { other, .. } => {
            let words: Vec<String> = std::iter::once("bench".to_owned()).chain(other).collect();
            host_test(&words)
        }
        Task::Peers { only, smoke } => {
            let mut skipped = runtimes::Skipped::default();
            let built = components().and_then(|()| program::build(!smoke));
            built.and_then(|()| peers::compare(&only, smoke, &mut skipped)).map(|()| {
                skipped.report();
                ExitCode::SUCCESS
            })
        }
        Task::Licences => licences::write().map(done),
        Task::Fuzz { targets, seconds } => {
            components().and_then(|()| fuzz::fuzz(&targets, seconds)).map(done)
        }
        Task::Dist { check, binary, prepared } => {
            let mut skipped = runtimes::Skipped::default();
            let task = if check { dist::check } else { dist::build };
            let install = if prepared { dist::Install::Nothing } else { dist::Install::Everything };
            let binary = if binary { dist::Binary::Yes } else { dist::Binary::No };
            task(install, binary, &mut skipped).map(|()| {
                skipped.report();
                ExitCode::SUCCESS
            })
        }
        Task::Release { dry_run: true } => release::dry_run().map(done),
        Task::Release { dry_run: false } => Err(anyhow::anyhow!(
            "this task publishes nothing: `cargo xtask release --dry-run` says what a person has to do"
        )),
        Task::Test { only, prepared } => test::test(&only, prepared).map(done),
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

/// Runs a command of the test host.
fn host_test(words: &[String]) -> Result<ExitCode> {
    let name = words.first().map(String::as_str).unwrap_or_default();
    if name != "bench" && !HOST_TEST.iter().any(|(known, _)| *known == name) {
        bail!("there is no task {name}; `cargo xtask --help` lists them");
    }
    if ["scale", "story"].contains(&name) || words.iter().any(|word| word == "strangers") {
        nats::need()?;
    }
    components()?;
    program::host_test(
        words,
        ["bench", "scale"].contains(&name) || words.iter().any(|word| word.starts_with("--people")),
    )
}

fn host_test_help() -> String {
    let task = |(name, about): &(&str, &str)| format!("  {name:<9}{about}\n");
    format!("Of the test host, each with its own --help:\n{}", HOST_TEST.iter().map(task).collect::<String>())
}
