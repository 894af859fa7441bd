//! The interface by which a caller hears of a sync while it runs.

use crate::dry_run::recording::UnsentRequest;
use crate::outcome::{Counts, RowOutcome};
use std::fmt;
use std::io;

/// Hears of a sync while it runs. By default the methods do nothing.
pub trait Reporter: Send {
    /// A row has ended. Rows come in the order of the input, each once in all runs of a sync, except that
    /// those of a batch that a crash cut off come again.
    fn row(&mut self, line: u64, outcome: &RowOutcome) {
        let _ = (line, outcome);
    }

    /// The sync has come so far. It is called after each batch, and while Klaviyo works.
    fn progress(&mut self, progress: &Progress) {
        let _ = progress;
    }

    /// Something happened that is not about one row.
    fn notice(&mut self, notice: &Notice) {
        let _ = notice;
    }

    /// A dry run would have sent this request.
    ///
    /// # Errors
    /// It ends the dry run.
    fn request(&mut self, request: &UnsentRequest) -> io::Result<()> {
        let _ = request;
        Ok(())
    }
}

/// How far a sync is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many rows were read, blank ones among them.
    pub read: u64,
    /// How many rows have ended, and how.
    pub counts: Counts,
    /// Up to which byte of the input all rows have ended.
    pub bytes: u64,
    /// How many imports Klaviyo is working on.
    pub jobs: usize,
}

/// Something that is not about one row. [`Display`](fmt::Display) says it in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The sync goes on after an earlier run.
    Resumed {
        /// How many rows had ended.
        rows: u64,
        /// How many imports are known to have been submitted.
        imports: usize,
    },
    /// The connector or Klaviyo warns of something.
    Warning(String),
    /// The answer to an import was lost, and it cannot be told which of several jobs is the import.
    AmbiguousImport {
        /// How many jobs it may be.
        jobs: usize,
        /// How many contacts it has.
        contacts: usize,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resumed { rows, imports } => {
                write!(f, "going on: {rows} rows have ended, and {imports} imports were sent so far")
            }
            Self::Warning(warning) => write!(f, "! {warning}"),
            Self::AmbiguousImport { jobs, contacts } => write!(
                f,
                "one of {jobs} jobs may be the import of {contacts} contacts that got no answer; it is submitted again, \
                 and the same values are written twice"
            ),
        }
    }
}
