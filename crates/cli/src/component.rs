//! Loads the component: what --component names, else the one that is built into this program.

use crate::account::Account;
use crate::component_source::ComponentSource;
use crate::failure::{Failure, chain};
use crate::registry;
use etcetera::BaseStrategy;
use klaviyo_host::registry::{COMPONENT_BYTES, PublicKey, Reference, ReferenceError};
use klaviyo_host::{AttemptObserver, Connector, Egress, Limits, Transport};
use klaviyo_sync::files::regular;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// No public key is as long.
const KEY_BYTES: u64 = 16 << 10;

#[cfg(feature = "embedded")]
const EMBEDDED: Option<&[u8]> = Some(include_bytes!(env!(
    "KLAVIYO_COMPONENT",
    "the feature `embedded` takes the component that KLAVIYO_COMPONENT names; `cargo xtask build` sees to both"
)));
#[cfg(not(feature = "embedded"))]
const EMBEDDED: Option<&[u8]> = None;

/// The connector, compiled, or taken from the cache of an earlier run.
pub(crate) fn load(
    account: &Account,
    egress: Egress,
    limits: Limits,
    transport: impl Transport,
    observer: Option<Arc<dyn AttemptObserver>>,
) -> Result<Connector, Failure> {
    let mut builder = Connector::builder().egress(egress).limits(limits).transport(transport);
    if let Some(observer) = observer {
        builder = builder.observer(observer);
    }
    if let Some(folder) = cache() {
        builder = builder.cache(folder);
    }
    Ok(builder.from_bytes(&bytes(account)?)?)
}

/// The folder of what later runs need not make again. Without a home directory there is none, and each run compiles.
fn cache() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.cache_dir().join("klaviyo-connector"))
}

/// The component's bytes, signed by the key of --component-key.
pub(crate) fn bytes(account: &Account) -> Result<Cow<'static, [u8]>, Failure> {
    let component = match (&account.component, EMBEDDED) {
        (Some(ComponentSource::File(file)), _) => {
            let failed = |error| {
                let reason = format!("cannot read the component {}: {error}", file.display());
                Failure::invalid(None, &reason).hint(hint(file))
            };
            read(file, COMPONENT_BYTES).map(Cow::Owned).map_err(failed)
        }
        (Some(ComponentSource::Registry(reference)), _) => {
            registry::pull(reference, cache()).map(Cow::Owned)
        }
        (None, Some(component)) => Ok(Cow::Borrowed(component)),
        (None, None) => Err(Failure::other(
            "this klaviyo-connector was built without its component; `cargo xtask build` makes one that has it, or pass \
             --component FILE"
                .to_owned(),
        )),
    }?;
    if let Some(file) = &account.component_key {
        let failed =
            |reason: String| Failure::invalid(None, &format!("--component-key {}: {reason}", file.display()));
        let key = read(file, KEY_BYTES).map_err(|error| failed(error.to_string()))?;
        let key = PublicKey::parse(&key).map_err(|error| failed(error.to_string()))?;
        key.verify(&component).map_err(|error| Failure::other(chain(&error)))?;
    }
    Ok(component)
}

/// What else --component may name: a text with a tag was meant for a registry.
fn hint(file: &Path) -> String {
    let tagged = |text: &&str| text.rsplit_once('/').is_some_and(|(_, name)| name.contains(':'));
    match file.to_str().filter(tagged).map(str::parse::<Reference>) {
        Some(Err(error @ ReferenceError::NoDigest(_))) => error.to_string(),
        _ => "one in a registry is written HOST/NAME@sha256:DIGEST".to_owned(),
    }
}

/// The contents of a regular file, unless it has more bytes than `most`.
fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // Before it is opened, which waits at a pipe.
    regular(&std::fs::metadata(path)?)?;
    let file = File::open(path)?;
    let mut contents = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut contents)?;
    if contents.len() as u64 > most {
        return Err(io::Error::other(format!("it is larger than {most} bytes")));
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_in_the_place_of_a_digest_is_told() {
        let other = hint(Path::new("klaviyo.wasm"));
        for tagged in ["registry.example.com/klaviyo/connector:0.1.0", "localhost:5000/connector:latest"] {
            assert!(hint(Path::new(tagged)).contains(tagged), "{tagged}");
        }
        for none in ["/nope.wasm", "nope:1", "localhost:5000/connector"] {
            assert_eq!(hint(Path::new(none)), other, "{none}");
        }
    }

    #[test]
    fn only_a_regular_file_is_read_and_not_more_of_it_than_was_said() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "12345").unwrap();
        assert_eq!(read(&file, 5).unwrap(), b"12345");
        assert!(read(&file, 4).is_err());
        assert!(read(root.path(), 5).is_err());
        #[cfg(unix)]
        assert!(read(Path::new("/dev/zero"), u64::MAX).is_err());
    }
}
