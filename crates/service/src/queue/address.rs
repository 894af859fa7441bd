//! The addresses of NATS servers, with commas between them, and with users and passwords in them.

use super::error::QueueError;
use async_nats::{ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;

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
