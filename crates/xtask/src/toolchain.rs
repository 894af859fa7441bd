//! What compiles to `wasm32-unknown-unknown`, and how to get it where it is missing.
//!
//! On a machine with rustup, the target is one download. Elsewhere (a distribution's Rust, an offline mirror)
//! the standard library is built from source by a rustc that has its source beside it.

use crate::command::{cargo, output, program, root, run};
use anyhow::{Result, bail, ensure};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's packages of a Rust that is new enough and has its source.
const DEBIAN: &[&str] = &["cargo-web", "rustc-web", "rust-web-src"];
/// Debian's linker, where no toolchain of rustup's has one.
const DEBIAN_LINKER: &str = "lld";

/// A way to compile to [`TARGET`].
pub(crate) enum Toolchain {
    /// The Rust that runs this task has the target.
    Installed,
    /// The standard library is compiled along.
    BuildStd { cargo: PathBuf, rustc: PathBuf, linker: PathBuf },
}

impl Toolchain {
    /// The cargo command to build with; `rustflags` are the caller's.
    pub(crate) fn cargo_build(&self, rustflags: &[String]) -> Command {
        let mut flags = rustflags.to_vec();
        let mut command = match self {
            Self::Installed => cargo("build"),
            Self::BuildStd { cargo, .. } => {
                let mut command = program(cargo);
                command.args(["build", "--locked"]);
                command
            }
        };
        forget_settings(&mut command, std::env::vars_os().map(|(name, _)| name));
        command.args(["--target", TARGET]);
        if let Self::BuildStd { rustc, linker, .. } = self {
            // Building the standard library is an unstable option; this lets a stable compiler have it.
            command.env("RUSTC_BOOTSTRAP", "1").env("RUSTC", rustc).env_remove("RUSTUP_TOOLCHAIN");
            command.arg("-Zbuild-std=std,panic_abort");
            flags.push(format!("-Clinker={}", linker.display()));
        }
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
        command
    }
}

/// A subcommand of cargo that makes the same bytes wherever it runs, for a target that is installed.
pub(crate) fn reproducible(subcommand: &str, rustflags: &[String]) -> Command {
    let mut command = cargo(subcommand);
    forget_settings(&mut command, std::env::vars_os().map(|(name, _)| name));
    command.env("CARGO_ENCODED_RUSTFLAGS", rustflags.join("\u{1f}"));
    command
}

/// Takes paths of this machine out of what is compiled: in the messages of panics they would make the file larger, and
/// another one on every machine.
pub(crate) fn without_paths() -> Vec<String> {
    let home = std::env::var("CARGO_HOME")
        .or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")))
        .unwrap_or_default();
    vec![
        format!("--remap-path-prefix={}=", root().display()),
        format!("--remap-path-prefix={home}/registry/src="),
    ]
}

