//! The rows of Rust in the README's table of runtimes: the corpus, a real opt-in, and times. Each other
//! runtime has a program of its own that prints such a row.

use crate::component::{self, artifact, composed};
use crate::composed::{Network, Sending, Worker};
use crate::fixture::{Exchange, Fixture};
use crate::native::Native;
use crate::{Component, Composed, Subject, replay};
use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use clap::ValueEnum;
use http_body_util::{BodyExt, Full};
use klaviyo_core::{Http, Identifier, Request, Response, TransportError};
use klaviyo_corpus::Corpus;
use klaviyo_host::{Attempt, Bounds, Connector, Egress, Pace, Secret, Tenant, Transport, types};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Instant;
use wasmtime_wasi_http::{RequestOptions, WasiBody, WasiHttpHooks};

const KEY: &str = "KLAVIYO_API_KEY";
const ENDPOINT: &str = "KLAVIYO_ENDPOINT";

/// How often a fresh process is started.
const STARTS: usize = 5;
/// The number of lookups before the measurement, and in it.
const CALLS: usize = 2_000;

/// A way to run the connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Runtime {
    /// klaviyo-core, without WebAssembly
    Native,
    /// The component in klaviyo-host
    Component,
    /// The part of it for opt-ins, in klaviyo-host
    OptIn,
    /// The component that is composed for wasi:http, in wasmtime-wasi-http
    Composed,
}

