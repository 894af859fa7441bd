//! `klaviyo-connector man`: the manual pages.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use clap::Args;
use std::path::PathBuf;

/// Write the manual pages of this command, and of each of its commands, to a folder
#[derive(Args)]
#[command(
    after_help = "Read one with `man -l DIR/klaviyo-connector-sync.1`. With --json, VALUE is the folder."
)]
pub(crate) struct Man {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Man {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        let folder = self.folder.display().to_string();
        std::fs::create_dir_all(&self.folder)
            .and_then(|()| clap_mangen::generate_to((context.grammar)(), &self.folder))
            .map_err(|error| Failure::other(format!("cannot write to {folder}: {error}")))?;
        let text = format!("{folder}\n");
        Ok(Output::new(folder.into(), text))
    }
}
