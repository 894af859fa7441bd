//! Reads page after page, prints the items or sends them, and keeps the cursor.

use super::kept_cursor::KeptCursor;
use super::posting::Post;
use crate::context::Context;
use crate::failure::Failure;
use crate::group::GroupOption;
use crate::output::{self, Output};
use crate::session;
use crate::when;
use clap::Args;
use klaviyo_host::types::{Code, Group};
use klaviyo_host::{Disposition, Error, Tenant};
use klaviyo_service::feed::{Page, Source, consents};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// Where the reading begins, and when it ends.
#[derive(Args)]
pub(crate) struct Reading {
    /// Where the first run begins: RFC 3339, a day such as 2026-11-01, or a time ago such as 10m, 2h or 7d
    #[arg(long, value_name = "TIME", value_parser = when::past_time, required_unless_present = "state")]
    since: Option<String>,
    /// The file that keeps where the next run begins: one for each account and each of these commands
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Go on for ever: look again after a while
    #[arg(long)]
    follow: bool,
    /// How long to wait before looking again
    #[arg(long, value_name = "TIME", default_value = "1m", requires = "follow", value_parser = when::duration)]
    every: Duration,
    /// How late an item may become visible, at most 1day; a longer time makes a larger state
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = when::duration)]
    look_back: Duration,
}

impl Reading {
    /// Reads with a function of the contract that returns pages of changes, for the members of a group or for all. The
    /// items are printed, or sent to an endpoint.
    pub(super) fn run(
        &self,
        context: &Context,
        function: &str,
        group: Option<&GroupOption>,
        mut post: Option<Post>,
    ) -> Result<Output, Failure> {
        let mut kept = self.state.as_deref().map(KeptCursor::open).transpose()?;
        let begin = self.begin(kept.as_ref())?;
        session::in_account(context, async |tenant| {
            let group = match group {
                Some(group) => Some(found(group, tenant).await?),
                None => None,
            };
            self.read(tenant, function, group, begin, kept.as_mut(), post.as_mut()).await
        })
    }

    pub(super) fn is_following(&self) -> bool {
        self.follow
    }

    /// The position of the first page.
    fn begin(&self, kept: Option<&KeptCursor>) -> Result<Value, Failure> {
        if let Some(cursor) = kept.and_then(KeptCursor::cursor) {
            return Ok(json!({ "cursor": cursor }));
        }
        let Some(since) = &self.since else {
            return Err(Failure::invalid(
                None,
                "the state is new: say with --since where the first run begins",
            ));
        };
        // A fraction of a second is a second more, and never less.
        let seconds = self.look_back.as_secs() + u64::from(self.look_back.subsec_nanos() > 0);
        let look_back = u32::try_from(seconds).unwrap_or(u32::MAX);
        Ok(json!({ "since": { "time": since, "look-back": look_back } }))
    }

    async fn read(
        &self,
        tenant: &Tenant,
        function: &str,
        group: Option<Group>,
        begin: Value,
        mut kept: Option<&mut KeptCursor>,
        mut post: Option<&mut Post>,
    ) -> Result<Output, Failure> {
        let mut position = begin;
        let (group, source) = match group {
            Some(Group::List(id)) => (Some(json!({ "list": id })), Source::List(id)),
            Some(Group::Segment(id)) => (Some(json!({ "segment": id })), Source::Segment(id)),
            None => (None, Source::Profiles),
        };
        loop {
            let arguments: Vec<Value> = group.iter().chain([&position]).cloned().collect();
            let page = match tenant.call(function, &arguments).await {
                Ok(answer) => {
                    Page::try_from(answer.value).map_err(|error| Failure::other(error.to_string()))?
                }
                Err(error) => {
                    self.wait_after(error, kept.as_deref()).await?;
                    continue;
                }
            };
            if let Some(post) = post.as_deref_mut() {
                let consents = match post.tells_consent() {
                    true => consents(tenant, &page.items).await,
                    false => Ok(Vec::new()),
                };
                let consents = match consents {
                    Ok(consents) => consents,
                    Err(error) => {
                        self.wait_after(error, kept.as_deref()).await?;
                        continue;
                    }
                };
                post.send(&source, &page.items, &consents).await?;
            } else {
                let lines: Vec<String> = page.items.iter().map(Value::to_string).collect();
                if !output::print_lines(lines.iter().map(String::as_str))? {
                    return Ok(Output::printed());
                }
            }
            if let Some(kept) = kept.as_deref_mut() {
                kept.keep(&page.cursor)?;
            }
            position = json!({ "cursor": page.cursor });
            if page.more {
                continue;
            }
            if !self.follow {
                post.as_deref().map_or(Ok(()), Post::end)?;
                return Ok(Output::printed());
            }
            tokio::time::sleep(self.every).await;
        }
    }

    /// Waits after a failure that a later call may not have. Any other one, and one of a run that does not follow, is
    /// returned.
    async fn wait_after(&self, error: Error, kept: Option<&KeptCursor>) -> Result<(), Failure> {
        let is_temporary = match error.code().disposition() {
            Disposition::Retry | Disposition::RetryLater => true,
            Disposition::StopAccount | Disposition::GiveUp => false,
        };
        let (code, failure) = (error.code(), Failure::from(error));
        if !is_temporary || !self.follow {
            return Err(match kept {
                // The state may be of something else.
                Some(kept) if code == Code::InvalidInput && kept.cursor().is_some() => {
                    failure.hint(format!("the cursor is from the state {}", kept.path().display()))
                }
                _ => failure,
            });
        }
        let wait = failure
            .error
            .retry_after
            .map_or(self.every, |seconds| self.every.max(Duration::from_secs(seconds.into())));
        let message = &failure.error.message;
        output::warn(&format!("{message}; looks again in {}", humantime::format_duration(wait)));
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

/// The list or the segment that the user means.
async fn found(group: &GroupOption, tenant: &Tenant) -> Result<Group, Failure> {
    match group.find(tenant).await? {
        Some(group) => Ok(group),
        None => Err(Failure::new(Code::NotFound, group.missing(tenant).await?)),
    }
}
