//! The story of the demo: what happened, and how it is told to a person.

use anstream::println;
use anstyle::{AnsiColor, Style};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;
use textwrap::core::Word;
use textwrap::{WordSeparator, WordSplitter};

const TITLE: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();

/// What the story shows in place of the simulator's address.
pub(crate) const KLAVIYO: &str = "https://a.klaviyo.com";
/// The width of the names of steps.
const STEP: usize = 25;

/// What the automation captured on WhatsApp, and where the contact goes.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub struct Captured {
    /// The email address that the customer gave
    #[arg(long = "email", default_value = "priya@example.com")]
    pub customer_email: String,
    /// The customer's name
    #[arg(long = "name", default_value = "Priya Sharma")]
    pub customer_name: String,
    /// The customer's WhatsApp number, with its country code
    #[arg(long = "phone", default_value = "+919820000001")]
    pub customer_phone: String,
    /// The list for opt-ins, by name or id
    #[arg(long, default_value = "WhatsApp Opt-Ins")]
    #[serde(skip)]
    pub list: String,
}

/// All that happened, in order.
#[derive(Serialize)]
pub struct Story {
    /// The file that ran.
    pub component: String,
    /// Its size.
    pub bytes: u64,
    /// The server that stood in for Klaviyo.
    pub klaviyo: String,
    /// What was captured.
    pub captured: Captured,
    /// The calls.
    pub chapters: Vec<Chapter>,
}

/// One call of the connector.
#[derive(Serialize)]
pub struct Chapter {
    /// What happened before, outside of the connector; none where the chapter goes on from the one before.
    pub trigger: Option<String>,
    /// What it shows.
    pub title: &'static str,
    /// The function that was called.
    pub function: &'static str,
    /// What crossed the component's `http` import.
    pub exchanges: Vec<ExchangeRecord>,
    /// What it returned, as the contract's JSON: `{"ok": …}` or `{"err": …}`.
    pub result: Value,
    /// What the bot says to the customer, where it has something to say.
    pub reply: Option<String>,
}

/// A request and what came back.
#[derive(Clone, Serialize)]
pub struct ExchangeRecord {
    /// The method.
    pub method: String,
    /// The URL as the component sent it.
    pub url: String,
    /// The headers, the key masked.
    pub headers: Vec<(String, String)>,
    /// The request's body.
    pub body: String,
    /// The status; none when there was no answer.
    pub status: Option<u16>,
    /// The answer's body, or why there was none.
    pub answer: String,
}

/// Prints who takes part, and the message that begins it.
pub(crate) fn beginning(story: &Story) {
    let captured = &story.captured;
    println!("{TITLE}A WhatsApp opt-in goes to Klaviyo{TITLE:#}");
    println!();
    println!("  connector  {}, in wasmtime; it can call one function, http", story.component);
    println!("  Klaviyo    a simulator on this machine, standing in for {KLAVIYO}");
    println!();
    println!("{TITLE}Trigger{TITLE:#}  {} sends SUBSCRIBE on WhatsApp", captured.customer_name);
    println!();
    println!("  customer_email = {}", captured.customer_email);
    println!("  customer_name  = {}", captured.customer_name);
    println!("  customer_phone = {}", captured.customer_phone);
}

/// Prints one call, with the headers and bodies of its requests and answers if `is_verbose`.
pub(crate) fn chapter(number: usize, chapter: &Chapter, is_verbose: bool) {
    println!();
    if let Some(trigger) = &chapter.trigger {
        println!("{TITLE}Trigger{TITLE:#}  {trigger}");
        println!();
    }
    println!("{TITLE}{number}. {}{TITLE:#}  {FAINT}{}{FAINT:#}", chapter.title, chapter.function);
    if !chapter.exchanges.is_empty() {
        println!();
    }
    for exchange in &chapter.exchanges {
        self::exchange(exchange, is_verbose);
    }
    println!();
    match (chapter.result.get("ok"), chapter.result.get("err")) {
        (Some(Value::Null), _) => println!("  {GOOD}✓{GOOD:#} returned nothing"),
        (Some(value), _) => {
            println!("  {GOOD}✓{GOOD:#} returned");
            fields(value, &["id", "name", "profile-id", "profile-name", "list-id"]);
            // That of a list is the time when it was created.
            if value.get("created").is_some_and(Value::is_boolean) {
                fields(value, &["created"]);
            }
            fields(value, &["warnings"]);
            consent(value);
            events(value);
        }
        (_, Some(error)) => {
            println!("  {BAD}✗{BAD:#} failed");
            fields(error, &["code", "status", "retry-after", "message"]);
        }
        _ => {}
    }
    if let Some(reply) = &chapter.reply {
        println!();
        println!("  Bot: {TITLE}{reply}{TITLE:#}");
    }
}

