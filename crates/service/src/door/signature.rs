//! The signature of a request over its body, made with a secret of the account.

use crate::secrets::MacKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::Sha256;
use std::time::Duration;
use time::OffsetDateTime;

/// The largest difference between a time stamp and the time here.
pub(super) const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// The longest `webhook-id`, in bytes: the ids of the opt-ins are made of it.
const LONGEST_ID: usize = 150;
/// The most signatures that are checked. A secret that is being rotated has two.
const MOST_SIGNATURES: usize = 8;

/// The headers of a signed request, by Standard Webhooks (standardwebhooks.com, v1): `webhook-id`,
/// `webhook-timestamp` (seconds since 1970) and `webhook-signature`. A signature is `v1,` and the base64 of
/// an HMAC-SHA256 over `id.timestamp.body`; several have spaces between them.
#[derive(Debug)]
pub(super) struct SignedHeaders<'a> {
    pub(super) id: &'a str,
    timestamp: &'a str,
    signatures: Vec<&'a str>,
}

/// Why a request does not count as signed.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum SignatureError {
    /// A header is missing, or cannot be read.
    #[error("the header {0} is missing, or is not what it should be")]
    Header(&'static str),
    /// The time stamp is too old, or in the future.
    #[error(
        "webhook-timestamp is more than five minutes from the time here; sign the request when it is sent, and set \
         the clock"
    )]
    Time,
    /// No signature is the account's over this body.
    #[error("the signature is not that of an account here over this request")]
    Signature,
}

impl<'a> SignedHeaders<'a> {
    /// Parses the headers at this time, in seconds since 1970. This fails in the same way whatever account
    /// has signed.
    pub(super) fn of(headers: &'a HeaderMap, now: i64) -> Result<Self, SignatureError> {
        let header = |name: &'static str| {
            let mut values = headers.get_all(name).iter();
            match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
                (Some(value), None) if !value.is_empty() => Ok(value),
                _ => Err(SignatureError::Header(name)),
            }
        };
        let id = header("webhook-id").and_then(|id| match id.len() {
            ..=LONGEST_ID => Ok(id),
            _ => Err(SignatureError::Header("webhook-id")),
        })?;
        let timestamp = header("webhook-timestamp")?;
        let signatures = header("webhook-signature")?.split(' ').take(MOST_SIGNATURES);
        let signatures: Vec<&str> =
            signatures.filter_map(|signature| signature.strip_prefix("v1,")).collect();
        if signatures.is_empty() {
            return Err(SignatureError::Header("webhook-signature"));
        }
        let at: i64 = timestamp.parse().map_err(|_| SignatureError::Header("webhook-timestamp"))?;
        if at.abs_diff(now) > TOLERANCE.as_secs() {
            return Err(SignatureError::Time);
        }
        Ok(Self { id, timestamp, signatures })
    }

    /// Checks the signatures over the body. Returns the right one.
    pub(super) fn check(&self, key: &MacKey, body: &[u8]) -> Result<&'a str, SignatureError> {
        let mac = mac(key.as_bytes())?
            .chain_update(self.id)
            .chain_update(".")
            .chain_update(self.timestamp)
            .chain_update(".")
            .chain_update(body);
        let is_right = |signature: &&&str| {
            // This compares in constant time.
            STANDARD.decode(signature).is_ok_and(|given| mac.clone().verify_slice(&given).is_ok())
        };
        self.signatures.iter().find(is_right).copied().ok_or(SignatureError::Signature)
    }
}

/// Checks the signature of Meta's webhooks: `X-Hub-Signature-256` with `sha256=` and the hexadecimal
/// HMAC-SHA256 of the body.
pub(super) fn check_meta(headers: &HeaderMap, key: &MacKey, body: &[u8]) -> Result<(), SignatureError> {
    const HEADER: &str = "x-hub-signature-256";
    let given = headers.get(HEADER).and_then(|value| value.to_str().ok());
    let digits =
        given.and_then(|value| value.strip_prefix("sha256=")).ok_or(SignatureError::Header(HEADER))?;
    let given = hex::decode(digits).map_err(|_| SignatureError::Header(HEADER))?;
    mac(key.as_bytes())?.chain_update(body).verify_slice(&given).map_err(|_| SignatureError::Signature)
}

