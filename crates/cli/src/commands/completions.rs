//! `klaviyo-connector completions`: a script for a shell.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use clap::Args;
use clap_complete::Shell;

/// Print a script that completes this command in a shell
#[derive(Args)]
pub(crate) struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut (context.grammar)(), "klaviyo-connector", &mut script);
        Ok(Output::script(String::from_utf8_lossy(&script).into_owned()))
    }
}
