//! The page on the loopback interface that the browser comes back to, with a code.

use super::secret;
use crate::failure::Failure;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Html;
use axum::routing::get;
use http::StatusCode;
use klaviyo_host::Secret;
use klaviyo_host::types::Code;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// How long the browser may take to read the last page.
const LAST_PAGE: Duration = Duration::from_secs(2);
/// A refusal of Klaviyo's is repeated up to this many characters.
const SHOWN: usize = 60;

/// Where the browser comes back to.
pub(super) struct Callback {
    listener: TcpListener,
    redirect: String,
}

/// What the browser brings.
#[derive(Clone)]
struct Brought {
    state: Arc<str>,
    outcome: mpsc::Sender<Result<String, String>>,
}

type Pairs = Vec<(String, String)>;

impl Callback {
    /// Listens on this port; 0 is any free one.
    pub(super) async fn bind(port: u16) -> Result<Self, Failure> {
        let failed = |error| {
            Failure::other(format!("cannot listen on 127.0.0.1:{port}: {error}"))
                .hint("--port chooses another port; the app must have it in its redirect URL")
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let redirect = format!("http://{}/callback", listener.local_addr().map_err(failed)?);
        Ok(Self { listener, redirect })
    }

    /// The address to send the browser back to.
    pub(super) fn redirect(&self) -> &str {
        &self.redirect
    }

    /// Waits for the browser that knows the state, and returns its code. Other requests change nothing.
    pub(super) async fn code(self, state: &str) -> Result<Secret, Failure> {
        let (outcome, mut brought) = mpsc::channel(1);
        let routes = Router::new()
            .route("/callback", get(come_back))
            .with_state(Brought { state: state.into(), outcome });
        let (stop, stopped) = oneshot::channel::<()>();
        let mut serving = tokio::spawn(async move {
            axum::serve(self.listener, routes).with_graceful_shutdown(async { drop(stopped.await) }).await
        });
        let outcome = tokio::select! {
            outcome = brought.recv() => outcome,
            _ = &mut serving => None,
        };
        drop(stop);
        // The browser gets its page, unless it does not read it.
        if !serving.is_finished() && timeout(LAST_PAGE, &mut serving).await.is_err() {
            serving.abort();
        }
        match outcome {
            Some(Ok(code)) => secret(&code),
            Some(Err(error)) => {
                Err(Failure::new(Code::Forbidden, format!("the app was not let in: Klaviyo says {error}")))
            }
            None => Err(Failure::other("the page for the browser ended; run the command again".to_owned())),
        }
    }
}

async fn come_back(
    State(Brought { state, outcome }): State<Brought>,
    Query(pairs): Query<Pairs>,
) -> (StatusCode, Html<&'static str>) {
    let value = |name: &str| pairs.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    if value("state") != Some(state.as_ref()) {
        return (StatusCode::BAD_REQUEST, Html("<p>This page was not asked for by klaviyo-connector.</p>"));
    }
    let (brought, page) = match (value("code"), value("error")) {
        (Some(code), None) => {
            (Ok(code.to_owned()), "<p>klaviyo-connector goes on; you can close this page.</p>")
        }
        (_, error) => {
            let is_word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
            let error = error.unwrap_or("nothing").chars().filter(is_word).take(SHOWN).collect();
            (Err(error), "<p>The app was not let in; you can close this page.</p>")
        }
    };
    // The first one counts.
    let _ = outcome.try_send(brought);
    (StatusCode::OK, Html(page))
}
