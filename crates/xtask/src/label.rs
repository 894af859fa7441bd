//! What a WebAssembly file says about itself: its name, its version and its licence, and in a release where its
//! source is.

use anyhow::{Result, bail};
use wasm_metadata::{AddMetadata, AddMetadataField};

/// The address of the repository that a release is from. The packages for Node and Python read it, too.
const REPOSITORY: &str = "KLAVIYO_CONNECTOR_REPOSITORY";
/// The commit that a release is of.
const REVISION: &str = "KLAVIYO_CONNECTOR_REVISION";

/// Where the source of a release is.
#[derive(Debug, PartialEq)]
pub(crate) struct Origin {
    repository: String,
    revision: String,
}

impl Origin {
    /// The origin that the environment has: none, unless this is a release.
    pub(crate) fn of_release() -> Result<Option<Self>> {
        let variable = |name| std::env::var(name).unwrap_or_default();
        Self::of(&variable(REPOSITORY), &variable(REVISION))
    }

    pub(crate) fn repository(&self) -> &str {
        &self.repository
    }

    pub(crate) fn of(repository: &str, revision: &str) -> Result<Option<Self>> {
        match (repository.trim_end_matches('/'), revision) {
            ("", "") => Ok(None),
            ("", _) => {
                bail!("{REVISION} is set, and {REPOSITORY} is not: set it to the repository's address")
            }
            (_, "") => bail!("{REPOSITORY} is set, and {REVISION} is not: set it to `git rev-parse HEAD`"),
            (repository, revision) => {
                Ok(Some(Self { repository: repository.to_owned(), revision: revision.to_owned() }))
            }
        }
    }
}

/// Writes into a file what it is.
pub(crate) fn label(
    wasm: &[u8],
    name: &str,
    version: &str,
    description: &str,
    origin: Option<&Origin>,
) -> Result<Vec<u8>> {
    let mut metadata = AddMetadata::default();
    metadata.name = AddMetadataField::Set(name.to_owned());
    metadata.version = AddMetadataField::Set(version.parse().map_err(anyhow::Error::msg)?);
    metadata.licenses = AddMetadataField::Set(env!("CARGO_PKG_LICENSE").parse()?);
    metadata.description = AddMetadataField::Set(description.parse()?);
    if let Some(Origin { repository, revision }) = origin {
        metadata.source = AddMetadataField::Set(repository.parse()?);
        metadata.revision = AddMetadataField::Set(revision.parse().map_err(anyhow::Error::msg)?);
    }
    metadata.to_wasm(wasm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use wasm_metadata::Payload;

    const ADDRESS: &str = "https://git.example.com/klaviyo/connector";
    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn a_release_has_an_address_and_a_commit_or_neither() {
        assert_eq!(Origin::of("", "").unwrap(), None);
        let origin = Origin { repository: ADDRESS.to_owned(), revision: COMMIT.to_owned() };
        assert_eq!(Origin::of(&format!("{ADDRESS}/"), COMMIT).unwrap(), Some(origin));
        assert!(Origin::of(ADDRESS, "").unwrap_err().to_string().contains(REVISION));
        assert!(Origin::of("", COMMIT).unwrap_err().to_string().contains(REPOSITORY));
    }

    #[test]
    fn a_label_is_read_back() {
        let component = wat::parse_str("(component)").unwrap();
        let labelled = |origin: Option<&Origin>| {
            let wasm = label(&component, "klaviyo-connector", "0.1.0", "Klaviyo", origin).unwrap();
            let payload = Payload::from_binary(&wasm).unwrap();
            let read = serde_json::to_value(payload.metadata()).unwrap();
            ["name", "version", "licenses", "description", "source", "revision"]
                .map(|name| read[name].clone())
        };
        let about = ["klaviyo-connector", "0.1.0", "Apache-2.0", "Klaviyo"].map(Value::from);
        let origin = [ADDRESS, COMMIT].map(Value::from);
        assert_eq!(
            labelled(Origin::of(ADDRESS, COMMIT).unwrap().as_ref()).as_slice(),
            [&about[..], &origin].concat()
        );
        assert_eq!(labelled(None).as_slice(), [&about[..], &[Value::Null, Value::Null]].concat());
    }
}
