//! Who pulls, for a registry that asks.

use crate::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use std::str::FromStr;
use zeroize::Zeroizing;

/// A user of a registry, and the password or token. Read from a text like `user:password`.
///
/// It goes to the registry, and to the server that gives its tokens, which the registry names; both over https, unless they
/// are on this machine.
#[derive(Clone, Debug)]
pub struct Login {
    user: String,
    password: Secret,
}

/// A text is no login. It is not repeated.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no login of a registry; write the user, a colon, and the password or token, in visible characters of ASCII"
)]
pub struct LoginError;

impl FromStr for Login {
    type Err = LoginError;

    fn from_str(text: &str) -> Result<Self, LoginError> {
        let (user, password) = text.trim().split_once(':').ok_or(LoginError)?;
        if user.is_empty() || !user.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(LoginError);
        }
        let password = Secret::new(password).map_err(|_| LoginError)?;
        Ok(Self { user: user.to_owned(), password })
    }
}

impl Login {
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let pair = Zeroizing::new(format!("{}:{}", self.user, self.password.expose()));
        authorization("Basic", &STANDARD.encode(pair.as_bytes()))
    }
}

/// The header with something that nothing may print.
pub(super) fn authorization(scheme: &str, secret: &str) -> Option<HeaderValue> {
    let line = Zeroizing::new(format!("{scheme} {secret}"));
    let mut header = HeaderValue::from_str(&line).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_printed_by_nothing() {
        let login: Login = "priya:hunter2:3\n".parse().unwrap();
        assert_eq!(login.header().unwrap(), format!("Basic {}", STANDARD.encode("priya:hunter2:3")));
        assert!(!format!("{login:?} {:?}", login.header()).contains("hunter2"));
        for text in ["", "priya", ":hunter2", "priya:", "pri ya:hunter2", "priya:hun ter2", "priya:hun\nter2"]
        {
            let error = text.parse::<Login>().unwrap_err();
            assert!(!error.to_string().contains("ter2"));
        }
    }
}
