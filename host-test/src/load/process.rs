//! The command as a process, and the memory of processes.

use anyhow::{Context, Result, ensure};
use std::path::PathBuf;

/// `klaviyo-connector`, which is built beside this program.
pub(super) fn program() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let program = own.with_file_name(format!("klaviyo-connector{}", std::env::consts::EXE_SUFFIX));
    ensure!(program.exists(), "there is no {}; `cargo xtask` builds it", program.display());
    Ok(program)
}

/// The most memory that a process has had so far, in kilobytes: the high water mark that Linux keeps.
pub(super) fn peak(process: u32) -> Result<u64> {
    kilobytes(&process.to_string(), "VmHWM")
}

/// The memory that this process has, in kilobytes.
pub(super) fn resident() -> Result<u64> {
    kilobytes("self", "VmRSS")
}

fn kilobytes(process: &str, name: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = value.and_then(|value| value.split_whitespace().next());
    Ok(number.with_context(|| format!("there is no {name}"))?.parse()?)
}
