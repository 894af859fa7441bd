//! An app, and its installation in one account.

use crate::secret::Secret;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use zeroize::Zeroizing;

const CLIENT_ID: &str = "client_id";
const CLIENT_SECRET: &str = "client_secret";
const REFRESH_TOKEN: &str = "refresh_token";

/// An app, as Klaviyo knows it.
#[derive(Clone, Debug)]
pub struct Client {
    /// It is no secret.
    pub id: String,
    /// The secret.
    pub secret: Arc<Secret>,
}

/// An app in one account: what `klaviyo-connector connect` writes.
#[derive(Clone, Debug)]
pub struct Installation {
    /// The app.
    pub client: Client,
    /// The refresh token that the installation began with.
    pub refresh_token: Arc<Secret>,
}

/// Why a text is no installation. The sentences repeat no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstallationError {
    /// It is not JSON.
    #[error("it is not JSON (line {0}); `klaviyo-connector connect` writes it")]
    NotJson(usize),
    /// It is something other than an object.
    #[error("it is not a JSON object with client_id, client_secret and refresh_token")]
    NotAnObject,
    /// A member is missing, or no text that can be sent.
    #[error("its {0} is missing, or is not a text without spaces")]
    Member(&'static str),
    /// There are more members.
    #[error("it has other members than client_id, client_secret and refresh_token; remove them")]
    Unknown,
}

impl Client {
    /// An app with this client id and client secret.
    ///
    /// # Errors
    /// When one of them is empty, or has characters that cannot be sent.
    pub fn new(id: &str, secret: &str) -> Result<Self, InstallationError> {
        // An id with a colon would end early in the header.
        let id = Some(id.trim())
            .filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'));
        let id = id.ok_or(InstallationError::Member(CLIENT_ID))?.to_owned();
        let secret = Secret::new(secret).map_err(|_| InstallationError::Member(CLIENT_SECRET))?;
        Ok(Self { id, secret: Arc::new(secret) })
    }
}

impl Installation {
    /// Reads `{"client_id": …, "client_secret": …, "refresh_token": …}`.
    ///
    /// # Errors
    /// When it has another form.
    pub fn from_json(text: &str) -> Result<Self, InstallationError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| InstallationError::NotJson(error.line()))?;
        let Value::Object(members) = value else { return Err(InstallationError::NotAnObject) };
        let client = Client::new(&member(&members, CLIENT_ID)?, &member(&members, CLIENT_SECRET)?)?;
        let refresh_token = Secret::new(&member(&members, REFRESH_TOKEN)?)
            .map_err(|_| InstallationError::Member(REFRESH_TOKEN))?;
        if members.len() > 3 {
            return Err(InstallationError::Unknown);
        }
        Ok(Self { client, refresh_token: Arc::new(refresh_token) })
    }

    /// The text that [`Installation::from_json`] reads. It is a secret.
    #[must_use]
    pub fn to_json(&self) -> Zeroizing<String> {
        let members = json!({
            CLIENT_ID: self.client.id,
            CLIENT_SECRET: self.client.secret.expose(),
            REFRESH_TOKEN: self.refresh_token.expose(),
        });
        Zeroizing::new(format!("{members:#}\n"))
    }

    /// Tells it from every other installation, and nothing about it.
    pub(super) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for part in [&self.client.id, self.client.secret.expose(), self.refresh_token.expose()] {
            digest.update(part);
            digest.update([0]);
        }
        hex::encode(digest.finalize())
    }
}

fn member(members: &Map<String, Value>, name: &'static str) -> Result<Zeroizing<String>, InstallationError> {
    let text = members.get(name).and_then(Value::as_str).ok_or(InstallationError::Member(name))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_is_read_as_it_is_written() {
        let text = r#"{"client_id":"app","client_secret":"secret-1234","refresh_token":"token-1234"}"#;
        let own = Installation::from_json(text).unwrap();
        let again = Installation::from_json(&own.to_json()).unwrap();
        assert_eq!(own.digest(), again.digest());
        assert!(!format!("{own:?}").contains("1234"));
        let other = Installation::from_json(&text.replace("token-1234", "token-1235")).unwrap();
        assert_ne!(own.digest(), other.digest());
    }

    #[test]
    fn what_is_no_installation_is_told_by_its_member() {
        for (text, expected) in [
            ("", InstallationError::NotJson(1)),
            ("\"token-1234\"", InstallationError::NotAnObject),
            ("{}", InstallationError::Member("client_id")),
            (
                r#"{"client_id":"a:b","client_secret":"s","refresh_token":"t"}"#,
                InstallationError::Member("client_id"),
            ),
            (
                r#"{"client_id":"a","client_secret":7,"refresh_token":"t"}"#,
                InstallationError::Member("client_secret"),
            ),
            (
                r#"{"client_id":"a","client_secret":"s","refresh_token":"t t"}"#,
                InstallationError::Member("refresh_token"),
            ),
            (
                r#"{"client_id":"a","client_secret":"s","refresh_token":"t","scope":"x"}"#,
                InstallationError::Unknown,
            ),
        ] {
            assert_eq!(Installation::from_json(text).err(), Some(expected), "{text}");
        }
    }
}
