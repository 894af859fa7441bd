//! Checks that the simulator accepts the bodies and queries that a document describes, and no others, and
//! that its answers are what the document describes.
//!
//! Klaviyo's prose has rules beyond the schemas, which [`complete`] applies. The simulator does not simulate
//! everything: [`BODIES_NOT_SIMULATED`] and [`QUERIES_NOT_SIMULATED`] list what it refuses, with the reasons.

use crate::answers::AnswerChecker;
use crate::complete::complete;
use crate::document::{Document, MediaType, Operation};
use crate::examples::{Example, ExampleGenerator, each_pointer, faulty};
use crate::not_simulated::{BODIES_NOT_SIMULATED, BodyNotSimulated, QUERIES_NOT_SIMULATED};
use crate::queries::{self, Query};
use crate::schema;
use crate::simulated::{Answer, Simulated};
use anyhow::{Context, Result, anyhow, bail};
use jsonschema::Validator;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The results for a document.
#[derive(Debug, Default)]
pub(crate) struct SimulatorReport {
    /// The number of operations with bodies.
    pub(crate) operations: usize,
    /// The number of accepted documented bodies.
    pub(crate) accepted: usize,
    /// The number of refused faulty bodies.
    pub(crate) refused: usize,
    /// The number of accepted documented queries.
    pub(crate) queries: usize,
    /// The number of refused queries with a parameter of another operation.
    pub(crate) refused_queries: usize,
    /// The number of answers that were compared with the document.
    pub(crate) answers: usize,
    /// Simulated operations that the document does not have.
    pub(crate) elsewhere: Vec<&'static str>,
    /// Documented parts that are refused: operation and pointer, the reason, and the number of bodies.
    pub(crate) not_simulated: Vec<(String, &'static str, usize)>,
    /// The answers that differ from the document.
    pub(crate) problems: Vec<String>,
}

/// Sends the bodies and queries of a document to the simulator; none if it does not serve the revision.
pub(crate) fn check(document: &Document) -> Result<Option<SimulatorReport>> {
    let mut simulator = Simulated::start(&document.revision)?;
    if !simulator.serves_it()? {
        return Ok(None);
    }
    let mut answers = AnswerChecker::new(document);
    let mut report = SimulatorReport::default();
    for name in klaviyo_mock::operations() {
        let Some(operation) = document.operations.iter().find(|operation| operation.name == name) else {
            report.elsewhere.push(name);
            continue;
        };
        let media_type = operation.body.iter().flat_map(|body| &body.media_types).next();
        let trial = Trial { document, operation, simulator: &mut simulator, answers: &mut answers };
        trial.run(media_type, &mut report).with_context(|| format!("in {name}"))?;
    }
    report.answers = answers.checked;
    Ok(Some(report))
}

/// Sends the bodies and queries of one operation to the simulator.
struct Trial<'a, 'b> {
    document: &'a Document,
    operation: &'a Operation,
    simulator: &'b mut Simulated,
    answers: &'b mut AnswerChecker<'a>,
}

impl<'a> Trial<'a, '_> {
    fn run(mut self, media_type: Option<&'a MediaType>, report: &mut SimulatorReport) -> Result<()> {
        let Some(media_type) = media_type else { return self.queries(None, report) };
        report.operations = report.operations.saturating_add(1);
        let missing: Vec<&BodyNotSimulated> =
            BODIES_NOT_SIMULATED.iter().filter(|missing| missing.operation == self.operation.name).collect();
        let pointers: Vec<&str> = missing.iter().map(|missing| missing.pointer).collect();
        let generator = self.simulator.generator(self.document);
        let most = complete(generator.most_but(&media_type.schema, &pointers)?, &generator.ids);
        let mut examples = generator.each(&media_type.schema)?;
        examples.push(Example { pointer: String::new(), body: most.clone() });

        let accepted = self.documented(media_type, examples, &missing, report)?;
        // The largest body has most pointers; the other examples have another kind of value.
        let others = accepted.into_iter().filter(|example| most.pointer(&example.pointer).is_none());
        let members = self.members(&generator);
        self.faulty(media_type, each_pointer(&most).into_iter().chain(others), &members, report)?;
        self.queries(Some((&media_type.name, &most)), report)
    }

