//! `host-test replay PATH…` and `host-test demo`.

use anyhow::Result;
use clap::{Parser, Subcommand};
use host_test::component::{self, Connector};
use host_test::demo::{self, Captured};
use host_test::native::Native;
use host_test::{Subject, one_line, replay};
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
    },
    /// Run the WhatsApp opt-in in the component, against a Klaviyo on this machine, and tell what happens
    Demo {
        #[command(flatten)]
        captured: Captured,
        /// Print the story as JSON
        #[arg(long)]
        json: bool,
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
        Command::Demo { captured, json } => {
            demo::run(&component::artifact(), captured, json)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Replay { paths, component, native } => {
            let subject: Box<dyn Subject> = if native {
                Box::new(Native)
            } else {
                Box::new(Connector::load(&component.unwrap_or_else(component::artifact))?)
            };
            let outcome = replay::replay(subject.as_ref(), &paths)?;
            for (file, difference) in &outcome.failed {
                println!("FAIL {}: {difference}", file.display());
            }
            println!("{} passed, {} failed", outcome.passed, outcome.failed.len());
            Ok(if outcome.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}
