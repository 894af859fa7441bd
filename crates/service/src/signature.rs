//! Signatures of requests over their bodies: Standard Webhooks, which callers send here and the feed of changes sends
//! to platforms, Meta's and Klaviyo's.

use crate::clock;
use crate::secrets::{MacKey, MacKeys};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::Sha256;
use std::time::Duration;

/// The largest difference between a time stamp and the time here.
pub(crate) const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// The longest `webhook-id`, in bytes: the ids of the opt-ins are made of it.
const LONGEST_ID: usize = 150;
/// The most signatures that are checked. A secret that is being rotated has two.
const MOST_SIGNATURES: usize = 8;

/// The headers of a signed request, by Standard Webhooks (standardwebhooks.com, v1): `webhook-id`,
/// `webhook-timestamp` (seconds since 1970) and `webhook-signature`. A signature is `v1,` and the base64 of
/// an HMAC-SHA256 over `id.timestamp.body`; several have spaces between them.
#[derive(Debug)]
pub(crate) struct SignedHeaders<'a> {
    pub(crate) id: &'a str,
    timestamp: &'a str,
    signatures: Vec<&'a str>,
}

/// Why a request does not count as signed.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SignatureError {
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
    pub(crate) fn of(headers: &'a HeaderMap, now: i64) -> Result<Self, SignatureError> {
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
    pub(crate) fn check(&self, key: &MacKey, body: &[u8]) -> Result<&'a str, SignatureError> {
        let mac = standard_webhooks(key, self.id, self.timestamp, body)?;
        let is_right = |signature: &&&str| {
            // This compares in constant time.
            STANDARD.decode(signature).is_ok_and(|given| mac.clone().verify_slice(&given).is_ok())
        };
        self.signatures.iter().find(is_right).copied().ok_or(SignatureError::Signature)
    }
}

/// Signs a body by Standard Webhooks, with each of the keys: the value of the header `webhook-signature`. `at` is in
/// seconds since 1970.
pub(crate) fn sign(keys: &MacKeys, id: &str, at: i64, body: &[u8]) -> Result<String, SignatureError> {
    let signature = |key| {
        let mac = standard_webhooks(key, id, &at.to_string(), body)?;
        Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    };
    let signatures: Result<Vec<String>, SignatureError> = keys.iter().map(signature).collect();
    signatures.map(|signatures| signatures.join(" "))
}

fn standard_webhooks(
    key: &MacKey,
    id: &str,
    timestamp: &str,
    body: &[u8],
) -> Result<Hmac<Sha256>, SignatureError> {
    let mac = mac(key.as_bytes())?.chain_update(id).chain_update(".").chain_update(timestamp);
    Ok(mac.chain_update(".").chain_update(body))
}

/// Checks the signature of Klaviyo's webhooks: `Klaviyo-Signature` with the hexadecimal HMAC-SHA256 of the body and,
/// behind it, the header `Klaviyo-Timestamp` as it came.
///
/// Klaviyo promises nothing about how old a webhook may be when it arrives, or about the form of the time. So the time
/// is not compared with the clock, and what a webhook leads to must be harmless when it is repeated.
pub(crate) fn check_klaviyo(headers: &HeaderMap, key: &MacKey, body: &[u8]) -> Result<(), SignatureError> {
    let header = |name: &'static str| {
        headers.get(name).and_then(|value| value.to_str().ok()).ok_or(SignatureError::Header(name))
    };
    let given = header("klaviyo-signature")?;
    let given = hex::decode(given).map_err(|_| SignatureError::Header("klaviyo-signature"))?;
    let timestamp = header("klaviyo-timestamp")?;
    let mac = mac(key.as_bytes())?.chain_update(body).chain_update(timestamp);
    mac.verify_slice(&given).map_err(|_| SignatureError::Signature)
}

