//! OAuth: an app that accounts install, instead of a private key of each.
//!
//! [`OAuth`] is the [`Credentials`](crate::Credentials) of one account. It asks for an access token with the refresh
//! token of the [`Installation`], and for the next one before that ends. Klaviyo may answer with another refresh token
//! and end the one before, so the newest is kept in a [`TokenStore`], sealed with a key that is made of the app's client
//! secret. All processes that use an account share its store: one of them refreshes, and the others wait for it.
//!
//! What is kept, so that a crash at any moment does as little harm as it can:
//!
//! - Before the token endpoint is asked, the refresher is written into the store. So a store that cannot be written to is
//!   found before anything changes at Klaviyo. A refresher that died is replaced after 20 seconds.
//! - After the answer, the new tokens are written before anybody uses them. If that fails, the process goes on with
//!   them, and writes them again until they are kept.
//! - Between Klaviyo's change and that write the only copy is in the network and in this process. If the process dies
//!   then, or the answer is lost, the next refresh is made with the token of before. Klaviyo takes it unless it ends old
//!   tokens at once; then the account has to be connected anew, which the error says.

mod credentials;
mod endpoint;
mod file_store;
mod installation;
mod record;
mod renewal;
mod seal;
mod store;

pub use credentials::OAuth;
pub use endpoint::{Grant, GrantError, TokenEndpoint};
pub use file_store::FileTokenStore;
pub use installation::{Client, Installation, InstallationError};
pub use store::{MemoryTokenStore, StoredTokens, Storing, TokenStore, TokenStoreError};

#[cfg(test)]
mod tests;
