//! The report of a sync: one line of CSV for each row of the input, in its order.

use crate::cell::clean_cell;
use crate::error::Error;
use crate::files;
use crate::outcome::{Counts, Reason, RowOutcome};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The counts of a sync, and the report file if there is one.
pub(crate) struct Report {
    file: Option<(PathBuf, csv::Writer<File>)>,
    pub(crate) counts: Counts,
}

impl Report {
    /// Begins a report, or goes on with one after so many bytes. A pipe keeps no bytes, so its report begins
    /// in every run.
    pub(crate) fn open(path: Option<&Path>, length: Option<u64>, counts: Counts) -> Result<Self, Error> {
        let Some(path) = path else { return Ok(Self { file: None, counts }) };
        let opened = match length {
            None | Some(0) => begin(path),
            Some(length) => go_on(path, length),
        };
        let file = opened.map_err(|error| {
            Error::invalid(format!("cannot write the report {}: {error}", path.display()))
        })?;
        Ok(Self { file: Some((path.to_owned(), file)), counts })
    }

    /// A row has ended.
    pub(crate) fn write(&mut self, line: u64, outcome: &RowOutcome) -> Result<(), Error> {
        self.counts.add(outcome);
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        let Reason { field, reason } = outcome.reason();
        let (field, reason) = (clean_cell(field), clean_cell(reason));
        let written = file.write_record([line.to_string().as_str(), outcome.as_ref(), &field, &reason]);
        written.map_err(|error| unwritable(path, &error.into()))
    }

    /// Puts the whole report on the disk, and returns its length. A pipe has the length 0.
    pub(crate) fn keep(&mut self) -> Result<u64, Error> {
        let Some((path, file)) = &mut self.file else { return Ok(0) };
        let kept = file.flush().and_then(|()| {
            let file = file.get_ref();
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

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::other(format!("cannot write the report {}: {error}", path.display()))
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
