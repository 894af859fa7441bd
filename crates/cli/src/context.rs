//! What a command gets beside its own arguments.

use crate::account::Account;
use crate::failure::Failure;
use klaviyo_host::Meter;

/// The global options, and the meter that counts the calls of the command.
pub(crate) struct Context {
    options: Account,
    grammar: fn() -> clap::Command,
    meter: Meter,
}

impl Context {
    /// `grammar` makes the whole command line as clap knows it.
    pub(crate) fn new(options: Account, grammar: fn() -> clap::Command) -> Self {
        Self { options, grammar, meter: Meter::default() }
    }

    /// Whether the answer is to be JSON.
    pub(crate) fn json(&self) -> bool {
        self.options.json
    }

    /// The account, by the options and the environment. A command that needs no account does not ask for it, and so
    /// does not fail on a wrong variable.
    pub(crate) fn account(&self) -> Result<Account, Failure> {
        self.options.clone().with_environment()
    }

    /// Counts what the calls of the command use.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The whole command line.
    pub(crate) fn grammar(&self) -> clap::Command {
        (self.grammar)()
    }
}
