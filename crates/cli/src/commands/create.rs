//! `klaviyo-connector create`: a new profile, unless there is one.

use crate::contact::Contact;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::session;
use crate::text::{field, good, profile_text, warnings_text};
use clap::Args;
use klaviyo_host::json::of_record;
use klaviyo_host::types::Creation;
use serde_json::json;

/// Create a profile, unless a profile with one of its identifiers exists
#[derive(Args)]
#[command(after_help = "\
With --json, VALUE is {\"created\": PROFILE} or {\"existing\": ID}; for PROFILE see `lookup --help`.")]
pub(crate) struct Create {
    #[command(flatten)]
    contact: Contact,
}

impl Create {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        session::in_account(context, async |tenant| {
            Ok(match tenant.create(&self.contact.new_profile()?).await?.value {
                Creation::Created(created) => {
                    let (profile, mut text) = (of_record(&created), good("created"));
                    profile_text(&mut text, &profile);
                    let output = Output::new(json!({ "created": profile }), text);
                    output.with_notes(warnings_text(&created.warnings))
                }
                Creation::Existing(id) => {
                    let sentence =
                        "a profile with one of these identifiers exists already, and was not changed";
                    let mut text = good(sentence);
                    field(&mut text, "id", &id);
                    Output::new(json!({ "existing": id }), text)
                }
            })
        })
    }
}
