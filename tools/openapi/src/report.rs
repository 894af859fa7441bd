//! What is printed: a few lines for each document, and a line for each thing that is wrong.

use crate::check::{self, Request, Verdict};
use crate::corpus::Written;
use crate::document::Document;
use crate::simulator::{self, Outcome};
use anyhow::Result;
use std::collections::BTreeSet;

/// Checks all requests and the simulator against all documents, and prints what came of it. Whether nothing
/// is wrong.
pub(crate) fn report(documents: &[Document], requests: &[Written]) -> Result<bool> {
    let mut right = true;
    let mut print = |lines: &[String], faults: &[String]| {
        lines.iter().for_each(|line| println!("  {line}"));
        faults.iter().for_each(|fault| println!("  ✗ {fault}"));
        right &= faults.is_empty();
    };
    // Those that each document so far has nothing like. Who asks for a later revision is not among them.
    let mut unknown: Vec<&Written> = requests.iter().collect();
    for document in documents {
        println!("{}, revision {}", document.name, document.revision);
        let corpus = Corpus::check(document, requests);
        print(&corpus.lines(document), &corpus.faults);
        let elsewhere: BTreeSet<&Request> = corpus.elsewhere.iter().map(|written| &written.request).collect();
        unknown.retain(|written| elsewhere.contains(&written.request));
        match simulator::bodies(document)? {
            None => {
                print(&["simulator: it does not serve this revision, so no body was tried".to_owned()], &[])
            }
            Some(outcome) => print(&bodies(&outcome), &outcome.faults),
        }
    }
    if !unknown.is_empty() {
        println!("none of these documents");
        let unknown =
            unknown.iter().map(|w| format!("{}: has {} {}", place(w), w.request.method, w.request.url));
        print(&[], &unknown.collect::<Vec<_>>());
    }
    Ok(right)
}

/// The requests of the corpus, beside a document.
#[derive(Default)]
struct Corpus<'a> {
    checked: Vec<&'a Written>,
    later: Vec<&'a Written>,
    elsewhere: Vec<&'a Written>,
    /// The names of the operations that are asked for.
    used: BTreeSet<&'a str>,
    faults: Vec<String>,
}

impl<'a> Corpus<'a> {
    fn check(document: &'a Document, requests: &'a [Written]) -> Self {
        let mut corpus = Self::default();
        for written in requests {
            match check::request(document, &written.request) {
                Verdict::Later => corpus.later.push(written),
                Verdict::Elsewhere => corpus.elsewhere.push(written),
                Verdict::Checked(operation, faults) => {
                    corpus.checked.push(written);
                    corpus.used.insert(operation);
                    let fault = |fault: check::Fault| {
                        format!("{}: {operation}, {}: {}", place(written), fault.place, fault.why)
                    };
                    corpus.faults.extend(faults.into_iter().map(fault));
                }
            }
        }
        corpus
    }

    fn lines(&self, document: &Document) -> Vec<String> {
        let mut lines = vec![format!("fixtures: {} checked", count(&self.checked))];
        for (requests, why) in [
            (&self.later, "not checked, since they ask for a later revision"),
            (&self.elsewhere, "not checked, since the document does not have their operation"),
        ] {
            if !requests.is_empty() {
                lines.push(format!("fixtures: {} {why}", count(requests)));
            }
        }
        let names = document.operations.iter().map(|operation| operation.name.as_str());
        let unused: Vec<&str> = names.filter(|name| !self.used.contains(name)).collect();
        let (used, all) = (self.used.len(), document.operations.len());
        lines.push(format!("operations: {used} of {all} are in a fixture{}", listed("; not ", &unused)));
        lines
    }
}

/// "12 requests (7 distinct)"
fn count(requests: &[&Written]) -> String {
    let distinct: BTreeSet<&Request> = requests.iter().map(|written| &written.request).collect();
    format!("{} requests ({} distinct)", requests.len(), distinct.len())
}

/// Some names; of many, how many more there are.
fn listed(before: &str, names: &[&str]) -> String {
    const MOST: usize = 20;
    let more = names.len().saturating_sub(MOST);
    let shown: Vec<&str> = names.iter().copied().take(MOST).collect();
    match (names.len(), more) {
        (0, _) => String::new(),
        (_, 0) => format!("{before}{}", shown.join(", ")),
        _ => format!("{before}{} and {more} more", shown.join(", ")),
    }
}

fn place(written: &Written) -> String {
    format!("{}, exchange {}", written.fixture, written.exchange)
}

fn bodies(outcome: &Outcome) -> Vec<String> {
    let Outcome { operations, accepted, refused, not_simulated, .. } = outcome;
    let mut lines = vec![format!(
        "simulator: of {operations} operations with a body, it took {accepted} documented bodies and refused {refused} \
         faulty ones"
    )];
    let line = |(place, why, count): &(String, &str, usize)| {
        format!("simulator: it refuses {count} documented bodies at {place}: {why}")
    };
    lines.extend(not_simulated.iter().map(line));
    lines
}
