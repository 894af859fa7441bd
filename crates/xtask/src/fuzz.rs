//! The fuzz targets: briefly, as a part of the tests; or one of them in libFuzzer, which looks for inputs that reach
//! new code.

use crate::command::{cargo, output, program, root, run};
use crate::program::{self, built};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The variable by which the program knows its target.
const TARGET: &str = "KLAVIYO_FUZZ_TARGET";
/// Where libFuzzer keeps its inputs: the seeds, those that reach new code, and new findings.
const FOLDER: &str = "target/fuzz";
/// Counters that libFuzzer reads: of edges, and of the values that are compared.
const FLAGS: [&str; 8] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Cforce-frame-pointers",
];
/// Seconds that one input may take, megabytes that the process may hold, and the longest input in bytes.
const LIMITS: [&str; 3] = ["-timeout=20", "-rss_limit_mb=4096", "-max_len=32768"];

/// Runs all targets on the same inputs each time.
pub(crate) fn test() -> Result<()> {
    run(&mut program(built("klaviyo-fuzz", "debug")))
}

/// Lets libFuzzer run each of the targets, or all of them, for so many seconds.
pub(crate) fn fuzz(targets: &[String], seconds: u32) -> Result<()> {
    program::build(false)?;
    let seeds = root().join(FOLDER).join("seeds");
    run(program(built("klaviyo-fuzz", "debug")).args(targets).arg("--write-seeds").arg(&seeds))?;
    let fuzzer = fuzzer()?;
    for target in if targets.is_empty() { names(&seeds)? } else { targets.to_vec() } {
        let own = |kind: &str| root().join(FOLDER).join(kind).join(&target);
        let (corpus, new) = (own("corpus"), own("new"));
        for folder in [&corpus, &new] {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        eprintln!("\n── {target}, for {seconds} s");
        let mut fuzzing = program(&fuzzer);
        fuzzing.env(TARGET, &target).args(LIMITS).arg(format!("-max_total_time={seconds}"));
        fuzzing.arg(format!("-artifact_prefix={}/", new.display())).arg(&corpus).arg(own("seeds"));
        run(&mut fuzzing).with_context(|| format!("{target} has a finding, in {}", new.display()))?;
    }
    Ok(())
}

/// Builds what libFuzzer runs, with all its dependencies, and returns the program.
fn fuzzer() -> Result<PathBuf> {
    let build = root().join(FOLDER).join("build");
    // With a triple, build scripts and macros have no counters.
    let version = output(program("rustc").arg("-vV")).context("rustc does not run")?;
    let triple = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc does not name its host")?;
    let mut cargo = cargo("build");
    cargo
        .args(["--package", "klaviyo-fuzz", "--profile", "fuzz", "--target", triple, "--target-dir"])
        .arg(&build);
    run(cargo.env("RUSTFLAGS", FLAGS.join(" ")).env("CARGO_INCREMENTAL", "0"))?;
    Ok(build.join(triple).join("fuzz/klaviyo-fuzz"))
}

/// The names of all targets, by the folders of their seeds.
fn names(seeds: &Path) -> Result<Vec<String>> {
    let folders = fs::read_dir(seeds).with_context(|| format!("cannot read {}", seeds.display()))?;
    let mut names: Vec<_> = folders
        .map(|folder| Ok(folder?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    names.sort();
    Ok(names)
}
