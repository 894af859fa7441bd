//! The policy on the destinations of requests.

use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::LazyLock;
use url::{Host, Url};

/// The origin that the connector asks for.
const KLAVIYO: &str = "https://a.klaviyo.com";

/// The allowed destinations of requests. Default: `https://a.klaviyo.com` only.
///
/// A request to another origin is refused before its name is looked up. Redirects are never followed. A name
/// that resolves to an address that is not public (loopback, private, link-local, …) is refused too, unless
/// [`Egress::allow_private_addresses`] or [`Egress::endpoint`] allows it.
///
/// ```
/// use klaviyo_host::Egress;
///
/// let egress = Egress::parse(["https://a.klaviyo.com", "https://*.example.com:8443"])?;
/// assert!(Egress::parse(["a.klaviyo.com"]).is_err());
/// # Ok::<(), klaviyo_host::EgressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Egress {
    rules: Vec<Rule>,
    endpoint: Option<Origin>,
    private_addresses: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// Exactly this origin.
    Origin(Origin),
    /// Any name below this one.
    Subdomains { scheme: String, parent: String, port: u16 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: Host,
    port: u16,
}

/// Why an entry is not an origin.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{entry:?} is not an origin to allow: {reason}; write one like https://a.klaviyo.com or https://*.example.com:8443"
)]
pub struct EgressError {
    entry: String,
    reason: &'static str,
}

impl Default for Egress {
    fn default() -> Self {
        let host = Host::Domain("a.klaviyo.com".to_owned());
        let klaviyo = Origin { scheme: "https".to_owned(), host, port: 443 };
        Self { rules: vec![Rule::Origin(klaviyo)], endpoint: None, private_addresses: false }
    }
}

impl Egress {
    /// Allows these origins; without any, every request is refused. The component chooses among them, and
    /// each request has the tenant's key: allow only origins that may have it.
    ///
    /// An entry has a scheme (`https`, or `http` where necessary), a host and, unless it is the scheme's
    /// default, a port. The host is a name, an IP address, or `*.` and a name for all names below that one.
    ///
    /// # Errors
    /// When an entry has another form, such as a path or user information: a rule that can never match is a
    /// mistake.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, EgressError> {
        let rules = entries.into_iter().map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { rules, endpoint: None, private_addresses: false })
    }

    /// Sends the requests to `https://a.klaviyo.com` to another origin, such as a simulator or a gateway, and
    /// allows no other origin. Its address may be private. With `http://` the key is sent unencrypted.
    ///
    /// # Errors
    /// When it is not an origin.
    pub fn endpoint(origin: &str) -> Result<Self, EgressError> {
        let origin = Origin::parse(origin)?;
        let rules = vec![Rule::Origin(origin.clone())];
        Ok(Self { rules, endpoint: Some(origin), private_addresses: true })
    }

    /// Allows names that resolve to addresses that are not public.
    #[must_use]
    pub fn allow_private_addresses(mut self) -> Self {
        self.private_addresses = true;
        self
    }

    /// Whether a connection to this address is allowed: it is public, or addresses that are not are allowed.
    #[must_use]
    pub fn allows_address(&self, address: IpAddr) -> bool {
        self.private_addresses || is_public(address)
    }

    /// Whether a request for this URL, as a component asks for it, is allowed.
    #[must_use]
    pub fn allows(&self, url: &str) -> bool {
        self.route(url).is_ok()
    }

    /// The URL to send a request for this address to, or a sentence that says why it is refused.
    pub(crate) fn route(&self, address: &str) -> Result<Url, String> {
        let url = Url::parse(address).map_err(|error| format!("the request has no valid URL: {error}"))?;
        // Attackers use URLs that two parsers read in two ways.
        if url.as_str() != address {
            return Err("the request's URL is not written in its normal form".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the request's URL has user information in it".to_owned());
        }
        if url.fragment().is_some() {
            return Err("the request's URL has a fragment".to_owned());
        }
        let url = match &self.endpoint {
            Some(endpoint) if address.strip_prefix(KLAVIYO).is_some_and(|path| path.starts_with('/')) => {
                endpoint.replace(&url).ok_or("the endpoint cannot stand for Klaviyo")?
            }
            _ => url,
        };
        let origin = Origin::of(&url).ok_or("the request's URL has no host")?;
        if self.rules.iter().any(|rule| rule.matches(&origin)) {
            return Ok(url);
        }
        let allowed = match self.rules.as_slice() {
            [] => "nothing".to_owned(),
            rules => rules.iter().map(Rule::to_string).collect::<Vec<_>>().join(", "),
        };
        Err(format!("requests to {origin} are not allowed; the Egress of the Connector allows {allowed}"))
    }
}

