//! Embedding the connector with wasmtime alone, as the README shows it. Run it with
//! `cargo run -p host-test --example embed`, after `cargo xtask build`.

use klaviyo::connector::http;
use klaviyo_mock::{Account, Server};
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, Store};

#[allow(missing_docs)]
mod bindings {
    wasmtime::component::bindgen!({ path: "../wit", world: "connector" });
}
use bindings::exports::klaviyo::connector::types::NewProfile;
use bindings::{Connector, klaviyo};

/// What the component can reach: this, and nothing else.
struct Host {
    endpoint: String,
    key: String,
}

impl http::Host for Host {
    fn send(&mut self, request: http::Request) -> Result<http::Response, http::Error> {
        let path = request.url.strip_prefix("https://a.klaviyo.com/");
        let path = path.ok_or_else(|| http::Error::Denied("only a.klaviyo.com is allowed".to_owned()))?;
        let method = match request.method {
            http::Method::Get => "GET",
            http::Method::Post => "POST",
            _ => return Err(http::Error::Denied("only GET and POST are allowed".to_owned())),
        };
        let mut outgoing = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}/{path}", self.endpoint))
            .header("authorization", format!("{} {}", request.auth, self.key));
        for header in request.headers {
            outgoing = outgoing.header(header.name, header.value);
        }
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        let failed = |error: ureq::Error| http::Error::Connection(error.to_string());
        let outgoing = outgoing.body(request.body).map_err(|error| http::Error::Other(error.to_string()))?;
        let mut incoming = agent.run(outgoing).map_err(failed)?;
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let header = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| http::Header {
            name: name.to_string(),
            value: text(value.as_bytes()),
        };
        let headers = incoming.headers().iter().map(header).collect();
        let body = incoming.body_mut().read_to_vec().map_err(failed)?;
        Ok(http::Response { status: incoming.status().as_u16(), headers, body })
    }
}

fn main() -> anyhow::Result<()> {
    let server = Server::start(Account::demo())?;
    let host = Host { endpoint: server.url(), key: Account::DEMO_KEY.to_owned() };
    let contact = NewProfile {
        email: Some("priya@example.com".to_owned()),
        phone_number: Some("+91 98200 00001".to_owned()),
        first_name: Some("Priya".to_owned()),
        last_name: None,
        external_id: None,
        properties: None,
    };

    let engine = Engine::default();
    let component = Component::from_file(&engine, "target/component/klaviyo.wasm")?;
    let mut linker = Linker::new(&engine);
    http::add_to_linker::<_, HasSelf<Host>>(&mut linker, |host| host)?;
    let mut store = Store::new(&engine, host);
    let connector = Connector::instantiate(&mut store, &component, &linker)?;
    match connector.klaviyo_connector_contacts().call_opt_in(&mut store, &contact, "Y6nRLr")? {
        Ok(receipt) => println!("{} is on the list {}", receipt.profile_id, receipt.list_id),
        Err(error) => println!("{:?}: {}", error.code, error.message),
    }
    Ok(())
}