/// Whether two secrets are equal, in a time that does not tell where they differ.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let code = |text: &str| mac(&[]).map(|mac| mac.chain_update(text));
    match (code(one), code(other)) {
        (Ok(one), Ok(other)) => one.verify(&other.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}

/// The time, in seconds since 1970.
pub(super) fn unix_time() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

fn mac(key: &[u8]) -> Result<Hmac<Sha256>, SignatureError> {
    Hmac::new_from_slice(key).map_err(|_| SignatureError::Signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const AT: i64 = 1_614_265_330;

    fn headers(changes: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        // The published example of Standard Webhooks.
        headers.insert("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek".parse().unwrap());
        headers.insert("webhook-timestamp", "1614265330".parse().unwrap());
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        headers.insert("webhook-signature", signature.parse().unwrap());
        for (name, value) in changes {
            headers.insert(*name, value.parse().unwrap());
        }
        headers
    }

    fn check(changes: &[(&'static str, &str)], body: &[u8], now: i64) -> Result<(), SignatureError> {
        let headers = headers(changes);
        SignedHeaders::of(&headers, now)?.check(&MacKey::signing_secret(SECRET).unwrap(), body).map(drop)
    }

    #[test]
    fn the_published_example_is_right() {
        assert_eq!(check(&[], BODY, AT), Ok(()));
        assert_eq!(check(&[], BODY, AT + 300), Ok(()));
        let two = "v1,AAAA v2,x v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(check(&[("webhook-signature", two)], BODY, AT), Ok(()));
    }

    #[test]
    fn anything_else_is_refused() {
        use SignatureError::{Header, Signature, Time};
        assert_eq!(check(&[], b"{}", AT), Err(Signature));
        assert_eq!(check(&[], BODY, AT + 301), Err(Time));
        assert_eq!(check(&[], BODY, AT - 301), Err(Time));
        assert_eq!(check(&[("webhook-id", "msg_other")], BODY, AT), Err(Signature));
        assert_eq!(check(&[("webhook-timestamp", "1614265331")], BODY, AT), Err(Signature));
        assert_eq!(check(&[("webhook-timestamp", "+1614265330")], BODY, AT), Err(Signature));
        assert_eq!(check(&[("webhook-timestamp", "1614265330000")], BODY, AT), Err(Time));
        assert_eq!(check(&[("webhook-timestamp", "-9223372036854775808")], BODY, AT), Err(Time));
        assert_eq!(check(&[("webhook-timestamp", "now")], BODY, AT), Err(Header("webhook-timestamp")));
        assert_eq!(check(&[("webhook-id", &"x".repeat(151))], BODY, AT), Err(Header("webhook-id")));
        assert_eq!(check(&[("webhook-id", "")], BODY, AT), Err(Header("webhook-id")));
        for signature in ["", "v1", "v2,AAAA", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="] {
            let changed = check(&[("webhook-signature", signature)], BODY, AT);
            assert_eq!(changed, Err(Header("webhook-signature")), "{signature}");
        }
        for signature in ["v1,", "v1,AAAA", "v1,!", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1O"] {
            assert_eq!(check(&[("webhook-signature", signature)], BODY, AT), Err(Signature), "{signature}");
        }
        let mut twice = headers(&[]);
        twice.append("webhook-id", "msg_other".parse().unwrap());
        assert_eq!(SignedHeaders::of(&twice, AT).unwrap_err(), Header("webhook-id"));
    }

    #[test]
    fn metas_signature_is_over_the_bytes_as_they_came() {
        let signed = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-hub-signature-256", value.parse().unwrap());
            headers
        };
        let key = MacKey::app_secret("0123456789abcdef0123456789abcdef").unwrap();
        let body = b"what do ya want for nothing?";
        let right = "sha256=137e6557c3c13a1ca5dc7e52a389a0f86be8cb4db4ae61c62396058b00acacd0";
        assert_eq!(check_meta(&signed(right), &key, body), Ok(()));
        assert_eq!(check_meta(&signed(&right.to_uppercase().replace("SHA", "sha")), &key, body), Ok(()));
        let other = check_meta(&signed(right), &key, b"what do ya want for nothing");
        assert_eq!(other, Err(SignatureError::Signature));
        let another = MacKey::app_secret("0123456789abcdef0123456789abcdeg").unwrap();
        assert_eq!(check_meta(&signed(right), &another, body), Err(SignatureError::Signature));
        for wrong in ["", "sha256=", "sha1=5bdc", "sha256=5bdc", "sha256=xyz1", "sha256=5bd"] {
            assert!(check_meta(&signed(wrong), &key, body).is_err(), "{wrong}");
        }
        assert!(check_meta(&HeaderMap::new(), &key, body).is_err());
    }

    #[test]
    fn secrets_are_compared_whole() {
        assert!(is_same("token", "token"));
        assert!(!is_same("token", "toke"));
        assert!(!is_same("", "token"));
    }
}