impl Rule {
    fn matches(&self, origin: &Origin) -> bool {
        match self {
            Self::Origin(allowed) => allowed == origin,
            Self::Subdomains { scheme, parent, port } => match &origin.host {
                Host::Domain(name) => {
                    let below = name.strip_suffix(parent).and_then(|name| name.strip_suffix('.'));
                    origin.scheme == *scheme && origin.port == *port && below.is_some_and(|n| !n.is_empty())
                }
                Host::Ipv4(_) | Host::Ipv6(_) => false,
            },
        }
    }
}

impl FromStr for Rule {
    type Err = EgressError;

    fn from_str(entry: &str) -> Result<Self, EgressError> {
        let Some((scheme, parent)) = entry.split_once("://*.") else {
            return Origin::parse(entry).map(Self::Origin);
        };
        let fail = |reason| EgressError { entry: entry.to_owned(), reason };
        let Origin { scheme, host, port } =
            Origin::parse(&format!("{scheme}://{parent}")).map_err(|error| fail(error.reason))?;
        match host {
            Host::Domain(parent) if parent.contains('.') => Ok(Self::Subdomains { scheme, parent, port }),
            Host::Domain(_) => Err(fail("a wildcard needs a name of two parts at least")),
            Host::Ipv4(_) | Host::Ipv6(_) => Err(fail("an address has no names below it")),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Origin(origin) => origin.fmt(f),
            Self::Subdomains { scheme, parent, port } => write!(f, "{scheme}://*.{parent}:{port}"),
        }
    }
}

impl Origin {
    fn parse(entry: &str) -> Result<Self, EgressError> {
        let fail = |reason| EgressError { entry: entry.to_owned(), reason };
        let rest = entry.strip_prefix("https://").or_else(|| entry.strip_prefix("http://"));
        let rest = rest.ok_or_else(|| fail("it does not begin with https:// or http://"))?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '@', '\\', '*']) || rest.contains(char::is_whitespace) {
            return Err(fail("it has more than a host and a port"));
        }
        let url = Url::parse(entry).map_err(|_| fail("its host or port is not valid"))?;
        Self::of(&url).ok_or_else(|| fail("it has no host"))
    }

    fn of(url: &Url) -> Option<Self> {
        let host = url.host()?.to_owned();
        Some(Self { scheme: url.scheme().to_owned(), host, port: url.port_or_known_default()? })
    }

    /// The same URL on this origin.
    fn replace(&self, url: &Url) -> Option<Url> {
        let mut url = url.clone();
        url.set_scheme(&self.scheme).ok()?;
        url.set_host(Some(&self.host.to_string())).ok()?;
        url.set_port(Some(self.port)).ok()?;
        Some(url)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}

/// The addresses outside the public internet by IANA's registries of special-purpose addresses, and those
/// that contain an IPv4 address.
static SPECIAL: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    let networks = [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16/32",
        "::/96",
        "::ffff:0:0:0/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ];
    networks.iter().filter_map(|network| network.parse().ok()).collect()
});

