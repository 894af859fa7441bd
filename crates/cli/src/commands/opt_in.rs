//! `klaviyo-connector opt-in`: a contact that is looked up, created if it is new, and added to a list.

use crate::channel;
use crate::contact::Contact;
use crate::context::Context;
use crate::failure::{Failure, exit_code};
use crate::find_list;
use crate::output::Output;
use crate::session;
use crate::text::{TITLE, bad, clean, field, fields, good, warnings_text};
use clap::Args;
use klaviyo_host::json::of_record;
use klaviyo_host::types::{Audience, Channel, Code, NewProfile, Permission, Permitted, Receipt};
use klaviyo_service::outcome;
use serde_json::{Value, json};
use std::fmt::Write as _;

const FIELDS: [&str; 4] = ["profile-id", "profile-name", "list-id", "created"];

/// Look a contact up, create it if there is none, and add it to a list; with --consent also to messages
#[derive(Args)]
#[command(after_help = "\
Without --consent this is membership of the list, and the person's consent stays what it was. With
it, the person is subscribed to marketing on these channels too, which lifts suppressions: only for
people who gave you this consent. It needs the scope subscriptions:write. Right after the call the
state of a channel may still be the earlier one: Klaviyo works on consent later, and waits for a
confirmation where there is double opt-in.

With --json, VALUE is {profile-id, profile-name, list-id, created, warnings, consent: [{channel,
refused, state, can-receive}, …]}.")]
pub(crate) struct OptIn {
    /// The list's id, or its exact name
    #[arg(long)]
    list: String,
    /// Channels of marketing that the person consented to; another one by Klaviyo's name for it, such as rcs
    #[arg(long, value_name = "CHANNEL", value_delimiter = ',', value_parser = channel::marketing())]
    consent: Vec<Channel>,
    /// What Klaviyo keeps as the source of the consent, such as 'WhatsApp bot'
    #[arg(long, value_name = "TEXT", requires = "consent")]
    source: Option<String>,
    #[command(flatten)]
    contact: Contact,
}

impl OptIn {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        session::in_account(context, async |tenant| {
            let contact = self.contact.new_profile()?;
            let list = find_list::the(tenant, &self.list).await?;
            let permission = self.permission();
            let call = tenant.opt_in(&contact, &list.id, permission.as_ref()).await;
            Ok(output(&call.map_err(Failure::after_reading)?.value, &contact, &list))
        })
    }

    /// The consent that goes with the opt-in; none without a channel.
    fn permission(&self) -> Option<Permission> {
        let channels = self.consent.clone();
        (!channels.is_empty()).then(|| Permission { channels, custom_source: self.source.clone() })
    }
}

fn output(receipt: &Receipt, contact: &NewProfile, list: &Audience) -> Output {
    let (mut value, mut text) = (of_record(receipt), good("on the list"));
    fields(&mut text, &value, &FIELDS);
    let mut notes = String::new();
    for permitted in &receipt.consent {
        let channel = channel::name(&permitted.channel);
        match &permitted.refused {
            Some(reason) => {
                let said = if reason.detail.is_empty() { &reason.title } else { &reason.detail };
                notes.push_str(&bad(&format!("{channel}: Klaviyo refuses the consent: {said}")));
            }
            None => field(&mut text, channel, &standing(permitted)),
        }
    }
    if let Some(fields) = value.as_object_mut() {
        fields.insert("consent".to_owned(), receipt.consent.iter().map(permitted_json).collect());
    }
    // Writing to a string does not fail.
    let _ = writeln!(text, "\n  {TITLE}{}{TITLE:#}", clean(&reply(receipt, contact, list)));
    notes.push_str(&warnings_text(&receipt.warnings));
    let exit_code = if receipt.consent.iter().any(|permitted| permitted.refused.is_some()) {
        exit_code(Code::Rejected)
    } else {
        0
    };
    Output::new(value, text).with_notes(notes).with_exit_code(exit_code)
}

/// What stands on a channel right after the call.
fn standing(permitted: &Permitted) -> String {
    let state = match permitted.state.as_deref() {
        None => return "accepted".to_owned(),
        Some("SUBSCRIBED") => "SUBSCRIBED",
        Some(earlier) => return format!("accepted; {earlier} until Klaviyo has worked on it"),
    };
    match permitted.can_receive {
        Some(false) => format!("{state} but cannot receive"),
        _ => state.to_owned(),
    }
}

fn permitted_json(permitted: &Permitted) -> Value {
    json!({
        "channel": channel::json(&permitted.channel),
        "refused": permitted.refused.as_ref().map(of_record),
        "state": permitted.state,
        "can-receive": permitted.can_receive,
    })
}

/// What a bot says to the customer then.
fn reply(receipt: &Receipt, contact: &NewProfile, list: &Audience) -> String {
    let accepted = receipt.consent.iter().filter(|permitted| permitted.refused.is_none());
    let accepted: Vec<Channel> = accepted.map(|permitted| permitted.channel.clone()).collect();
    let shown = |text: &'_ Option<String>| text.clone().filter(|text| !text.is_empty());
    let (email, number) = (shown(&contact.email), shown(&contact.phone_number));
    let unconfirmed = outcome::unconfirmed(list, &receipt.consent);
    let reached = outcome::reached(&accepted, &unconfirmed);
    let address = outcome::address(email.as_deref(), number.as_deref(), &reached);
    outcome::reply(receipt.profile_name.as_deref(), address, &accepted, &unconfirmed)
}
