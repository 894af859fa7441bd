//! `klaviyo-connector opt-in`: a contact that is looked up, created if it is new, and added to a list.

use crate::contact::Contact;
use crate::context::Context;
use crate::failure::Failure;
use crate::find_list;
use crate::output::Output;
use crate::session;
use crate::text::{TITLE, clean, fields, good, warnings_text};
use clap::Args;
use klaviyo_host::json::of_record;
use klaviyo_host::types::{NewProfile, Receipt};
use klaviyo_service::outcome;
use std::fmt::Write as _;

const FIELDS: [&str; 4] = ["profile-id", "profile-name", "list-id", "created"];

/// Look a contact up, create it if there is none, and add it to a list; this is membership, not consent
#[derive(Args)]
#[command(after_help = "With --json, VALUE is {profile-id, profile-name, list-id, created, warnings}.")]
pub(crate) struct OptIn {
    /// The list's id, or its exact name
    #[arg(long)]
    list: String,
    #[command(flatten)]
    contact: Contact,
}

impl OptIn {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        session::in_account(context, async |tenant| {
            let contact = self.contact.new_profile()?;
            let list = find_list::id_of(tenant, &self.list).await?;
            let answer = tenant.opt_in(&contact, &list, None).await.map_err(Failure::after_reading)?;
            Ok(output(&answer.value, &contact))
        })
    }
}

fn output(receipt: &Receipt, contact: &NewProfile) -> Output {
    let (value, mut text) = (of_record(receipt), good("on the list"));
    fields(&mut text, &value, &FIELDS);
    // Writing to a string does not fail.
    let _ = writeln!(text, "\n  {TITLE}{}{TITLE:#}", clean(&reply(receipt, contact)));
    Output::new(value, text).with_notes(warnings_text(&receipt.warnings))
}

/// What a bot says to the customer then.
fn reply(receipt: &Receipt, contact: &NewProfile) -> String {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let place = given(&contact.email).or_else(|| given(&contact.phone_number));
    let is_consent_given = receipt.consent.iter().any(|permitted| permitted.refused.is_none());
    outcome::reply(receipt.profile_name.as_deref(), place.as_deref(), is_consent_given)
}
