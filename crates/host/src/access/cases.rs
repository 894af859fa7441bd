//! The cases in which every host permits, or refuses, a request.

/// What may be asked for, and what not, where a host allows this.
#[derive(serde::Deserialize)]
pub(crate) struct Case {
    pub(crate) allow: String,
    pub(crate) below: Option<Vec<String>>,
    pub(crate) permitted: Vec<String>,
    pub(crate) refused: Vec<String>,
}

/// The cases of all hosts.
#[derive(serde::Deserialize)]
pub(crate) struct Cases {
    pub(crate) cases: Vec<Case>,
    /// What cannot be set as a path.
    #[serde(rename = "no-paths")]
    pub(crate) no_paths: Vec<String>,
    /// What every function may ask for, and what none.
    #[serde(rename = "every-function")]
    pub(crate) every_function: Paths,
}

#[derive(serde::Deserialize)]
pub(crate) struct Paths {
    pub(crate) permitted: Vec<String>,
    pub(crate) refused: Vec<String>,
}

pub(crate) fn cases() -> Cases {
    serde_json::from_str(include_str!("../../../../host-test/cases/api-access.json")).unwrap()
}
