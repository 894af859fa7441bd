//! What has been done so far, in the file of `--state`: a line of JSON for each step, on the disk before the step
//! that it announces begins.
//!
//! It has no contact in it. Where the input is read again, its rows are found by their number, and that they are the
//! same is known by the SHA-256 of all bytes before.

use super::frame::Place;
use super::outcome::{Counts, Why};
use crate::failure::Failure;
use crate::files;
use klaviyo_host::types::Code;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What this version writes and reads.
const VERSION: u32 = 1;
/// How a journal begins.
const FIRST: &[u8] = br#"{"begun":"#;
/// More than any line has: the longest one has the reasons of the 10,000 contacts of an import, each of 1,000 bytes at
/// most before they are written as JSON.
const LINE_BYTES: usize = 64 << 20;

/// A step.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Begun(Begun),
    Baseline(Baseline),
    Planned(Planned),
    Untaken(usize),
    Sent(Sent),
    Granted(Granted),
    Finished(Finished),
    Complete,
}

/// What the sync is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Begun {
    version: u32,
    /// What was asked for, by the name of the option. A sync that goes on has to have the same.
    options: BTreeMap<String, String>,
    /// The id of the list.
    pub(super) list: Option<String>,
    /// When it began, RFC 3339: what was consented to before is historical.
    pub(super) at: String,
}

/// The account's import jobs before the first of this sync.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Baseline {
    /// A job that is older than all that follow.
    pub(super) after: Option<String>,
    /// Jobs that are newer than that one, and not ours.
    pub(super) others: Vec<String>,
}

/// Rows that are about to be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Planned {
    pub(super) batch: usize,
    /// The number of rows of the input up to its last.
    pub(super) end: u64,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// How many of its rows are good, and how many of those go into an import.
    pub(super) good: usize,
    pub(super) import: usize,
    /// How many of those that do not consent go into an import of their own.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(super) members: usize,
}

/// What Klaviyo made of an import.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Sent {
    pub(super) batch: usize,
    /// Whether it is the import of those that do not consent.
    #[serde(default, skip_serializing_if = "is_not")]
    pub(super) members: bool,
    /// The jobs, and how many rows each has, in their order.
    pub(super) jobs: Vec<(String, usize)>,
    /// What Klaviyo refused at once.
    pub(super) refused: Vec<Refused>,
    /// Why it took none of it.
    pub(super) rejected: Option<String>,
}

/// A row that Klaviyo refused: its position among the good rows of its batch, the field, the reason.
pub(super) type Refused = (usize, String, String);

/// What Klaviyo made of a thousand consents.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Granted {
    pub(super) batch: usize,
    pub(super) chunk: usize,
    pub(super) refused: Vec<Refused>,
    pub(super) rejected: Option<String>,
}

/// Rows that have all ended, and are in the report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Finished {
    pub(super) batch: usize,
    pub(super) end: u64,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// How long the report is now.
    pub(super) report: u64,
    pub(super) done: u64,
    pub(super) refused: u64,
    pub(super) failed: u64,
    #[serde(default)]
    pub(super) warned: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_not(flag: &bool) -> bool {
    !*flag
}

/// Why a file was not read as a journal.
#[derive(Debug)]
enum Unread {
    Failed(io::Error),
    /// It is none, or not one for this version, for this reason.
    NoJournal(String),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<String> for Unread {
    fn from(reason: String) -> Self {
        Self::NoJournal(reason)
    }
}

/// What the journal of an earlier run says.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) begun: Option<Begun>,
    pub(super) baseline: Option<Baseline>,
    pub(super) planned: BTreeMap<usize, Planned>,
    /// Batches that were planned, and of which Klaviyo had nothing when the run ended.
    pub(super) untaken: BTreeSet<usize>,
    /// By batch, and whether it is of those that do not consent.
    pub(super) sent: BTreeMap<(usize, bool), Sent>,
    pub(super) granted: BTreeMap<(usize, usize), Granted>,
    pub(super) finished: Option<Finished>,
    pub(super) counts: Counts,
    pub(super) complete: bool,
}

