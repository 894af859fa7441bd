//! The page: one file, which loads nothing but the overview.

use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

const HTML: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/style.css");
/// In this order: what is shown, then what happens.
const SCRIPT: &str = concat!(
    include_str!("page/dom.js"),
    include_str!("page/text.js"),
    include_str!("page/view.js"),
    include_str!("page/main.js")
);

static PAGE: LazyLock<String> =
    LazyLock::new(|| HTML.replacen("{{style}}", STYLE, 1).replacen("{{script}}", SCRIPT, 1));

/// Nothing is loaded, runs or styles but the script and the style of the page, which are named by their hashes.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(SCRIPT),
        hash(STYLE),
    )
});

pub(super) async fn page() -> Response {
    const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (OPENER, "same-origin"),
    ];
    (headers, Html(PAGE.as_str())).into_response()
}
