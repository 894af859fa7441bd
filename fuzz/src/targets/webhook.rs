//! Any bodies that are signed: the door answers, without a fault of its own, and in JSON.

use crate::Target;
use crate::door::{APP_SECRET, FrontDoor, Reply, SIGNING_SECRET, check};
use crate::oracle::signature;
use anyhow::{Result, ensure};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::value::RawValue;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The target.
pub const TARGET: Target = Target {
    name: "webhook",
    about: "a signed body is answered in JSON, and is never a fault of the door's",
    run,
    seeds,
    inputs: 1_500,
};

/// What a first line says about the way of the body.
const ROUTES: [&str; 3] = ["opt-ins", "opt-outs", "whatsapp"];
/// The account of the seeds. Each input has one of its own instead.
const ACCOUNT: &str = "default";
/// Of a body with more people than these the first would be all that is seen: the account has a rate.
const MAX_PEOPLE: usize = 6;

fn seeds() -> Result<Vec<Vec<u8>>> {
    let of = |route: &str, body: &[u8]| [route.as_bytes(), b"\n", body].concat();
    let mut seeds = Vec::new();
    for body in crate::seeds::files(&crate::seeds::cases("whatsapp"))? {
        seeds.push(of("whatsapp", &body));
    }
    for body in crate::seeds::files(&crate::seeds::cases("door"))? {
        seeds.push(of("opt-ins", &body));
        seeds.push(of("opt-ins", &[b"[", body.trim_ascii(), b"]"].concat()));
    }
    seeds.push(of(
        "opt-outs",
        br#"{"account":"default","email":"p@example.com","channels":["email"],"lists":["Y6nRLr"]}"#,
    ));
    seeds.push(of(
        "opt-outs",
        br#"[{"account":"default","id":"7","phone_number":"+919820000001","channels":["whatsapp","sms"]}]"#,
    ));
    Ok(seeds)
}

fn run(input: &[u8]) -> Result<()> {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (route, body) = input.split_at_checked(end).unwrap_or_default();
    let route = std::str::from_utf8(route).unwrap_or_default();
    if !ROUTES.contains(&route) || people(body) > MAX_PEOPLE {
        return Ok(());
    }
    let door = FrontDoor::open()?;
    let account = door.account();
    let body = replaced(body.strip_prefix(b"\n").unwrap_or(body), ACCOUNT.as_bytes(), account.as_bytes());
    let path = if route == "whatsapp" { format!("/v1/whatsapp/{account}") } else { format!("/v1/{route}") };
    let (reply, sent) = door.post(&path, signed(route, &body)?, body)?;
    check(&sent)?;
    judge(&reply)
}

fn judge(Reply { status, body }: &Reply) -> Result<()> {
    ensure!(!status.is_server_error(), "the answer is {status}: {}", String::from_utf8_lossy(body));
    serde_json::from_slice::<&RawValue>(body)?;
    let is_refused = *status == StatusCode::FORBIDDEN || *status == StatusCode::UNAUTHORIZED;
    // A body of opt-ins that names no account has nobody's signature.
    let is_whose = !String::from_utf8_lossy(body).contains("signature is not that of an account here");
    ensure!(!is_refused || !is_whose, "the right signature is refused: {}", String::from_utf8_lossy(body));
    Ok(())
}

/// The headers of a body, signed as its route wants it.
fn signed(route: &str, body: &[u8]) -> Result<HeaderMap> {
    static ID: AtomicU64 = AtomicU64::new(0);
    let mut headers = HeaderMap::new();
    if route == "whatsapp" {
        let signature = format!("sha256={}", hex::encode(signature::hmac(APP_SECRET.as_bytes(), &[body])));
        headers.insert("x-hub-signature-256", HeaderValue::from_str(&signature)?);
        return Ok(headers);
    }
    let id = format!("msg_{}", ID.fetch_add(1, Ordering::Relaxed));
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().to_string();
    let signature = signature::standard(SIGNING_SECRET, id.as_bytes(), now.as_bytes(), body);
    headers.insert("webhook-signature", HeaderValue::from_str(&format!("v1,{signature}"))?);
    headers.insert("webhook-id", HeaderValue::from_str(&id)?);
    headers.insert("webhook-timestamp", HeaderValue::from_str(&now)?);
    Ok(headers)
}

/// About how many people a body has.
fn people(body: &[u8]) -> usize {
    let text = String::from_utf8_lossy(body);
    ["\"account\"", "\"id\"", "\"from\"", "\"email\""]
        .iter()
        .map(|name| text.matches(name).count())
        .max()
        .unwrap_or(0)
}

/// Bytes in which each part is another.
pub(super) fn replaced(bytes: &[u8], part: &[u8], by: &[u8]) -> Vec<u8> {
    let (mut replaced, mut rest) = (Vec::new(), bytes);
    while let Some((first, others)) = rest.split_first() {
        match rest.strip_prefix(part) {
            Some(behind) => {
                replaced.extend_from_slice(by);
                rest = behind;
            }
            None => {
                replaced.push(*first);
                rest = others;
            }
        }
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_a_refusal_and_another_format_are_found() {
        let reply = |status: u16, body: &'static str| Reply {
            status: StatusCode::from_u16(status).unwrap(),
            body: body.as_bytes().into(),
        };
        judge(&reply(200, "[]")).unwrap();
        judge(&reply(422, r#"{"error":{}}"#)).unwrap();
        for wrong in [reply(500, "{}"), reply(503, "{}"), reply(200, ""), reply(403, "{}"), reply(401, "{}")]
        {
            assert!(judge(&wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(replaced(b"a default b", b"default", b"shop-1"), b"a shop-1 b");
    }
}
