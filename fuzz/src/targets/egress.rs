//! Any entry of an egress policy, on the first line, and any URLs on the others: nothing but what the entry says is allowed.

use crate::Target;
use anyhow::{Context, Result, ensure};
use http::Uri;
use klaviyo_host::Egress;
use url::Url;

/// The target.
pub const TARGET: Target = Target {
    name: "egress",
    about: "a policy is refused, or allows the origins that it names and no others",
    run,
    seeds,
    inputs: 3_000,
};

const KLAVIYO: &str = "https://a.klaviyo.com/";

fn seeds() -> Result<Vec<Vec<u8>>> {
    let seeds = [
        "https://a.klaviyo.com\nhttps://a.klaviyo.com/api/profiles/\nhttps://a.klaviyo.com@evil.example/",
        "https://*.example.com:8443\nhttps://a.example.com:8443/x\nhttps://example.com:8443/",
        "http://127.0.0.1:4010\nhttp://127.0.0.1:4010/api/\nhttp://0x7f.1:4010/",
        "https://[::1]:8443/\nhttps://[::1]:8443/x?y#z\nhttps://[0:0:0:0:0:0:0:1]:8443/",
        "https://EXAMPLE.com\nhttps://example.com/\nHTTPS://example.com/",
        "https://bücher.example\nhttps://xn--bcher-kva.example/",
        "https://key:secret@a.klaviyo.com\nhttps://key@a.klaviyo.com/",
        "https://a.klaviyo.com.\nhttps://a.klaviyo.com./",
        "https://*.klaviyo.com\nhttps://a.b.klaviyo.com/\nhttps://.klaviyo.com/\nhttps://aklaviyo.com/",
    ];
    Ok(seeds.map(|seed| seed.as_bytes().to_vec()).into())
}

fn run(input: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(input);
    let (entry, urls) = text.split_once('\n').unwrap_or((&text, ""));
    for url in urls.split('\n') {
        let allowed = Egress::default().allows(url);
        ensure!(!allowed || url.starts_with(KLAVIYO), "{url:?} is allowed by default");
    }
    if let Ok(policy) = Egress::parse([entry]) {
        judge(entry, urls, &|url| policy.allows(url)).with_context(|| format!("allowed is {entry:?}"))?;
        ensure!(
            entry.contains("://*.") || Egress::endpoint(entry).is_ok(),
            "{entry:?} is an origin, and no endpoint"
        );
    }
    if let Ok(policy) = Egress::endpoint(entry) {
        ensure!(policy.allows(&format!("{KLAVIYO}api/")), "{entry:?} does not stand for Klaviyo");
        // What goes to Klaviyo goes to the endpoint.
        let is_allowed = |url: &str| policy.allows(url) && !url.starts_with(KLAVIYO);
        judge(entry, urls, &is_allowed).with_context(|| format!("the endpoint is {entry:?}"))?;
    }
    Ok(())
}

/// An origin or, with a wildcard, the names below one.
struct Named {
    below: bool,
    scheme: String,
    host: String,
    port: u16,
}

impl Named {
    fn of(entry: &str) -> Result<Self> {
        let url = Url::parse(&entry.replacen("://*.", "://", 1))?;
        let port = url.port_or_known_default().context("it has no port")?;
        let host = url.host_str().context("it has no host")?.to_owned();
        Ok(Self { below: entry.contains("://*."), scheme: url.scheme().to_owned(), host, port })
    }

    fn origin(&self, before: &str, behind: &str, port: u16) -> String {
        let own = if self.below { "a." } else { "" };
        let Self { scheme, host, .. } = self;
        let url = format!("{scheme}://{before}{own}{host}{behind}:{port}/api/");
        // The port of the scheme is left out.
        Url::parse(&url).map_or(url, String::from)
    }

    /// Whether a URL is of this origin, as another library than the policy's reads it: the one that requests are sent with.
    fn has(&self, url: &str) -> bool {
        // It is sent nowhere.
        let Ok(uri) = url.parse::<Uri>() else { return true };
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
        let port = authority.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
        let is_host = match authority.host().strip_suffix(&self.host) {
            Some(before) if self.below => before.len() > 1 && before.ends_with('.'),
            Some(before) => before.is_empty(),
            None => false,
        };
        is_host && scheme == self.scheme && port == self.port && !authority.as_str().contains('@')
    }
}

fn judge(entry: &str, urls: &str, allows: &dyn Fn(&str) -> bool) -> Result<()> {
    let named = Named::of(entry)?;
    for url in urls.split('\n').filter(|url| allows(url)) {
        ensure!(named.has(url), "{url:?} is allowed");
    }
    let own = named.origin("", "", named.port);
    ensure!(allows(&own) || own.starts_with(KLAVIYO), "{own} is not allowed");
    let other = named.port.wrapping_add(1).max(1);
    let scheme = if named.scheme == "https" { "http" } else { "https" };
    for neighbour in [
        named.origin("", "", other),
        named.origin("", ".evil.example", named.port),
        named.origin(&format!("{}@evil.example:1/", named.host), "", named.port),
        named.origin("key@", "", named.port),
        Named { scheme: scheme.to_owned(), below: named.below, host: named.host.clone(), port: named.port }
            .origin("", "", named.port),
    ] {
        ensure!(!allows(&neighbour), "{neighbour} is allowed");
    }
    if named.below {
        let parent = Named { below: false, ..Named::of(entry)? }.origin("", "", named.port);
        ensure!(!allows(&parent), "{parent} is allowed");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn a_policy_that_allows_too_much_or_too_little_is_found() {
        const ENTRY: &str = "https://a.example.com:8443";
        let exactly = |url: &str| url.starts_with("https://a.example.com:8443/");
        judge(ENTRY, "https://a.example.com:8443/x\nhttps://b.example.com/", &exactly).unwrap();
        assert!(judge(ENTRY, "", &|_| false).is_err());
        assert!(judge(ENTRY, "", &|url| url.starts_with("https://a.example.com")).is_err());
        assert!(judge(ENTRY, "", &|url| url.contains("://a.example.com:8443/")).is_err());
        assert!(judge(ENTRY, "", &|url| url.contains("a.example.com:8443/")).is_err());
        let and = |other: &'static str| move |url: &str| exactly(url) || url == other;
        assert!(judge(ENTRY, "https://evil.example/", &and("https://evil.example/")).is_err());
        let below =
            |url: &str| url.contains("a.example.com:8443/") && !url.contains('@') && url.starts_with("https");
        assert!(judge("https://*.a.example.com:8443", "", &below).is_err());
        let below = |url: &str| below(url) && url.contains(".a.example.com");
        judge("https://*.a.example.com:8443", "", &below).unwrap();
    }
}