/// The file, locked for as long as this is kept; or none, and nothing is kept.
pub(super) struct Journal {
    file: Option<(PathBuf, File)>,
}

impl Journal {
    /// Opens the file, or makes it, and reads what is in it.
    pub(super) fn open(path: Option<&Path>) -> Result<(Self, Past), Failure> {
        let Some(path) = path else { return Ok((Self { file: None }, Past::default())) };
        let failed = |error: io::Error| {
            Failure::invalid(None, &format!("cannot open the state {}: {error}", path.display()))
        };
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
                return Err(Failure::new(
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
        let (past, whole) = Past::read(BufReader::new(&file)).map_err(|error| match error {
            Unread::Failed(error) => failed(error),
            Unread::NoJournal(reason) => {
                Failure::invalid(None, &format!("{} is not the state of a sync: {reason}", path.display()))
            }
        })?;
        // A line that was being written when the program or the machine stopped: its step has not begun.
        if whole < file.metadata().map_err(failed)?.len() {
            file.set_len(whole).map_err(failed)?;
            file.seek(SeekFrom::End(0)).map_err(failed)?;
        }
        Ok((Self { file: Some((path.to_owned(), file)) }, past))
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|(path, _)| path.as_path())
    }

    pub(super) fn begun(&mut self, begun: Begun) -> Result<(), Failure> {
        self.write(&Line::Begun(begun))
    }

    pub(super) fn baseline(&mut self, baseline: Baseline) -> Result<(), Failure> {
        self.write(&Line::Baseline(baseline))
    }

    pub(super) fn planned(&mut self, planned: Planned) -> Result<(), Failure> {
        self.write(&Line::Planned(planned))
    }

    pub(super) fn untaken(&mut self, batch: usize) -> Result<(), Failure> {
        self.write(&Line::Untaken(batch))
    }

    pub(super) fn sent(&mut self, sent: Sent) -> Result<(), Failure> {
        self.write(&Line::Sent(sent))
    }

    pub(super) fn granted(&mut self, granted: Granted) -> Result<(), Failure> {
        self.write(&Line::Granted(granted))
    }

    pub(super) fn finished(&mut self, finished: Finished) -> Result<(), Failure> {
        self.write(&Line::Finished(finished))
    }

    pub(super) fn complete(&mut self) -> Result<(), Failure> {
        self.write(&Line::Complete)
    }

    fn write(&mut self, line: &Line) -> Result<(), Failure> {
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        let written = serde_json::to_vec(line).map_err(io::Error::from).and_then(|mut text| {
            text.push(b'\n');
            file.write_all(&text)?;
            file.sync_data()
        });
        written.map_err(|error| Failure::other(format!("cannot write the state {}: {error}", path.display())))
    }
}

/// The name of a new file is on the disk when its folder is.
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

impl Begun {
    pub(super) fn new(options: BTreeMap<String, String>, list: Option<String>, at: String) -> Self {
        Self { version: VERSION, options, list, at }
    }

    /// What is asked for otherwise than it was.
    pub(super) fn difference(&self, options: &BTreeMap<String, String>) -> Option<String> {
        let names = self.options.keys().chain(options.keys());
        let shown = |name: &str, value: Option<&String>| match value {
            None => format!("without {name}"),
            Some(value) if value.is_empty() => format!("with {name}"),
            Some(value) => format!("with {name} {value}"),
        };
        names.into_iter().find(|name| self.options.get(*name) != options.get(*name)).map(|name| {
            let (before, now) = (shown(name, self.options.get(name)), shown(name, options.get(name)));
            format!("it was begun {before}, and this is {now}")
        })
    }
}

impl Past {
    /// Reads lines, and says how many bytes of them are whole.
    ///
    /// What is no journal is not read further than its first bytes, whatever its size. A first line that is torn is told
    /// from somebody else's file by them too.
    fn read(mut text: impl BufRead) -> Result<(Self, u64), Unread> {
        let mut first = Vec::new();
        text.by_ref().take(FIRST.len() as u64).read_to_end(&mut first)?;
        if !FIRST.starts_with(&first) {
            return Err("it does not begin as one does".to_owned().into());
        }
        let mut text = first.as_slice().chain(text);
        let mut past = Self::default();
        let mut whole = 0;
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            text.by_ref().take(LINE_BYTES as u64).read_until(b'\n', &mut line)?;
            let ends = line.ends_with(b"\n");
            let is_last = text.fill_buf()?.is_empty();
            if !ends && !is_last {
                return Err(format!("line {number} is longer than {} MB", LINE_BYTES >> 20).into());
            }
            match serde_json::from_slice(&line) {
                Ok(step) if ends => past.add(step)?,
                // The last one, or there is none.
                Ok(_) => break,
                Err(_) if is_last => break,
                Err(error) => return Err(format!("line {number}: {error}").into()),
            }
            whole += line.len() as u64;
        }
        Ok((past, whole))
    }

