//! The report: a line for each row of the input, in its order.

use super::outcome::{Counts, Outcome};
use crate::failure::Failure;
use crate::files;
use crate::text::clean_cell;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// How many rows that are not done are told of at the end.
const TOLD: usize = 10;

/// What has become of the rows so far.
pub(super) struct Ledger {
    report: Option<(PathBuf, csv::Writer<File>)>,
    pub(super) counts: Counts,
    /// The first that are not done, of this run, and the first that are done and of which something is said.
    not_done: Vec<String>,
    warned: Vec<String>,
}

impl Ledger {
    /// Begins a report, or goes on with one after so many bytes. One that keeps no bytes, such as a pipe, begins in
    /// every run.
    pub(super) fn open(path: Option<&Path>, length: Option<u64>, counts: Counts) -> Result<Self, Failure> {
        let report = match path {
            None => None,
            Some(path) => {
                let opened = match length {
                    None | Some(0) => begin(path),
                    Some(length) => go_on(path, length),
                };
                let report = opened.map_err(|error| {
                    Failure::invalid(None, &format!("cannot write the report {}: {error}", path.display()))
                })?;
                Some((path.to_owned(), report))
            }
        };
        Ok(Self { report, counts, not_done: Vec::new(), warned: Vec::new() })
    }

    /// A row has ended.
    pub(super) fn write(&mut self, line: u64, outcome: &Outcome) -> Result<(), Failure> {
        self.counts.add(outcome);
        let (field, reason) = outcome.words();
        let told = if matches!(outcome, Outcome::Done(_)) { &mut self.warned } else { &mut self.not_done };
        if !reason.is_empty() && told.len() < TOLD {
            let field = if field.is_empty() { String::new() } else { format!("{field}: ") };
            told.push(format!("line {line}: {}: {field}{reason}", outcome.name()));
        }
        let Some((path, report)) = &mut self.report else { return Ok(()) };
        let (field, reason) = (clean_cell(field), clean_cell(reason));
        let written = report.write_record([line.to_string().as_str(), outcome.name(), &field, &reason]);
        written.map_err(|error| unwritable(path, &error.into()))
    }

    /// The first rows of which there is something to say.
    pub(super) fn told(&mut self) -> Vec<String> {
        let mut told = std::mem::take(&mut self.not_done);
        told.append(&mut self.warned);
        told
    }

    /// Puts all of it on the disk, and tells how long the report is. What is not on a disk, such as a pipe, is 0 long.
    pub(super) fn keep(&mut self) -> Result<u64, Failure> {
        let Some((path, report)) = &mut self.report else { return Ok(0) };
        let kept = report.flush().and_then(|()| {
            let file = report.get_ref();
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                return Ok(0);
            }
            file.sync_data()?;
            Ok(metadata.len())
        });
        kept.map_err(|error| unwritable(path, &error))
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::other(format!("cannot write the report {}: {error}", path.display()))
}

fn begin(path: &Path) -> io::Result<csv::Writer<File>> {
    let mut report = csv::Writer::from_writer(File::create(path)?);
    report.write_record(["line", "outcome", "field", "reason"])?;
    report.flush()?;
    Ok(report)
}

fn go_on(path: &Path, length: u64) -> io::Result<csv::Writer<File>> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    let metadata = file.metadata()?;
    files::regular(&metadata)?;
    if metadata.len() < length {
        return Err(io::Error::other("it is shorter than the state says; was it changed?"));
    }
    file.set_len(length)?;
    file.seek(SeekFrom::End(0))?;
    Ok(csv::Writer::from_writer(file))
}
