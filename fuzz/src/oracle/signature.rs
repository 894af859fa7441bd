//! Signatures of webhooks, written down once more from what Standard Webhooks, Meta and Klaviyo publish.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The HMAC-SHA256 of these parts.
#[must_use]
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// The key of a signing secret: `whsec_` and base64.
#[must_use]
pub fn key(secret: &str) -> Vec<u8> {
    STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap_or_default()
}

/// The base64 of a Standard Webhooks signature, without `v1,`.
#[must_use]
pub fn standard(secret: &str, id: &[u8], timestamp: &[u8], body: &[u8]) -> String {
    STANDARD.encode(hmac(&key(secret), &[id, b".", timestamp, b".", body]))
}

/// Whether one of the signatures of a header `webhook-signature` is right.
#[must_use]
pub fn is_standard(secret: &str, id: &[u8], timestamp: &[u8], body: &[u8], header: &[u8]) -> bool {
    let right = hmac(&key(secret), &[id, b".", timestamp, b".", body]);
    let text = String::from_utf8_lossy(header);
    text.split(' ')
        .filter_map(|one| one.strip_prefix("v1,"))
        .any(|one| STANDARD.decode(one) == Ok(right.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// The published example of Standard Webhooks.
    #[test]
    fn the_published_example_is_right_and_a_changed_one_is_not() {
        let (id, at, body) = (b"msg_p5jXN8AQM9LWM0D4loKWxJek", b"1614265330", br#"{"test": 2432232314}"#);
        let right = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(standard(SECRET, id, at, body), right);
        let is = |id: &[u8], body: &[u8], header: &str| is_standard(SECRET, id, at, body, header.as_bytes());
        assert!(is(id, body, &format!("v2,x v1,{right}")));
        for (id, body, header) in [
            (&b"msg"[..], &body[..], format!("v1,{right}")),
            (id, b"{}", format!("v1,{right}")),
            (id, body, right.to_owned()),
            (id, body, format!("v2,{right}")),
            (id, body, "v1,".to_owned()),
        ] {
            assert!(!is(id, body, &header));
        }
    }
}
