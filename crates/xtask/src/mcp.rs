//! `klaviyo-connector mcp` and a client of the Model Context Protocol that others wrote.

use crate::command::{program, python, root, run};
use crate::runtimes::Skipped;
use crate::simulator::Simulator;
use anyhow::Result;

/// Runs the official client for Python through the tools of the command that is built, on the simulator.
pub(crate) fn test(skipped: &mut Skipped) -> Result<()> {
    if !skipped.has("a client of the Model Context Protocol", &["python3"])? {
        return Ok(());
    }
    let interpreter = python("target/mcp", &["--requirement", "crates/xtask/mcp/requirements.txt"])?;
    let simulator = Simulator::start("debug", "off", &["--history".to_owned()])?;
    let mut client = program(interpreter);
    client.arg("crates/xtask/mcp/client.py").arg(root().join("target/klaviyo-connector"));
    run(simulator.known_to(&mut client))
}
