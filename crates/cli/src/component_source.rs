//! Where the component of --component is: in a file, or in a registry.

use klaviyo_host::registry::{Reference, ReferenceError};
use std::ffi::OsString;
use std::path::PathBuf;

/// What --component names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ComponentSource {
    File(PathBuf),
    Registry(Box<Reference>),
}

impl ComponentSource {
    /// A reference has a digest, or `oci://` before it. A file that looks like one is written with `./`.
    pub(crate) fn parse(source: OsString) -> Result<Self, ReferenceError> {
        let is_reference = |text: &&str| {
            text.starts_with("oci://") || (text.contains("@sha256:") && !text.starts_with(['.', '/']))
        };
        match source.to_str().filter(is_reference) {
            Some(text) => Ok(Self::Registry(Box::new(text.parse()?))),
            None => Ok(Self::File(source.into())),
        }
    }

    pub(crate) fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::File(file) => Some(file),
            Self::Registry(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_from_a_reference() {
        let digest = format!("sha256:{:064}", 1);
        let parse = |text: &str| ComponentSource::parse(text.into());
        for text in [format!("registry.example.com/x@{digest}"), format!("oci://localhost:5000/x@{digest}")] {
            let reference = text.parse().unwrap();
            assert_eq!(parse(&text).unwrap(), ComponentSource::Registry(Box::new(reference)));
        }
        for text in [
            "klaviyo.wasm",
            "registry.example.com/x:0.1.0",
            &format!("./x@{digest}"),
            &format!("/x@{digest}"),
        ] {
            assert_eq!(parse(text).unwrap(), ComponentSource::File(text.into()));
        }
        assert!(parse("oci://localhost:5000/x:0.1.0").is_err());
        assert!(parse("registry.example.com/x@sha256:12").is_err());
    }
}
