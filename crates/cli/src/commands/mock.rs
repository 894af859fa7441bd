//! `klaviyo-connector mock`: a simulated Klaviyo on a loopback port, until Ctrl-C.

use crate::context::Context;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::{self, Output};
use crate::runtime;
use crate::text::{FAINT, TITLE};
use clap::Args;
use klaviyo_mock::{Account, App, Channel, Faults, Klaviyo, Rates, Revision, Rule, Server};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::time::Duration;

const HELP: &str = "\
With --json, VALUE is {url, keys: [{key, scopes}, …], lists: [{id, name}, …],
app: {client_id, client_secret}}. It is printed before
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
    /// Revisions up to this one, such as 2025-01-15, are retired: the oldest that lives answers for them
    #[arg(long, value_name = "REVISION")]
    retire: Option<Revision>,
    /// The account has people who did something before: Priya and Noah bought, Mei only read
    #[arg(long)]
    history: bool,
    /// Events, memberships and changes of profiles become visible late: each after up to this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    late: u32,
    /// A channel that the account has not set up: email, sms, whatsapp or push. Whoever subscribes people to it is
    /// refused; may be repeated
    #[arg(long = "without", value_name = "CHANNEL", value_parser = channel)]
    missing_channels: Vec<Channel>,
    /// Decides which requests a percentage in a rule hits, and how late each thing is
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

/// Reads the name of a channel.
fn channel(text: &str) -> Result<Channel, String> {
    text.parse().map_err(|_| "write email, sms, whatsapp or push".to_owned())
}

/// Reads a rule.
pub(crate) fn fault(text: &str) -> Result<Rule, String> {
    // Without the outermost error, which repeats the text: clap does that already.
    text.parse::<Rule>()
        .map_err(|error| error.chain().skip(1).map(ToString::to_string).collect::<Vec<_>>().join(": "))
}

impl Mock {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        runtime::on_this_thread(self.serve(context.options.json))
    }

    async fn serve(&self, json: bool) -> Result<Output, Failure> {
        let mut account = if self.history { Account::demo_with_history() } else { Account::demo() };
        for MockKey { key, scopes } in &self.keys {
            account.add_key(key, &scopes.iter().map(String::as_str).collect::<Vec<_>>());
        }
        account.set_lateness(Duration::from_secs(self.late.into()), self.seed);
        self.missing_channels.iter().for_each(|channel| account.lacks_channel(*channel));
        let faults = self.faults.iter().cloned().fold(Faults::seeded(self.seed), Faults::rule);
        let klaviyo = Klaviyo::from(account).app(App::demo()).rates(self.rates).faults(faults);
        let klaviyo = self.retire.into_iter().fold(klaviyo, Klaviyo::retire);
        let server = Server::start_at((Ipv4Addr::LOCALHOST, self.port).into(), klaviyo).map_err(|error| {
            Failure::other(format!("{error:#}"))
                .hint("--port chooses another port, and --port 0 any free one")
        })?;
        // Before anybody learns that it runs, and stops it.
        let interrupt = interrupt::listen()?;
        self.introduce(json, &server);
        interrupt.asked().await;
        if !json {
            output::eprint(&format!("\nstopped after {} requests\n", server.requests()));
        }
        Ok(Output::printed())
    }

    /// Says what there is, and what to try.
    fn introduce(&self, json: bool, server: &Server) {
        let scopes = Account::SCOPES.iter().map(|scope| (*scope).to_owned()).collect();
        let demo = MockKey { key: Account::DEMO_KEY.to_owned(), scopes };
        let keys: Vec<&MockKey> = [&demo].into_iter().chain(&self.keys).collect();
        let state = server.state();
        let lists = state.pointer("/accounts/0/lists").and_then(Value::as_array);
        let text = |list: &Value, name: &str| list.get(name)?.as_str().map(str::to_owned);
        let lists =
            lists.into_iter().flatten().filter_map(|list| Some((text(list, "id")?, text(list, "name")?)));
        let lists: Vec<(String, String)> = lists.collect();
        let (url, key) = (server.url(), Account::DEMO_KEY);

        let shown = |MockKey { key, scopes }: &&MockKey| {
            let scopes = match scopes.len() {
                0 => "no scope".to_owned(),
                count if count == Account::SCOPES.len() => "all scopes".to_owned(),
                _ => scopes.join(", "),
            };
            format!("{key}  {FAINT}{scopes}{FAINT:#}")
        };
        let retired = self.retire.map(|revision| format!("{revision} and before"));
        let app = format!("{}  {FAINT}{}{FAINT:#}", App::DEMO_CLIENT_ID, App::DEMO_CLIENT_SECRET);
        let sections: [(&str, Vec<String>); 5] = [
            ("keys", keys.iter().map(shown).collect()),
            ("lists", lists.iter().map(|(id, name)| format!("{id}  {name}")).collect()),
            ("app", vec![app]),
            ("retired", retired.into_iter().collect()),
            ("faults", self.faults.iter().map(ToString::to_string).collect()),
        ];
        let mut out = format!("A Klaviyo on this machine: {TITLE}{url}{TITLE:#} (Ctrl-C stops it)\n\n");
        for (mut label, lines) in sections {
            for line in lines {
                out.push_str(&format!("  {label:<8}{line}\n"));
                label = "";
            }
        }
        out.push_str(&format!(
            "\nIn another terminal:\n\n\
             \x20 export KLAVIYO_ENDPOINT={url}\n\
             \x20 export KLAVIYO_API_KEY={key}\n\
             \x20 klaviyo-connector lists\n\
             \x20 klaviyo-connector opt-in --list Y6nRLr --email priya@example.com --name \"Priya Sharma\" --phone +919820000001\n\
             \x20 klaviyo-connector {} --email priya@example.com\n\
             \x20 klaviyo-connector doctor\n",
            if self.history { "history" } else { "lookup" }
        ));
        let keys = keys.iter().map(|MockKey { key, scopes }| json!({ "key": key, "scopes": scopes }));
        let lists = lists.iter().map(|(id, name)| json!({ "id": id, "name": name }));
        let value = json!({
            "url": url,
            "keys": keys.collect::<Vec<_>>(),
            "lists": lists.collect::<Vec<_>>(),
            "app": { "client_id": App::DEMO_CLIENT_ID, "client_secret": App::DEMO_CLIENT_SECRET },
        });
        output::announce(json, value, &out);
    }
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
    fn a_channel_has_its_name_in_requests() {
        assert_eq!(channel("whatsapp"), Ok(Channel::WhatsApp));
        assert!(channel("fax").is_err());
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
