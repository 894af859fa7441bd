//! `klaviyo-connector upsert`: a profile that is created, or updated.

use crate::contact::Contact;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::session;
use crate::text::{good, profile_text, warnings_text};
use clap::Args;
use klaviyo_host::json::of_record;
use serde_json::json;

/// Create a profile, or update the one with the same identifiers
#[derive(Args)]
#[command(after_help = "\
With --json, VALUE is {profile, created}; for profile see `lookup --help`.")]
pub(crate) struct Upsert {
    #[command(flatten)]
    contact: Contact,
}

impl Upsert {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        session::in_account(context, async |tenant| {
            let upserted = tenant.upsert(&self.contact.new_profile()?).await?.value;
            let profile = of_record(&upserted.profile);
            let mut text = good(if upserted.created { "created" } else { "updated" });
            profile_text(&mut text, &profile);
            let value = json!({ "profile": profile, "created": upserted.created });
            Ok(Output::new(value, text).with_notes(warnings_text(&upserted.profile.warnings)))
        })
    }
}
