//! `klaviyo-connector lookup`: the profile that has an identifier.

use crate::contact::{self, Who};
use crate::context::Context;
use crate::failure::{Failure, exit_code};
use crate::output::Output;
use crate::session;
use crate::text::{profile_text, warnings_text};
use clap::Args;
use klaviyo_host::json::of_record;
use klaviyo_host::types::{Code, Identifier, Profile};

/// Show the profile that has an identifier
#[derive(Args)]
#[command(after_help = "\
With --json, VALUE is {id, email, phone-number, external-id, first-name, last-name, organization,
title, locale, image, location, created, updated, last-event-date, properties, warnings}, or null.
`klaviyo-connector history` also shows the lists, the segments, the consent and what the person did.")]
pub(crate) struct Lookup {
    #[command(flatten)]
    who: Who,
}

impl Lookup {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        session::in_account(context, async |tenant| {
            let by = self.who.identifier()?;
            Ok(match tenant.lookup(&by).await?.value {
                Some(profile) => found(&profile),
                None => nobody(&by),
            })
        })
    }
}

fn found(profile: &Profile) -> Output {
    let value = of_record(profile);
    let mut text = String::new();
    profile_text(&mut text, &value);
    Output::new(value, text).with_notes(warnings_text(&profile.warnings))
}

fn nobody(by: &Identifier) -> Output {
    let sentence = format!("{}; `klaviyo-connector create` makes one", contact::nobody(by));
    Output::nothing(&sentence, exit_code(Code::NotFound))
}