    fn add(&mut self, line: Line) -> Result<(), String> {
        match line {
            Line::Begun(begun) if begun.version != VERSION => {
                return Err(format!("it is of version {}, and this program knows {VERSION}", begun.version));
            }
            Line::Begun(begun) => self.begun = Some(begun),
            Line::Baseline(baseline) => self.baseline = Some(baseline),
            Line::Planned(planned) => {
                self.untaken.remove(&planned.batch);
                self.planned.insert(planned.batch, planned);
            }
            Line::Untaken(batch) => {
                self.untaken.insert(batch);
            }
            Line::Sent(sent) => {
                self.sent.insert((sent.batch, sent.members), sent);
            }
            Line::Granted(granted) => {
                self.granted.insert((granted.batch, granted.chunk), granted);
            }
            Line::Finished(finished) => {
                self.counts.done += finished.done;
                self.counts.refused += finished.refused;
                self.counts.failed += finished.failed;
                self.counts.warned += finished.warned;
                self.finished = Some(finished);
            }
            Line::Complete => self.complete = true,
        }
        Ok(())
    }

    /// The ids of all jobs of this sync.
    pub(super) fn jobs(&self) -> impl Iterator<Item = &str> {
        self.sent.values().flat_map(|sent| sent.jobs.iter().map(|(id, _)| id.as_str()))
    }

    /// What the input was up to certain rows, by the number of the row.
    pub(super) fn places(&self) -> BTreeMap<u64, (u64, String)> {
        let planned =
            self.planned.values().map(|planned| (planned.end, (planned.bytes, planned.sha256.clone())));
        let finished = self.finished.iter().map(|last| (last.end, (last.bytes, last.sha256.clone())));
        planned.chain(finished).collect()
    }
}

