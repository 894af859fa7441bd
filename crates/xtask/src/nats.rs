//! NATS servers for the tests: a current one, in an environment of the project's own, and the system's.
//!
//! The tests find them by themselves (`klaviyo_mock::Nats`). Those that need one have `on_nats` in their
//! path, so that they can be left out where there is none.

use crate::command::{output, program, python};
use crate::program::tests;
use crate::runtimes::Skipped;
use anyhow::Result;
use std::ffi::OsString;
use std::process::Command;

/// Where the current one is installed.
const FOLDER: &str = "target/nats";
/// Its version, and the hashes of its packages.
const LOCK: &str = "crates/mock/nats/requirements.lock";
/// The variable that names the server to use before any other.
const VARIABLE: &str = "KLAVIYO_NATS_SERVER";
/// The system's: on the path, or where Debian has it, which is not on everybody's path.
const SYSTEM: [&str; 2] = ["nats-server", "/usr/sbin/nats-server"];
/// The part of the path of every test that needs a server.
const MARK: &str = "on_nats";

/// The servers to test with.
pub(crate) struct Servers {
    /// A test that asks for a server gets one.
    any: bool,
    /// The system's, if tests get another one by default.
    other: Option<&'static str>,
}

/// Installs the current server, and finds the system's.
pub(crate) fn set_up(skipped: &mut Skipped) -> Result<Servers> {
    if named().is_some() {
        return Ok(Servers { any: true, other: None });
    }
    let what = "the queue on a current NATS server";
    let mut current = skipped.has(what, &["python3"])?;
    if current && let Err(error) = install() {
        skipped.add(what, &format!("{error:#}"))?;
        current = false;
    }
    let system = system();
    if system.is_none() {
        skipped.add("the queue on the system's NATS server", "there is no nats-server")?;
    }
    let any = current || system.is_some();
    if !any {
        skipped.add("all tests and suites with a queue", "there is no NATS server")?;
    }
    Ok(Servers { any, other: system.filter(|_| current) })
}

/// Fails unless there is a server, or one can be installed: for tasks that need one.
pub(crate) fn need() -> Result<()> {
    if named().is_some() {
        return Ok(());
    }
    match (install(), system()) {
        (Ok(()), _) | (Err(_), Some(_)) => Ok(()),
        (Err(error), None) => Err(error.context(
            "there is no NATS server, and none can be installed; Debian has one in its package nats-server",
        )),
    }
}

/// The server that is to be used before any other, if there is one.
fn named() -> Option<OsString> {
    std::env::var_os(VARIABLE).filter(|name| !name.is_empty())
}

fn system() -> Option<&'static str> {
    SYSTEM.into_iter().find(|name| output(program(name).arg("--version")).is_some())
}

fn install() -> Result<()> {
    python(FOLDER, &["--require-hashes", "--requirement", LOCK]).map(drop)
}

impl Servers {
    /// Tells the tests to leave out what needs a server, if there is none.
    pub(crate) fn known_to<'a>(&self, tests: &'a mut Command) -> &'a mut Command {
        if self.any { tests } else { tests.args(["--", "--skip", MARK]) }
    }

    /// Whether there is one.
    pub(crate) fn any(&self) -> bool {
        self.any
    }

    /// The tests of the queue on the system's server, if the others are not.
    pub(crate) fn tests_on_other(&self) -> Option<Command> {
        let mut tests = tests();
        tests.args(["--test", "service", MARK]).env(VARIABLE, self.other?);
        Some(tests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &Command) -> Vec<&str> {
        command.get_args().filter_map(|word| word.to_str()).collect()
    }

    #[test]
    fn without_a_server_the_tests_that_need_one_are_left_out() {
        let with = |any| {
            let mut tests = Command::new("cargo");
            Servers { any, other: None }.known_to(&mut tests);
            words(&tests).join(" ")
        };
        assert_eq!((with(true), with(false)), (String::new(), "-- --skip on_nats".to_owned()));
    }

    #[test]
    fn the_systems_server_is_tried_beside_another() {
        let tests = |other| Servers { any: true, other }.tests_on_other();
        assert!(tests(None).is_none());
        let tests = tests(Some("nats-server")).unwrap();
        assert!(words(&tests).ends_with(&["--test", "service", "on_nats"]));
        assert!(
            tests.get_envs().any(|variable| variable == (VARIABLE.as_ref(), Some("nats-server".as_ref())))
        );
    }
}
