//! How to reach NATS.
//!
//! The addresses of servers have commas between them, and may have users and passwords in them.

use super::error::QueueError;
use async_nats::{ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;
use std::path::PathBuf;

/// The bytes of JetStream's store that waiting opt-ins may take if the stream is made here: two and a half
/// million opt-ins of 400 bytes. Without a bound they could take the room that outcomes and leases need, and
/// workers could not empty the stream.
pub const OPT_INS_BYTES: u64 = 1 << 30;

/// How to reach NATS.
#[derive(Clone, Debug)]
pub struct Nats {
    /// Such as `nats://127.0.0.1:4222` or `tls://USER:PASSWORD@nats:4222`; several have commas between them.
    /// Names and passwords are percent-encoded.
    pub url: String,
    /// A file with credentials.
    pub credentials: Option<PathBuf>,
    /// A file with certificates (PEM) against which the server's is checked; none for the system's
    /// certificates.
    pub ca: Option<PathBuf>,
    /// The role in which this process connects.
    pub role: Role,
    /// The bytes of JetStream's store that waiting opt-ins may take if their stream is made:
    /// [`OPT_INS_BYTES`], for example.
    pub opt_ins_bytes: u64,
}

/// A NATS without users on this machine.
impl Default for Nats {
    fn default() -> Self {
        let url = "nats://127.0.0.1:4222".to_owned();
        Self { url, credentials: None, ca: None, role: Role::Operator, opt_ins_bytes: OPT_INS_BYTES }
    }
}

/// The role of a process at the queue. NATS answers each role on subjects of its own. So an operator can give
/// each role a user that cannot read the answers to others, such as the opt-ins that workers are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Role {
    /// A front door; its answers are below `_INBOX.klaviyo-door`.
    Door,
    /// A worker; its answers are below `_INBOX.klaviyo-worker`.
    Worker,
    /// A person who looks after the queue; the answers are below `_INBOX.klaviyo-operator`.
    Operator,
}

/// Parses addresses.
pub(super) fn servers(url: &str) -> Result<Vec<ServerAddr>, QueueError> {
    // The error of the parser is left out: it repeats parts of the address.
    let server =
        |server: &str| server.trim().parse().ok().filter(|server: &ServerAddr| !server.host().is_empty());
    url.split(',').map(|url| server(url).ok_or(QueueError::Address)).collect()
}

/// The schemes, hosts and ports of servers, without the parts that can be a password or a token.
pub(super) fn shown(servers: &[ServerAddr]) -> String {
    let shown = |server: &ServerAddr| {
        let host = server.host();
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        format!("{}://{bracketed}:{}", server.scheme(), server.port())
    };
    servers.iter().map(shown).collect::<Vec<_>>().join(",")
}

/// Options with the user of the addresses, because the client does not read it.
///
/// The first user holds for all servers: they are one cluster, and have the same users. A user without a
/// password is a token, as in other clients of NATS.
pub(super) fn signed_in(servers: &[ServerAddr], options: ConnectOptions) -> ConnectOptions {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let named = servers.iter().find_map(|server| Some((decoded(server.username()?), server.password())));
    match named {
        Some((user, Some(password))) => options.user_and_password(user, decoded(password)),
        Some((token, None)) => options.token(token),
        None => options,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;

    #[test]
    fn no_password_is_shown() {
        let shown = |url: &str| servers(url).map(|servers| shown(&servers));
        for (url, expected) in [
            ("nats://user:canary@one:4222,two", "nats://one:4222,nats://two:4222"),
            ("user:canary@one", "nats://one:4222"),
            ("tls://canary@[::1]:7/canary?canary#canary", "tls://[::1]:7"),
        ] {
            assert_eq!(shown(url).unwrap(), expected, "{url}");
        }
        for wrong in
            ["", "user:canary", "canary://one", "nats://user:can,ary@one", "nats://user:canary@one:port"]
        {
            let error = shown(wrong).unwrap_err();
            assert!(matches!(error, QueueError::Address), "{wrong}");
            assert!(error.source().is_none() && !error.to_string().contains("canary"));
        }
    }
}