fn is_public(address: IpAddr) -> bool {
    let address = match address {
        IpAddr::V6(v6) => match v6.segments() {
            // IPv4 addresses within IPv6: mapped, and translated by NAT64.
            [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                IpAddr::from((u32::from(high) << 16 | u32::from(low)).to_be_bytes())
            }
            _ => IpAddr::V6(v6),
        },
        IpAddr::V4(_) => address,
    };
    !SPECIAL.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(egress: &Egress, url: &str) -> bool {
        egress.route(url).is_ok()
    }

    #[test]
    fn only_klaviyo_over_https_by_default() {
        let egress = Egress::default();
        assert!(allows(&egress, "https://a.klaviyo.com/api/lists/"));
        for url in [
            "http://a.klaviyo.com/api/lists/",
            "https://a.klaviyo.com:8443/api/lists/",
            "https://a.klaviyo.com:443/api/lists/",
            "https://A.klaviyo.com/api/lists/",
            "https://a.klaviyo.com./api/lists/",
            "https://a.klaviyo.com.evil.example/api/lists/",
            "https://evil.example/https://a.klaviyo.com/",
            "https://b.klaviyo.com/api/lists/",
            "https://user@a.klaviyo.com/api/lists/",
            "https://user:password@a.klaviyo.com/api/lists/",
            "https://a.klaviyo.com@evil.example/",
            "https://a.klaviyo.com\\@evil.example/",
            "https://a.klaviyo.com/api/../lists/",
            "https://a.klaviyo.com/api/lists/#top",
            "https://a.klaviyo.com/a b",
            "https://a.klaviyo.com/a\tb",
            " https://a.klaviyo.com/",
            "https:a.klaviyo.com/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://2130706433/",
            "https://0x7f.1/",
            "file:///etc/passwd",
            "data:,x",
            "",
            "/api/lists/",
        ] {
            assert!(!allows(&egress, url), "{url}");
        }
    }

    #[test]
    fn entries_are_origins_or_refused() {
        for entry in [
            "",
            "*",
            "a.klaviyo.com",
            "//a.klaviyo.com",
            "ftp://a.klaviyo.com",
            "https://",
            "https://*",
            "https://*.com",
            "https://*.127.0.0.1",
            "https://a.*.com",
            "https://a.klaviyo.com/api",
            "https://a@b.c",
            "https://a.klaviyo.com?x",
            "https://a.klaviyo.com:99999",
            "https://a b.com",
            "https://*.*.example.com",
        ] {
            assert!(Egress::parse([entry]).is_err(), "{entry}");
        }
        let egress = Egress::parse(["https://*.example.com", "http://127.0.0.1:4000"]).unwrap();
        assert!(allows(&egress, "https://a.example.com/"));
        assert!(allows(&egress, "https://a.b.example.com/"));
        assert!(allows(&egress, "http://127.0.0.1:4000/"));
        assert!(!allows(&egress, "https://example.com/"));
        assert!(!allows(&egress, "https://.example.com/"));
        assert!(!allows(&egress, "https://aexample.com/"));
        assert!(!allows(&egress, "http://127.0.0.1:4001/"));
        assert!(!allows(&egress, "https://a.klaviyo.com/"));
        assert!(!allows(&Egress::parse([]).unwrap(), "https://a.klaviyo.com/"));
    }

    #[test]
    fn an_endpoint_stands_for_klaviyo_and_for_nothing_else() {
        let egress = Egress::endpoint("http://127.0.0.1:4000").unwrap();
        let routed =
            egress.route("https://a.klaviyo.com/api/lists/?filter=equals%28id%2C%22a%22%29").unwrap();
        assert_eq!(routed.as_str(), "http://127.0.0.1:4000/api/lists/?filter=equals%28id%2C%22a%22%29");
        assert!(!allows(&egress, "https://a.klaviyo.com.evil.example/"));
        assert!(!allows(&egress, "https://evil.example/"));
        assert!(Egress::endpoint("http://127.0.0.1:4000/api").is_err());
        let secure = Egress::endpoint("https://gateway.example").unwrap();
        assert_eq!(
            secure.route("https://a.klaviyo.com/api/").unwrap().as_str(),
            "https://gateway.example/api/"
        );
    }

    #[test]
    fn special_addresses_are_not_public() {
        assert_eq!(SPECIAL.len(), 29);
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "::127.0.0.1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["172.32.0.1", "8.8.8.8", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
