//! The secrets of the accounts: one file each, as Kubernetes mounts them, or the environment for a single
//! account.
//!
//! A secret is checked when it is read. An invalid one is named in the log by its file, and the account does
//! not have it.

mod folder;
mod kind;
mod mac_key;
mod mac_keys;
mod store;
mod text;
mod value;

pub use kind::SecretKind;
pub use mac_key::MacKey;
pub use mac_keys::MacKeys;
pub use store::{Authentication, Secrets, SecretsError};
pub use text::{InvalidSecret, SecretText};

#[cfg(test)]
mod tests;
