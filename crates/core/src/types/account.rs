//! The values of `account`.

use alloc::string::String;
use serde::Serialize;

/// A Klaviyo account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct AccountDetails {
    /// Klaviyo's id, which is the public API key too.
    pub id: String,
    /// The name of the company.
    pub organization: Option<String>,
    /// The name that email is sent from.
    pub sender_name: Option<String>,
    /// The address that email is sent from.
    pub sender_email: Option<String>,
    /// The address of the website.
    pub website: Option<String>,
    /// What the company does.
    pub industry: Option<String>,
    /// A name of the IANA database.
    pub timezone: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// The language tag.
    pub locale: Option<String>,
    /// Whether it is a test account.
    pub test: Option<bool>,
}
