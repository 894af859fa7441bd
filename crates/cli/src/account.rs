//! The account that a command works in, as the options and the environment describe it.

use crate::component_source::ComponentSource;
use crate::failure::Failure;
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use klaviyo_host::{Egress, Revision};
use std::path::PathBuf;
use url::{Host, Url};

// Flattened structs have no documentation: clap would take it for that of the command.
#[derive(Args, Clone)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Account {
    /// A file that has the private key and nothing else, instead of the variable KLAVIYO_API_KEY [variable:
    /// KLAVIYO_API_KEY_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// A file that `klaviyo-connector connect` wrote, such as shop-1.oauth: OAuth instead of a private key [variable:
    /// KLAVIYO_OAUTH_FILE]
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "key_file")]
    pub(crate) oauth_file: Option<PathBuf>,
    /// Where requests go instead of to https://a.klaviyo.com, such as the address of `klaviyo-connector mock`
    /// [variable: KLAVIYO_ENDPOINT]
    #[arg(long, global = true, value_name = "URL", value_parser = endpoint)]
    pub(crate) endpoint: Option<Endpoint>,
    /// The oldest API revision to ask for, such as 2025-01-15; where the connector asks for a newer one, that one stays
    #[arg(long, global = true, value_name = "DATE")]
    pub(crate) revision: Option<Revision>,
    /// A component to run instead of the one inside this program: a file, or one in a registry, such as
    /// registry.example.com/klaviyo/connector@sha256:…
    #[arg(long, global = true, value_name = "FILE|REFERENCE", value_parser = OsStringValueParser::new().try_map(ComponentSource::parse))]
    pub(crate) component: Option<ComponentSource>,
    /// A file with a public key by which that component has to be signed, as `wasmsign2 sign` does it
    #[arg(long, global = true, value_name = "FILE", requires = "component")]
    pub(crate) component_key: Option<PathBuf>,
    /// Print one JSON document, for failures too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Show each exchange with Klaviyo on standard error, the key masked
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

/// Where requests go instead of to Klaviyo.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    pub(crate) egress: Egress,
}

impl Endpoint {
    /// Whether requests, with the key, leave this machine without encryption.
    pub(crate) fn is_in_clear(&self) -> bool {
        let is_local = |url: &Url| match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
            None => false,
        };
        Url::parse(&self.url).is_ok_and(|url| url.scheme() == "http" && !is_local(&url))
    }
}

fn endpoint(url: &str) -> Result<Endpoint, String> {
    let egress =
        Egress::endpoint(url).map_err(|_| "write an origin, such as http://127.0.0.1:4010".to_owned())?;
    Ok(Endpoint { url: url.to_owned(), egress })
}

impl Account {
    /// Takes from the environment what no option gives. clap could do that, but then a wrong variable would stop a
    /// command that does not need it.
    pub(crate) fn with_environment(mut self) -> Result<Self, Failure> {
        let file = |variable| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
        if self.key_file.is_none() && self.oauth_file.is_none() {
            self.oauth_file = file("KLAVIYO_OAUTH_FILE");
            self.key_file = file("KLAVIYO_API_KEY_FILE").filter(|_| self.oauth_file.is_none());
        }
        // Empty it is a mistake, such as a variable that a script has not set: it would be Klaviyo itself.
        if let (None, Some(url)) = (&self.endpoint, std::env::var_os("KLAVIYO_ENDPOINT")) {
            // The message does not repeat the value: it may be the key, in the wrong variable.
            let state = if url.is_empty() { "is empty" } else { "is no origin" };
            let wrong = |reason| {
                Failure::invalid(
                    None,
                    &format!(
                        "the variable KLAVIYO_ENDPOINT {state}; {reason}, or unset it for Klaviyo itself"
                    ),
                )
            };
            self.endpoint = Some(endpoint(&url.to_string_lossy()).map_err(wrong)?);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_sent_to_in_clear() {
        for (url, expected) in [
            ("http://192.0.2.1:4810", true),
            ("http://gateway.example", true),
            ("http://localhost.example:80", true),
            ("http://[2001:db8::1]", true),
            ("http://0.0.0.0:4010", true),
            ("https://192.0.2.1:4810", false),
            ("https://gateway.example/", false),
            ("http://127.0.0.1:4010", false),
            ("http://127.1.2.3", false),
            ("http://0x7f.1", false),
            ("http://localhost:4010/", false),
            ("http://LOCALHOST", false),
            ("http://mock.localhost", false),
            ("http://[::1]:4010", false),
            ("http://[::ffff:127.0.0.1]", false),
        ] {
            assert_eq!(endpoint(url).unwrap().is_in_clear(), expected, "{url}");
        }
    }
}
