//! `klaviyo-connector mock`: a simulated Klaviyo on a loopback port, until Ctrl-C.

use crate::context::Context;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::{self, Output};
use crate::runtime;
use crate::text::{FAINT, TITLE};
use clap::Args;
use klaviyo_mock::{Account, Faults, Klaviyo, Rates, Rule, Server};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::net::Ipv4Addr;

const HELP: &str = "\
With --json, VALUE is {url, keys: [{key, scopes}, …], lists: [{id, name}, …]}. It is printed before
the simulator serves.";

/// Run a Klaviyo on this machine to try things on, until Ctrl-C
#[derive(Args)]
#[command(next_help_heading = "The simulator")]
#[command(after_help = HELP)]
pub(crate) struct Mock {
    /// The port on the loopback interface; 0 is any free one
    #[arg(long, default_value_t = 4010)]
    port: u16,
    /// One more key, pk_NAME, which has only these scopes, such as readonly=lists:read,profiles:read; may be repeated
    #[arg(long = "key", value_name = "NAME=SCOPE,…", value_parser = key)]
    keys: Vec<MockKey>,
    /// The rates that clients have to keep: off, klaviyo (the published ones), or a number, which multiplies those
    #[arg(long, default_value = "klaviyo", value_parser = rates)]
    rates: Rates,
    /// What goes wrong, such as 'GET /api/lists: #1-2 status 503'; may be repeated
    #[arg(long = "fault", value_name = "RULE", value_parser = fault)]
    faults: Vec<Rule>,
    /// Decides which requests a percentage in a rule hits
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// A key that the simulator knows. It is no secret.
#[derive(Clone, Debug)]
struct MockKey {
    key: String,
    scopes: Vec<String>,
}

/// Reads `readonly=lists:read,profiles:read`.
fn key(text: &str) -> Result<MockKey, String> {
    let (name, scopes) =
        text.split_once('=').ok_or("write a name and its scopes, such as readonly=lists:read")?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || !name.chars().all(is_part) {
        return Err("the name of a key has letters, digits, - and _".to_owned());
    }
    let scopes: Vec<String> =
        scopes.split(',').map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    if let Some(unknown) = scopes.iter().find(|scope| !Account::SCOPES.contains(&scope.as_str())) {
        return Err(format!("there is no scope {unknown:?}; there are {}", Account::SCOPES.join(", ")));
    }
    Ok(MockKey { key: format!("pk_{name}"), scopes })
}

/// Reads `off`, `klaviyo` or a number.
fn rates(text: &str) -> Result<Rates, String> {
    match (text, text.parse::<u32>()) {
        ("off", _) => Ok(Rates::off()),
        ("klaviyo", _) => Ok(Rates::klaviyo()),
        (_, Ok(times)) if times > 0 => Ok(Rates::times(times)),
        _ => Err("write off, klaviyo, or a number such as 100".to_owned()),
    }
}

/// Reads a rule.
fn fault(text: &str) -> Result<Rule, String> {
    // Without the outermost error, which repeats the text: clap does that already.
    text.parse::<Rule>()
        .map_err(|error| error.chain().skip(1).map(ToString::to_string).collect::<Vec<_>>().join(": "))
}

impl Mock {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        runtime::on_this_thread(self.serve(context.options.json))
    }

    async fn serve(&self, json: bool) -> Result<Output, Failure> {
        let mut account = Account::demo();
        for MockKey { key, scopes } in &self.keys {
            account.add_key(key, &scopes.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let faults = self.faults.iter().cloned().fold(Faults::seeded(self.seed), Faults::rule);
        let klaviyo = Klaviyo::from(account).rates(self.rates).faults(faults);
        let server = Server::start_at((Ipv4Addr::LOCALHOST, self.port).into(), klaviyo).map_err(|error| {
            Failure::other(format!("{error:#}"))
                .hint("--port chooses another port, and --port 0 any free one")
        })?;
        // Before anybody learns that it runs, and stops it.
        let interrupt = interrupt::listen()?;
        let value = description(&server, &self.keys);
        let text = introduction(&value, &self.faults);
        output::announce(json, value, &text);
        interrupt.asked().await;
        if !json {
            output::eprint(&format!("\nstopped after {} requests\n", server.requests()));
        }
        Ok(Output::printed())
    }
}

fn description(server: &Server, keys: &[MockKey]) -> Value {
    let mut all = vec![json!({ "key": Account::DEMO_KEY, "scopes": Account::SCOPES })];
    all.extend(keys.iter().map(|MockKey { key, scopes }| json!({ "key": key, "scopes": scopes })));
    let state = server.state();
    let lists =
        state.pointer("/accounts/0/lists").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let lists: Vec<Value> =
        lists.iter().map(|list| json!({ "id": list.get("id"), "name": list.get("name") })).collect();
    json!({ "url": server.url(), "keys": all, "lists": lists })
}

/// What there is, and what to try.
fn introduction(value: &Value, faults: &[Rule]) -> String {
    let text =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let all = |name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let url = text(value, "url");
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(out, "A Klaviyo on this machine: {TITLE}{url}{TITLE:#} (Ctrl-C stops it)\n");
    let mut label = "keys";
    for key in all("keys") {
        let scopes = key.get("scopes").and_then(Value::as_array).cloned().unwrap_or_default();
        let scopes = match scopes.len() {
            0 => "no scope".to_owned(),
            count if count == Account::SCOPES.len() => "all scopes".to_owned(),
            _ => scopes.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        };
        let _ = writeln!(out, "  {label:<8}{}  {FAINT}{scopes}{FAINT:#}", text(&key, "key"));
        label = "";
    }
    let mut label = "lists";
    for list in all("lists") {
        let _ = writeln!(out, "  {label:<8}{}  {}", text(&list, "id"), text(&list, "name"));
        label = "";
    }
    let mut label = "faults";
    for rule in faults {
        let _ = writeln!(out, "  {label:<8}{rule}");
        label = "";
    }
    let _ = write!(
        out,
        "\nIn another terminal:\n\n\
         \x20 export KLAVIYO_ENDPOINT={url}\n\
         \x20 export KLAVIYO_API_KEY={}\n\
         \x20 klaviyo-connector lists\n\
         \x20 klaviyo-connector opt-in --list Y6nRLr --email priya@example.com --name \"Priya Sharma\" --phone +919820000001\n\
         \x20 klaviyo-connector lookup --email priya@example.com\n\
         \x20 klaviyo-connector doctor\n",
        Account::DEMO_KEY
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_a_name_and_known_scopes() {
        let MockKey { key: text, scopes } = key("readonly=lists:read, profiles:read").unwrap();
        assert_eq!((text.as_str(), scopes.len()), ("pk_readonly", 2));
        assert!(key("nothing=").unwrap().scopes.is_empty());
        for wrong in ["", "readonly", "=lists:read", "a b=lists:read", "x=list:read"] {
            assert!(key(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_are_off_published_or_multiplied() {
        assert_eq!(rates("off"), Ok(Rates::off()));
        assert_eq!(rates("klaviyo"), Ok(Rates::klaviyo()));
        assert_eq!(rates("100"), Ok(Rates::times(100)));
        assert!(rates("0").is_err());
        assert!(rates("fast").is_err());
    }
}
