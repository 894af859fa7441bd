//! What an earlier run left in the state file.

use crate::outcome::Counts;
use crate::state::steps::{Baseline, Begun, Finished, Granted, Line, Planned, Sent, VERSION};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read};

/// The first bytes of every state.
const FIRST: &[u8] = br#"{"begun":"#;
/// Longer than any line: the longest has the reasons for the 10,000 contacts of an import, each of at most
/// 1,000 bytes before JSON escapes them.
const LINE_BYTES: usize = 64 << 20;

/// Why a file cannot be read as a state.
#[derive(Debug)]
pub(crate) enum Unread {
    Failed(io::Error),
    /// The file is not a state, or one of another version. The text says why.
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

/// The state of a sync after an earlier run.
#[derive(Debug, Default)]
pub(crate) struct SavedState {
    pub(crate) begun: Option<Begun>,
    pub(crate) baseline: Option<Baseline>,
    pub(crate) planned: BTreeMap<usize, Planned>,
    /// Batches that were planned, and that Klaviyo had not taken when the run ended.
    pub(crate) untaken: BTreeSet<usize>,
    /// By batch, and whether it is the import of those who do not consent.
    pub(crate) sent: BTreeMap<(usize, bool), Sent>,
    pub(crate) granted: BTreeMap<(usize, usize), Granted>,
    pub(crate) finished: Option<Finished>,
    pub(crate) counts: Counts,
    pub(crate) complete: bool,
}

impl SavedState {
    /// Reads a state, and returns how many bytes of it are whole lines.
    ///
    /// A file that is not a state is read no further than its first bytes, whatever its size. A torn first
    /// line is told from another file by these bytes too.
    pub(crate) fn read(mut text: impl BufRead) -> Result<(Self, u64), Unread> {
        let mut first = Vec::new();
        text.by_ref().take(FIRST.len() as u64).read_to_end(&mut first)?;
        if !FIRST.starts_with(&first) {
            return Err("it does not begin as one does".to_owned().into());
        }
        let mut text = first.as_slice().chain(text);
        let mut saved = Self::default();
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
                Ok(step) if ends => saved.add(step)?,
                // A torn last line, or the end.
                Ok(_) => break,
                Err(_) if is_last => break,
                Err(error) => return Err(format!("line {number}: {error}").into()),
            }
            whole += line.len() as u64;
        }
        Ok((saved, whole))
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

    /// The ids of all jobs of the sync.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = &str> {
        self.sent.values().flat_map(|sent| sent.jobs.iter().map(|(id, _)| id.as_str()))
    }

    /// The bytes and the SHA-256 of the input up to certain rows, by the number of the row.
    pub(crate) fn positions(&self) -> BTreeMap<u64, (u64, String)> {
        let planned =
            self.planned.values().map(|planned| (planned.end, (planned.bytes, planned.sha256.clone())));
        let finished = self.finished.iter().map(|last| (last.end, (last.bytes, last.sha256.clone())));
        planned.chain(finished).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

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
        let (saved, whole) = SavedState::read(lines.as_bytes()).unwrap();
        assert_eq!(whole, lines.len() as u64);
        assert_eq!(saved.counts, Counts { done: 2, refused: 1, failed: 0, warned: 0 });
        assert_eq!(saved.planned[&0].members, 0);
        assert!(saved.sent.contains_key(&(0, false)));
        // What says nothing is not written, so that a version of before reads it too.
        let planned = serde_json::to_string(&saved.planned[&0]).unwrap();
        assert!(
            !planned.contains("members")
                && !serde_json::to_string(&saved.sent[&(0, false)]).unwrap().contains("members")
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
            let unread = SavedState::read(BufReader::new(&mut endless)).err().unwrap();
            assert!(matches!(unread, Unread::NoJournal(_)), "{unread:?}");
            assert!(endless.1 <= most, "{beginning:?}: {}", endless.1);
        }
    }
}
