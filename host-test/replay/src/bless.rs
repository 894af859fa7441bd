//! Rewrites what fixtures expect, after a change that is meant: the requests and `returns` become what the
//! connector sends and returns now. What is played (the call, the answers) stays, and so does which fields
//! are listed.

use crate::fixture::Fixture;
use crate::replay::{self, Played, ReplayOutcome};
use crate::{Sent, Subject, compare, one_line};
use anyhow::{Context, Result, bail, ensure};
use klaviyo_corpus::{Case, Corpus, Generated, Source};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How a blessing ended.
#[derive(Debug, Default)]
pub struct Blessing {
    /// The files that were rewritten: fixtures, and answers and calls of which cases are generated.
    pub rewritten: Vec<PathBuf>,
    /// How many cases pass now, and why the others could not be blessed.
    pub outcome: ReplayOutcome,
}

/// Replays all cases at these paths, and rewrites those that differ. An answer or a call is rewritten only if
/// every case that is generated of it passes afterwards.
///
/// Some cases are refused, and count as failed: the call succeeds instead of failing or the other way round;
/// it sends more requests or fewer; rewriting the file would change more than it says (digits of a number).
///
/// # Errors
/// When a file cannot be written.
pub fn bless(subject: &dyn Subject, corpus: &Corpus, paths: &[PathBuf]) -> Result<Blessing> {
    let mut blessing = Blessing::default();
    let mut shared = SharedFiles::default();
    for path in paths {
        let cases = match corpus.at(path) {
            Ok(cases) => cases,
            Err(error) => {
                blessing.outcome.failed.push((path.clone(), one_line(&error)));
                continue;
            }
        };
        for case in cases {
            match case_as_it_goes(subject, &case, &mut shared) {
                Ok(rewritten) => {
                    blessing.outcome.passed += 1;
                    blessing.rewritten.extend(rewritten);
                }
                Err(error) => blessing.outcome.failed.push((case.path, one_line(&error))),
            }
        }
    }
    shared.write(subject, corpus, &mut blessing)?;
    Ok(blessing)
}

/// Plays a case, and rewrites its file or notes what to rewrite in its answer and its call.
fn case_as_it_goes(subject: &dyn Subject, case: &Case, shared: &mut SharedFiles) -> Result<Option<PathBuf>> {
    let text = case.text()?;
    let fixture = Fixture::parse(&text)?;
    let played = replay::play(subject, &text)?;
    if played.differences.is_empty() {
        return Ok(None);
    }
    ensure!(
        played.sent.len() == fixture.exchanges.len(),
        "{}: it sends {} requests instead of {}; write the case by hand",
        fixture.name,
        played.sent.len(),
        fixture.exchanges.len()
    );
    match &case.source {
        Source::File => {
            let mut document = read(&text)?;
            bless_file(&mut document, &fixture, &played)?;
            let blessed = written(&document)?;
            replay::case(subject, &blessed).context("it differs even when it is rewritten")?;
            std::fs::write(&case.path, blessed).with_context(|| case.path.display().to_string())?;
            Ok(Some(case.path.clone()))
        }
        Source::Generated(generated) => {
            shared.note(case, generated, &fixture, &played)?;
            Ok(None)
        }
    }
}

fn bless_file(document: &mut Value, fixture: &Fixture, played: &Played) -> Result<()> {
    let exchanges = document.get_mut("exchanges").and_then(Value::as_array_mut).into_iter().flatten();
    for ((exchange, expected), sent) in exchanges.zip(&fixture.exchanges).zip(&played.sent) {
        let request = exchange.get_mut("request").and_then(Value::as_object_mut);
        bless_request(request.context("an exchange has a request")?, &expected.request, sent);
    }
    let returns =
        document.get_mut("returns").and_then(Value::as_object_mut).context("it returns something")?;
    let (kind, expected) = returns.iter_mut().next().context("it returns something")?;
    *expected = match kind.as_str() {
        "ok" => got(played, "ok")?.clone(),
        "ok-includes" => listed(expected, got(played, "ok")?),
        _ => listed(expected, got(played, "err")?),
    };
    Ok(())
}

/// What a call returned, if it ended as expected.
fn got<'a>(played: &'a Played, case: &str) -> Result<&'a Value> {
    let returned = &played.returned;
    returned
        .get(case)
        .with_context(|| format!("it returns {returned}, and not {case}; write the case by hand"))
}

/// Those fields of a value that are listed in what was expected.
fn listed(expected: &Value, got: &Value) -> Value {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            let field = |(name, value): (&String, &Value)| {
                (name.clone(), listed(value, got.get(name).unwrap_or(&Value::Null)))
            };
            Value::Object(expected.iter().map(field).collect())
        }
        (Value::Array(expected), Value::Array(got)) if expected.len() == got.len() => {
            Value::Array(expected.iter().zip(got).map(|(expected, got)| listed(expected, got)).collect())
        }
        _ => got.clone(),
    }
}

