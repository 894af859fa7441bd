//! What an opt-in computes over loopback HTTP, beside bare `reqwest` that sends the same bytes.

use super::answers::email;
use super::clock::{in_turns, thread_cpu};
use super::row::Row;
use crate::canary::KEY;
use crate::component::{artifact, built, cache};
use crate::load::{LIST, LIST_NAME};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use klaviyo_host::types::NewProfile;
use klaviyo_host::{
    Attempt, Bounds, Connector, Egress, HttpTransport, Limits, Pace, Secret, Tenant, Transport,
};
use klaviyo_mock::{Account, Klaviyo, Rates, Server};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// How many turns, of how many opt-ins.
const TURNS: usize = 40;
const OPT_INS: usize = 50;
const REQUESTS: usize = 3;

pub(super) fn rows() -> Result<Vec<Row>> {
    let mut account = Account::default();
    account.add_key(KEY, Account::SCOPES);
    account.add_list(LIST, LIST_NAME);
    let server = Server::start(Klaviyo::from(account).rates(Rates::off()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut people = (0..).map(email);
    let mut person = || people.next().context("there are people without end");

    let first = person()?;
    let sent = recorded(&server, &runtime, &first)?;
    let egress = Egress::endpoint(&server.url())?;
    let connector = Connector::builder().egress(egress).cache(cache()).load(built(artifact())?)?;
    let tenant = Tenant::builder(&connector, Secret::new(KEY)?).pace(Pace::unlimited()).build();
    // reqwest takes the process' provider of cryptography. It may be there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?;

    let people = std::cell::RefCell::new(person);
    let several = |opt_in: &dyn Fn(String) -> Result<()>| {
        let before = thread_cpu();
        for _ in 0..OPT_INS {
            opt_in((people.borrow_mut())()?)?;
        }
        Ok::<_, anyhow::Error>((thread_cpu() - before) / u32::try_from(OPT_INS)?)
    };
    let before = server.requests();
    let (own, bare, ratio) = in_turns(
        TURNS,
        || several(&|person| opt_in(&runtime, &tenant, person)),
        || several(&|person| runtime.block_on(send(&client, &sent, &first, &person))),
    )?;
    let requests = server.requests() - before;
    ensure!(
        requests == (2 * (TURNS + 1) * OPT_INS * REQUESTS) as u64,
        "an opt-in takes {REQUESTS} requests, and there were {requests}"
    );
    Ok(vec![
        Row::new("CPU of an opt-in, 3 requests over loopback HTTP", own, "µs"),
        Row::new("… beside bare reqwest that sends the same bytes", ratio, "×")
            .at_most(1.25)
            .note(format!("{bare:.0} µs")),
    ])
}

fn opt_in(runtime: &Runtime, tenant: &Tenant, person: String) -> Result<()> {
    let contact =
        NewProfile { email: Some(person), first_name: Some("Priya".to_owned()), ..NewProfile::default() };
    ensure!(runtime.block_on(tenant.opt_in(&contact, LIST, None))?.value.created, "there was such a person");
    Ok(())
}

/// The requests of one opt-in.
fn recorded(server: &Server, runtime: &Runtime, person: &str) -> Result<Vec<Sent>> {
    let egress = Egress::endpoint(&server.url())?;
    let sent = Arc::default();
    let transport =
        Recorder { inner: HttpTransport::new(&egress, &Limits::default())?, sent: Arc::clone(&sent) };
    let connector = Connector::builder().egress(egress).cache(cache()).transport(transport);
    let tenant = Tenant::new(&connector.load(built(artifact())?)?, Secret::new(KEY)?);
    opt_in(runtime, &tenant, person.to_owned())?;
    let sent = std::mem::take(&mut *sent.lock());
    ensure!(sent.len() == REQUESTS, "an opt-in takes {REQUESTS} requests, not {}", sent.len());
    Ok(sent)
}

/// A request as it went out.
struct Sent {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: String,
}

/// Keeps what is sent.
struct Recorder {
    inner: HttpTransport,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Transport for Recorder {
    fn send(&self, request: Request<Bytes>, bounds: Bounds) -> Attempt<'_> {
        self.sent.lock().push(Sent {
            method: request.method().clone(),
            url: request.uri().to_string(),
            headers: request.headers().clone(),
            body: String::from_utf8_lossy(request.body()).into_owned(),
        });
        self.inner.send(request, bounds)
    }
}

/// Sends the recorded requests for another person, and reads the answers.
async fn send(client: &reqwest::Client, sent: &[Sent], recorded: &str, person: &str) -> Result<()> {
    let encoded = |email: &str| email.replace('@', "%40");
    for Sent { method, url, headers, body } in sent {
        let url = url.replace(&encoded(recorded), &encoded(person));
        let mut request = client.request(method.clone(), url).headers(headers.clone());
        if !body.is_empty() {
            request = request.body(body.replace(recorded, person));
        }
        let answer = request.send().await?;
        ensure!(answer.status().is_success(), "{method} without a success: {}", answer.status());
        answer.bytes().await?;
    }
    Ok(())
}
