//! `cargo xtask test`: all that CI checks, in steps. A step builds what it needs, so that it can run by
//! itself.

use crate::command::{cargo, run};
use crate::nats::{self, Servers};
use crate::runtimes::Skipped;
use crate::{
    alone, compatibility, components, corpus, dependencies, deploy, dist, examples, fuzz, licences, mcp,
    openapi, page, peers, program, recipes, sdk, versions,
};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeSet;
use std::io::{Read, Seek};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const FIXTURES: &str = "host-test/fixtures";
/// The part of the connector for opt-ins, and the fixtures of its interfaces.
const OPT_IN: &str = "target/component/klaviyo-opt-in.wasm";
const OPT_IN_FIXTURES: [&str; 3] =
    ["host-test/fixtures/contacts", "host-test/fixtures/lists", "host-test/fixtures/consent"];

/// A part of the whole.
struct Step {
    /// What `--only` calls it.
    name: &'static str,
    about: &'static str,
    run: fn(&mut Needs) -> Result<()>,
    /// It leaves a core idle most of the time, and may run beside its neighbours in the list that do so, too.
    beside: bool,
}

const fn step(name: &'static str, about: &'static str, run: fn(&mut Needs) -> Result<()>) -> Step {
    Step { name, about, run, beside: false }
}

const fn beside(name: &'static str, about: &'static str, run: fn(&mut Needs) -> Result<()>) -> Step {
    Step { name, about, run, beside: true }
}

/// All steps, in order: what fails soonest comes first, and what takes longest first among those that run
/// beside others.
const STEPS: &[Step] = &[
    step("format", "rustfmt", |_| run(cargo("fmt").args(["--all", "--check"]))),
    step("dependencies", "their licences, sources and duplicates, and whether they are used", |needs| {
        licences::write()?;
        dependencies::check(&mut needs.skipped)
    }),
    step("versions", "each version, wherever it is written", |_| versions::check()),
    step("lints", "Clippy, on all crates", |_| {
        run(cargo("clippy").args(["--workspace", "--all-targets", "--", "--deny", "warnings"]))
    }),
    step("contract", "wit/ against the last released contract", |_| compatibility::check()),
    step("component", "the component, its contract and its size", |needs| needs.component()),
    step("native", "the tests of the crates without wasmtime", |needs| alone::test(needs.nats()?)),
    step("alone", "each crate by itself, with each of its features", |_| alone::check()),
    step("host", "klaviyo-host by itself, and in a program outside the workspace", |needs| {
        needs.component()?;
        alone::host()
    }),
    step("wasmtime", "the tests of the crates with wasmtime", |needs| {
        needs.component()?;
        run(needs.nats()?.known_to(&mut program::tests()))
    }),
    step("system-nats", "the queue, on the system's NATS server", |needs| {
        needs.component()?;
        needs.nats()?.tests_on_other().map_or(Ok(()), |mut tests| run(&mut tests))
    }),
    step("hostile", "guests that misbehave", |needs| needs.host_test(&["hostile"])),
    step("servers", "servers that misbehave", |needs| needs.host_test(&["servers"])),
    step("soak", "many opt-ins at once", |needs| needs.host_test(&["soak", "--opt-ins", "1000"])),
    step("changes", "what changed, while it changes", |needs| {
        needs.host_test(&["changes", "--profiles", "20000"])
    }),
    step("sync", "large files", |needs| needs.host_test(&["sync"])),
    step("scale", "front doors, a queue and workers", |needs| match needs.nats()?.any() {
        true => needs.host_test(&["scale", "--opt-ins", "6000", "--accounts", "6", "--workers", "2"]),
        false => Ok(()),
    }),
    step("story", "people between WhatsApp and Klaviyo", |needs| match needs.nats()?.any() {
        true => {
            needs.host_test(&["story"])?;
            needs.host_test(&["story", "--people", "400"])
        }
        false => Ok(()),
    }),
    step("memory", "what doors and workers hold", |needs| match needs.nats()?.any() {
        true => needs.host_test(&["scale", "--memory"]),
        false => Ok(()),
    }),
    step("fixtures", "the fixtures: natively, in the components, and over wasi:http", |needs| {
        needs.host_test(&["replay", "--native", FIXTURES])?;
        needs.host_test(&["replay", FIXTURES])?;
        needs.host_test(&[&["replay", "--component", OPT_IN], &OPT_IN_FIXTURES[..]].concat())?;
        needs.host_test(&["replay", "--wasi", FIXTURES])
    }),
    step("fuzz", "what reads others' bytes, on changed fixtures", |needs| {
        needs.programs()?;
        fuzz::test()
    }),
    step("openapi", "the fixtures and the simulator against Klaviyo's OpenAPI", |_| openapi::test()),
    step("command", "the command with the component inside", |needs| {
        needs.component()?;
        program::build_command(false)
    }),
    step("mcp", "the command's tools, by a client that others wrote", |needs| {
        needs.component()?;
        program::build_command(false)?;
        mcp::test(&mut needs.skipped)
    }),
    step("recipes", "the components in runtimes that have no package here", |needs| {
        needs.component()?;
        program::build_command(false)?;
        recipes::test(&mut needs.skipped)
    }),
    step("rust", "the examples in Rust", |needs| {
        needs.programs()?;
        examples::rust()
    }),
    // By itself: its tests of time limits need a machine that answers within a tenth of a second.
    step("node", "the example for Node, Deno and Bun", |needs| {
        needs.corpus()?;
        examples::node(&mut needs.skipped)
    }),
    beside("python", "the example for Python", |needs| {
        needs.corpus()?;
        examples::python(&mut needs.skipped)
    }),
    beside("browser", "the page for browsers", |needs| {
        needs.corpus()?;
        examples::browser(&mut needs.skipped)
    }),
    beside("page", "the status page of the service", |needs| match needs.nats()?.any() {
        true => {
            needs.programs()?;
            page::test(&mut needs.skipped)
        }
        false => Ok(()),
    }),
    beside("sdk", "Klaviyo's own libraries against the simulator, and beside the connector", |needs| {
        needs.programs()?;
        sdk::test(&mut needs.skipped)
    }),
    beside("deploy", "the deployment files", |needs| {
        needs.programs()?;
        deploy::test(&mut needs.skipped)
    }),
    // After the steps that install the same packages, so that no two install at once.
    step("peers", "the packages for Node and Python beside Klaviyo's own, in a few calls", |needs| {
        needs.programs()?;
        peers::compare(&[], true, &mut needs.skipped)
    }),
    step("dist", "what a release consists of, built twice, and tried as it is packed", |needs| {
        needs.component()?;
        dist::check(dist::Install::Packages, dist::Binary::No, &mut needs.skipped)
    }),
];

