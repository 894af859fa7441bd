//! The input of a command, and the files that it must not overwrite.

use crate::account::Account;
use crate::component_source::ComponentSource;
use crate::failure::Failure;
use klaviyo_sync::Source;
use klaviyo_sync::files::{self, distinct};
use std::io;
use std::path::{Path, PathBuf};

const STDIN: &str = "standard input";

/// A file, or standard input for `-`.
pub(crate) fn source(file: &Path) -> Source {
    let is_stdin = is_stdin(file);
    match files::file_of(io::stdin()).filter(|_| is_stdin) {
        Some(file) => Source::file(STDIN, file),
        None if is_stdin => Source::reader(STDIN, io::stdin()),
        None => Source::path(file),
    }
}

/// Refuses a file that is written to, by its option, and is another one of the command.
pub(crate) fn check_files(
    file: &Path,
    written: &[(&'static str, Option<&PathBuf>)],
    account: &Account,
) -> Result<(), Failure> {
    let of = |path: Option<&PathBuf>| path.and_then(|path| files::identity(path));
    let read = if is_stdin(file) { files::identity_of(io::stdin()) } else { files::identity(file) };
    let mut used = vec![
        ("the key", of(account.key_file.as_ref())),
        ("what `connect` wrote", of(account.oauth_file.as_ref())),
        ("the component", of(account.component.as_ref().and_then(ComponentSource::file))),
        ("the key of the component", of(account.component_key.as_ref())),
        ("the input", read),
    ];
    used.extend(written.iter().map(|(option, path)| (*option, of(*path))));
    // These may well be one file.
    let printed = [
        ("standard output", files::identity_of(io::stdout())),
        ("standard error", files::identity_of(io::stderr())),
    ];
    distinct(&used, &printed).map_err(|reason| Failure::invalid(None, &reason))
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}
