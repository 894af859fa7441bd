//! Runs `klaviyo-connector`, and keeps what it printed.

use klaviyo_mock::{Account, Faults, Klaviyo, Rates, Server};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A key that no output may contain.
pub(crate) const CANARY: &str = "pk_canary_5d41402abc4b2a76b9719d911017c592";
pub(crate) const LIST: &str = "Y6nRLr";

/// The exit code of a run, and what it printed.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// Runs a command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().unwrap();
        let run = Self {
            code: status.code().expect("it was not killed"),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        };
        assert!(!run.out.contains(CANARY) && !run.err.contains(CANARY), "the key is in the output");
        assert!(!run.err.contains("panicked"), "{}", run.err);
        run
    }

    /// The one document of `--json`.
    pub(crate) fn json(&self) -> Value {
        let document: Value = serde_json::from_str(&self.out).expect("standard output is one JSON document");
        let object = document.as_object().unwrap();
        assert_eq!(object.len(), 2, "{document}");
        assert_ne!(object.contains_key("ok"), object.contains_key("err"), "{document}");
        for number in ["requests", "attempts", "sent-bytes", "received-bytes", "waited-ms"] {
            assert!(document["usage"][number].is_u64(), "{number}");
        }
        if let Some(error) = object.get("err") {
            let mut names: Vec<_> = error.as_object().unwrap().keys().map(String::as_str).collect();
            names.sort_unstable();
            let contract = [
                "body",
                "code",
                "details",
                "done",
                "duplicate",
                "message",
                "request-id",
                "retry-after",
                "status",
            ];
            assert_eq!(names, contract);
        }
        document
    }

    /// The value of a run that succeeded.
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.json()["ok"].clone()
    }

    /// The error of a run that failed, after its exit code was looked at.
    pub(crate) fn err(&self, code: i32) -> Value {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self.json()["err"].clone()
    }
}

/// A command that runs until a signal ends it.
pub(crate) struct Service {
    process: Child,
    output: BufReader<ChildStdout>,
    log: JoinHandle<String>,
    /// The value that it printed when it was up.
    pub(crate) ok: Value,
}

impl Service {
    /// Starts a command that has `--json`, and waits until it says where it can be reached.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut errors = process.stderr.take().unwrap();
        // Read all the time, so that the command never waits for a reader.
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            errors.read_to_string(&mut log).unwrap();
            log
        });
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let document: Value = serde_json::from_str(&line).unwrap();
        Self { process, output, log, ok: document["ok"].clone() }
    }

    pub(crate) fn url(&self) -> &str {
        self.ok["url"].as_str().unwrap()
    }

    /// Sends a signal that asks for the end, and asserts that the exit code is 0. Returns the log.
    #[cfg(unix)]
    pub(crate) fn end(mut self, signal: &str) -> String {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        let log = std::mem::replace(&mut self.log, std::thread::spawn(String::new)).join().unwrap();
        assert!(!log.contains(CANARY) && !log.contains("panicked"), "{log}");
        log
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program, without the settings of the person who runs the tests.
pub(crate) fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_klaviyo-connector"));
    let of_ours = |name: &OsStr| name.to_string_lossy().starts_with("KLAVIYO_");
    let others = ["NATS_URL", "NATS_CREDS", "NATS_CA", "CLICOLOR_FORCE", "OTEL_EXPORTER_OTLP_ENDPOINT"]
        .map(OsString::from);
    for variable in std::env::vars_os().map(|(name, _)| name).filter(|name| of_ours(name)).chain(others) {
        command.env_remove(variable);
    }
    // One cache, so that the component is compiled once for all tests.
    command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// The program with the component and a key.
pub(crate) fn klaviyo(endpoint: &str, key: &str) -> Command {
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/component/klaviyo.wasm");
    assert!(component.is_file(), "there is no component yet: run `cargo xtask build` first");
    let mut command = bare();
    command.env("KLAVIYO_API_KEY", key).env("KLAVIYO_ENDPOINT", endpoint).arg("--component").arg(component);
    command
}

/// Runs words against a simulator.
pub(crate) fn run(server: &Server, words: &[impl AsRef<OsStr>]) -> Run {
    run_with(server, CANARY, words)
}

/// The same, with another key.
pub(crate) fn run_with(server: &Server, key: &str, words: &[impl AsRef<OsStr>]) -> Run {
    Run::of(klaviyo(&server.url(), key).args(words))
}

/// A simulator whose account has the canary for a key.
pub(crate) fn server() -> Server {
    faulty(&[])
}

/// The same, where something goes wrong.
pub(crate) fn faulty(rules: &[&str]) -> Server {
    let faults = rules.iter().fold(Faults::none(), |faults, rule| faults.rule(rule.parse().unwrap()));
    Server::start(Klaviyo::from(account()).rates(Rates::off()).faults(faults)).unwrap()
}

/// Asks again until Klaviyo's jobs have come to what is expected, for a minute at most.
pub(crate) fn eventually<T: PartialEq + std::fmt::Debug>(expected: &T, ask: impl Fn() -> T) {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let told = ask();
        if told == *expected {
            return;
        }
        assert!(Instant::now() < end, "{told:?} is not {expected:?}");
    }
}

/// A simulator with people who did something, whose canary has all scopes.
pub(crate) fn with_history() -> Server {
    let mut account = Account::demo_with_history();
    account.add_key(CANARY, Account::SCOPES);
    Server::start(Klaviyo::from(account).rates(Rates::off())).unwrap()
}

pub(crate) fn account() -> Account {
    const SCOPES: [&str; 4] = ["lists:read", "lists:write", "profiles:read", "profiles:write"];
    let mut account = Account::demo();
    account.add_key(CANARY, &SCOPES);
    account
}
