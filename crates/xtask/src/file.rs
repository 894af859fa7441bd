//! Replaces files that another process may read or run meanwhile: the new file is written beside the old one,
//! and then takes its place.

use anyhow::{Context, Result};
use std::io::Write;
use std::path::Path;
use tempfile::NamedTempFile;

/// Writes a file, whole. A program that reads or runs the one that was there keeps it.
pub(crate) fn write(path: &Path, contents: &[u8]) -> Result<()> {
    replace(path, |file| file.as_file_mut().write_all(contents))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Copies a file, with its permissions, in the same manner.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    replace(to, |file| std::fs::copy(from, file.path()).map(|_| ()))
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

fn replace(path: &Path, fill: impl FnOnce(&mut NamedTempFile) -> std::io::Result<()>) -> Result<()> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any new file, less what the umask takes.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(path.parent().context("a file has a folder")?)?;
    fill(&mut file)?;
    // Closed first: a program that is open for writing cannot be run.
    file.into_temp_path().persist(path)?;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Stdio};

    #[test]
    fn a_program_that_runs_can_be_replaced_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        copy(Path::new("/bin/cat"), &path).unwrap();
        let mut running = Command::new(&path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        copy(Path::new("/bin/true"), &path).unwrap();
        assert!(Command::new(&path).stdin(Stdio::piped()).output().unwrap().stdout.is_empty());
        running.stdin.take().unwrap().write_all(b"still here").unwrap();
        assert_eq!(running.wait_with_output().unwrap().stdout, b"still here");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn who_reads_a_file_that_is_written_reads_one_of_the_two() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"first").unwrap();
        let mut reader = std::fs::File::open(&path).unwrap();
        write(&path, b"2").unwrap();
        let mut read = String::new();
        reader.read_to_string(&mut read).unwrap();
        assert_eq!((read.as_str(), std::fs::read(&path).unwrap().as_slice()), ("first", &b"2"[..]));
        // Others can read it as they could any new file.
        let usual = folder.path().join("usual");
        std::fs::write(&usual, b"").unwrap();
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(path), mode(usual));
    }
}