/// What steps need, each made once.
#[derive(Default)]
struct Needs {
    skipped: Skipped,
    nats: Option<Servers>,
    made: BTreeSet<&'static str>,
}

/// What [`run_beside`] makes for all of its steps.
const PREPARED: [&str; 3] = ["component", "corpus", "programs"];

impl Needs {
    /// Needs that another process has made: nothing is made again, nor under the eyes of a step that reads it.
    fn prepared() -> Self {
        Self { made: PREPARED.into(), ..Self::default() }
    }

    fn once(&mut self, name: &'static str, make: fn() -> Result<()>) -> Result<()> {
        if self.made.insert(name) { make() } else { Ok(()) }
    }

    fn component(&mut self) -> Result<()> {
        self.once("component", components)
    }

    fn corpus(&mut self) -> Result<()> {
        self.component()?;
        self.once("corpus", corpus::build)
    }

    fn programs(&mut self) -> Result<()> {
        self.component()?;
        self.once("programs", || program::build(false))
    }

    fn host_test(&mut self, arguments: &[&str]) -> Result<()> {
        self.programs()?;
        program::run_host_test(arguments)
    }

    fn nats(&mut self) -> Result<&Servers> {
        if self.nats.is_none() {
            self.nats = Some(nats::set_up(&mut self.skipped)?);
        }
        self.nats.as_ref().context("it was set up")
    }
}

/// Runs the named steps, or all, and prints how long they took if there are several. `is_prepared`: the process
/// that runs this one has made what the steps need.
pub(crate) fn test(only: &[String], is_prepared: bool) -> Result<()> {
    let chosen = chosen(only)?;
    let mut needs = if is_prepared { Needs::prepared() } else { Needs::default() };
    let mut times = Vec::new();
    let result = chosen.chunk_by(|one, next| one.beside && next.beside).try_for_each(|steps| match steps {
        [step] => {
            eprintln!("\n── {}: {}", step.name, step.about);
            let started = Instant::now();
            let result = (step.run)(&mut needs);
            times.push((step.name, started.elapsed()));
            result.with_context(|| format!("the step {} failed", step.name))
        }
        steps => {
            needs.corpus()?;
            needs.programs()?;
            run_beside(steps, &mut needs.skipped, &mut times)
        }
    });
    if let [_, _, ..] = times.as_slice() {
        report(&times);
    }
    needs.skipped.report();
    result
}

