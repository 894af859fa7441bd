//! Answers and failures in words.

use crate::commands::doctor;
use crate::done::{Done, View};
use crate::failure::Failure;
use crate::text::{BAD, FAINT, GOOD, TITLE, WARNING, clean, clean_lines, field, wrapped};
use klaviyo_host::Usage;
use klaviyo_host::types::Code;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What goes to standard output, and what to standard error.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub(crate) answer: String,
    pub(crate) warnings: String,
}

const PROFILE: [&str; 9] = [
    "id",
    "email",
    "phone-number",
    "external-id",
    "first-name",
    "last-name",
    "created",
    "updated",
    "properties",
];
const LIST: [&str; 5] = ["id", "name", "opt-in", "created", "updated"];
const RECEIPT: [&str; 4] = ["profile-id", "profile-name", "list-id", "created"];

// Writing to a string does not fail.

/// What a command returned.
pub(crate) fn done(done: &Done) -> Shown {
    let value = &done.value;
    let mut shown = Shown::default();
    let out = &mut shown.answer;
    match &done.view {
        View::Lists => lists(out, value),
        View::List => fields(out, value, &LIST),
        View::Profile => {
            fields(out, value, &PROFILE);
            warnings(&mut shown.warnings, value);
        }
        View::Creation => match (value.get("created"), value.get("existing").and_then(Value::as_str)) {
            (Some(profile), _) => {
                good(out, "created");
                fields(out, profile, &PROFILE);
                warnings(&mut shown.warnings, profile);
            }
            (None, id) => {
                good(out, "a profile with one of these identifiers exists already, and was not changed");
                field(out, "id", id.unwrap_or_default());
            }
        },
        View::Upserted => {
            let created = value.get("created").and_then(Value::as_bool).unwrap_or_default();
            good(out, if created { "created" } else { "updated" });
            if let Some(profile) = value.get("profile") {
                fields(out, profile, &PROFILE);
                warnings(&mut shown.warnings, profile);
            }
        }
        View::Subscribed(list) => {
            let count = value.as_u64().unwrap_or_default();
            let profiles = if count == 1 { "profile is" } else { "profiles are" };
            good(out, &format!("{count} {profiles} on the list {}", clean(list)));
        }
        View::Receipt(reply) => {
            good(out, "on the list");
            fields(out, value, &RECEIPT);
            let _ = writeln!(out, "\n  {TITLE}{}{TITLE:#}", clean(reply));
            warnings(&mut shown.warnings, value);
        }
        View::None(sentence) => bad(&mut shown.warnings, sentence),
        View::Checks => checks(out, value),
        View::Synced(told) => synced(&mut shown, value, told),
        View::Planned => planned(&mut shown.warnings, value),
        View::Letters => letters(out, value),
        View::Letter => letter(out, value),
        View::Decided(decision) => {
            let count = value.as_u64().unwrap_or_default();
            let letters = if count == 1 { "dead letter" } else { "dead letters" };
            good(out, &format!("{count} {letters} {decision}"));
        }
        View::Line => {
            let _ = writeln!(out, "{}", value.as_str().unwrap_or_default());
        }
        View::Shown => {}
    }
    shown
}

/// Why a command failed.
pub(crate) fn failure(failure: &Failure, usage: Usage) -> String {
    let error = &failure.error;
    let mut out = String::new();
    bad(&mut out, &error.message);
    field(&mut out, "code", error.code.as_str());
    let mut number = |name: &str, number: Option<u32>, unit: &str| {
        if let Some(number) = number {
            field(&mut out, name, &format!("{number}{unit}"));
        }
    };
    number("status", error.status.map(u32::from), "");
    number("retry-after", error.retry_after, " s");
    number("done", Some(error.done).filter(|done| *done > 0), "");
    number("attempts", Some(usage.attempts).filter(|attempts| *attempts > usage.requests), "");
    // The connector's own detail is the message again.
    for detail in error.details.iter().filter(|_| error.code != Code::InvalidInput) {
        let said = if detail.detail.is_empty() { &detail.title } else { &detail.detail };
        let mut text = format!("{}: {said}", detail.code);
        if let Some(pointer) = &detail.pointer {
            let _ = write!(text, " ({pointer})");
        }
        field(&mut out, "Klaviyo said", &text);
    }
    if let Some(duplicate) = &error.duplicate {
        field(&mut out, "duplicate", duplicate);
    }
    if let Some(id) = &error.request_id {
        field(&mut out, "request-id", id);
    }
    // What is not Klaviyo's own error can only be told from the body.
    if error.details.is_empty()
        && let Some(line) = error.body.lines().map(str::trim).find(|line| !line.is_empty())
    {
        field(&mut out, "answer", &line.chars().take(160).collect::<String>());
    }
    for hint in &failure.hints {
        field(&mut out, "hint", hint);
    }
    out
}

