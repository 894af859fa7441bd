//! The lanes of the queue: one stream each, so that none waits for another.

use super::broker::MessageStream;
use super::set_up;
use crate::account::Account;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use strum::{Display, IntoStaticStr};

/// A lane of the queue. A worker that has an account works on all of its lanes at once.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Lane {
    /// Opt-outs, and resumes, which take them back.
    OptOuts,
    /// Opt-ins.
    #[default]
    OptIns,
    /// What became of messages that businesses have sent.
    Events,
    /// Replies to people who wrote by WhatsApp.
    Replies,
}

impl Lane {
    /// All lanes, the most urgent first.
    pub const ALL: [Self; 4] = [Self::OptOuts, Self::OptIns, Self::Events, Self::Replies];

    /// The name of its stream.
    #[must_use]
    pub const fn stream(self) -> &'static str {
        match self {
            Self::OptOuts => set_up::OPT_OUTS,
            Self::OptIns => set_up::OPT_INS,
            Self::Events => set_up::EVENTS,
            Self::Replies => set_up::REPLIES,
        }
    }

    /// The subject of an account's messages; `*` for those of all accounts.
    pub(super) fn subject(self, account: &str) -> String {
        format!("klaviyo.{self}.{account}")
    }

    pub(super) fn subject_of(self, account: &Account) -> String {
        self.subject(account.as_str())
    }

    /// The bound of its stream in bytes, where opt-ins have this one. A message of another lane is one that
    /// people write by hand, or short.
    pub(super) const fn bytes(self, opt_ins: u64) -> u64 {
        match self {
            Self::OptIns => opt_ins,
            Self::OptOuts | Self::Events | Self::Replies => opt_ins / 4,
        }
    }
}

/// The streams of the lanes.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    pub(super) opt_outs: Arc<dyn MessageStream>,
    pub(super) opt_ins: Arc<dyn MessageStream>,
    pub(super) events: Arc<dyn MessageStream>,
    pub(super) replies: Arc<dyn MessageStream>,
}

impl Lanes {
    pub(super) fn stream(&self, lane: Lane) -> &dyn MessageStream {
        match lane {
            Lane::OptOuts => self.opt_outs.as_ref(),
            Lane::OptIns => self.opt_ins.as_ref(),
            Lane::Events => self.events.as_ref(),
            Lane::Replies => self.replies.as_ref(),
        }
    }
}
