//! `klaviyo-connector segments`: the segments of the account.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::session;
use crate::text::{self, cell, day};
use clap::Args;
use klaviyo_host::json::of_record;
use klaviyo_host::types::Segment;

/// Show the segments of the account: groups of people that Klaviyo keeps by conditions
#[derive(Args)]
#[command(after_help = "\
The key needs the scope segments:read. `members --segment NAME` shows who is in one.

With --json, VALUE is [{id, name, created, updated, active, processing}, …].")]
pub(crate) struct Segments {}

impl Segments {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        session::in_account(context, async |tenant| {
            let segments = tenant.segments().await?.value;
            Ok(Output::new(segments.iter().map(of_record).collect(), table(&segments)))
        })
    }
}

fn table(segments: &[Segment]) -> String {
    if segments.is_empty() {
        return "the account has no segments; create one in Klaviyo, under Audience\n".to_owned();
    }
    let row = |segment: &Segment| {
        let state = match (segment.processing, segment.active) {
            (Some(true), _) => "processing",
            (_, Some(false)) => "inactive",
            (_, Some(true)) => "active",
            (_, None) => "-",
        };
        let created = day(segment.created.as_deref().unwrap_or_default());
        [cell(&segment.id), state.to_owned(), created, cell(&segment.name)]
    };
    text::table(["ID", "STATE", "CREATED", "NAME"], &segments.iter().map(row).collect::<Vec<_>>())
}