fn lists(out: &mut String, lists: &Value) {
    let lists = lists.as_array().map(Vec::as_slice).unwrap_or_default();
    if lists.is_empty() {
        let _ = writeln!(out, "the account has no lists; create one in Klaviyo, under Audience");
        return;
    }
    let text = |list: &Value, name: &str| list.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    let width =
        |name: &str, least: usize| lists.iter().map(|list| text(list, name).len()).fold(least, usize::max);
    let (id, opt_in) = (width("id", 2), width("opt-in", 6));
    // Names come last: how wide they are is the terminal's secret.
    let _ = writeln!(out, "{FAINT}{:<id$}  {:<opt_in$}  {:<10}  NAME{FAINT:#}", "ID", "OPT-IN", "CREATED");
    for list in lists {
        let day: String = text(list, "created").chars().take(10).collect();
        let (own_id, own_opt_in, name) = (text(list, "id"), text(list, "opt-in"), text(list, "name"));
        let _ = writeln!(
            out,
            "{TITLE}{:<id$}{TITLE:#}  {:<opt_in$}  {:<10}  {}",
            clean(&own_id),
            clean(&own_opt_in),
            clean(&day),
            clean(&name)
        );
    }
}

fn letters(out: &mut String, letters: &Value) {
    let letters = letters.as_array().map(Vec::as_slice).unwrap_or_default();
    if letters.is_empty() {
        return good(out, "there are no dead letters");
    }
    let text = |letter: &Value, pointer: &str| {
        clean(letter.pointer(pointer).and_then(Value::as_str).unwrap_or("-")).into_owned()
    };
    let width = |pointer| letters.iter().map(|letter| text(letter, pointer).len()).fold(4, usize::max);
    let (id, code) = (width("/id"), width("/error/code"));
    let _ = writeln!(out, "{FAINT}{:<id$}  {:<16}  {:<code$}  REASON{FAINT:#}", "ID", "SINCE", "CODE");
    for letter in letters {
        let minute: String = text(letter, "/since").replace('T', " ").chars().take(16).collect();
        let (own_id, own_code) = (text(letter, "/id"), text(letter, "/error/code"));
        let message = text(letter, "/error/message");
        let _ = writeln!(out, "{TITLE}{own_id:<id$}{TITLE:#}  {minute:<16}  {own_code:<code$}  {message}");
    }
}

fn letter(out: &mut String, letter: &Value) {
    let error = letter.get("error").unwrap_or(&Value::Null);
    fields(out, letter, &["id", "since", "attempts"]);
    fields(out, error, &["code", "message"]);
    for detail in error.get("details").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| detail.get(name).and_then(Value::as_str).unwrap_or_default();
        field(out, "Klaviyo said", &format!("{}: {}", text("code"), text("detail")));
    }
    if let Some(Ok(opt_in)) = letter.get("opt_in").map(serde_json::to_string_pretty) {
        let lines: String = clean_lines(&opt_in).map(|line| format!("  {line}\n")).collect();
        let _ = write!(out, "\n{lines}");
    }
}

/// The fields of a record that have something to say.
fn fields(out: &mut String, record: &Value, names: &[&str]) {
    for name in names {
        match record.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.is_empty() || text == "{}" => {}
            Some(Value::String(text)) => field(out, name, text),
            Some(Value::Bool(true)) => field(out, name, "yes"),
            Some(Value::Bool(false)) => field(out, name, "no"),
            Some(value) => field(out, name, &value.to_string()),
        }
    }
}

fn warnings(out: &mut String, record: &Value) {
    let warnings = record.get("warnings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for warning in warnings.iter().filter_map(Value::as_str) {
        marked(out, &format!("{WARNING}!{WARNING:#}"), warning);
    }
}

