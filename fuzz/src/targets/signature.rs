//! Any headers of a webhook: what is not signed does nothing, and what is signed as published is accepted.

use super::webhook::replaced;
use crate::Target;
use crate::door::{APP_SECRET, FrontDoor, KLAVIYO_SECRET, SIGNING_SECRET, check};
use crate::oracle::signature::{hmac, is_standard, standard};
use anyhow::{Result, ensure};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::time::{SystemTime, UNIX_EPOCH};

/// The target.
pub const TARGET: Target = Target {
    name: "signature",
    about: "a webhook without its account's signature does nothing",
    run,
    seeds,
    inputs: 1_500,
};

/// How far from now a time of Standard Webhooks may be, in seconds, and one for the time that this takes.
const TOLERANCE: u64 = 5 * 60 + 1;
const ACCOUNT: &str = "{account}";
const OPT_OUT: &str = r#"{"account":"{account}","email":"p@example.com","channels":["email"]}"#;

/// In headers `{now}` is the time, `{signature}` what is right for the route, the headers and the body, and `{cut}` the
/// beginning of that.
fn seeds() -> Result<Vec<Vec<u8>>> {
    let standard = "webhook-id: msg_7\nwebhook-timestamp: {now}\nwebhook-signature: v1,{signature}";
    let seeds = [
        format!("/v1/opt-outs\n{standard}\n\n{OPT_OUT}"),
        format!("/v1/opt-outs\n{}\n\n{OPT_OUT}", standard.replace("{now}", "1614265330")),
        format!("/v1/opt-outs\n{standard} v1,{{cut}} v2,{{signature}}\n\n[{OPT_OUT}]"),
        format!(
            "/v1/opt-ins\n{standard}\n\n{{\"account\":\"{ACCOUNT}\",\"list\":\"Y6nRLr\",\"email\":\"p@example.com\"}}"
        ),
        format!("/v1/whatsapp/{ACCOUNT}\nx-hub-signature-256: sha256={{signature}}\n\n{{\"entry\":[]}}"),
        format!(
            "/v1/klaviyo/{ACCOUNT}\nklaviyo-timestamp: {{now}}\nklaviyo-signature: {{signature}}\n\n{{}}"
        ),
    ];
    Ok(seeds.map(String::into_bytes).into())
}

fn run(input: &[u8]) -> Result<()> {
    let door = FrontDoor::open()?;
    let input = replaced(input, ACCOUNT.as_bytes(), door.account().as_bytes());
    let end = input.windows(2).position(|end| end == b"\n\n").unwrap_or(input.len());
    let (head, body) = input.split_at_checked(end).unwrap_or_default();
    let body = body.strip_prefix(b"\n\n").unwrap_or(body);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split('\n');
    let path = lines.next().unwrap_or_default();
    if path.parse::<http::uri::PathAndQuery>().is_err() || !path.starts_with("/v1/") {
        return Ok(());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let Ok(name) = name.parse::<HeaderName>() else { continue };
        let value = value.replace("{now}", &now.to_string());
        let right = right(path, &headers, body);
        let value = value.replace("{cut}", right.get(..8).unwrap_or_default()).replace("{signature}", &right);
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.append(name, value);
        }
    }
    let is_right = is_signed(path, &headers, body, now);
    let (reply, sent) = door.post(path, headers, body.to_vec())?;
    check(&sent)?;
    ensure!(!reply.status.is_server_error(), "the answer is {}", reply.status);
    judge(is_right, reply.status, sent.len())
}

/// What was done for a request, whose signature is right or is not.
fn judge(is_right: bool, status: StatusCode, requests: usize) -> Result<()> {
    ensure!(is_right || !status.is_success(), "a request without a signature is answered {status}");
    ensure!(is_right || requests == 0, "a request without a signature led to {requests} requests");
    Ok(())
}

fn bytes<'a>(headers: &'a HeaderMap, name: &str) -> &'a [u8] {
    headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default()
}

/// The signature of a request with these headers.
fn right(path: &str, headers: &HeaderMap, body: &[u8]) -> String {
    if path.starts_with("/v1/whatsapp") {
        return hex::encode(hmac(APP_SECRET.as_bytes(), &[body]));
    }
    if path.starts_with("/v1/klaviyo") {
        return hex::encode(hmac(KLAVIYO_SECRET.as_bytes(), &[body, bytes(headers, "klaviyo-timestamp")]));
    }
    standard(SIGNING_SECRET, bytes(headers, "webhook-id"), bytes(headers, "webhook-timestamp"), body)
}

/// Whether a request is signed with the secrets of its account.
fn is_signed(path: &str, headers: &HeaderMap, body: &[u8], now: u64) -> bool {
    if path.starts_with("/v1/whatsapp") || path.starts_with("/v1/klaviyo") {
        let name = if path.starts_with("/v1/whatsapp") { "x-hub-signature-256" } else { "klaviyo-signature" };
        let given = bytes(headers, name).to_ascii_lowercase();
        return given.strip_prefix(b"sha256=").unwrap_or(&given) == right(path, headers, body).as_bytes();
    }
    let timestamp = bytes(headers, "webhook-timestamp");
    let time = std::str::from_utf8(timestamp).ok().and_then(|text| text.parse::<u64>().ok());
    let is_now = time.is_some_and(|time| time.abs_diff(now) <= TOLERANCE);
    let signature = bytes(headers, "webhook-signature");
    is_now && is_standard(SIGNING_SECRET, bytes(headers, "webhook-id"), timestamp, body, signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_that_does_what_is_not_signed_is_found() {
        judge(true, StatusCode::OK, 3).unwrap();
        judge(false, StatusCode::UNAUTHORIZED, 0).unwrap();
        assert!(judge(false, StatusCode::OK, 0).is_err());
        assert!(judge(false, StatusCode::UNAUTHORIZED, 1).is_err());
    }

    /// Otherwise nothing behind the signature would be reached.
    #[test]
    fn the_seeds_are_signed_and_accepted() {
        let door = FrontDoor::open().unwrap();
        for seed in seeds().unwrap() {
            run(&seed).unwrap();
            let text = String::from_utf8(seed).unwrap();
            if text.contains("webhook-timestamp") && !text.contains("{now}") {
                continue;
            }
            let account = door.account();
            let text = text.replace(ACCOUNT, &account).replace("{now}", "1").replace("{cut}", "AAAA");
            let (head, body) = text.split_once("\n\n").unwrap();
            let path = head.split('\n').next().unwrap();
            let mut headers = HeaderMap::new();
            for line in head.split('\n').skip(1) {
                let (name, value) = line.split_once(": ").unwrap();
                let value = value.replace("{signature}", &right(path, &headers, body.as_bytes()));
                headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
            }
            assert!(is_signed(path, &headers, body.as_bytes(), 2), "{text}");
            assert!(!is_signed(path, &headers, b"{}x", 2), "{text}");
        }
    }
}