/// Prints one line of JSON: the corpus, an opt-in with the key and the endpoint of the environment, and
/// figures.
///
/// # Errors
/// When a fixture differs, or the opt-in fails.
pub fn run(way: Runtime) -> Result<()> {
    let (subject, name, file): (Box<dyn Subject>, _, Option<PathBuf>) = match way {
        Runtime::Native => (Box::new(Native), "Rust, without WebAssembly", None),
        Runtime::Component => {
            (Box::new(Component::load(&artifact())?), "Rust, klaviyo-host (wasmtime 48)", Some(artifact()))
        }
        Runtime::OptIn => {
            let name = "Rust, klaviyo-host, the part for opt-ins";
            (Box::new(Component::load(&component::opt_in())?), name, Some(component::opt_in()))
        }
        Runtime::Composed => {
            (Box::new(Composed::load(&composed())?), "wasmtime 48, wasi:http", Some(composed()))
        }
    };
    let fixtures = Corpus::default().fixtures;
    let fixtures = match way {
        Runtime::OptIn => component::OPT_IN_INTERFACES.map(|interface| fixtures.join(interface)).into(),
        _ => vec![fixtures],
    };
    let corpus = replay::replay(subject.as_ref(), &fixtures)?;
    for (file, difference) in &corpus.failed {
        eprintln!("FAIL {}: {difference}", file.display());
    }
    let http = match way {
        // It has no HTTP of its own.
        Runtime::Native => None,
        Runtime::Component | Runtime::OptIn | Runtime::Composed => Some(opt_in(way)?),
    };
    let mut starts = (0..STARTS).map(|_| start_elsewhere(way)).collect::<Result<Vec<_>>>()?;
    let mut ready = Ready::load(way)?;
    let mut calls = Vec::with_capacity(CALLS);
    for call in 0..2 * CALLS {
        let start = Instant::now();
        ready.lookup()?;
        if call >= CALLS {
            calls.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    let size = file.map(std::fs::metadata).transpose()?.map(|metadata| metadata.len());
    let line = json!({
        "runtime": name,
        "passed": corpus.passed,
        "failed": corpus.failed.len(),
        "http": http,
        "cold_start_ms": median(&mut starts),
        "call_us": median(&mut calls),
        "size": size,
    });
    println!("{line}");
    ensure!(corpus.failed.is_empty(), "{} fixtures differ", corpus.failed.len());
    Ok(())
}

/// Prints how many milliseconds pass in this process from nothing to the first answer.
///
/// # Errors
/// When there is none.
pub fn start(way: Runtime) -> Result<()> {
    let start = Instant::now();
    Ready::load(way)?.lookup()?;
    println!("{}", start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

/// The same in a process of its own.
pub(super) fn start_elsewhere(way: Runtime) -> Result<f64> {
    let name = way.to_possible_value().context("it has a name")?;
    let output = std::process::Command::new(std::env::current_exe()?)
        .args(["measure", "--start", name.get_name()])
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// A runtime that is loaded, with an answer in memory.
enum Ready {
    Native(FixedAnswer),
    Component(tokio::runtime::Runtime, Tenant),
    Composed(tokio::runtime::Runtime, Composed, FixedAnswer),
}

impl Ready {
    fn load(way: Runtime) -> Result<Self> {
        let answer = FixedAnswer::read()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(match way {
            Runtime::Native => Self::Native(answer),
            Runtime::Component | Runtime::OptIn => {
                let connector = Connector::builder().transport(answer).load(file(way))?;
                let tenant = Tenant::builder(&connector, Secret::new("pk_0123456789")?);
                Self::Component(runtime, tenant.pace(Pace::unlimited()).build())
            }
            Runtime::Composed => Self::Composed(runtime, Composed::load(&composed())?, answer),
        })
    }

    fn lookup(&mut self) -> Result<()> {
        const EMAIL: &str = "priya@example.com";
        let found = match self {
            Self::Native(answer) => {
                klaviyo_core::contacts::lookup(answer, &Identifier::Email(EMAIL.to_owned()))
                    .is_ok_and(|profile| profile.is_some())
            }
            Self::Component(runtime, tenant) => {
                let by = types::Identifier::Email(EMAIL.to_owned());
                runtime.block_on(tenant.lookup(&by))?.value.is_some()
            }
            Self::Composed(runtime, composed, answer) => {
                let (environment, arguments) = ([(KEY, "pk_0123456789")], [json!({ "email": EMAIL })]);
                let call = composed.run(&environment, answer.clone(), "contacts.lookup", &arguments);
                runtime.block_on(call)?.get("ok").is_some_and(|profile| !profile.is_null())
            }
        };
        ensure!(found, "the lookup found nobody");
        Ok(())
    }
}

/// A real opt-in, for the account and the endpoint of the environment.
fn opt_in(way: Runtime) -> Result<bool> {
    let variable = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
    let (key, endpoint) = (variable(KEY)?, variable(ENDPOINT)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let contact = json!({ "email": "priya@example.com", "first-name": "Priya" });
    let arguments = [contact, json!("Y6nRLr")];
    let receipt = match way {
        Runtime::Native => bail!("klaviyo-core has no HTTP"),
        Runtime::Component | Runtime::OptIn => {
            let connector = Connector::builder().egress(Egress::endpoint(&endpoint)?).load(file(way))?;
            let tenant = Tenant::new(&connector, Secret::new(&key)?);
            runtime.block_on(tenant.call("contacts.opt-in", &arguments))?.value
        }
        Runtime::Composed => {
            let environment = [(KEY, key.as_str()), (ENDPOINT, endpoint.as_str())];
            let composed = Composed::load(&composed())?;
            let returned =
                runtime.block_on(composed.run(&environment, Network, "contacts.opt-in", &arguments))?;
            returned.get("ok").cloned().with_context(|| format!("the opt-in failed: {returned}"))?
        }
    };
    Ok(receipt.get("list-id").and_then(Value::as_str) == Some("Y6nRLr"))
}

/// The file that klaviyo-host loads.
fn file(way: Runtime) -> PathBuf {
    if way == Runtime::OptIn { component::opt_in() } else { artifact() }
}

/// The answer of a fixture, from memory.
#[derive(Clone)]
struct FixedAnswer(Response);

impl FixedAnswer {
    fn read() -> Result<Self> {
        let file = Corpus::default().fixtures.join("contacts/lookup/found.json");
        match Fixture::parse(&std::fs::read_to_string(file)?)?.exchanges.into_iter().next() {
            Some(Exchange { response: Ok(response), .. }) => Ok(Self(response)),
            _ => bail!("the fixture has no answer"),
        }
    }

    fn response(&self) -> http::Response<Bytes> {
        let mut response = http::Response::new(Bytes::from(self.0.body.clone()));
        *response.status_mut() = http::StatusCode::from_u16(self.0.status).unwrap_or_default();
        response
    }
}

impl Http for FixedAnswer {
    fn send(&mut self, _: Request) -> Result<Response, TransportError> {
        Ok(self.0.clone())
    }
}

impl Transport for FixedAnswer {
    fn send(&self, _: http::Request<Bytes>, _: Bounds) -> Attempt<'_> {
        Box::pin(std::future::ready(Ok(self.response())))
    }
}

impl WasiHttpHooks for FixedAnswer {
    fn send_request(&mut self, _: http::Request<WasiBody>, _: Option<RequestOptions>, _: Worker) -> Sending {
        let response =
            self.response().map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync());
        Box::new(std::future::ready(Ok((response, Box::new(std::future::ready(Ok(()))) as Worker))))
    }
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
