//! `klaviyo-connector consent`: consent to messages, given, taken back and shown.

mod change;
mod status;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use clap::{Args, Subcommand};

/// Give, take back or show a person's consent to messages, channel by channel
#[derive(Args)]
#[command(after_help = "\
Consent lets Klaviyo send somebody messages; being on a list does not. `consent grant --help` and
the others have their options and the shape of VALUE.")]
pub(crate) struct Consent {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Grant(change::Grant),
    Revoke(change::Revoke),
    Status(status::Status),
}

impl Consent {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        match &self.action {
            Action::Grant(grant) => grant.run(context),
            Action::Revoke(revoke) => revoke.run(context),
            Action::Status(status) => status.run(context),
        }
    }
}
