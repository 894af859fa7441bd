//! From nothing to the first answer: the command with a compiled component, and a program that has to compile it.

use super::clock::median;
use super::row::Row;
use crate::canary::KEY;
use crate::component::{artifact, built};
use crate::load::measure::{Runtime, start_elsewhere};
use crate::load::process::program;
use anyhow::{Context, Result, ensure};
use klaviyo_mock::{Account, Klaviyo, Rates, Server};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const STARTS: usize = 31;
const COLD_STARTS: usize = 9;

pub(super) fn rows() -> Result<Vec<Row>> {
    let mut account = Account::default();
    account.add_key(KEY, Account::SCOPES);
    let server = Server::start(Klaviyo::from(account).rates(Rates::off()))?;
    let folder = tempfile::tempdir()?;
    // The first run compiles.
    command(&server, folder.path())?;
    let mut starts = (0..STARTS).map(|_| command(&server, folder.path())).collect::<Result<Vec<_>>>()?;
    let mut bare =
        (0..STARTS).map(|_| run(Command::new(program()?).arg("--version"))).collect::<Result<Vec<_>>>()?;
    let mut cold =
        (0..COLD_STARTS).map(|_| start_elsewhere(Runtime::Component)).collect::<Result<Vec<_>>>()?;
    Ok(vec![
        Row::new(
            "a whole command, with the compile cache: process start to answer",
            median(&mut starts)?,
            "ms",
        )
        .at_most(15.0)
        .note(format!("{:.1} ms for --version", median(&mut bare)?)),
        Row::new("cold start, compiling", median(&mut cold)?, "ms").at_most(200.0),
    ])
}

/// How long a command takes that asks for the account, in milliseconds.
fn command(server: &Server, cache: &Path) -> Result<f64> {
    let mut command = Command::new(program()?);
    command.arg("account").arg("--component").arg(built(artifact())?);
    command.env("KLAVIYO_ENDPOINT", server.url()).env("KLAVIYO_API_KEY", KEY).env("XDG_CACHE_HOME", cache);
    run(&mut command)
}

fn run(command: &mut Command) -> Result<f64> {
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).output().context("the command cannot be run")?;
    let took = start.elapsed();
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(took.as_secs_f64() * 1e3)
}
