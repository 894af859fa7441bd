//! Loads the component: from the file of --component, else the one that is built into this program.

use crate::account::Account;
use crate::failure::Failure;
use crate::files;
use etcetera::BaseStrategy;
use klaviyo_host::{Connector, Egress, Limits, Transport};

/// No component is as large, even with others composed into it.
const FILE_BYTES: u64 = 256 << 20;

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
) -> Result<Connector, Failure> {
    let mut builder = Connector::builder().egress(egress).limits(limits).transport(transport);
    // Without a home directory there is no cache, and each run compiles.
    if let Ok(folders) = etcetera::choose_base_strategy() {
        builder = builder.cache(folders.cache_dir().join("klaviyo-connector"));
    }
    Ok(match (&account.component, EMBEDDED) {
        (Some(file), _) => {
            let failed =
                |error| Failure::other(format!("cannot read the component {}: {error}", file.display()));
            builder.from_bytes(&files::read(file, FILE_BYTES).map_err(failed)?)?
        }
        (None, Some(component)) => builder.from_bytes(component)?,
        (None, None) => {
            return Err(Failure::other(
                "this klaviyo-connector was built without its component; `cargo xtask build` makes one that has it, or pass \
                 --component FILE"
                    .to_owned(),
            ));
        }
    })
}
