//! The command of the test host: `replay`, `demo`, and the suites.

use anyhow::Result;
use clap::{Parser, Subcommand};
use host_test::canary::KeyWatch;
use host_test::component::{self, Component};
use host_test::demo;
use host_test::load::measure::Runtime;
use host_test::load::{bench, changes, measure, neighbour, scale, soak, story, strangers, sync};
use host_test::narration::Captured;
use host_test::native::Native;
use host_test::suite;
use host_test::{Composed, Subject, bless, hostile, one_line, replay, sdk, servers};
use klaviyo_corpus::Corpus;
use std::path::PathBuf;
use std::process::ExitCode;

/// A wasmtime host for the Klaviyo component.
#[derive(Parser)]
#[command(name = "host-test", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Replay fixtures against the component; exit 1 if any differs
    Replay {
        /// Fixture files, or folders of them
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// The component to replay them against [default: target/component/klaviyo.wasm]
        #[arg(long, value_name = "FILE")]
        component: Option<PathBuf>,
        /// Replay them against klaviyo-core instead, without WebAssembly
        #[arg(long, conflicts_with = "component")]
        native: bool,
        /// Replay them against the component that is composed for wasi:http, in wasmtime-wasi-http [default
        /// file: target/component/klaviyo-wasi.wasm]
        #[arg(long, conflicts_with = "native")]
        wasi: bool,
        /// Rewrite what differs, as it goes now: the requests and `returns` of fixtures, the `err` of answers
        /// and the requests of calls that cases are generated of
        #[arg(long)]
        bless: bool,
    },
    /// Run the guests that misbehave; exit 1 if one gets away with it
    Hostile(libtest_mimic::Arguments),
    /// Run the connector against servers that misbehave; exit 1 if one gets the better of it
    Servers(libtest_mimic::Arguments),
    /// Opt many contacts in at once, while one request in ten goes wrong; exit 1 if one is lost or is there
    /// twice
    Soak {
        #[command(flatten)]
        size: soak::SoakSize,
    },
    /// Measure what the connector costs; prints each row as a line of JSON
    Bench {
        #[command(subcommand)]
        other: Option<Bench>,
    },
    /// Run the corpus and an opt-in with the key and the endpoint of the environment, and measure; prints one
    /// line of JSON
    Measure {
        /// What runs the connector
        way: Runtime,
        /// Only print how many milliseconds the start takes
        #[arg(long)]
        start: bool,
    },
    /// Sync large files with `klaviyo-connector sync`, whatever is in them, whatever goes wrong and whenever
    /// it is killed; exit 1 if a row is lost or sent twice
    Sync {
        #[command(flatten)]
        size: sync::SyncSize,
    },
    /// Read what changes with `changes` while it changes, comes late and out of order, while one request in ten
    /// goes wrong, and while the reader is killed; exit 1 if anything is missed, or told twice without a kill
    Changes {
        #[command(flatten)]
        size: changes::ChangesSize,
    },
    /// Bring opt-ins to front doors, a queue on NATS and workers, with faults, while they are killed; exit 1
    /// if one is lost or has another end than it must have
    Scale {
        #[command(flatten)]
        size: scale::ScaleSize,
    },
    /// Tell the story of a person between WhatsApp and Klaviyo; or let many live, with faults, while processes are
    /// killed; exit 1 if somebody's last word does not stand in the end
    Story {
        #[command(flatten)]
        size: story::StorySize,
    },
    /// Run a library of Klaviyo's beside the connector, at one simulated account; exit 1 if they do not read the same
    Sdk {
        /// What it is called
        name: String,
        /// The command that runs its steps
        #[arg(required = true, trailing_var_arg = true)]
        command: Vec<String>,
    },
    /// Run the WhatsApp opt-in in the component, against a Klaviyo on this machine, and tell what happens
    Demo {
        #[command(flatten)]
        captured: Captured,
        #[command(flatten)]
        form: demo::Form,
    },
}

#[derive(Subcommand)]
enum Bench {
    /// Measure what a sync takes: requests, time and memory
    Sync {
        #[command(flatten)]
        size: bench::sync::BenchSize,
    },
    /// Measure what a quiet tenant gets beside noisy ones: the times of its calls
    Neighbour {
        #[command(flatten)]
        size: neighbour::NeighbourSize,
    },
    /// Measure what callers who can sign get of a door beside strangers, and beside an account that asks for
    /// all that it can; exit 1 if one of them is not answered
    Strangers {
        #[command(flatten)]
        crowd: strangers::Crowd,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("host-test: {}", one_line(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Demo { captured, form } => {
            demo::run(&component::artifact(), captured, form)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Hostile(arguments) => suite::run(hostile::CASES, arguments).map(exit_code),
        Command::Servers(arguments) => suite::run(servers::CASES, arguments).map(exit_code),
        Command::Soak { size } => {
            let watch = KeyWatch::begin_quietly()?;
            soak::run(&size)?;
            println!("the key is in none of {} lines of log", watch.end()?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench { other } => {
            match other {
                None => bench::run()?,
                Some(Bench::Sync { size }) => bench::sync::run(&size)?,
                Some(Bench::Neighbour { size }) => neighbour::run(&size)?,
                Some(Bench::Strangers { crowd }) => strangers::run(&crowd)?,
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Measure { way, start } => {
            if start { measure::start(way) } else { measure::run(way) }?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Sync { size } => {
            sync::run(&size)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Changes { size } => {
            changes::run(&size)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Scale { size } => {
            scale::run(&size)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Story { size } => {
            story::run(&size)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Sdk { name, command } => {
            sdk::run(&name, &command)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Replay { paths, component, native, wasi, bless } => {
            let subject: Box<dyn Subject> = if native {
                Box::new(Native)
            } else if wasi {
                Box::new(Composed::load(&component.unwrap_or_else(component::composed))?)
            } else {
                Box::new(Component::load(&component.unwrap_or_else(component::artifact))?)
            };
            let watch = KeyWatch::begin()?;
            let outcome = if bless {
                let blessing = bless::bless(subject.as_ref(), &Corpus::default(), &paths)?;
                for file in &blessing.rewritten {
                    println!("rewrote {}", file.display());
                }
                blessing.outcome
            } else {
                replay::replay(subject.as_ref(), &paths)?
            };
            for (file, difference) in &outcome.failed {
                println!("FAIL {}: {difference}", file.display());
            }
            watch.end()?;
            println!("{} passed, {} failed", outcome.passed, outcome.failed.len());
            Ok(exit_code(outcome.failed.is_empty()))
        }
    }
}

fn exit_code(passed: bool) -> ExitCode {
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
