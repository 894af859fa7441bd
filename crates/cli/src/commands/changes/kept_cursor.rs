//! The file that keeps a cursor from one run to the next.

use crate::failure::Failure;
use klaviyo_host::types::Code;
use klaviyo_sync::files;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The most bytes of a file that are read. A cursor of 100,000 items has about 1.5 MB.
const MOST: u64 = 16 << 20;

/// The file, locked while this exists. Each new cursor is a new file that takes the place of the old one, so that a
/// whole one is there at any time.
pub(super) struct KeptCursor {
    path: PathBuf,
    file: File,
    /// None before the first cursor is written.
    cursor: Option<String>,
}

impl KeptCursor {
    /// Opens or creates the file, and reads it.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            Failure::invalid(None, &format!("cannot open the state {}: {error}", path.display()))
        };
        if let Ok(metadata) = path.metadata() {
            files::regular(&metadata).map_err(failed)?;
        }
        let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        // What a link leads to is replaced, and not the link.
        let path = path.canonicalize().map_err(failed)?;
        let is_locked = match file.try_lock() {
            // Whoever replaced it in between is at work.
            Ok(()) => files::identity_of(&file) == files::identity(&path),
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        };
        if !is_locked {
            let sentence =
                format!("another run is at work with the state {}; wait until it has ended", path.display());
            return Err(Failure::new(Code::Conflict, sentence));
        }
        let mut text = String::new();
        (&file).take(MOST).read_to_string(&mut text).map_err(failed)?;
        let cursor = Some(text.trim_end().to_owned()).filter(|cursor| !cursor.is_empty());
        Ok(Self { path, file, cursor })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// Puts a cursor on the disk.
    pub(super) fn keep(&mut self, cursor: &str) -> Result<(), Failure> {
        if self.cursor.as_deref() == Some(cursor) {
            return Ok(());
        }
        let file = self.replace(cursor).map_err(|error| {
            Failure::other(format!("cannot write the state {}: {error}", self.path.display()))
        })?;
        self.file = file;
        self.cursor = Some(cursor.to_owned());
        Ok(())
    }

    fn replace(&self, cursor: &str) -> io::Result<File> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(folder)?;
        // Before it has the name, by which another run opens it.
        file.as_file().try_lock().map_err(io::Error::from)?;
        writeln!(file, "{cursor}")?;
        file.as_file().set_permissions(self.file.metadata()?.permissions())?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(io::Error::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_by_the_next_run_and_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let mut kept = KeptCursor::open(&path).unwrap();
        assert_eq!(kept.cursor(), None);
        for cursor in ["one", "two"] {
            kept.keep(cursor).unwrap();
            assert_eq!(KeptCursor::open(&path).err().unwrap().error.code, Code::Conflict);
        }
        drop(kept);
        assert_eq!(KeptCursor::open(&path).unwrap().cursor(), Some("two"));
        let names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["state"]);
    }

    #[test]
    fn what_cannot_keep_a_cursor_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("no/state"), PathBuf::from("/dev/null")] {
            assert_eq!(
                KeptCursor::open(&path).err().unwrap().error.code,
                Code::InvalidInput,
                "{}",
                path.display()
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let [link, file] = ["link", "file"].map(|name| folder.path().join(name));
        std::fs::write(&file, "one\n").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mut kept = KeptCursor::open(&link).unwrap();
        assert_eq!(kept.cursor(), Some("one"));
        kept.keep("two").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "two\n");
    }
}
