//! `cargo xtask openapi`: checks the requests of the fixtures, and what the simulator accepts and answers,
//! against Klaviyo's OpenAPI documents.

mod answers;
mod check;
mod complete;
mod corpus;
mod document;
mod events;
mod examples;
mod not_simulated;
mod queries;
mod report;
mod schema;
mod simulated;
mod simulator;

use anyhow::Result;
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;

/// Check the requests of the fixtures, and what the simulator takes and answers, against Klaviyo's OpenAPI
#[derive(Parser)]
#[command(bin_name = "cargo xtask openapi")]
struct Arguments {
    /// An OpenAPI 3.0 document of Klaviyo's, as it publishes one for each revision
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    openapi: Vec<PathBuf>,
    /// A folder of fixtures
    #[arg(long, value_name = "FOLDER", default_value_os_t = fixtures())]
    fixtures: PathBuf,
}

fn fixtures() -> PathBuf {
    klaviyo_corpus::Corpus::default().fixtures
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("openapi: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether there are no problems.
fn run(arguments: &Arguments) -> Result<bool> {
    let documents = arguments.openapi.iter().map(|path| document::Document::read(path));
    let documents = documents.collect::<Result<Vec<_>>>()?;
    let requests = corpus::requests(&arguments.fixtures)?;
    report::report(&documents, &requests)
}
