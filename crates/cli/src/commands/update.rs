//! `klaviyo-connector update`: changes of a profile.

use crate::contact::{self, Who, properties};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::session;
use crate::text::{good, profile_text, warning};
use clap::{ArgGroup, Args};
use serde_json::{Map, Value, json};

/// The prefix of a custom property, as `sync` has it.
const PROPERTY: &str = "property:";
/// The prefix of a part of the location.
const LOCATION: &str = "location.";

/// Change the profile that has an identifier, in one request
#[derive(Args)]
#[command(group = ArgGroup::new("changes").required(true).multiple(true)
    .args(["set", "clear", "append", "unappend", "unset"]))]
#[command(after_help = "\
Fields:
  email, phone-number, external-id, first-name, last-name, organization, title, locale, image,
  location.address1, location.address2, location.city, location.region, location.country,
  location.zip, location.latitude, location.longitude, location.timezone, location.ip, and, for
  --set, property:NAME. A value of a property is JSON, or else text.

  klaviyo-connector update --email priya@example.com --set title=Buyer --set property:plan=pro \\
    --clear location.city --append '{\"tags\":\"vip\"}' --unset trial

What is not named stays as it is. The key needs the scopes profiles:read and profiles:write.

With --json, VALUE is the profile as it is then: see `lookup --help`.")]
pub(crate) struct Update {
    #[command(flatten)]
    who: Who,
    /// Set a field; may be repeated
    #[arg(long, value_name = "FIELD=VALUE", help_heading = "The changes")]
    set: Vec<String>,
    /// Clear a field, or with `location` all of it; may be repeated
    #[arg(long, value_name = "FIELD", help_heading = "The changes")]
    clear: Vec<String>,
    /// Add values to properties that are lists: a JSON object such as {"tags":["vip"]}
    #[arg(long, value_name = "JSON", help_heading = "The changes")]
    append: Vec<String>,
    /// Take values out of properties that are lists: a JSON object
    #[arg(long, value_name = "JSON", help_heading = "The changes")]
    unappend: Vec<String>,
    /// Remove a custom property; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "The changes")]
    unset: Vec<String>,
}

impl Update {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        let changes = self.changes()?;
        session::in_account(context, async |tenant| {
            let id = contact::id_of(tenant, &self.who.identifier()?).await?;
            let call = tenant.call("contacts.update", &[json!(id), json!(changes)]).await;
            let profile = call.map_err(Failure::after_reading)?.value;
            let mut text = good("updated");
            profile_text(&mut text, &profile);
            let warnings = profile.get("warnings").and_then(Value::as_array).into_iter().flatten();
            let notes = warnings.filter_map(Value::as_str).map(warning).collect();
            Ok(Output::new(profile, text).with_notes(notes))
        })
    }

    /// The changes as the contract has them.
    fn changes(&self) -> Result<Vec<Value>, Failure> {
        let mut changes = Vec::new();
        if !self.set.is_empty() {
            changes.push(json!({ "set": set(&self.set)? }));
        }
        for (name, values) in [
            ("clear", &self.clear),
            ("append", &self.append),
            ("unappend", &self.unappend),
            ("unset", &self.unset),
        ] {
            changes.extend(values.iter().map(|value| json!({ name: value })));
        }
        Ok(changes)
    }
}

/// The fields to set, as the contract's new profile.
fn set(given: &[String]) -> Result<Value, Failure> {
    let (mut profile, mut location, mut custom) = (Map::new(), Map::new(), Vec::new());
    for text in given {
        let (field, value) = text.split_once('=').ok_or_else(|| {
            Failure::invalid(None, &format!("--set {text:?} is not FIELD=VALUE, such as title=Buyer"))
        })?;
        if let Some(name) = field.strip_prefix(PROPERTY) {
            custom.push(format!("{name}={value}"));
            continue;
        }
        let (fields, name) = match field.strip_prefix(LOCATION) {
            Some(name) => (&mut location, name),
            None => (&mut profile, field),
        };
        if fields.insert(name.to_owned(), json!(value)).is_some() {
            return Err(Failure::invalid(Some(field), "it is set twice"));
        }
    }
    if !location.is_empty() {
        profile.insert("location".to_owned(), Value::Object(location));
    }
    if let Some(custom) = properties(&custom)? {
        profile.insert("properties".to_owned(), json!(custom));
    }
    Ok(Value::Object(profile))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_places_and_properties_become_one_new_profile() {
        let given =
            ["title=a=b", "location.city=Pune", "property:plan=pro", "property:visits=3"].map(str::to_owned);
        let expected = json!({
            "title": "a=b", "location": { "city": "Pune" }, "properties": r#"{"plan":"pro","visits":3}"#,
        });
        assert_eq!(set(&given).unwrap(), expected);
        for wrong in [["title".to_owned()].as_slice(), &["title=a".to_owned(), "title=b".to_owned()]] {
            assert!(set(wrong).is_err(), "{wrong:?}");
        }
    }
}
