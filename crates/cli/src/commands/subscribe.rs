//! `klaviyo-connector subscribe`: profiles that become members of a list.

use crate::context::Context;
use crate::failure::Failure;
use crate::find_list;
use crate::output::Output;
use crate::session;
use crate::text::good;
use clap::Args;
use serde_json::json;

/// Add profiles to a list; this is membership, not consent
#[derive(Args)]
#[command(after_help = "With --json, VALUE is the number of profiles that were sent.")]
pub(crate) struct Subscribe {
    /// The list's id, or its exact name
    #[arg(long)]
    list: String,
    /// The ids of the profiles
    #[arg(required = true, value_name = "PROFILE_ID")]
    profiles: Vec<String>,
}

impl Subscribe {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        session::in_account(context, async |tenant| {
            let list = find_list::id_of(tenant, &self.list).await?;
            let answer = tenant.subscribe(&list, &self.profiles).await.map_err(Failure::after_reading)?;
            let count = answer.value;
            let profiles = if count == 1 { "profile is" } else { "profiles are" };
            Ok(Output::new(json!(count), good(&format!("{count} {profiles} on the list {list}"))))
        })
    }
}