/// Checks the signature of Meta's webhooks: `X-Hub-Signature-256` with `sha256=` and the hexadecimal
/// HMAC-SHA256 of the body.
pub(crate) fn check_meta(headers: &HeaderMap, key: &MacKey, body: &[u8]) -> Result<(), SignatureError> {
    const HEADER: &str = "x-hub-signature-256";
    let given = headers.get(HEADER).and_then(|value| value.to_str().ok());
    let digits =
        given.and_then(|value| value.strip_prefix("sha256=")).ok_or(SignatureError::Header(HEADER))?;
    let given = hex::decode(digits).map_err(|_| SignatureError::Header(HEADER))?;
    mac(key.as_bytes())?.chain_update(body).verify_slice(&given).map_err(|_| SignatureError::Signature)
}

/// Whether two secrets are equal, in a time that does not tell where they differ.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    let code = |text: &str| mac(&[]).map(|mac| mac.chain_update(text));
    match (code(one), code(other)) {
        (Ok(one), Ok(other)) => one.verify(&other.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}

/// The time, in seconds since 1970.
pub(crate) fn unix_time() -> i64 {
    clock::now_utc().unix_timestamp()
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
    fn what_is_signed_here_is_right() {
        let key = MacKey::signing_secret(SECRET).unwrap();
        let signature = sign(&key.into(), "msg_p5jXN8AQM9LWM0D4loKWxJek", AT, BODY).unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_signed_with_two_keys_is_right_with_either() {
        let [newer, older] = [0, 1].map(|_| MacKey::generate().unwrap());
        let lines = [newer.to_signing_secret(), older.to_signing_secret()];
        let lines = lines.each_ref().map(|line| line.as_str()).join("\n");
        let keys = MacKeys::parse(&lines, MacKey::signing_secret).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", "msg_1".parse().unwrap());
        headers.insert("webhook-timestamp", AT.into());
        headers.insert("webhook-signature", sign(&keys, "msg_1", AT, BODY).unwrap().parse().unwrap());
        let signed = SignedHeaders::of(&headers, AT).unwrap();
        assert_ne!(signed.check(&newer, BODY).unwrap(), signed.check(&older, BODY).unwrap());
        assert_eq!(signed.check(&MacKey::generate().unwrap(), BODY), Err(SignatureError::Signature));
    }

    /// The signature is `printf '%s%s' BODY TIME | openssl dgst -sha256 -hmac SECRET`.
    #[test]
    fn klaviyos_signature_is_over_the_body_and_the_time() {
        let time = "Mon, 13 Apr 2026 22:50:21 GMT";
        let right = "81aa9b8cf3e9dd1a231f44c3c189186877a5a4e90aaf88b67fe72a787cd3b333";
        let check = |signature: &str, time: Option<&str>, body: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert("klaviyo-signature", signature.parse().unwrap());
            if let Some(time) = time {
                headers.insert("klaviyo-timestamp", time.parse().unwrap());
            }
            let key = MacKey::app_secret("0123456789abcdef0123456789abcdef").unwrap();
            check_klaviyo(&headers, &key, body)
        };
        assert_eq!(check(right, Some(time), b"{\"data\":[]}"), Ok(()));
        let other_time = check(right, Some("Mon, 13 Apr 2026 22:50:22 GMT"), b"{\"data\":[]}");
        assert_eq!(other_time, Err(SignatureError::Signature));
        assert_eq!(check(right, Some(time), b"{\"data\":[ ]}"), Err(SignatureError::Signature));
        assert_eq!(check("", Some(time), b"{\"data\":[]}"), Err(SignatureError::Signature));
        let header = |name| Err(SignatureError::Header(name));
        assert_eq!(check(right, None, b"{\"data\":[]}"), header("klaviyo-timestamp"));
        assert_eq!(check("xyz", Some(time), b"{\"data\":[]}"), header("klaviyo-signature"));
    }

    #[test]
    fn secrets_are_compared_whole() {
        assert!(is_same("token", "token"));
        assert!(!is_same("token", "toke"));
        assert!(!is_same("", "token"));
    }
}
