//! `klaviyo-connector changes`: what changed since the last look, a line of JSON for each item.

mod kept_cursor;
mod posting;
mod reading;

use crate::context::Context;
use crate::failure::Failure;
use crate::group::GroupOption;
use crate::output::Output;
use clap::{Args, Subcommand};
use posting::Posting;
use reading::Reading;

/// Print what changed since the last look, a line of JSON for each item
#[derive(Args)]
#[command(after_help = "\
  klaviyo-connector changes profiles --since 7d --state profiles.cursor
  klaviyo-connector changes members --list 'WhatsApp Opt-Ins' --since 1h --follow
  klaviyo-connector changes profiles --since 7d --state profiles.cursor --post https://app.example

The same command again, with the same --state, goes on where the last one ended. It can be ended at
any time: what was printed after the state was last written is printed again, and nothing is left
out. Each command has the options.

With --post each change is sent to an endpoint, at least once and in order for each person, as
docs/changes.md says. The state goes on when the changes before it were taken. While the endpoint
fails, a run with --follow waits, and another one ends; changes that it refuses five times with a
4xx are printed, {id, message, error, attempts}, and the run goes on.")]
pub(crate) struct Changes {
    #[command(subcommand)]
    feed: Feed,
}

#[derive(Subcommand)]
enum Feed {
    /// Profiles that were created or changed, as they are now
    #[command(after_help = PROFILES)]
    Profiles {
        #[command(flatten)]
        reading: Reading,
        #[command(flatten)]
        posting: Posting,
        /// Send the consent of each of these profiles too, for which Klaviyo is asked once more
        #[arg(long, requires = "post")]
        consent: bool,
    },
    /// People who joined a list or a segment
    #[command(after_help = MEMBERS)]
    Members {
        #[command(flatten)]
        group: GroupOption,
        #[command(flatten)]
        reading: Reading,
        #[command(flatten)]
        posting: Posting,
    },
    /// Events that happened, of all people and metrics
    #[command(after_help = EVENTS)]
    Events {
        #[command(flatten)]
        reading: Reading,
    },
}

const PROFILES: &str = "\
A line is a profile, as `lookup --json` has it. Who was deleted, or merged into another profile, is
not seen. The key needs the scope profiles:read.";
const MEMBERS: &str = "\
A line is {profile, joined}. Who left is not seen. The key needs the scopes profiles:read, and
lists:read or segments:read.";
const EVENTS: &str = "\
A line is {id, metric-id, metric, profile-id, time, value, properties, uuid}. The key needs the
scopes events:read and metrics:read.";

impl Changes {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        match &self.feed {
            Feed::Profiles { reading, posting, consent } => reading.run(
                context,
                "changes.profiles",
                None,
                posting.open(reading.is_following(), *consent)?,
            ),
            Feed::Members { reading, group, posting } => reading.run(
                context,
                "changes.members",
                Some(group),
                posting.open(reading.is_following(), false)?,
            ),
            Feed::Events { reading } => reading.run(context, "changes.events", None, None),
        }
    }
}