fn checks(out: &mut String, checks: &Value) {
    let text =
        |check: &Value, name: &str| check.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let all = checks.get("checks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut fixes = BTreeSet::new();
    for check in all {
        let mark = match text(check, "state").as_str() {
            doctor::GOOD => format!("{GOOD}✓{GOOD:#}"),
            doctor::WARNING => format!("{WARNING}!{WARNING:#}"),
            doctor::BAD => format!("{BAD}✗{BAD:#}"),
            _ => format!("{FAINT}–{FAINT:#}"),
        };
        let (mut mark, mut name) = (mark, text(check, "check"));
        for line in wrapped(&clean(&text(check, "found"))) {
            let _ = writeln!(out, "{mark} {name:<20}{line}");
            (mark, name) = (" ".to_owned(), String::new());
        }
        // One new key has all scopes that this one lacks.
        let fix = text(check, "fix");
        if fixes.insert(fix.clone()) {
            for (place, line) in wrapped(&clean(&fix)).iter().enumerate() {
                let arrow = if place == 0 { "→" } else { " " };
                let _ = writeln!(out, "  {:<20}{TITLE}{arrow} {line}{TITLE:#}", "");
            }
        }
    }
    let count = |state: &str| all.iter().filter(|check| text(check, "state") == state).count();
    let things = |count: usize| if count == 1 { "1 thing".to_owned() } else { format!("{count} things") };
    let _ = match (count(doctor::BAD), count(doctor::WARNING)) {
        (0, 0) => writeln!(out, "\n{GOOD}nothing is wrong{GOOD:#}"),
        (0, warnings) => {
            writeln!(out, "\n{WARNING}nothing is wrong, {} to see to{WARNING:#}", things(warnings))
        }
        (bad, _) => writeln!(out, "\n{BAD}{} to fix{BAD:#}", things(bad)),
    };
}

/// What became of the rows: the numbers, and the first that are not done where no report has them.
fn synced(shown: &mut Shown, value: &Value, told: &[String]) {
    let count = |name: &str| value.get(name).and_then(Value::as_u64).unwrap_or_default();
    let seconds = value.get("seconds").and_then(Value::as_f64).unwrap_or_default();
    let rows = count("rows");
    let left = rows - count("done");
    let out = &mut shown.answer;
    let sentence = match (value.get("was-complete"), rows, left) {
        (Some(Value::Bool(true)), ..) => "this sync had ended before; nothing was done".to_owned(),
        (_, 0, _) => "the input has no rows".to_owned(),
        (_, 1, 0) => "the row is done".to_owned(),
        (_, rows, 0) => format!("all {rows} rows are done"),
        (_, rows, left) => format!("{left} of {rows} rows are not done"),
    };
    if left == 0 {
        good(out, &sentence)
    } else {
        marked(out, &format!("{WARNING}!{WARNING:#}"), &sentence)
    }
    for name in ["done", "refused", "failed"] {
        field(out, name, &count(name).to_string());
    }
    let warned = count("warned");
    if warned > 0 {
        let rows = if warned == 1 { "row is" } else { "rows are" };
        field(out, "warnings", &format!("{warned} {rows} done without a part of what the input says"));
    }
    if value.get("was-complete") == Some(&Value::Bool(false)) {
        let (requests, attempts) = (count("requests"), count("attempts"));
        field(out, "requests", &format!("{requests}, in {attempts} attempts"));
        field(out, "time", &format!("{seconds} s, {} rows a second", count("rows-per-second")));
    }
    let report = value.get("report").and_then(Value::as_str);
    if let Some(report) = report {
        field(out, "report", report);
    }
    if report.is_some() {
        return;
    }
    for row in told {
        let _ = writeln!(shown.warnings, "{}", clean(row));
    }
    if left + warned > told.len() as u64 {
        let _ = writeln!(shown.warnings, "… --report FILE has all of them");
    }
}

/// What a sync would take. The requests were shown.
fn planned(out: &mut String, value: &Value) {
    let count = |name: &str| value.get(name).and_then(Value::as_u64).unwrap_or_default();
    good(out, "nothing was sent; this is what a sync would send");
    field(out, "rows", &format!("{}, of which {} are refused", count("rows"), count("refused")));
    if count("warned") > 0 {
        let (warned, go) = (count("warned"), if count("warned") == 1 { "row goes" } else { "rows go" });
        field(out, "warnings", &format!("{warned} {go} without a part of what the input says"));
    }
    let operations = value.get("by-operation").and_then(Value::as_object);
    let each = operations.into_iter().flatten().map(|(name, count)| format!("{count} × {name}"));
    let each: Vec<String> = each.collect();
    field(out, "requests", &format!("{}: {}", count("requests"), each.join(", ")));
    let seconds = count("seconds");
    let least = match (seconds / 60, seconds % 60) {
        (0, 0) => "less than a second".to_owned(),
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    };
    field(out, "time", &format!("{least} for these at Klaviyo's rates, if it answers at once"));
    if count("imports") > 0 {
        let text = "Klaviyo then works on the imports, mostly for minutes; it is asked about all of them together, \
                    every 15 s at most";
        field(out, "", text);
    }
}

fn good(out: &mut String, sentence: &str) {
    let _ = writeln!(out, "{GOOD}✓{GOOD:#} {sentence}");
}

fn bad(out: &mut String, sentence: &str) {
    marked(out, &format!("{BAD}✗{BAD:#}"), sentence);
}

/// A sentence behind a mark, in as many lines as it takes.
fn marked(out: &mut String, mark: &str, sentence: &str) {
    let mut mark = mark;
    for line in wrapped(&clean(sentence)) {
        let _ = writeln!(out, "{mark} {line}");
        mark = " ";
    }
}
