//! Opens files that others may have put there, and no pipe, which would be waited for, and no device, which has no end.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a file to read it.
#[cfg(feature = "registry")]
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    flags(&mut options, rustix::fs::OFlags::NONBLOCK)?;
    regular(options.read(true).open(path)?)
}

/// Opens a file to read it, and none that a link leads to.
#[cfg(unix)]
pub(crate) fn open_unlinked(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    let mut options = OpenOptions::new();
    flags(&mut options, OFlags::NONBLOCK | OFlags::NOFOLLOW)?;
    regular(options.read(true).open(path)?)
}

#[cfg(unix)]
fn flags(options: &mut OpenOptions, flags: rustix::fs::OFlags) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags(i32::try_from(flags.bits()).map_err(io::Error::other)?);
    Ok(())
}

fn regular(file: File) -> io::Result<File> {
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
    }
}

#[cfg(all(test, unix, feature = "registry"))]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_and_a_device_are_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link, pipe] = ["file", "link", "pipe"].map(|name| folder.path().join(name));
        std::fs::write(&file, "contents").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(open(&file).is_ok() && open(&link).is_ok());
        assert!(open_unlinked(&file).is_ok() && open_unlinked(&link).is_err());
        for other in [pipe.as_path(), Path::new("/dev/zero"), folder.path()] {
            assert!(open(other).is_err() && open_unlinked(other).is_err(), "{}", other.display());
        }
    }
}
