//! `klaviyo-connector remove`: profiles that a list no longer has.

use crate::contact::{Person, id_of};
use crate::context::Context;
use crate::failure::Failure;
use crate::find_list;
use crate::output::Output;
use crate::session;
use crate::text::good;
use clap::Args;
use serde_json::json;

/// Take people off a list; this is membership, and their consent stays
#[derive(Args)]
#[command(after_help = "\
Somebody who is not on the list is no error. `klaviyo-connector consent revoke` takes consent back.
The key needs the scopes lists:read, lists:write and profiles:write, and profiles:read unless all
people are named by id.

With --json, VALUE is the number of profiles that were sent.")]
pub(crate) struct Remove {
    /// The list's id, or its exact name
    #[arg(long)]
    list: String,
    /// An email address, a phone number such as +919820000001, a profile's id, or external-id:ID
    #[arg(required = true, value_name = "PERSON")]
    people: Vec<Person>,
}

impl Remove {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        session::in_account(context, async |tenant| {
            let list = find_list::id_of(tenant, &self.list).await?;
            let mut profiles = Vec::new();
            for person in &self.people {
                profiles.push(id_of(tenant, &person.0).await?);
            }
            let answer = tenant.remove_from_list(&list, &profiles).await.map_err(Failure::after_reading)?;
            let count = answer.value;
            let profiles = if count == 1 { "profile is" } else { "profiles are" };
            Ok(Output::new(json!(count), good(&format!("{count} {profiles} not on the list {list}"))))
        })
    }
}
