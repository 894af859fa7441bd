//! The state file of a sync: one JSON line for each step, on the disk before the step begins.
//!
//! It has no contact in it. When the input is read again, a row is known by its number, and the SHA-256 of
//! all bytes up to it shows that the input is the same.

use crate::error::Error;
use crate::files;
use crate::state::saved::{SavedState, Unread};
use crate::state::steps::Line;
use klaviyo_host::types::Code;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The file, locked while this exists. Without a file nothing is kept.
pub(crate) struct Journal {
    pub(crate) file: Option<(PathBuf, File)>,
}

impl Journal {
    /// Opens or creates the file, and reads it.
    pub(crate) fn open(path: Option<&Path>) -> Result<(Self, SavedState), Error> {
        let Some(path) = path else { return Ok((Self { file: None }, SavedState::default())) };
        let failed =
            |error: io::Error| Error::invalid(format!("cannot open the state {}: {error}", path.display()));
        let is_new = match std::fs::metadata(path) {
            Ok(metadata) => {
                files::regular(&metadata).map_err(failed)?;
                false
            }
            Err(_) => true,
        };
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(
                    Code::Conflict,
                    format!(
                        "another sync is at work with the state {}; wait until it has ended",
                        path.display()
                    ),
                ));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        if is_new {
            keep_entry(path).map_err(failed)?;
        }
        let (saved, whole) = SavedState::read(BufReader::new(&file)).map_err(|error| match error {
            Unread::Failed(error) => failed(error),
            Unread::NoJournal(reason) => {
                Error::invalid(format!("{} is not the state of a sync: {reason}", path.display()))
            }
        })?;
        // A line that the program or the machine did not finish: its step did not begin.
        if whole < file.metadata().map_err(failed)?.len() {
            file.set_len(whole).map_err(failed)?;
            file.seek(SeekFrom::End(0)).map_err(failed)?;
        }
        Ok((Self { file: Some((path.to_owned(), file)) }, saved))
    }

    /// Puts a line on the disk.
    pub(crate) fn write(&mut self, line: &Line) -> Result<(), Error> {
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        let written = serde_json::to_vec(line).map_err(io::Error::from).and_then(|mut text| {
            text.push(b'\n');
            file.write_all(&text)?;
            file.sync_data()
        });
        written.map_err(|error| Error::other(format!("cannot write the state {}: {error}", path.display())))
    }
}

/// Puts the name of a new file on the disk, by syncing its folder.
fn keep_entry(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Counts, Reason};
    use crate::state::steps::{Baseline, Begun, Finished, Sent};
    use std::collections::BTreeMap;

    fn begun() -> Begun {
        Begun::new(BTreeMap::from([("--list".to_owned(), "a".to_owned())]), None, String::new())
    }

    fn finished(batch: usize) -> Finished {
        Finished {
            batch,
            end: 10,
            bytes: 100,
            sha256: "00".to_owned(),
            report: 50,
            done: 8,
            refused: 1,
            failed: 1,
            warned: 1,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (mut journal, saved) = Journal::open(Some(&path)).unwrap();
        assert!(saved.begun.is_none());
        journal.write(&Line::Begun(begun())).unwrap();
        journal.write(&Line::Baseline(Baseline { after: Some("x".to_owned()), others: vec![] })).unwrap();
        let sent = Sent { batch: 0, jobs: vec![("j".to_owned(), 8)], ..Sent::default() };
        journal.write(&Line::Sent(sent)).unwrap();
        journal.write(&Line::Finished(finished(0))).unwrap();
        journal.write(&Line::Finished(finished(1))).unwrap();
        assert_eq!(Journal::open(Some(&path)).err().unwrap().error.code, Code::Conflict);
        drop(journal);
        let (_, saved) = Journal::open(Some(&path)).unwrap();
        assert_eq!(saved.counts, Counts { done: 16, refused: 2, failed: 2, warned: 2 });
        assert_eq!(saved.jobs().collect::<Vec<_>>(), ["j"]);
        assert_eq!(saved.positions().get(&10), Some(&(100, "00".to_owned())));
        assert!(!saved.complete);
    }

    #[test]
    fn a_torn_line_is_as_if_it_were_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let mut journal = Journal::open(Some(&path)).unwrap().0;
        journal.write(&Line::Begun(begun())).unwrap();
        journal.write(&Line::Finished(finished(0))).unwrap();
        drop(journal);
        let text = std::fs::read(&path).unwrap();
        let first = text.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for length in 0..=text.len() {
            std::fs::write(&path, &text[..length]).unwrap();
            let (mut journal, saved) = Journal::open(Some(&path)).unwrap();
            assert_eq!(
                (saved.begun.is_some(), saved.finished.is_some()),
                (length >= first, length == text.len())
            );
            if saved.begun.is_none() {
                journal.write(&Line::Begun(begun())).unwrap();
            }
            journal.write(&Line::Complete).unwrap();
            drop(journal);
            assert!(Journal::open(Some(&path)).unwrap().1.complete, "{length}");
        }
        std::fs::write(&path, [b"{\"torn\n".as_slice(), &text].concat()).unwrap();
        assert!(Journal::open(Some(&path)).is_err());
        std::fs::write(&path, "email,name\na@b.example,A\n").unwrap();
        assert!(Journal::open(Some(&path)).is_err());
        std::fs::write(&path, "email").unwrap();
        assert!(Journal::open(Some(&path)).is_err(), "somebody's file is not overwritten");
    }

    #[cfg(unix)]
    #[test]
    fn only_a_regular_file_is_a_state() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [Path::new("/dev/zero"), Path::new("/dev/null"), folder.path(), &socket] {
            let failure = Journal::open(Some(path)).err().unwrap();
            assert_eq!(failure.error.code, Code::InvalidInput, "{}", path.display());
        }
    }

    #[test]
    fn a_line_of_the_longest_reasons_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let mut journal = Journal::open(Some(&path)).unwrap().0;
        journal.write(&Line::Begun(begun())).unwrap();
        let words = "\u{1}".repeat(1_000);
        let refused = (0..10_000)
            .map(|row| {
                let Reason { field, reason } = Reason::new(&words, words.as_str());
                (row, field, reason)
            })
            .collect();
        journal.write(&Line::Sent(Sent { refused, ..Sent::default() })).unwrap();
        journal.write(&Line::Complete).unwrap();
        drop(journal);
        let saved = Journal::open(Some(&path)).unwrap().1;
        assert!(saved.complete && saved.sent.values().all(|sent| sent.refused.len() == 10_000));
    }
}
