//! Prints a few lines for each document, and a line for each problem.

use crate::check::{self, Request, Verdict};
use crate::corpus::FixtureRequest;
use crate::document::Document;
use crate::simulator::{self, SimulatorReport};
use anyhow::Result;
use std::collections::BTreeSet;

/// Checks all requests and the simulator against all documents, and prints the results. Returns whether there
/// are no problems.
pub(crate) fn report(documents: &[Document], requests: &[FixtureRequest]) -> Result<bool> {
    let mut right = true;
    let mut print = |lines: &[String], problems: &[String]| {
        lines.iter().for_each(|line| println!("  {line}"));
        problems.iter().for_each(|problem| println!("  ✗ {problem}"));
        right &= problems.is_empty();
    };
    // The requests whose operation no document has. Those that ask for a later revision are not among them.
    let mut unknown: Vec<&FixtureRequest> = requests.iter().collect();
    for document in documents {
        println!("{}, revision {}", document.name, document.revision);
        let report = CorpusReport::check(document, requests);
        print(&report.lines(document), &report.problems);
        let elsewhere: BTreeSet<&Request> = report.elsewhere.iter().map(|fixture| &fixture.request).collect();
        unknown.retain(|fixture| elsewhere.contains(&fixture.request));
        match simulator::check(document)? {
            None => print(
                &["simulator: it does not serve this revision, so no request was tried".to_owned()],
                &[],
            ),
            Some(report) => print(&simulator_lines(&report), &report.problems),
        }
    }
    if !unknown.is_empty() {
        println!("none of these documents");
        let unknown =
            unknown.iter().map(|w| format!("{}: has {} {}", location(w), w.request.method, w.request.url));
        print(&[], &unknown.collect::<Vec<_>>());
    }
    Ok(right)
}

/// The results for the corpus and one document.
#[derive(Default)]
struct CorpusReport<'a> {
    checked: Vec<&'a FixtureRequest>,
    later: Vec<&'a FixtureRequest>,
    elsewhere: Vec<&'a FixtureRequest>,
    /// The names of the operations that the requests use.
    used: BTreeSet<&'a str>,
    problems: Vec<String>,
}

impl<'a> CorpusReport<'a> {
    fn check(document: &'a Document, requests: &'a [FixtureRequest]) -> Self {
        let mut report = Self::default();
        for fixture in requests {
            match check::request(document, &fixture.request) {
                Verdict::LaterRevision => report.later.push(fixture),
                Verdict::UnknownOperation => report.elsewhere.push(fixture),
                Verdict::Checked(operation, violations) => {
                    report.checked.push(fixture);
                    report.used.insert(operation);
                    let problem = |violation: check::Violation| {
                        format!(
                            "{}: {operation}, {}: {}",
                            location(fixture),
                            violation.location,
                            violation.reason
                        )
                    };
                    report.problems.extend(violations.into_iter().map(problem));
                }
            }
        }
        report
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
fn count(requests: &[&FixtureRequest]) -> String {
    let distinct: BTreeSet<&Request> = requests.iter().map(|fixture| &fixture.request).collect();
    format!("{} requests ({} distinct)", requests.len(), distinct.len())
}

/// Some names, and the number of the others.
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

fn location(fixture: &FixtureRequest) -> String {
    format!("{}, exchange {}", fixture.fixture, fixture.exchange)
}

fn simulator_lines(report: &SimulatorReport) -> Vec<String> {
    let SimulatorReport { operations, accepted, refused, queries, refused_queries, answers, .. } = report;
    let mut lines = vec![format!(
        "simulator: of {operations} operations with a body, it took {accepted} documented bodies and refused {refused} \
         faulty ones"
    )];
    lines.push(format!(
        "simulator: it took {queries} documented queries and refused {refused_queries} of other operations; \
         it gave {answers} answers"
    ));
    if !report.elsewhere.is_empty() {
        lines.push(format!(
            "simulator: not tried, since the document does not have them: {}",
            report.elsewhere.join(", ")
        ));
    }
    let line = |(pointer, reason, count): &(String, &str, usize)| {
        format!("simulator: it refuses {count} documented requests: {pointer}: {reason}")
    };
    lines.extend(report.not_simulated.iter().map(line));
    lines
}
