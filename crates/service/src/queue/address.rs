//! Where NATS is, as it is written: addresses with commas, and a user and password in them.

use super::QueueError;
use async_nats::{ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;

/// The addresses of servers, with commas between them.
pub(super) fn servers(url: &str) -> Result<Vec<ServerAddr>, QueueError> {
    // Why one cannot be read is not told either: the sentence has parts of it.
    let server =
        |server: &str| server.trim().parse().ok().filter(|server: &ServerAddr| !server.host().is_empty());
    url.split(',').map(|url| server(url).ok_or(QueueError::Address)).collect()
}

/// Where servers are, and nothing else that is in their addresses: not what may be a password, or a token.
pub(super) fn shown(servers: &[ServerAddr]) -> String {
    let shown = |server: &ServerAddr| {
        let host = server.host();
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        format!("{}://{bracketed}:{}", server.scheme(), server.port())
    };
    servers.iter().map(shown).collect::<Vec<_>>().join(",")
}

/// Options that sign in as the addresses say. The client itself does not look for a user in an address.
///
/// What the first one that has any says holds for all servers: a cluster tells of more of them, and they have the same
/// users. A user without a password is a token, as it is for other clients of NATS.
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
