//! What keeps other pages, in a browser that can reach this listener, from reading and deciding here.
//!
//! Another page can send requests here, but no browser lets it read an answer, or add a header of its own: nothing
//! here answers a preflight. A page whose name is made to mean this listener's address (DNS rebinding) would be of the
//! same origin, so a request has to name the listener by an address or as `localhost`, which no such page can.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, HOST, HeaderValue, ORIGIN};
use http::{HeaderMap, StatusCode};
use std::net::IpAddr;

/// The header that the page adds to each decision.
const FROM_PAGE: &str = "x-klaviyo-operator";
const SITE: &str = "sec-fetch-site";

/// Refuses requests that name the listener otherwise than by its address. No answer is kept by the browser.
pub(super) async fn check(request: Request, next: Next) -> Response {
    if !text(request.headers(), HOST.as_str()).is_some_and(is_own) {
        let advice = "open this page by an IP address or as localhost, for example through `ssh -L` or `kubectl \
                      port-forward`\n";
        return (StatusCode::MISDIRECTED_REQUEST, advice).into_response();
    }
    let mut response = next.run(request).await;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether a decision comes from the page itself.
pub(super) fn is_from_page(headers: &HeaderMap) -> Result<(), &'static str> {
    let of = |name: &str| text(headers, name);
    let is_same = match of(SITE) {
        Some(site) => site == "same-origin",
        // Browsers leave it out where the page came over plain HTTP from another machine.
        None => of(ORIGIN.as_str()).zip(of(HOST.as_str())).is_some_and(|(origin, host)| {
            ["http://", "https://"].iter().any(|scheme| origin.strip_prefix(scheme) == Some(host))
        }),
    };
    if is_same && of(FROM_PAGE).is_some() {
        return Ok(());
    }
    Err("only the page itself decides about dead letters; programs use `klaviyo-connector dead`")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a value of `Host` is an IP address or `localhost`.
fn is_own(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_somebody_else_can_give_is_not_the_listeners() {
        for own in ["127.0.0.1:8083", "localhost", "LOCALHOST:1", "[::1]:8083", "10.1.2.3"] {
            assert!(is_own(own), "{own}");
        }
        for other in
            ["", "evil.example", "127.0.0.1.evil.example:8083", "localhost.evil.example", "[evil]", ":1"]
        {
            assert!(!is_own(other), "{other}");
        }
    }

    #[test]
    fn a_decision_comes_from_the_page_itself() {
        let is_from_page = |pairs: &[(&'static str, &'static str)]| {
            let headers =
                pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
            super::is_from_page(&headers.collect()).is_ok()
        };
        let (host, page) = (("host", "10.1.2.3:8083"), ("x-klaviyo-operator", "page"));
        assert!(is_from_page(&[host, page, ("sec-fetch-site", "same-origin")]));
        assert!(is_from_page(&[host, page, ("origin", "http://10.1.2.3:8083")]));
        assert!(!is_from_page(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(!is_from_page(&[
            host,
            page,
            ("sec-fetch-site", "same-site"),
            ("origin", "http://10.1.2.3:8083")
        ]));
        assert!(!is_from_page(&[host, page, ("sec-fetch-site", "cross-site")]));
        assert!(!is_from_page(&[host, page, ("origin", "http://10.1.2.3:9000")]));
        assert!(!is_from_page(&[host, page, ("origin", "null")]));
        assert!(!is_from_page(&[host, page]));
    }
}
