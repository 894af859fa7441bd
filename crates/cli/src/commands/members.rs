//! `klaviyo-connector members`: who is on a list, or in a segment.

use crate::context::Context;
use crate::failure::{Failure, exit_code};
use crate::group::GroupOption;
use crate::output::Output;
use crate::session;
use crate::text::{self, cell, minute, warning};
use clap::Args;
use klaviyo_host::Tenant;
use klaviyo_host::json::of_record;
use klaviyo_host::types::{Code, Group, Member};
use serde_json::json;

/// Show who is on a list, or in a segment, those who joined first at the start
#[derive(Args)]
#[command(after_help = "\
The key needs the scopes profiles:read, and lists:read or segments:read. It is one request for each
100 people.

With --json, VALUE is [{profile, joined}, …]; for profile see `lookup --help`.")]
pub(crate) struct Members {
    #[command(flatten)]
    group: GroupOption,
    /// The most people to show
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl Members {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        session::in_account(context, async |tenant| {
            let Some(group) = self.group.find(tenant).await? else {
                return Ok(Output::nothing(&self.group.missing(tenant).await?, exit_code(Code::NotFound)));
            };
            let (members, more) = self.read(tenant, &group).await?;
            let shown =
                |member: &Member| json!({ "profile": of_record(&member.profile), "joined": member.joined });
            let notes = if more {
                let sentence = format!("there are more than {}; --limit shows more", self.limit);
                warning(&sentence)
            } else {
                String::new()
            };
            Ok(Output::new(members.iter().map(shown).collect(), table(&members)).with_notes(notes))
        })
    }

    /// The first members, and whether there are more.
    async fn read(&self, tenant: &Tenant, group: &Group) -> Result<(Vec<Member>, bool), Failure> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let (mut members, mut cursor) = (Vec::new(), None);
        loop {
            let page = match group {
                Group::List(id) => tenant.list_members(id, cursor.as_deref()).await,
                Group::Segment(id) => tenant.segment_members(id, cursor.as_deref()).await,
            }?
            .value;
            members.extend(page.members);
            cursor = page.next;
            if members.len() >= limit || cursor.is_none() {
                let more = members.len() > limit || cursor.is_some();
                members.truncate(limit);
                return Ok((members, more));
            }
        }
    }
}

fn table(members: &[Member]) -> String {
    if members.is_empty() {
        return "nobody\n".to_owned();
    }
    let row = |Member { profile, joined }: &Member| {
        let name: Vec<&str> =
            [&profile.first_name, &profile.last_name].into_iter().flatten().map(String::as_str).collect();
        let text = |text: &Option<String>| cell(text.as_deref().unwrap_or_default());
        [
            cell(&profile.id),
            minute(joined.as_deref().unwrap_or_default()),
            text(&profile.email),
            text(&profile.phone_number),
            cell(&name.join(" ")),
        ]
    };
    text::table(["ID", "JOINED", "EMAIL", "PHONE", "NAME"], &members.iter().map(row).collect::<Vec<_>>())
}
