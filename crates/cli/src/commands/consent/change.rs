//! `consent grant` and `consent revoke`.

use crate::channel;
use crate::contact::{Who, identifier_json, nobody};
use crate::context::Context;
use crate::failure::{Failure, exit_code};
use crate::find_list;
use crate::output::Output;
use crate::session;
use crate::text::{bad, channel_of, good, text_of, warning};
use clap::Args;
use klaviyo_host::Tenant;
use klaviyo_host::types::{Channel, Code, Identifier};
use serde_json::{Value, json};

/// Subscribe a person to messages, who gave this consent to you; it lifts suppressions
#[derive(Args)]
#[command(after_help = "\
Where the list has double opt-in (without a list: the account), the person is asked to confirm, and
is not subscribed before. With a list, the person is on it then. A person without a profile needs
--list. A channel uses the address that the profile has for it, whatever names the person. Klaviyo
works on consent later: `consent status` shows what stands. The key needs the scopes
profiles:read, profiles:write, lists:read, lists:write and subscriptions:write.

With --json, VALUE is {accepted, refused, refused-channels, warnings, stopped}.")]
pub(super) struct Grant {
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    channels: Channels,
    /// The list's id, or its exact name
    #[arg(long, help_heading = "The consent")]
    list: Option<String>,
    /// What Klaviyo keeps as the source, such as 'WhatsApp bot'
    #[arg(long, value_name = "TEXT", help_heading = "The consent")]
    source: Option<String>,
}

/// Unsubscribe a person from messages
#[derive(Args)]
#[command(after_help = "\
With a list, the person is unsubscribed from that list and taken off it; but somebody who is not on
it is unsubscribed from everything. A person without a profile gets one, unsubscribed. The key needs
the scopes profiles:read, profiles:write, lists:read, lists:write and subscriptions:write.

With --json, VALUE is {accepted, refused, refused-channels, warnings, stopped}.")]
pub(super) struct Revoke {
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    channels: Channels,
    /// The list's id, or its exact name
    #[arg(long, help_heading = "The consent")]
    list: Option<String>,
}

// Flattened structs have no documentation: clap would take it for that of the command.
#[derive(Args)]
#[group(skip)]
#[command(next_help_heading = "The consent")]
#[command(group = clap::ArgGroup::new("kinds").required(true).multiple(true).args(["channel", "transactional"]))]
struct Channels {
    /// Channels of marketing; another one by Klaviyo's name for it, such as rcs
    #[arg(long, value_name = "CHANNEL", value_delimiter = ',', value_parser = channel::marketing())]
    channel: Vec<Channel>,
    /// Channels of transactional messages, such as order confirmations; another one by Klaviyo's name for it. Klaviyo
    /// keeps no such consent for email and push
    #[arg(long, value_name = "CHANNEL", value_delimiter = ',', value_parser = channel::transactional())]
    transactional: Vec<Channel>,
}

impl Grant {
    pub(super) fn run(&self, context: &Context) -> Result<Output, Failure> {
        session::in_account(context, async |tenant| {
            let list = list_id(tenant, self.list.as_deref()).await?;
            let mut person = self.channels.of(tenant, &self.who).await?;
            if list.is_none() && person.get("id").is_none() {
                let sentence =
                    format!("{}; without a profile, consent needs --list", nobody(&self.who.identifier()?));
                return Err(Failure::new(Code::NotFound, sentence));
            }
            if list.is_some()
                && let Some(person) = person.as_object_mut()
            {
                person.remove("id");
            }
            let options = json!({ "custom-source": self.source });
            outcome(tenant, "consent.grant", &[json!([person]), json!(list), options], "gives the consent")
                .await
        })
    }
}

impl Revoke {
    pub(super) fn run(&self, context: &Context) -> Result<Output, Failure> {
        session::in_account(context, async |tenant| {
            let list = list_id(tenant, self.list.as_deref()).await?;
            let mut person = self.channels.of(tenant, &self.who).await?;
            if let Some(person) = person.as_object_mut() {
                person.remove("id");
            }
            outcome(tenant, "consent.revoke", &[json!([person]), json!(list)], "takes the consent back").await
        })
    }
}

impl Channels {
    /// The person as the contract has it: with the addresses of the profile, since a channel may need another one than
    /// the one that was given; without a profile, with the one that was given.
    async fn of(&self, tenant: &Tenant, who: &Who) -> Result<Value, Failure> {
        let by = who.identifier()?;
        let is_address = matches!(by, Identifier::Email(_) | Identifier::PhoneNumber(_));
        let mut person = match tenant.lookup(&by).await?.value {
            Some(profile) => {
                json!({ "id": profile.id, "email": profile.email, "phone-number": profile.phone_number })
            }
            None if is_address => identifier_json(&by),
            None => {
                return Err(Failure::new(Code::NotFound, format!("{} (nothing was changed)", nobody(&by))));
            }
        };
        if let Some(members) = person.as_object_mut() {
            let channels = |channels: &[Channel]| channels.iter().map(channel::json).collect::<Value>();
            members.insert("channels".to_owned(), channels(&self.channel));
            members.insert("transactional".to_owned(), channels(&self.transactional));
        }
        Ok(person)
    }
}

async fn list_id(tenant: &Tenant, list: Option<&str>) -> Result<Option<String>, Failure> {
    match list {
        Some(list) => find_list::id_of(tenant, list).await.map(Some),
        None => Ok(None),
    }
}

/// Makes the call, and shows what came of the person. A refusal is a failure of the command.
async fn outcome(
    tenant: &Tenant,
    function: &str,
    arguments: &[Value],
    done: &str,
) -> Result<Output, Failure> {
    let value = tenant.call(function, arguments).await.map_err(Failure::after_reading)?.value;
    let all = |name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let reason = |refusal: &Value| {
        let reason = refusal.get("reason").unwrap_or(&Value::Null);
        let said = [text_of(reason, "detail"), text_of(reason, "title"), text_of(reason, "code")];
        let said = said.into_iter().find(|text| !text.is_empty()).unwrap_or_default().to_owned();
        match text_of(reason, "pointer") {
            "" => said,
            pointer => format!("{pointer}: {said}"),
        }
    };
    let mut notes = String::new();
    for refusal in all("refused") {
        notes.push_str(&bad(&format!("refused: {}", reason(&refusal))));
    }
    for refusal in all("refused-channels") {
        notes.push_str(&bad(&format!(
            "{}: refused: {}",
            channel_of(refusal.get("channel")),
            reason(&refusal)
        )));
    }
    let is_refused = !notes.is_empty();
    for sentence in all("warnings") {
        notes.push_str(&warning(sentence.as_str().unwrap_or_default()));
    }
    let accepted = value.get("accepted") != Some(&json!(0));
    let text = if accepted { good(&format!("Klaviyo {done}, and works on it")) } else { String::new() };
    let exit_code = if is_refused { exit_code(Code::Rejected) } else { 0 };
    Ok(Output::new(value, text).with_notes(notes).with_exit_code(exit_code))
}
