//! The values of `lists`.

use alloc::string::String;
use serde::Serialize;

/// A list that profiles can be members of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Audience {
    /// Klaviyo's id.
    pub id: String,
    /// The name, which can change.
    pub name: String,
    /// When it was created, as Klaviyo wrote it.
    pub created: Option<String>,
    /// When it was last updated, as Klaviyo wrote it.
    pub updated: Option<String>,
    /// `single_opt_in` or `double_opt_in`, as Klaviyo wrote it.
    pub opt_in: Option<String>,
}