/// A digest in letters.
pub(super) fn hex(place: &Place) -> String {
    place.digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A refusal for the journal, and back.
pub(super) fn noted((row, why): &(usize, Why)) -> Refused {
    (*row, why.field.clone(), why.reason.clone())
}

pub(super) fn remembered((row, field, reason): &Refused) -> (usize, Why) {
    (*row, Why::new(field, reason.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let (mut journal, past) = Journal::open(Some(&path)).unwrap();
        assert!(past.begun.is_none());
        journal.begun(begun()).unwrap();
        journal.baseline(Baseline { after: Some("x".to_owned()), others: vec![] }).unwrap();
        let sent = Sent { batch: 0, jobs: vec![("j".to_owned(), 8)], ..Sent::default() };
        journal.sent(sent).unwrap();
        journal.finished(finished(0)).unwrap();
        journal.finished(finished(1)).unwrap();
        assert_eq!(Journal::open(Some(&path)).err().unwrap().error.code, Code::Conflict);
        drop(journal);
        let (_, past) = Journal::open(Some(&path)).unwrap();
        assert_eq!(past.counts, Counts { done: 16, refused: 2, failed: 2, warned: 2 });
        assert_eq!(past.jobs().collect::<Vec<_>>(), ["j"]);
        assert_eq!(past.places().get(&10), Some(&(100, "00".to_owned())));
        assert!(!past.complete);
    }

    #[test]
    fn a_torn_line_is_as_if_it_were_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let mut journal = Journal::open(Some(&path)).unwrap().0;
        journal.begun(begun()).unwrap();
        journal.finished(finished(0)).unwrap();
        drop(journal);
        let text = std::fs::read(&path).unwrap();
        let first = text.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for length in 0..=text.len() {
            std::fs::write(&path, &text[..length]).unwrap();
            let (mut journal, past) = Journal::open(Some(&path)).unwrap();
            assert_eq!(
                (past.begun.is_some(), past.finished.is_some()),
                (length >= first, length == text.len())
            );
            if past.begun.is_none() {
                journal.begun(begun()).unwrap();
            }
            journal.complete().unwrap();
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

    /// As a version without imports of those who do not consent wrote it.
    #[test]
    fn a_journal_of_before_is_read() {
        let lines = concat!(
            r#"{"begun":{"version":1,"options":{"--consent":"email","--format":"csv"},"list":"a","at":"2026-01-01T00:00:00Z"}}"#,
            "\n",
            r#"{"planned":{"batch":0,"end":3,"bytes":9,"sha256":"00","good":2,"import":1}}"#,
            "\n",
            r#"{"sent":{"batch":0,"jobs":[["j",1]],"refused":[],"rejected":null}}"#,
            "\n",
            r#"{"granted":{"batch":0,"chunk":0,"refused":[],"rejected":null}}"#,
            "\n",
            r#"{"finished":{"batch":0,"end":3,"bytes":9,"sha256":"00","report":5,"done":2,"refused":1,"failed":0}}"#,
            "\n",
        );
        let (past, whole) = Past::read(lines.as_bytes()).unwrap();
        assert_eq!(whole, lines.len() as u64);
        assert_eq!(past.counts, Counts { done: 2, refused: 1, failed: 0, warned: 0 });
        assert_eq!(past.planned[&0].members, 0);
        assert!(past.sent.contains_key(&(0, false)));
        // What says nothing is not written, so that a version of before reads it too.
        let planned = serde_json::to_string(&past.planned[&0]).unwrap();
        assert!(
            !planned.contains("members")
                && !serde_json::to_string(&past.sent[&(0, false)]).unwrap().contains("members")
        );
    }

    /// Zeros without end after a beginning, and how many of them were read.
    struct Endless<'a>(&'a [u8], usize);

    impl Read for Endless<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let begun = self.0.read(buffer)?;
            if begun > 0 {
                return Ok(begun);
            }
            buffer.fill(0);
            self.1 += buffer.len();
            Ok(buffer.len())
        }
    }

    #[test]
    fn what_is_no_journal_is_not_read_to_its_end() {
        for (beginning, most) in
            [("", 1 << 20), ("email,name\n", 1 << 20), (r#"{"begun":{"version":1"#, LINE_BYTES + (1 << 20))]
        {
            let mut endless = Endless(beginning.as_bytes(), 0);
            let unread = Past::read(BufReader::new(&mut endless)).err().unwrap();
            assert!(matches!(unread, Unread::NoJournal(_)), "{unread:?}");
            assert!(endless.1 <= most, "{beginning:?}: {}", endless.1);
        }
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
        journal.begun(begun()).unwrap();
        let words = "\u{1}".repeat(1_000);
        let refused = (0..10_000).map(|row| noted(&(row, Why::new(&words, words.as_str())))).collect();
        journal.sent(Sent { refused, ..Sent::default() }).unwrap();
        journal.complete().unwrap();
        drop(journal);
        let past = Journal::open(Some(&path)).unwrap().1;
        assert!(past.complete && past.sent.values().all(|sent| sent.refused.len() == 10_000));
    }

    #[test]
    fn other_options_are_named() {
        let other = |list: &[&str]| {
            let options = list.iter().map(|value| ("--list".to_owned(), (*value).to_owned())).collect();
            begun().difference(&options)
        };
        assert_eq!(other(&["a"]), None);
        assert_eq!(other(&["b"]).unwrap(), "it was begun with --list a, and this is with --list b");
        assert_eq!(other(&[]).unwrap(), "it was begun with --list a, and this is without --list");
    }
}
