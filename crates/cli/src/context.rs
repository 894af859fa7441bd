//! What a command gets beside its own arguments.

use crate::account::Account;
use crate::failure::Failure;
use klaviyo_host::Meter;

/// The global options, and the meter that counts the calls of the command.
pub(crate) struct Context {
    pub(crate) options: Account,
    /// Makes the whole command line as clap knows it.
    pub(crate) grammar: fn() -> clap::Command,
    /// Counts what the calls of the command use.
    pub(crate) meter: Meter,
}

impl Context {
    /// The account, by the options and the environment. A command that needs no account does not ask for it, and so
    /// does not fail on a wrong variable.
    pub(crate) fn account(&self) -> Result<Account, Failure> {
        self.options.clone().with_environment()
    }
}