/// What the caller's environment says about other builds must not change the component.
fn forget_settings(command: &mut Command, environment: impl Iterator<Item = OsString>) {
    const NAMES: &[&str] = &[
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_INCREMENTAL",
        "RUSTC",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_WRAPPER",
        "RUSTFLAGS",
    ];
    const PREFIXES: &[&str] = &["CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_", "CARGO_UNSTABLE_"];
    for name in environment {
        let text = name.to_string_lossy();
        if NAMES.contains(&&*text) || PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
}

/// Finds a toolchain, and installs one where there is none.
pub(crate) fn set_up() -> Result<Toolchain> {
    if has_target(TARGET) {
        return Ok(Toolchain::Installed);
    }
    if output(program("rustup").arg("--version")).is_some() {
        if add_target(TARGET) {
            return Ok(Toolchain::Installed);
        }
        eprintln!(
            "xtask: rustup cannot install it; looking for a Rust that has the standard library's source"
        );
    }
    if let Some(toolchain) = with_source() {
        return Ok(toolchain);
    }
    install_from_debian()?;
    match with_source() {
        Some(toolchain) => Ok(toolchain),
        None => bail!("the installed packages ({}) do not have what is needed", DEBIAN.join(", ")),
    }
}

/// Installs another target, where it is missing.
pub(crate) fn need(target: &str) -> Result<()> {
    ensure!(
        has_target(target) || add_target(target),
        "there is no Rust here that compiles to {target}; run `rustup target add {target}`"
    );
    Ok(())
}

fn add_target(target: &str) -> bool {
    eprintln!("xtask: the target {target} is missing; running `rustup target add {target}`");
    // What rustup prints when it cannot is long, and there may be another way.
    output(program("rustup").args(["target", "add", target])).is_some() && has_target(target)
}

fn has_target(target: &str) -> bool {
    let mut rustc = program("rustc");
    rustc.args(["--print", "target-libdir", "--target", target]);
    output(&mut rustc).is_some_and(|folder| Path::new(&folder).is_dir())
}

/// The Rust that runs this task, or the distribution's, if it has the source of its standard library.
fn with_source() -> Option<Toolchain> {
    let linker = linker()?;
    [("cargo", "rustc"), ("/usr/bin/cargo", "/usr/bin/rustc")].into_iter().find_map(|(cargo, rustc)| {
        let sysroot = PathBuf::from(output(program(rustc).args(["--print", "sysroot"]))?);
        if !sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml").is_file() {
            return None;
        }
        // The compiler itself rather than rustup's stand-in for it, which would choose another one.
        let rustc = sysroot.join("bin/rustc");
        eprintln!("xtask: building the standard library with {}", rustc.display());
        Some(Toolchain::BuildStd { cargo: cargo.into(), rustc, linker: linker.clone() })
    })
}

/// `rust-lld` of any toolchain, else the newest `wasm-ld` of the system.
fn linker() -> Option<PathBuf> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let mut paths: Vec<_> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
        paths.sort();
        paths
    };
    let home = std::env::var_os("RUSTUP_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".rustup")))?;
    let of_rustup = entries(&home.join("toolchains"))
        .into_iter()
        .flat_map(|toolchain| entries(&toolchain.join("lib/rustlib")))
        .map(|platform| platform.join("bin/rust-lld"))
        .find(|linker| linker.is_file());
    let of_system = || {
        entries(Path::new("/usr/bin"))
            .into_iter()
            .rfind(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("wasm-ld")))
    };
    of_rustup.or_else(of_system)
}

fn install_from_debian() -> Result<()> {
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(DEBIAN);
    if linker().is_none() {
        install.push(DEBIAN_LINKER);
    }
    let shown = format!("apt-get {}", install.join(" "));
    let root = output(program("id").arg("-u")).is_some_and(|id| id == "0");
    if !root || output(program("apt-get").arg("--version")).is_none() {
        bail!(
            "there is no Rust here that compiles to {TARGET}; run `rustup target add {TARGET}`, or on Debian, as \
             root, `{shown}`"
        );
    }
    eprintln!("xtask: running `{shown}`");
    run(program("apt-get").args(["update", "--quiet"]))?;
    run(program("apt-get").args(install))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_for_other_builds_are_forgotten() {
        let forgotten = [
            "CARGO_BUILD_RUSTFLAGS",
            "CARGO_BUILD_TARGET",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_TARGET_DIR",
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
            "RUSTC_WRAPPER",
            "RUSTFLAGS",
        ];
        let kept =
            ["CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_TERM_COLOR", "HOME", "PATH", "RUSTUP_TOOLCHAIN"];
        let mut command = Command::new("cargo");
        forget_settings(&mut command, forgotten.into_iter().chain(kept).map(OsString::from));
        let removed: Vec<_> = command.get_envs().map(|(name, value)| (name.to_str(), value)).collect();
        assert_eq!(removed, forgotten.map(|name| (Some(name), None)));
    }

    #[test]
    fn only_the_given_flags_reach_the_compiler() {
        let flags = ["-Ca=b".to_owned(), "--c d".to_owned()];
        let command = Toolchain::Installed.cargo_build(&flags);
        let set = command.get_envs().find(|(name, _)| *name == "CARGO_ENCODED_RUSTFLAGS");
        assert_eq!(set.and_then(|(_, value)| value?.to_str()), Some("-Ca=b\u{1f}--c d"));
    }
}
