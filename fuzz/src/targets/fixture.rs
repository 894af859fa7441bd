//! Any text as a fixture: it is refused, or is read the same when it is written anew, and can be replayed.

use crate::Target;
use anyhow::{Context, Result, ensure};
use host_test::fixture::Fixture;
use host_test::native::Native;
use host_test::replay;
use serde_json::Value;

/// The target.
pub const TARGET: Target = Target {
    name: "fixture",
    about: "a text is no fixture, or one that reads the same when it is written anew, and is replayed to an end",
    run,
    seeds: || Ok(crate::seeds::fixtures()?.into_iter().map(String::into_bytes).collect()),
    inputs: 2_000,
};

fn run(input: &[u8]) -> Result<()> {
    let Ok(text) = std::str::from_utf8(input) else { return Ok(()) };
    let replayed = replay::case(&Native, text);
    let Ok(fixture) = Fixture::parse(text) else {
        ensure!(replayed.is_err(), "what is no fixture was replayed");
        return Ok(());
    };
    // A number that no machine has is JSON all the same.
    let Ok(value) = serde_json::from_str::<Value>(text) else { return Ok(()) };
    let again = serde_json::to_string_pretty(&value)?;
    let read = Fixture::parse(&again).context("written anew it is no fixture")?;
    let whole = |fixture: &Fixture| {
        let answers: Vec<_> =
            fixture.exchanges.iter().map(|exchange| exchange.response.as_ref().map(status)).collect();
        format!("{:?} {:?} {answers:?}", fixture.name, fixture.call)
    };
    ensure!(
        whole(&read) == whole(&fixture),
        "written anew it is {}, and was {}",
        whole(&read),
        whole(&fixture)
    );
    Ok(())
}

fn status(response: &host_test::Response) -> (u16, &[(String, String)]) {
    (response.status, &response.headers)
}
