//! The component that is composed for `wasi:http`, in a runtime that knows nothing of Klaviyo: wasmtime, with
//! its own implementation of the `wasi:http/proxy` world's interfaces, and `wasi:cli/environment`, where the
//! key is.

use crate::component::built;
use crate::{Sent, SharedUpstream, Subject, TransportError, canary};
use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use klaviyo_host::json::Prepared;
use serde_json::{Value, json};
use std::path::Path;
use wasmtime::component::{Component, InstancePre, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

/// The composed component, compiled.
pub struct Composed {
    instance: InstancePre<State>,
    runtime: tokio::runtime::Runtime,
}

impl Composed {
    /// Loads and compiles the component.
    ///
    /// # Errors
    /// When it cannot be read, or imports what a host of `wasi:http` and `wasi:cli/environment` does not
    /// have.
    pub fn load(file: &Path) -> Result<Self> {
        let engine = Engine::default();
        let component = Component::from_file(&engine, built(file.to_owned())?)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi_http::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi::p2::bindings::cli::environment::add_to_linker::<State, WasiCli>(
            &mut linker,
            WasiCliView::cli,
        )?;
        let instance = linker
            .instantiate_pre(&component)
            .map_err(anyhow::Error::from)
            .with_context(|| format!("cannot load {}", file.display()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { instance, runtime })
    }

    /// Calls `interface.function` with these variables in the component's environment, and these hooks behind
    /// `wasi:http`. The result is `{"ok": …}` or `{"err": …}`.
    ///
    /// # Errors
    /// When there is no such function, the arguments are not of its types, or the call traps.
    pub async fn run(
        &self,
        environment: &[(&str, &str)],
        hooks: impl WasiHttpHooks + 'static,
        function: &str,
        arguments: &[Value],
    ) -> Result<Value> {
        let state = State {
            wasi: WasiCtx::builder().envs(environment).build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            hooks: Box::new(hooks),
        };
        let mut store = Store::new(self.instance.engine(), state);
        let instance = self.instance.instantiate_async(&mut store).await?;
        let prepared = Prepared::new(&instance, &mut store, function, arguments);
        let returned = prepared.map_err(anyhow::Error::msg)?.call(&mut store, usize::MAX).await?;
        Ok(match returned {
            Ok(value) => json!({ "ok": value }),
            Err(error) => json!({ "err": error.to_json() }),
        })
    }
}

impl Subject for Composed {
    fn call(&self, function: &str, arguments: &[Value], upstream: SharedUpstream) -> Result<Value> {
        let environment = [("KLAVIYO_API_KEY", canary::KEY), ("KLAVIYO_API", "all")];
        let returned =
            self.runtime.block_on(self.run(&environment, Scripted(upstream), function, arguments))?;
        canary::check(&returned.to_string())?;
        Ok(returned)
    }
}

/// The defaults: wasmtime's own HTTP client.
pub struct Network;

impl WasiHttpHooks for Network {}

struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    hooks: Box<dyn WasiHttpHooks>,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: self.hooks.as_mut() }
    }
}

/// Answers by a script.
struct Scripted(SharedUpstream);

/// What `wasi:http` waits for.
pub type Sending = Box<dyn Future<Output = Result<(Response<WasiBody>, Worker), Error>> + Send>;
/// The connection, which is driven beside it.
pub type Worker = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Scripted {
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(&mut self, request: Request<WasiBody>, _: Option<RequestOptions>, _: Worker) -> Sending {
        let upstream = SharedUpstream::clone(&self.0);
        Box::new(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
            let authorization = parts.headers.get("authorization").map(text).unwrap_or_default();
            // With a wrong key the scheme is empty, and differs from the fixture's.
            let auth = authorization.strip_suffix(&format!(" {}", canary::KEY)).unwrap_or_default();
            let others = parts.headers.iter().filter(|(name, _)| *name != "authorization");
            let sent = Sent {
                method: parts.method.to_string(),
                url: parts.uri.to_string(),
                auth: auth.to_owned(),
                headers: others.map(|(name, value)| (name.to_string(), text(value))).collect(),
                body: body.to_vec(),
            };
            let answer = upstream.lock().send(sent).map_err(|error| match error {
                TransportError::Denied(_) => Error::HttpRequestDenied,
                TransportError::Timeout(_) => Error::HttpResponseTimeout,
                TransportError::Connection(_) => Error::ConnectionTerminated,
                TransportError::TooLarge(_) => Error::HttpResponseBodySize(None),
                TransportError::Other(reason) => Error::InternalError(Some(reason)),
            })?;
            let mut response = Response::builder().status(answer.status);
            for (name, value) in answer.headers {
                response = response.header(name, value.into_bytes());
            }
            let body = Full::new(Bytes::from(answer.body)).map_err(|never| match never {}).boxed_unsync();
            let response =
                response.body(body).map_err(|error| Error::InternalError(Some(error.to_string())))?;
            Ok((response, Box::new(std::future::ready(Ok(()))) as Worker))
        })
    }
}
