//! The lines of a state file: one JSON object for each step of a sync. Newer versions read the states of
//! older ones, so fields are added and never changed.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version that this program writes and reads.
pub(crate) const VERSION: u32 = 1;

/// A step.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Line {
    Begun(Begun),
    Baseline(Baseline),
    Planned(Planned),
    Untaken(usize),
    Sent(Sent),
    Granted(Granted),
    Finished(Finished),
    Complete,
}

/// The settings and the beginning of a sync.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Begun {
    pub(crate) version: u32,
    /// The options by their names. A sync goes on only with the same ones.
    options: BTreeMap<String, String>,
    /// The id of the list.
    pub(crate) list: Option<String>,
    /// When the sync began, RFC 3339. Historical consents are older.
    pub(crate) at: String,
}

/// The account's import jobs before the first of this sync.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Baseline {
    /// A job that is older than all jobs of the sync.
    pub(crate) after: Option<String>,
    /// Newer jobs that are not of the sync.
    pub(crate) others: Vec<String>,
}

/// A batch that is about to be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Planned {
    pub(crate) batch: usize,
    /// The number of rows of the input up to its last row.
    pub(crate) end: u64,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    /// How many of its rows are good, and how many of these go into the import.
    pub(crate) good: usize,
    pub(crate) import: usize,
    /// How many rows go into the import of those who do not consent.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(crate) members: usize,
}

/// Klaviyo's answer to an import.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) batch: usize,
    /// Whether it is the import of those who do not consent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) members: bool,
    /// The jobs in their order, and how many rows each has.
    pub(crate) jobs: Vec<(String, usize)>,
    /// The rows that Klaviyo refused at once.
    pub(crate) refused: Vec<Refused>,
    /// Why Klaviyo took none of the other rows.
    pub(crate) rejected: Option<String>,
}

/// A refused row: its position among the good rows of its batch, the field, the reason.
pub(crate) type Refused = (usize, String, String);

/// Klaviyo's answer to one call that gives consents.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Granted {
    pub(crate) batch: usize,
    pub(crate) chunk: usize,
    pub(crate) refused: Vec<Refused>,
    pub(crate) rejected: Option<String>,
}

/// A batch whose rows have all ended and are in the report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Finished {
    pub(crate) batch: usize,
    pub(crate) end: u64,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    /// The length of the report after the batch.
    pub(crate) report: u64,
    pub(crate) done: u64,
    pub(crate) refused: u64,
    pub(crate) failed: u64,
    #[serde(default)]
    pub(crate) warned: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

impl Begun {
    pub(crate) fn new(options: BTreeMap<String, String>, list: Option<String>, at: String) -> Self {
        Self { version: VERSION, options, list, at }
    }

    /// The first option that differs from those of the sync, in a sentence.
    pub(crate) fn difference(&self, options: &BTreeMap<String, String>) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> Begun {
        Begun::new(BTreeMap::from([("--list".to_owned(), "a".to_owned())]), None, String::new())
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
