//! Which list or segment a user means by `--list` or `--segment`.

use crate::failure::Failure;
use crate::find_list;
use clap::Args;
use klaviyo_host::Tenant;
use klaviyo_host::types::{Code, Group};

/// A list or a segment, by id or exact name.
#[derive(Args)]
#[group(id = "group", required = true, multiple = false)]
pub(crate) struct GroupOption {
    /// The list's id, or its exact name
    #[arg(long)]
    list: Option<String>,
    /// The segment's id, or its exact name
    #[arg(long)]
    segment: Option<String>,
}

impl GroupOption {
    /// Finds the list or the segment; none if there is no such one.
    pub(crate) async fn find(&self, tenant: &Tenant) -> Result<Option<Group>, Failure> {
        if let Some(list) = &self.list {
            return Ok(tenant.find_list(list).await?.value.map(|list| Group::List(list.id)));
        }
        let name = self.segment.as_deref().unwrap_or_default();
        Ok(segment_id(tenant, name).await?.map(Group::Segment))
    }

    /// Says that there is no such list or segment, and what to do.
    pub(crate) async fn missing(&self, tenant: &Tenant) -> Result<String, Failure> {
        if let Some(list) = &self.list {
            return find_list::missing(tenant, list).await;
        }
        Ok(format!(
            "the account has no segment with the id or the name {:?}; `klaviyo-connector segments` shows those that it \
             has",
            self.segment.as_deref().unwrap_or_default()
        ))
    }
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