    fn send(&mut self, media_type: &MediaType, body: &Value) -> Result<Answer> {
        self.simulator.send(self.operation, "", Some((&media_type.name, body)))
    }

    /// Compares an answer with the document.
    fn compare(&mut self, request: &str, answer: &Answer, report: &mut SimulatorReport) -> Result<()> {
        for reason in self.answers.violations(self.operation, answer)? {
            let Answer { status, body } = answer;
            let name = &self.operation.name;
            let problem =
                format!("{name}{request}: the answer {status} is not as documented: {reason}: {body}");
            report.problems.push(problem);
        }
        Ok(())
    }

    /// Sends the queries of the operation, each with this body, and those of other operations.
    fn queries(&mut self, body: Option<(&str, &Value)>, report: &mut SimulatorReport) -> Result<()> {
        let mut not_simulated: BTreeMap<(String, &'static str), usize> = BTreeMap::new();
        let plain = self.simulator.send(self.operation, "", body)?;
        self.compare("", &plain, report)?;
        if !(200..300).contains(&plain.status) {
            let name = &self.operation.name;
            report.problems.push(format!("{name}: the simulator answers {} to no query", plain.status));
        }
        for query in queries::documented(self.document, self.operation)? {
            let answer = self.simulator.send(self.operation, &query.text, body)?;
            let known =
                QUERIES_NOT_SIMULATED.iter().find(|missing| missing.is_about(&self.operation.name, &query));
            match (answer.status, known) {
                (200..300, None) => {
                    report.queries = report.queries.saturating_add(1);
                    if query.whole {
                        self.compare(&query.text, &answer, report)?;
                        self.pages(&query, &answer, report)?;
                    }
                }
                (400, Some(missing)) => {
                    let what = format!("{} {}", query.parameter, missing.value).trim_end().to_owned();
                    let count = not_simulated.entry((what, missing.reason)).or_default();
                    *count = count.saturating_add(1);
                }
                (status, known) => {
                    let but = if known.is_some() { ", though it is listed as not simulated" } else { "" };
                    report.problems.push(format!(
                        "{}: the simulator answers {status} to the documented {}={}{but}: {}",
                        self.operation.name, query.parameter, query.value, answer.body
                    ));
                }
            }
        }
        let name = &self.operation.name;
        let listed =
            not_simulated.into_iter().map(|((what, reason), n)| (format!("{name}, {what}"), reason, n));
        report.not_simulated.extend(listed);
        for query in queries::undocumented(self.document, self.operation) {
            let answer = self.simulator.send(self.operation, &query.text, body)?;
            if answer.status == 400 {
                report.refused_queries = report.refused_queries.saturating_add(1);
            } else {
                let (name, status) = (&self.operation.name, answer.status);
                let parameter = &query.parameter;
                report.problems.push(format!(
                    "{name}: the simulator answers {status} to {parameter}, which it does not have"
                ));
            }
        }
        Ok(())
    }

    /// Follows the links of a page that does not hold all.
    fn pages(&mut self, query: &Query, answer: &Answer, report: &mut SimulatorReport) -> Result<()> {
        if query.parameter != "page[size]" {
            return Ok(());
        }
        let Some(next) = answer.body.pointer("/links/next").and_then(Value::as_str) else { return Ok(()) };
        let answer = self.simulator.follow(next)?;
        self.compare(" (the next page)", &answer, report)
    }

    /// Sends documented bodies; returns the accepted ones as they were sent.
    fn documented(
        &mut self,
        media_type: &MediaType,
        examples: Vec<Example>,
        missing: &[&BodyNotSimulated],
        report: &mut SimulatorReport,
    ) -> Result<Vec<Example>> {
        let mut accepted = Vec::new();
        let mut refused = vec![0_usize; missing.len()];
        for mut example in examples {
            example.body = complete(example.body, &self.simulator.ids());
            let faults = schema::violations(validator(media_type)?, &example.body);
            if !faults.is_empty() {
                bail!("a body that was made for {:?} is not one: {faults:?}", example.pointer);
            }
            let answer = self.send(media_type, &example.body)?;
            let status = answer.status;
            self.compare(&format!(", body {}", example.pointer), &answer, report)?;
            // Null requests nothing, so it is never refused.
            let asked = |pointer| example.body.pointer(pointer).is_some_and(|value| !value.is_null());
            let known =
                missing.iter().position(|m| is_within(&example.pointer, m.pointer) && asked(m.pointer));
            match (status, known.and_then(|known| refused.get_mut(known))) {
                (200..300, None) => {
                    report.accepted = report.accepted.saturating_add(1);
                    accepted.push(example);
                }
                (400, Some(count)) => *count = count.saturating_add(1),
                (_, known) => {
                    let but = if known.is_some() { ", though it is listed as not simulated" } else { "" };
                    report.problems.push(format!(
                        "{}, body {}: the simulator answers {status} to what is documented{but}: {} {}",
                        self.operation.name, example.pointer, example.body, answer.body
                    ));
                }
            }
        }
        let refused = missing.iter().zip(refused).filter(|(_, count)| *count > 0);
        let pointer = |missing: &BodyNotSimulated| format!("{} {}", self.operation.name, missing.pointer);
        report
            .not_simulated
            .extend(refused.map(|(missing, count)| (pointer(missing), missing.reason, count)));
        Ok(accepted)
    }

    /// The members of all bodies of the document, to be tried where they do not belong, with one value of
    /// each kind.
    fn members(&self, generator: &ExampleGenerator<'_>) -> Vec<(String, Value)> {
        let bodies = self.document.operations.iter().filter_map(|operation| operation.body.as_ref());
        let schemas = bodies.flat_map(|body| &body.media_types).map(|media_type| &media_type.schema);
        // A schema without an example is skipped.
        let members = schemas.flat_map(|schema| generator.members(schema).unwrap_or_default());
        let mut seen = BTreeSet::new();
        members.filter(|(name, value)| seen.insert((name.clone(), kind(value)))).collect()
    }

    /// Sends faulty bodies: each of these bodies with one error.
    fn faulty(
        &mut self,
        media_type: &MediaType,
        examples: impl Iterator<Item = Example>,
        more: &[(String, Value)],
        report: &mut SimulatorReport,
    ) -> Result<()> {
        let mut tried = BTreeSet::new();
        for example in examples {
            for body in faulty(validator(media_type)?, &example, more) {
                if !tried.insert(body.to_string()) {
                    continue;
                }
                let answer = self.send(media_type, &body)?;
                let status = answer.status;
                if status == 400 {
                    report.refused = report.refused.saturating_add(1);
                    self.compare(&format!(", body {}", example.pointer), &answer, report)?;
                    continue;
                }
                let reason = schema::violations(validator(media_type)?, &body).into_iter();
                let reason: Vec<String> =
                    reason.map(|(pointer, reason)| format!("{pointer}: {reason}")).collect();
                report.problems.push(format!(
                    "{}, body {}: the simulator answers {status} to what the schema refuses ({}): {body}",
                    self.operation.name,
                    example.pointer,
                    reason.join("; ")
                ));
            }
        }
        Ok(())
    }
}

fn validator(media_type: &MediaType) -> Result<&Validator> {
    let validator = media_type.validator.as_ref();
    validator.map_err(|reason| anyhow!("this check does not understand the schema: {reason}"))
}

/// The type of a JSON value.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether a pointer is equal to another or below it.
fn is_within(pointer: &str, other: &str) -> bool {
    pointer.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_within_another_member_by_member() {
        assert!(is_within("/data/meta", "/data/meta"));
        assert!(is_within("/data/meta/unset", "/data/meta"));
        assert!(!is_within("/data/metadata", "/data/meta"));
    }
}
