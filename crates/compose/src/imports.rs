use std::collections::HashSet;

/// The connector's import, which only its host supplies.
const HTTP: &str = "http";
/// The interface by which anything can be asked for.
const API: &str = "api";
/// The interface that has no functions.
const TYPES: &str = "types";

/// Which of the connector's interfaces the code of a tenant may import. Default: all but `api`.
///
/// `types`, which has no functions, may be imported always, and `http` never. An import decides what code can name. What
/// is done for a tenant when it runs, the host decides: klaviyo-host by its `Access`.
#[derive(Clone, Debug, Default)]
pub struct Imports {
    /// None: all.
    interfaces: Option<HashSet<String>>,
    api: bool,
}

impl Imports {
    /// These interfaces and no others: names such as `contacts`. `api` is not among them: see [`Imports::and_api`].
    #[must_use]
    pub fn only<S: Into<String>>(interfaces: impl IntoIterator<Item = S>) -> Self {
        Self { interfaces: Some(interfaces.into_iter().map(Into::into).collect()), api: false }
    }

    /// The same and `api`.
    #[must_use]
    pub fn and_api(mut self) -> Self {
        self.api = true;
        self
    }

    /// Whether an interface, with or without a version, may be imported, or else a sentence about what would allow it.
    pub(crate) fn permit(&self, interface: &str) -> Result<(), String> {
        let name = interface.split('@').next().unwrap_or_default();
        let listed = || self.interfaces.as_ref().is_none_or(|interfaces| interfaces.contains(name));
        match name {
            HTTP => {
                Err("only the connector may send requests, and nothing allows it to a tenant's code"
                    .to_owned())
            }
            TYPES => Ok(()),
            API if self.api => Ok(()),
            API => Err("Imports::and_api would allow it".to_owned()),
            _ if listed() => Ok(()),
            _ => Err("Imports::only does not have it".to_owned()),
        }
    }
}
