//! The command as one file that runs on any Linux of its kind: static, with musl, and the component inside; and as a
//! Debian package.

use super::archive::{Archive, PROGRAM, TEXT};
use super::{deb, shell};
use crate::command::{root, run};
use crate::licences;
use crate::program::component;
use crate::runtimes::place;
use crate::toolchain;
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// What it is compiled for.
pub(super) const TARGET: &str = "x86_64-unknown-linux-musl";
/// The C compiler for it, which the code for cryptography needs.
const COMPILER: &str = "x86_64-linux-musl-gcc";
/// Where cargo builds it. What this machine runs meanwhile is compiled once more here, in the folder of the target's name.
const FOLDER: &str = "target/musl";

/// How its files end. The one is the program in an archive, the other the Debian package.
pub(super) const ARCHIVE: &str = "-x86_64-linux.tar.gz";
pub(super) const DEBIAN: &str = "_amd64.deb";

/// musl's licence, which is in no crate.
const MUSL: &str = "
Besides, it has parts of musl, https://musl.libc.org, MIT:

Copyright © 2005-2020 Rich Felker, et al.

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the \"Software\"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
";

/// What both files have.
pub(super) struct Contents {
    pub(super) program: Vec<u8>,
    /// The licences of the crates in it.
    pub(super) licences: String,
    pub(super) shared: Vec<shell::Shared>,
}

/// Writes both, dated by seconds since 1970.
pub(super) fn write(folder: &Path, date: &str) -> Result<()> {
    let licences = std::fs::read_to_string(licences::path("klaviyo-connector"))?;
    let contents = Contents { program: program()?, licences: licences + MUSL, shared: shell::files()? };
    let version = env!("CARGO_PKG_VERSION");
    let mut archive = Archive::new(date)?;
    archive.add("klaviyo-connector", PROGRAM, &contents.program)?;
    archive.add("LICENSE", TEXT, &std::fs::read(root().join("LICENSE"))?)?;
    archive.add("LICENCES.txt", TEXT, contents.licences.as_bytes())?;
    for shell::Shared { path, contents } in &contents.shared {
        archive.add(&format!("share/{path}"), TEXT, contents)?;
    }
    std::fs::write(folder.join(format!("klaviyo-connector-{version}{ARCHIVE}")), archive.finish()?)?;
    std::fs::write(
        folder.join(format!("klaviyo-connector_{version}{DEBIAN}")),
        deb::package(&contents, date)?,
    )?;
    Ok(())
}

/// Builds the program.
fn program() -> Result<Vec<u8>> {
    toolchain::need(TARGET)?;
    ensure!(
        place(COMPILER).is_some(),
        "there is no {COMPILER}, which compiles C for a static command: on Debian, `apt-get install musl-tools`"
    );
    let mut build = toolchain::reproducible("build", &toolchain::without_paths());
    build.args(["--package=klaviyo-cli", "--features=klaviyo-cli/embedded", "--release", "--target", TARGET]);
    build.args(["--target-dir", FOLDER]).env("KLAVIYO_COMPONENT", component());
    // Names of functions are a third of the file.
    run(build.env("CARGO_PROFILE_RELEASE_STRIP", "symbols"))?;
    let built = root().join(FOLDER).join(TARGET).join("release/klaviyo-connector");
    let program = std::fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    ensure!(!asks_for_loader(&program), "{} needs libraries of the machine that it runs on", built.display());
    Ok(program)
}

/// Whether a program, an ELF file of 64 bits, names who loads the libraries that it needs.
fn asks_for_loader(program: &[u8]) -> bool {
    const INTERPRETER: usize = 3;
    let number = |at: usize, length: usize| {
        let bytes = program.get(at..at.checked_add(length)?)?;
        Some(bytes.iter().rev().fold(0_usize, |number, byte| (number << 8) | usize::from(*byte)))
    };
    let headers = || Some((number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?));
    let Some((first, size, count)) = headers() else { return false };
    (0..count).any(|index| number(first + index * size, 4) == Some(INTERPRETER))
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_needs_a_loader_is_told_from_others() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(asks_for_loader(&own));
        // Its first header of that kind is another one now.
        let at =
            (0..own.len()).step_by(8).find(|at| own[*at..].starts_with(&[3, 0, 0, 0, 4, 0, 0, 0])).unwrap();
        let mut other = own;
        other[at] = 4;
        assert!(!asks_for_loader(&other));
        assert!(!asks_for_loader(b"short"));
    }
}