/// Prints the end.
pub(crate) fn end() {
    println!();
    println!("{FAINT}The component never had the key: the host adds it to each request.{FAINT:#}");
}

/// The fields of a record that have something to say.
fn fields(record: &Value, names: &[&str]) {
    for name in names {
        match record.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::Array(values)) if values.is_empty() => {}
            Some(Value::String(text)) => field(name, text),
            Some(value) => field(name, &value.to_string()),
        }
    }
}

fn field(name: &str, text: &str) {
    let mut label = name;
    for line in wrapped(text, 80) {
        println!("    {label:<14}{line}");
        label = "";
    }
}

/// What stands on each channel of a receipt.
fn consent(receipt: &Value) {
    for permitted in receipt.get("consent").and_then(Value::as_array).into_iter().flatten() {
        let text = |pointer| permitted.pointer(pointer).and_then(Value::as_str);
        let standing = match (text("/refused/detail"), text("/state")) {
            (Some(reason), _) => format!("Klaviyo refuses the consent: {reason}"),
            (None, Some("SUBSCRIBED")) => "SUBSCRIBED".to_owned(),
            (None, state) => {
                format!("accepted; {} until Klaviyo has worked on it", state.unwrap_or("unknown"))
            }
        };
        field(text("/channel").unwrap_or("channel"), &standing);
    }
}

/// What the person of a timeline did.
fn events(timeline: &Value) {
    for event in timeline.get("events").and_then(Value::as_array).into_iter().flatten() {
        fields(event, &["metric", "value", "properties"]);
    }
}

fn exchange(exchange: &ExchangeRecord, is_verbose: bool) {
    let url = exchange.url.strip_prefix(KLAVIYO).unwrap_or(&exchange.url);
    let url = percent_decode_str(url).decode_utf8_lossy();
    let mut label = format!("  {:<STEP$}→ {} ", step(exchange), exchange.method);
    for line in wrapped(&url, 80) {
        println!("{label}{line}");
        label = " ".repeat(label.chars().count());
    }
    if is_verbose {
        println!("      {FAINT}{}{FAINT:#}", exchange.url);
        for (name, value) in &exchange.headers {
            println!("      {FAINT}{name}: {value}{FAINT:#}");
        }
        if !exchange.body.is_empty() {
            println!("      {}", exchange.body);
        }
    }
    let answer = match exchange.status {
        Some(status) => format!("{status} {}", meaning(status)),
        None => "no answer".to_owned(),
    };
    let branch = branch(exchange).map(|branch| format!(", {branch}")).unwrap_or_default();
    println!("  {:<STEP$}← {}{branch}", "", answer.trim_end());
    if is_verbose {
        for line in wrapped(&exchange.answer, 96) {
            println!("      {FAINT}{line}{FAINT:#}");
        }
    }
}

/// What a request does.
fn step(exchange: &ExchangeRecord) -> &'static str {
    let is_to = |path: &str| exchange.url.contains(path);
    match exchange.method.as_str() {
        "GET" if is_to("/api/lists/") => "Get the lists",
        "GET" if is_to("/api/events/") => "Read the history",
        "GET" if is_to("subscriptions") => "Read the consent back",
        "GET" => "Search the profile",
        _ if is_to("/relationships/profiles/") => "Add it to the list",
        _ if is_to("/api/profile-subscription-bulk-create-jobs/") => "Give the consent",
        _ if is_to("/api/events/") => "Track the event",
        _ => "Create the profile",
    }
}

/// The condition that the guide puts after a search.
fn branch(exchange: &ExchangeRecord) -> Option<&'static str> {
    if step(exchange) != "Search the profile" || exchange.status != Some(200) {
        return None;
    }
    let answer: Value = serde_json::from_str(&exchange.answer).ok()?;
    Some(if answer.get("data")?.as_array()?.is_empty() {
        "data is empty: there is no such profile, create it"
    } else {
        "data has the profile: take its id, create nothing"
    })
}

fn meaning(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted: Klaviyo works on it",
        204 => "No Content: success, there is no body",
        401 => "Unauthorized",
        _ => "",
    }
}

/// Breaks a text into lines, at spaces and behind commas and ampersands: JSON and URLs have no spaces.
fn wrapped(text: &str, width: usize) -> Vec<Cow<'_, str>> {
    if text.is_empty() {
        return Vec::new();
    }
    let words = WordSeparator::Custom(|line| Box::new(line.split_inclusive([' ', ',', '&']).map(Word::from)));
    let options = textwrap::Options::new(width).break_words(false);
    // Neither a time nor an id is broken at its hyphens.
    textwrap::wrap(text, options.word_separator(words).word_splitter(WordSplitter::NoHyphenation))
}
