//! `klaviyo-connector mock`, for programs of any language to talk to.

use crate::command::{program, run};
use crate::program::built;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Whom the programs of documents opt in, and to which list.
const PERSON: (&str, &str) = ("priya@example.com", "Y6nRLr");

/// How long a service may take until it has opted the person in, compiling components among it.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often the simulator is asked about that.
const POLL: Duration = Duration::from_millis(100);

/// A simulator that runs until this is dropped.
pub(crate) struct Simulator {
    _process: Running,
    url: String,
    key: String,
}

impl Simulator {
    /// Starts the command of the last build, at these rates, with more options.
    pub(crate) fn start(profile: &str, rates: &str, options: &[String]) -> Result<Self> {
        Self::of(&built("klaviyo-connector", profile), rates, options)
    }

    /// Starts it by another file of the command.
    pub(crate) fn of(file: &Path, rates: &str, options: &[String]) -> Result<Self> {
        let mut command = program(file);
        command.args(["mock", "--port", "0", "--json", "--rates", rates]).args(options);
        let process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut process = Running(process.context("the simulator cannot be started")?);
        let output = process.0.stdout.take().context("the simulator has no output")?;
        let mut simulator = Self { _process: process, url: String::new(), key: String::new() };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let document: Value = serde_json::from_str(&line).context("the simulator did not start")?;
        let text = |pointer| document.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        simulator.url = text("/ok/url").context("the simulator has no address")?;
        simulator.key = text("/ok/keys/0/key").context("the simulator has no key")?;
        Ok(simulator)
    }

    /// Runs a program that opts a person in, and fails unless this person alone is on the list then.
    pub(crate) fn expect_opt_in(&self, command: &mut Command) -> Result<()> {
        run(self.known_to(command))?;
        let (person, list) = PERSON;
        let members = self.members(list)?;
        ensure!(members == [person], "these people are on the list {list}, and not {person}: {members:?}");
        Ok(())
    }

    /// Runs a program that opts the person in and goes on, and ends it when that is done.
    pub(crate) fn expect_opt_in_by_service(&self, command: &mut Command) -> Result<()> {
        let (person, list) = PERSON;
        let mut service = Running(self.known_to(command).stdin(Stdio::null()).spawn()?);
        let begin = Instant::now();
        while self.members(list)? != [person] {
            if let Some(status) = service.0.try_wait()? {
                bail!("the service ended ({status}) before {person} was on the list {list}");
            }
            ensure!(begin.elapsed() < PATIENCE, "{person} is not on the list {list} after {PATIENCE:?}");
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// The emails of the people on a list.
    fn members(&self, list: &str) -> Result<Vec<String>> {
        let state = ureq::get(format!("{}/_mock/state", self.url)).call()?.body_mut().read_to_string()?;
        let state: Value = serde_json::from_str(&state)?;
        let all = |pointer| state.pointer(pointer).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let named = |each: &&Value, id: &Value| each.get("id") == Some(id);
        let list = all("/accounts/0/lists").iter().find(|each| named(each, &list.into()));
        let members = list.and_then(|list| list.get("members")?.as_array());
        let email = |id: &Value| {
            let profile = all("/accounts/0/profiles").iter().find(|each| named(each, id))?;
            profile.pointer("/attributes/email")?.as_str().map(str::to_owned)
        };
        let members = members.context("the simulator has no such list")?.iter();
        members.map(|id| email(id).context("somebody on the list has no email")).collect()
    }

    /// Gives a program the address and the key of the simulator, in its environment.
    pub(crate) fn known_to<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("KLAVIYO_ENDPOINT", &self.url).env("KLAVIYO_API_KEY", &self.key)
    }
}

/// A process that runs until this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