/// Rewrites those parts of a request that differ. The others stay as a person wrote them.
fn bless_request(written: &mut Map<String, Value>, expected: &crate::fixture::Request, sent: &Sent) {
    written.insert("method".to_owned(), sent.method.clone().into());
    written.insert("auth".to_owned(), sent.auth.clone().into());
    if !compare::is_same_url(&expected.url, &sent.url) {
        written.insert("url".to_owned(), sent.url.clone().into());
    }
    if let Some(headers) = written.get_mut("headers").and_then(Value::as_object_mut) {
        let value = |name: &str| sent.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        headers.retain(|name, _| value(name).is_some());
        for (name, header) in headers.iter_mut() {
            if let Some((_, value)) = value(name) {
                *header = value.clone().into();
            }
        }
    }
    if !compare::body(expected, &sent.body).is_empty() {
        written.remove("json");
        let was_text = written.remove("body").is_some();
        let text = || String::from_utf8_lossy(&sent.body).into_owned().into();
        match serde_json::from_slice(&sent.body) {
            _ if sent.body.is_empty() => {}
            Ok(json) if !was_text => drop(written.insert("json".to_owned(), json)),
            _ => drop(written.insert("body".to_owned(), text())),
        }
    }
}

/// Answers and calls as they are to be written, by their files.
#[derive(Default)]
struct SharedFiles {
    documents: BTreeMap<PathBuf, Value>,
}

impl SharedFiles {
    /// Rewrites, in memory, what a case expects.
    fn note(&mut self, case: &Case, of: &Generated, fixture: &Fixture, played: &Played) -> Result<()> {
        let text = case.text()?;
        let expected: Value = serde_json::from_str(&text)?;
        let expected = expected.pointer("/returns/err").context("a generated case fails")?;
        let err = listed(expected, got(played, "err")?);
        for (number, (exchange, sent)) in fixture.exchanges.iter().zip(&played.sent).enumerate() {
            let request = format!("/stages/{number}/request");
            let request = self.document(&of.call)?.pointer_mut(&request).and_then(Value::as_object_mut);
            bless_request(request.context("a stage has a request")?, &exchange.request, sent);
        }
        for (name, value) in err.as_object().into_iter().flatten() {
            for file in [&of.answer, &of.call] {
                let field = self.document(file)?.get_mut("err").and_then(|err| err.get_mut(name));
                if let Some(field) = field {
                    *field = value.clone();
                    break;
                }
            }
        }
        Ok(())
    }

    fn document(&mut self, file: &Path) -> Result<&mut Value> {
        if !self.documents.contains_key(file) {
            let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
            self.documents.insert(file.to_owned(), read(&text)?);
        }
        self.documents.get_mut(file).context("it was read")
    }

    /// Writes the files that change, or none if a case that is generated of one would not pass.
    fn write(self, subject: &dyn Subject, corpus: &Corpus, blessing: &mut Blessing) -> Result<()> {
        let mut before = BTreeMap::new();
        for (file, document) in self.documents {
            let old = std::fs::read_to_string(&file)?;
            if read(&old)? != document {
                std::fs::write(&file, written(&document)?).with_context(|| file.display().to_string())?;
                before.insert(file, old);
            }
        }
        if before.is_empty() {
            return Ok(());
        }
        let failed: Vec<_> = corpus
            .at(&corpus.fixtures)?
            .into_iter()
            .filter(|case| match &case.source {
                Source::Generated(of) => before.contains_key(&of.answer) || before.contains_key(&of.call),
                Source::File => false,
            })
            .filter_map(|case| {
                let differs = case.text().and_then(|text| replay::case(subject, &text)).err()?;
                Some((case.path, one_line(&differs)))
            })
            .collect();
        if failed.is_empty() {
            blessing.rewritten.extend(before.into_keys());
            return Ok(());
        }
        for (file, old) in &before {
            std::fs::write(file, old).with_context(|| file.display().to_string())?;
        }
        let reason = "no answer and no call was rewritten, since this case would differ then; as a file of its own it \
                      may differ from the others";
        blessing.outcome.passed = blessing.outcome.passed.saturating_sub(failed.len());
        let refused = failed.into_iter().map(|(path, differs)| (path, format!("{reason}: {differs}")));
        blessing.outcome.failed.extend(refused);
        Ok(())
    }
}

/// Reads a document that can be written again without a loss.
fn read(text: &str) -> Result<Value> {
    let document = serde_json::from_str(text)?;
    // White space in strings does not matter for this either: both have the same.
    let without_layout = |text: &str| text.split_ascii_whitespace().collect::<String>();
    if without_layout(text) != without_layout(&written(&document)?) {
        bail!("it has a number or a string that would be written in another way; write the case by hand");
    }
    Ok(document)
}

fn written(document: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(document)? + "\n")
}
