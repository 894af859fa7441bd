//! `klaviyo-connector members`: who is on a list, or in a segment.

use crate::context::Context;
use crate::failure::{Failure, exit_code};
use crate::find_list;
use crate::output::Output;
use crate::session;
use crate::text::{self, cell, minute, warning};
use clap::{ArgGroup, Args};
use klaviyo_host::Tenant;
use klaviyo_host::json::of_record;
use klaviyo_host::types::{Code, Member};
use serde_json::json;

/// Show who is on a list, or in a segment, those who joined first at the start
#[derive(Args)]
#[command(group = ArgGroup::new("group").required(true).args(["list", "segment"]))]
#[command(after_help = "\
The key needs the scopes profiles:read, and lists:read or segments:read. It is one request for each
100 people.

With --json, VALUE is [{profile, joined}, …]; for profile see `lookup --help`.")]
pub(crate) struct Members {
    /// The list's id, or its exact name
    #[arg(long)]
    list: Option<String>,
    /// The segment's id, or its exact name
    #[arg(long)]
    segment: Option<String>,
    /// The most people to show
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl Members {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        session::in_account(context, async |tenant| {
            let Some(group) = self.group(tenant).await? else {
                let sentence = match (&self.list, &self.segment) {
                    (Some(list), _) => find_list::missing(tenant, list).await?,
                    (_, segment) => no_segment(segment.as_deref().unwrap_or_default()),
                };
                return Ok(Output::nothing(&sentence, exit_code(Code::NotFound)));
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

    /// The id of the list or the segment; none if there is no such one.
    async fn group(&self, tenant: &Tenant) -> Result<Option<Group>, Failure> {
        if let Some(list) = &self.list {
            return Ok(tenant.find_list(list).await?.value.map(|list| Group::List(list.id)));
        }
        let name = self.segment.as_deref().unwrap_or_default();
        Ok(segment_id(tenant, name).await?.map(Group::Segment))
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

/// Whose members are meant, by id.
enum Group {
    List(String),
    Segment(String),
}

fn no_segment(name: &str) -> String {
    format!(
        "the account has no segment with the id or the name {name:?}; `klaviyo-connector segments` shows those that it has"
    )
}

/// The id of the segment with this id or exact name. An id takes precedence over a name.
async fn segment_id(tenant: &Tenant, name: &str) -> Result<Option<String>, Failure> {
    let segments = tenant.segments().await?.value;
    if let Some(segment) = segments.iter().find(|segment| segment.id == name) {
        return Ok(Some(segment.id.clone()));
    }
    let mut named = segments.iter().filter(|segment| segment.name == name);
    match (named.next(), named.next()) {
        (Some(one), Some(other)) => {
            let sentence = format!(
                "several segments have the name {name:?}; use an id, such as {} or {}",
                one.id, other.id
            );
            Err(Failure::new(Code::Conflict, sentence))
        }
        (found, _) => Ok(found.map(|segment| segment.id.clone())),
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
