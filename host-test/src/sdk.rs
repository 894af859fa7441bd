//! Klaviyo's own libraries beside the connector, at one simulated account: what the one writes the other reads, and both
//! read the same.
//!
//! A program in the library's language does what the library can, and asks for the connector's part: a line `? ` and
//! `[function, arguments]` in JSON is answered with a line of what the call returned. Each other line that it prints is a
//! step that passed.

use crate::component::{artifact, built, cache, returned};
use anyhow::{Context, Result, bail, ensure};
use klaviyo_host::{Connector, Egress, Secret, Tenant};
use klaviyo_mock::{Account, Server};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

/// The steps that each library takes.
const STEPS: usize = 14;

/// Runs the program of a library. Its environment has the server's address in `KLAVIYO_URL`, and a key in
/// `KLAVIYO_API_KEY`.
///
/// # Errors
/// When the program fails, or takes more steps or fewer.
pub fn run(name: &str, command: &[String]) -> Result<()> {
    let (program, arguments) = command.split_first().context("name the command that runs the library")?;
    let server = Server::start(account())?;
    let connector = Connector::builder()
        .egress(Egress::endpoint(&server.url())?)
        .cache(cache())
        .load(built(artifact())?)
        .context("cannot load the component")?;
    let tenant = Tenant::new(&connector, Secret::new(Account::DEMO_KEY)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut child = Command::new(program)
        .args(arguments)
        .env("KLAVIYO_URL", server.url())
        .env("KLAVIYO_API_KEY", Account::DEMO_KEY)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    let mut answers = child.stdin.take().context("it reads what is answered")?;
    let lines = BufReader::new(child.stdout.take().context("it prints its steps")?).lines();
    let mut steps = 0;
    for line in lines {
        let line = line?;
        if let Some(asked) = line.strip_prefix("? ") {
            let (function, arguments): (String, Vec<Value>) =
                serde_json::from_str(asked).context("a call")?;
            let answer = returned(runtime.block_on(tenant.call(&function, &arguments)))?;
            writeln!(answers, "{answer}")?;
        } else {
            println!("{line}");
            steps += 1;
        }
    }
    if !child.wait()?.success() {
        bail!("the steps of Klaviyo's library for {name} beside the connector failed");
    }
    ensure!(steps == STEPS, "{steps} steps instead of {STEPS}");
    println!("sdk {name}: {steps} passed beside the connector");
    Ok(())
}

/// An account with more lists and segments than a page has.
fn account() -> Account {
    let mut account = Account::demo();
    for n in 0..12 {
        account.add_list(&format!("More{n:02}"), &format!("More {n}"));
        account.add_segment(&format!("Segm{n:02}"), &format!("Segment {n}"));
    }
    account
}
