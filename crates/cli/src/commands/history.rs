//! `klaviyo-connector history`: who a person is, which lists and segments they are in, what they consented to, and what
//! they did.

use crate::contact::{Who, identifier_json, nobody};
use crate::context::Context;
use crate::failure::{Failure, exit_code};
use crate::output::Output;
use crate::session;
use crate::text::{
    self, SCREEN, TITLE, cell, channel_of, clean, field, minute, profile_text, text_of, warning,
};
use crate::when;
use clap::Args;
use klaviyo_host::json::of_record;
use klaviyo_host::types::{Code, Identifier};
use klaviyo_host::{Answer, Error};
use serde_json::{Value, json};
use textwrap::core::display_width;

/// The most columns of a metric's name, and of a person's properties, which `lookup` shows whole.
const NAME: usize = 28;
const PROPERTIES: usize = 60;
/// The fewest columns for the properties of an event, however long its value is.
const DETAILS: usize = 12;

/// Show who a person is, their lists, segments and consent, and what they did, newest first
#[derive(Args)]
#[command(after_help = "\
A TIME is RFC 3339, a day such as 2026-11-01, or a time ago such as 10m, 2h or 7d. The key needs the
scopes profiles:read, events:read and metrics:read, and shows lists and segments if it has
lists:read and segments:read.

The screen shows the beginning of a person's properties; `lookup` shows all of them.

With --json, VALUE is {profile, lists, segments, consent, timeline}, or null; lists or segments is
null if the key may not read them. A profile is that of `lookup --help`, and consent that of
`consent status --help`. A timeline is {profile-id, events: [{id, metric-id, metric, profile-id,
time, value, properties, uuid}, …], more}.")]
pub(crate) struct History {
    #[command(flatten)]
    who: Who,
    /// Only events at or after this time
    #[arg(long, value_name = "TIME", help_heading = "The events", value_parser = when::time)]
    since: Option<String>,
    /// Only events before this time
    #[arg(long, value_name = "TIME", help_heading = "The events", value_parser = when::time)]
    until: Option<String>,
    /// The most events to show
    #[arg(long, value_name = "NUMBER", help_heading = "The events", default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl History {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        session::in_account(context, async |tenant| {
            let by = self.who.identifier()?;
            let Some(profile) = tenant.lookup(&by).await?.value else {
                return Ok(Output::nothing(&nobody(&by), exit_code(Code::NotFound)));
            };
            let period = json!({ "since": self.since, "until": self.until, "limit": self.limit });
            let id = identifier_json(&Identifier::Id(profile.id.clone()));
            let timeline = tenant.call("events.history", &[id.clone(), period]).await?.value;
            let consent = tenant.call("consent.status", &[id]).await?.value;
            let mut notes = String::new();
            let lists =
                readable(tenant.call("lists.of-profile", &[json!(profile.id)]).await, "lists", &mut notes)?;
            let segments = readable(
                tenant.call("segments.of-profile", &[json!(profile.id)]).await,
                "segments",
                &mut notes,
            )?;
            let value = json!({
                "profile": of_record(&profile),
                "lists": lists,
                "segments": segments,
                "consent": consent,
                "timeline": timeline,
            });
            let text = screen(&value);
            Ok(Output::new(value, text).with_notes(notes))
        })
    }
}

/// What a call returned; null, with a note, if the key may not read it. The rest of the screen is good without it.
fn readable(result: Result<Answer<Value>, Error>, what: &str, notes: &mut String) -> Result<Value, Failure> {
    match result {
        Ok(answer) => Ok(answer.value),
        Err(error) if error.code() == Code::Forbidden => {
            notes.push_str(&warning(&format!(
                "the {what} are not shown: the key lacks the scope {what}:read"
            )));
            Ok(Value::Null)
        }
        Err(error) => Err(error.into()),
    }
}

