//! Reading the file of a secret, whatever kind of file it is.

use super::invalid::InvalidSecret;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// The largest file, in bytes: larger than any secret.
const LARGEST: u64 = 4096;

/// A file that was read.
pub(super) struct Contents {
    pub(super) text: Zeroizing<String>,
    /// Whether everybody on this machine can read the file.
    pub(super) is_exposed: bool,
}

/// Why a file was not read.
#[derive(Debug)]
pub(super) enum Unread {
    /// The system has refused, perhaps for a moment only.
    Io(io::Error),
    /// The file cannot be a secret.
    Invalid(InvalidSecret),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads a small regular file, through links. It does not wait for a writer, as reading a FIFO does, but as
/// long as the file system does.
pub(super) fn read_file(path: &Path) -> Result<Contents, Unread> {
    let file = open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Unread::Invalid(InvalidSecret::NotAFile));
    }
    // The size is not in the metadata of every file: files of the kernel have 0.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST as usize + 1));
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Unread::Invalid(InvalidSecret::Large(LARGEST)));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| Unread::Invalid(InvalidSecret::NotText))?;
    Ok(Contents { text: Zeroizing::new(text.to_owned()), is_exposed: is_exposed(&metadata) })
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    // With these flags a FIFO without a writer opens at once, and a terminal does not become the process's
    // own.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

#[cfg(unix)]
fn is_exposed(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    // The group's permissions are the operator's choice: Kubernetes gives a pod its secrets by the pod's
    // group.
    metadata.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn is_exposed(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_small_regular_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, vec![b'x'; 4096]).unwrap();
        assert_eq!(read_file(&path).unwrap().text.len(), 4096);
        std::fs::write(&path, vec![b'x'; 4097]).unwrap();
        assert!(matches!(read_file(&path), Err(Unread::Invalid(InvalidSecret::Large(4096)))));
        std::fs::write(&path, b"\xff").unwrap();
        assert!(matches!(read_file(&path), Err(Unread::Invalid(InvalidSecret::NotText))));
        assert!(matches!(read_file(&folder.path().join("none")), Err(Unread::Io(_))));
        #[cfg(unix)]
        {
            assert!(matches!(read_file(folder.path()), Err(Unread::Invalid(InvalidSecret::NotAFile))));
            assert!(matches!(
                read_file(Path::new("/dev/zero")),
                Err(Unread::Invalid(InvalidSecret::NotAFile))
            ));
        }
    }

    #[cfg(unix)]
    #[test]
    fn nobody_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        assert!(matches!(read_file(&fifo), Err(Unread::Invalid(InvalidSecret::NotAFile))));
    }

    #[cfg(unix)]
    #[test]
    fn what_everybody_can_read_is_told_from_what_a_group_can() {
        use std::fs::Permissions;
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, expected) in [(0o600, false), (0o440, false), (0o644, true), (0o604, true)] {
            std::fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(read_file(file.path()).unwrap().is_exposed, expected, "{mode:o}");
        }
    }
}
