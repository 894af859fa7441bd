//! `klaviyo-connector account`: the account that the key belongs to.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::session;
use crate::text::fields;
use clap::Args;
use klaviyo_host::json::of_record;

const FIELDS: [&str; 10] = [
    "id",
    "organization",
    "sender-name",
    "sender-email",
    "website",
    "industry",
    "timezone",
    "currency",
    "locale",
    "test",
];

/// Show the account that the key belongs to
#[derive(Args)]
#[command(after_help = "\
The key needs the scope accounts:read.

With --json, VALUE is {id, organization, sender-name, sender-email, website, industry, timezone,
currency, locale, test}.")]
pub(crate) struct ShowAccount {}

impl ShowAccount {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        session::in_account(context, async |tenant| {
            let (account, mut text) = (of_record(&tenant.account_details().await?.value), String::new());
            fields(&mut text, &account, &FIELDS);
            Ok(Output::new(account, text))
        })
    }
}