/// The person, the groups, the consent and the events.
fn screen(value: &Value) -> String {
    let mut out = String::new();
    let mut profile = value.get("profile").cloned().unwrap_or_default();
    if let Some(properties) = profile.get_mut("properties") {
        *properties =
            properties.as_str().map_or(Value::Null, |text| json!(shortened(&clean(text), PROPERTIES)));
    }
    profile_text(&mut out, &profile);
    for what in ["lists", "segments"] {
        if let Some(groups) = value.get(what).and_then(Value::as_array) {
            let names: Vec<String> = groups.iter().map(named).collect();
            field(&mut out, what, &if names.is_empty() { "-".to_owned() } else { names.join(", ") });
        }
    }
    field(&mut out, "consent", &consented(value.get("consent").unwrap_or(&Value::Null)));
    let timeline = value.get("timeline");
    let events = timeline.and_then(|timeline| timeline.get("events")).and_then(Value::as_array);
    let mut rows: Vec<[String; 4]> = events.into_iter().flatten().map(row).collect();
    fit(&mut rows);
    out.push('\n');
    if rows.is_empty() {
        out.push_str("  no events\n");
        return out;
    }
    out.push_str(&text::table(["TIME", "EVENT", "VALUE", "DETAILS"], &rows));
    if timeline.and_then(|timeline| timeline.get("more")) == Some(&json!(true)) {
        out.push_str(&format!("{TITLE}…{TITLE:#} there are more; --limit shows more\n"));
    }
    out
}

fn named(group: &Value) -> String {
    format!("{} ({})", text_of(group, "name"), text_of(group, "id"))
}

/// The channels on which the person has ever given or refused consent to marketing.
fn consented(consent: &Value) -> String {
    let channels = consent.get("channels").and_then(Value::as_array);
    let known = channels.into_iter().flatten().filter_map(standing).collect::<Vec<_>>();
    if known.is_empty() { "-".to_owned() } else { known.join(", ") }
}

/// What stands on a channel; none where the person has never said anything.
fn standing(consent: &Value) -> Option<String> {
    let state = text_of(consent, "state");
    let is_blocked = state == "SUBSCRIBED" && consent.get("can-receive") == Some(&json!(false));
    let but = if is_blocked { " but cannot receive" } else { "" };
    let is_known = !state.is_empty() && state != "NEVER_SUBSCRIBED";
    is_known.then(|| format!("{} {state}{but}", channel_of(consent.get("channel"))))
}

fn row(event: &Value) -> [String; 4] {
    let properties = serde_json::from_str(text_of(event, "properties")).unwrap_or_default();
    [
        minute(text_of(event, "time")),
        shortened(&cell(text_of(event, "metric")), NAME),
        money(event, &properties),
        cell(&details(&properties)),
    ]
}

/// The value of an event, with its currency if it has one.
fn money(event: &Value, properties: &Value) -> String {
    match (text_of(event, "value"), currency(properties)) {
        (value, currency) if value.is_empty() || currency.is_empty() => cell(value),
        (value, currency) => cell(&format!("{value} {currency}")),
    }
}

