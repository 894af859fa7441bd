//! Pulls the component of --component from its registry.

use crate::failure::{Failure, chain};
use crate::key::{contents, exposure};
use crate::{output, runtime};
use klaviyo_host::AttemptError;
use klaviyo_host::registry::{Login, PullError, Puller, Reference};
use klaviyo_host::types::Code;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const VARIABLE: &str = "KLAVIYO_REGISTRY_LOGIN";
const FILE_VARIABLE: &str = "KLAVIYO_REGISTRY_LOGIN_FILE";

/// The bytes of the component. `cache` is the folder of the command's cache.
pub(crate) fn pull(reference: &Reference, cache: Option<PathBuf>) -> Result<Vec<u8>, Failure> {
    let mut puller = Puller::default();
    if let Some(login) = login()? {
        puller = puller.login(login);
    }
    if let Some(folder) = cache {
        puller = puller.cache(folder);
    }
    let failed = |error: PullError| {
        let sentence = format!("cannot pull the component {reference}: {}", chain(&error));
        let failure = Failure::new(code(&error), sentence);
        match error {
            PullError::Refused { .. } => failure.hint(format!(
                "{VARIABLE}, or a file that {FILE_VARIABLE} names, has the user and the password as USER:PASSWORD"
            )),
            _ => failure,
        }
    };
    // On a thread of its own: who loads a component may be in a runtime, where one cannot wait for another.
    let pulled = std::thread::scope(|scope| {
        let pulling = || runtime::on_this_thread(async { puller.pull(reference).await.map_err(failed) });
        scope.spawn(pulling).join()
    });
    pulled.unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map(Into::into)
}

/// Whether it is worth another try, for the exit code.
fn code(error: &PullError) -> Code {
    match error {
        PullError::Attempt { error: AttemptError::Timeout(_), .. } => Code::Timeout,
        PullError::Attempt { .. } => Code::Connection,
        PullError::Status { status: 429 | 500.., .. } => Code::Unavailable,
        _ => Code::Other,
    }
}

/// Who pulls, by the environment.
fn login() -> Result<Option<Login>, Failure> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let (text, source) = match (variable(FILE_VARIABLE), variable(VARIABLE)) {
        (Some(file), _) => (read(Path::new(&file))?, FILE_VARIABLE),
        (None, Some(text)) => (Zeroizing::new(text.to_string_lossy().into_owned()), VARIABLE),
        (None, None) => return Ok(None),
    };
    let login = text.parse().map_err(|error| Failure::invalid(None, &format!("{source}: {error}")))?;
    Ok(Some(login))
}

fn read(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let failed =
        |error| Failure::invalid(None, &format!("{FILE_VARIABLE}: cannot read {}: {error}", file.display()));
    let (text, is_open) = contents(file).map_err(failed)?;
    if is_open {
        let (found, fix) = exposure(file);
        output::warn(&format!("{found}; {fix}"));
    }
    Ok(Zeroizing::new(text))
}