fn chosen(only: &[String]) -> Result<Vec<&'static Step>> {
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        let steps: Vec<_> = STEPS.iter().map(|step| format!("  {:<12} {}", step.name, step.about)).collect();
        bail!("there is no step {unknown}; the steps are\n{}", steps.join("\n"));
    }
    let is_chosen = |step: &&Step| only.is_empty() || only.iter().any(|name| name == step.name);
    Ok(STEPS.iter().filter(is_chosen).collect())
}

/// Runs steps as processes of their own, as many at a time as there are cores. The output of each is printed
/// at its end.
fn run_beside(
    steps: &[&Step],
    skipped: &mut Skipped,
    times: &mut Vec<(&'static str, Duration)>,
) -> Result<()> {
    let names: Vec<_> = steps.iter().map(|step| step.name).collect();
    eprintln!("\n── beside one another: {}", names.join(", "));
    let own = std::env::current_exe()?;
    let left = Mutex::new(steps.iter());
    let ended = Mutex::new(Vec::new());
    let (left, ended) = (&left, &ended);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores.min(steps.len()) {
            scope.spawn(|| {
                // A lock of each is held for a moment, and nothing panics meanwhile.
                while let Some(step) = left.lock().ok().and_then(|mut left| left.next()) {
                    let started = Instant::now();
                    let result =
                        captured(Command::new(&own).args(["test", "--prepared", "--only", step.name]));
                    if let Ok(mut ended) = ended.lock() {
                        if let Ok((_, output)) = &result {
                            eprint!("{output}");
                        }
                        ended.push((step.name, started.elapsed(), result));
                    }
                }
            });
        }
    });
    let ended = ended.lock().map(|mut ended| std::mem::take(&mut *ended)).unwrap_or_default();
    let mut failed = Vec::new();
    for (name, time, result) in ended {
        let (passed, output) = result?;
        times.push((name, time));
        skipped.extend(&output);
        if !passed {
            failed.push(name);
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

/// Runs a command; whether it succeeds, and all that it prints.
fn captured(command: &mut Command) -> Result<(bool, String)> {
    let mut file = tempfile::tempfile()?;
    let status = command.stdout(file.try_clone()?).stderr(file.try_clone()?).status()?;
    let mut output = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut output)?;
    Ok((status.success(), String::from_utf8_lossy(&output).into_owned()))
}

/// A table of the steps, in the order in which they ended.
fn report(times: &[(&str, Duration)]) {
    eprintln!("\n── how long the steps took");
    for (name, time) in times {
        eprintln!("{name:<12} {:>7.1} s", time.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_chosen_by_its_name_and_an_unknown_one_lists_them() {
        let names = |only: &[&str]| -> Result<Vec<&str>> {
            let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
            Ok(chosen(&only)?.iter().map(|step| step.name).collect())
        };
        assert_eq!(names(&[]).unwrap().len(), STEPS.len());
        // In their order, however they are given.
        assert_eq!(names(&["soak", "format", "soak"]).unwrap(), ["format", "soak"]);
        let refusal = names(&["soak", "sock"]).unwrap_err().to_string();
        assert!(refusal.contains("no step sock"), "{refusal}");
        assert!(STEPS.iter().all(|step| refusal.contains(&format!("  {} ", step.name))), "{refusal}");
    }

    #[test]
    fn what_is_prepared_is_not_made_again() {
        let mut needs = Needs::prepared();
        for name in PREPARED {
            needs.once(name, || bail!("{PREPARED:?}: one is made again")).unwrap();
        }
        needs.corpus().unwrap();
        needs.programs().unwrap();
        assert!(Needs::default().once("corpus", || bail!("it is made")).is_err());
    }

    #[test]
    fn no_two_steps_have_a_name() {
        let names: BTreeSet<_> = STEPS.iter().map(|step| step.name).collect();
        assert_eq!(names.len(), STEPS.len());
    }

    #[test]
    fn a_command_is_captured_with_its_errors_and_its_status() {
        let mut command = Command::new("sh");
        let (passed, output) = captured(command.args(["-c", "echo out; echo err >&2; exit 3"])).unwrap();
        assert_eq!((passed, output.as_str()), (false, "out\nerr\n"));
    }
}