fn currency(properties: &Value) -> &str {
    ["$currency_code", "$value_currency"]
        .into_iter()
        .map(|name| text_of(properties, name))
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

/// What was bought, if the event has items as Klaviyo's shops write them; then the texts and numbers of the event.
fn details(properties: &Value) -> String {
    let items = ["Items", "items"].into_iter().find_map(|name| properties.get(name)?.as_array());
    let mut parts: Vec<String> = items.into_iter().flatten().filter_map(item).collect();
    let plain = |(name, value): (&String, &Value)| {
        let is_own = name.starts_with('$') || name == "Items" || name == "items";
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (!is_own && !value.is_empty()).then(|| format!("{name} {value}"))
    };
    parts.extend(properties.as_object().into_iter().flatten().filter_map(plain));
    clean(&parts.join(", ")).into_owned()
}

/// An item of an order, such as `2 Wool socks`. Some shops write its name alone.
fn item(item: &Value) -> Option<String> {
    if let Some(name) = item.as_str() {
        return Some(name.to_owned());
    }
    let name = ["ProductName", "Product Name", "Name", "name", "title"]
        .into_iter()
        .find_map(|name| item.get(name)?.as_str())?;
    let quantity = ["Quantity", "quantity"].into_iter().find_map(|name| item.get(name)?.as_u64());
    Some(quantity.map_or_else(|| name.to_owned(), |quantity| format!("{quantity} {name}")))
}

/// Shortens the last column to what the others leave of the screen.
fn fit(rows: &mut [[String; 4]]) {
    let mut widths = ["TIME", "EVENT", "VALUE"].map(str::len);
    for [time, event, value, _] in rows.iter() {
        let cells = [time, event, value];
        widths.iter_mut().zip(cells).for_each(|(width, cell)| *width = display_width(cell).max(*width));
    }
    let others = widths.iter().map(|width| width + 2).sum();
    for [.., details] in rows {
        *details = shortened(details, SCREEN.saturating_sub(others).max(DETAILS));
    }
}

/// The text, or as much of it as has this many columns, with the sign that there is more.
fn shortened(text: &str, columns: usize) -> String {
    if display_width(text) <= columns {
        return text.to_owned();
    }
    let mut shown = String::new();
    for c in text.chars() {
        shown.push(c);
        if display_width(&shown) >= columns {
            shown.pop();
            break;
        }
    }
    format!("{}…", shown.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consent_is_shown_once_somebody_has_said_something() {
        let channel = |name: &str, state: &str, can: bool| json!({ "channel": name, "state": state, "can-receive": can });
        let channels = json!({ "channels": [
            channel("email", "SUBSCRIBED", false), channel("sms", "NEVER_SUBSCRIBED", false),
            channel("whatsapp", "SUBSCRIBED", true), channel("push", "UNSUBSCRIBED", false),
        ] });
        assert_eq!(
            consented(&channels),
            "email SUBSCRIBED but cannot receive, whatsapp SUBSCRIBED, push UNSUBSCRIBED"
        );
        assert_eq!(consented(&json!({ "channels": [channel("sms", "NEVER_SUBSCRIBED", false)] })), "-");
        assert_eq!(consented(&Value::Null), "-");
    }

    #[test]
    fn an_order_shows_what_was_bought() {
        let properties = json!({
            "Items": [{ "ProductName": "Wool socks", "Quantity": 2 }, { "name": "Hat" }],
            "OrderId": "1001", "$value": 84.5, "$currency_code": "USD", "empty": "", "nested": { "a": 1 },
        });
        assert_eq!(details(&properties), "2 Wool socks, Hat, OrderId 1001");
        assert_eq!(money(&json!({ "value": "84.5" }), &properties), "84.5 USD");
        assert_eq!(money(&json!({ "value": null }), &properties), "-");
        assert_eq!(details(&Value::Null), "");
        let names = json!({ "Items": ["Wool socks", 7, "Hat"], "items": [] });
        assert_eq!(details(&names), "Wool socks, Hat");
    }

    #[test]
    fn no_row_is_wider_than_the_screen() {
        let event = |metric: &str, value: &str, details: &str| {
            let properties = json!({ "Items": [details], "$currency_code": "INR" }).to_string();
            row(&json!({
                "time": "2026-11-20T09:15:00+00:00", "metric": metric, "value": value, "properties": properties,
            }))
        };
        let long = "é漢".repeat(200);
        for (metric, value) in [("Placed Order", "29.9"), (long.as_str(), "1234567.89")] {
            let mut rows = [event(metric, value, &long), event("Hat", "1", "Hat")];
            fit(&mut rows);
            let table = text::table(["TIME", "EVENT", "VALUE", "DETAILS"], &rows);
            let widths: Vec<_> =
                anstream::adapter::strip_str(&table).to_string().lines().map(display_width).collect();
            assert!(widths.iter().all(|width| *width <= SCREEN), "{widths:?} {table}");
            assert!(widths.iter().any(|width| *width >= SCREEN - 2), "{widths:?} {table}");
            assert!(table.contains("  Hat\n"), "{table}");
        }
        assert_eq!([shortened("Hat", 3), shortened("Hats", 3), shortened("", 3)], ["Hat", "Ha…", ""]);
    }
}
