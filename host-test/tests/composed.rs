//! The component that is composed for `wasi:http`, in wasmtime-wasi-http: over real sockets, and against what can go
//! wrong below it.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use host_test::component::composed;
use host_test::composed::{Composed, Network, Sending, Worker};
use host_test::servers::{Reply, Server};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame};
use klaviyo_mock::{Account, Klaviyo, Rates};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

const KEY: (&str, &str) = ("KLAVIYO_API_KEY", Account::DEMO_KEY);

fn block_on<T>(future: impl Future<Output = T>) -> Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future))
}

/// Compiled once: that takes seconds.
fn component() -> Result<&'static Composed> {
    static COMPOSED: LazyLock<Result<Composed>> = LazyLock::new(|| Composed::load(&composed()));
    COMPOSED.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))
}

/// Calls a function over real sockets.
fn call(environment: &[(&str, &str)], function: &str, arguments: &[Value]) -> Result<Value> {
    block_on(component()?.run(environment, Network, function, arguments))?
}

/// The code and the sentence of a failure.
fn failure(returned: &Value) -> Result<(&str, &str)> {
    let text = |name| returned.pointer(name).and_then(Value::as_str);
    text("/err/code").zip(text("/err/message")).with_context(|| format!("it did not fail: {returned}"))
}

fn lookup() -> [Value; 1] {
    [json!({ "email": "priya@example.com" })]
}

#[test]
fn somebody_opts_in_with_the_key_of_the_environment() -> Result<()> {
    let server = klaviyo_mock::Server::start(Klaviyo::from(Account::demo()).rates(Rates::off()))?;
    let (url, contact) = (server.url(), json!({ "email": "priya@example.com", "first-name": "Priya" }));
    let environment = [KEY, ("KLAVIYO_ENDPOINT", url.as_str())];
    let receipt = call(&environment, "contacts.opt-in", &[contact.clone(), json!("Y6nRLr")])?;
    assert_eq!(receipt["ok"]["created"], true, "{receipt}");
    let again = call(&environment, "contacts.opt-in", &[contact, json!("Y6nRLr")])?;
    assert_eq!(again["ok"]["created"], false, "{again}");
    assert_eq!(server.account().members("Y6nRLr"), ["01GMTZY2TEKN4KFRP30JZ59KGB"]);

    let wrong = [("KLAVIYO_API_KEY", "pk_wrong_key"), ("KLAVIYO_ENDPOINT", url.as_str())];
    assert_eq!(failure(&call(&wrong, "contacts.lookup", &lookup())?)?.0, "unauthenticated");
    Ok(())
}

#[test]
fn a_request_of_five_megabytes_arrives_whole() -> Result<()> {
    let server = klaviyo_mock::Server::start(Klaviyo::from(Account::demo()).rates(Rates::off()))?;
    let contacts: Vec<Value> = (0..9_000)
        .map(|n| json!({ "email": format!("p{n}@example.com"), "first-name": "x".repeat(430) }))
        .collect();
    let url = server.url();
    let returned =
        call(&[KEY, ("KLAVIYO_ENDPOINT", url.as_str())], "bulk.submit", &[json!(contacts), json!("Y6nRLr")])?;
    assert_eq!(returned["ok"]["jobs"].as_array().map(Vec::len), Some(1), "{returned}");
    assert_eq!(server.account().imports().next().map(|import| import.total), Some(9_000));
    Ok(())
}

/// Refuses a request before it has come, and is slow to say why.
#[test]
fn who_answers_before_the_end_of_the_request_is_heard() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    // So that the request does not fit into what the system keeps for the two.
    socket2::SockRef::from(&listener).set_recv_buffer_size(64 << 10)?;
    let url = format!("http://{}", listener.local_addr()?);
    let body = r#"{"errors":[{"code":"too_large","detail":"The payload is larger than 5 MB."}]}"#;
    let server = std::thread::spawn(move || -> Result<()> {
        let (mut stream, _) = listener.accept()?;
        stream.read_exact(&mut [0; 1 << 10])?;
        let length = body.len();
        stream.write_all(
            format!("HTTP/1.1 413 Payload Too Large\r\ncontent-length: {length}\r\n\r\n").as_bytes(),
        )?;
        for byte in body.as_bytes() {
            std::thread::sleep(Duration::from_millis(5));
            stream.write_all(&[*byte])?;
        }
        // The client goes when it has read the answer.
        std::io::copy(&mut stream, &mut std::io::sink()).map(drop).or(Ok(()))
    });
    let contacts: Vec<Value> = (0..9_000)
        .map(|n| json!({ "email": format!("p{n}@example.com"), "first-name": "x".repeat(430) }))
        .collect();
    let environment = [KEY, ("KLAVIYO_ENDPOINT", url.as_str())];
    let returned = call(&environment, "bulk.submit", &[json!(contacts), Value::Null])?;
    assert_eq!(failure(&returned)?.0, "rejected", "{returned}");
    assert_eq!(returned["err"]["status"], 413, "{returned}");
    server.join().map_err(|_| anyhow::anyhow!("the server panicked"))?
}

#[test]
fn api_call_asks_for_what_the_environment_allows() -> Result<()> {
    let server = klaviyo_mock::Server::start(Klaviyo::from(Account::demo()).rates(Rates::off()))?;
    let url = server.url();
    let environment = [
        KEY,
        ("KLAVIYO_ENDPOINT", url.as_str()),
        ("KLAVIYO_API", "read"),
        ("KLAVIYO_API_BELOW", "/api/segments /api/lists/Y6nRLr"),
    ];
    let get = |path: &str| json!({ "method": "get", "path": path });
    let asked = |request| call(&environment, "api.call", &[request]);
    for path in ["/api/segments/", "/api/lists/Y6nRLr", "/api/lists/Y6nRLr/profiles"] {
        let returned = asked(get(path))?;
        assert_eq!(returned["ok"]["status"], 200, "{path}: {returned}");
    }
    let list = json!({ "data": { "type": "list", "id": "Y6nRLr", "attributes": { "name": "New" } } });
    let change = json!({ "method": "patch", "path": "/api/lists/Y6nRLr", "body": list.to_string() });
    for (request, variable) in [(get("/api/lists/"), "KLAVIYO_API_BELOW"), (change, "KLAVIYO_API")] {
        let returned = asked(request)?;
        let (code, message) = failure(&returned)?;
        assert_eq!(code, "denied", "{returned}");
        assert!(message.contains(variable), "{message}");
    }
    // The other functions are not limited to these paths.
    assert!(call(&environment, "contacts.lookup", &lookup())?.get("ok").is_some());
    Ok(())
}

#[test]
fn without_a_key_or_with_a_wrong_endpoint_nothing_is_sent_and_the_variable_is_named() -> Result<()> {
    let server = Server::start(|_| Reply::Close)?;
    let url = server.url();
    for (environment, variable) in [
        (vec![("KLAVIYO_ENDPOINT", url.as_str())], "KLAVIYO_API_KEY"),
        (vec![("KLAVIYO_API_KEY", ""), ("KLAVIYO_ENDPOINT", &url)], "KLAVIYO_API_KEY"),
        (vec![("KLAVIYO_API_KEY", "two words"), ("KLAVIYO_ENDPOINT", &url)], "KLAVIYO_API_KEY"),
        (vec![KEY, ("KLAVIYO_ENDPOINT", "https://user@nowhere.example/api")], "KLAVIYO_ENDPOINT"),
        (vec![KEY, ("KLAVIYO_ENDPOINT", "")], "KLAVIYO_ENDPOINT"),
        (vec![KEY, ("KLAVIYO_ENDPOINT", &url), ("KLAVIYO_API_BELOW", "")], "KLAVIYO_API_BELOW"),
    ] {
        let returned = call(&environment, "contacts.lookup", &lookup())?;
        let (code, message) = failure(&returned)?;
        assert_eq!(code, "denied", "{returned}");
        assert!(message.contains(variable) && !message.contains("two words"), "{message}");
    }
    assert_eq!(server.requests(), 0);
    Ok(())
}

#[test]
fn whatever_a_server_sends_is_an_error_that_fits() -> Result<()> {
    fn head(status: &str, headers: &str) -> String {
        format!("HTTP/1.1 {status}\r\n{headers}\r\n")
    }
    type Respond = fn() -> Reply;
    let cases: [(&str, &str, Respond); 10] = [
        ("reset", "connection", || Reply::Reset(Vec::new())),
        ("closed", "connection", || Reply::Close),
        ("garbage", "connection", || Reply::bytes("\x16\x03\x01 no HTTP here\r\n\r\n")),
        ("short body", "connection", || Reply::bytes(&head("200 OK", "content-length: 100\r\n"))),
        ("redirect", "other", || {
            Reply::bytes(&head("302 Found", "location: http://127.0.0.1:1/\r\ncontent-length: 0\r\n"))
        }),
        ("endless body", "too-large", || {
            let body = vec![b' '; 1 << 20];
            Reply::Endless(head("200 OK", "").into_bytes(), body, Duration::ZERO)
        }),
        ("large headers", "too-large", || {
            let header = format!("x: {}\r\ncontent-length: 0\r\n", "y".repeat(20_000));
            Reply::bytes(&head("200 OK", &header))
        }),
        ("compressed", "other", || {
            Reply::bytes(&(head("200 OK", "content-encoding: gzip\r\ncontent-length: 2\r\n") + "\x1f_"))
        }),
        ("no JSON", "malformed", || Reply::bytes(&(head("200 OK", "content-length: 2\r\n") + "hi"))),
        ("rate limited", "rate-limited", || {
            Reply::bytes(&head("429 Too Many Requests", "retry-after: 7\r\ncontent-length: 0\r\n"))
        }),
    ];
    for (name, expected, respond) in cases {
        let server = Server::start(move |_| respond())?;
        let url = server.url();
        let returned = call(&[KEY, ("KLAVIYO_ENDPOINT", url.as_str())], "contacts.lookup", &lookup())?;
        assert_eq!(failure(&returned)?.0, expected, "{name}: {returned}");
        // Nothing is sent twice: repeating is for whoever calls.
        assert_eq!(server.requests(), 1, "{name}");
    }
    Ok(())
}

#[test]
fn a_key_that_is_sent_back_does_not_reach_the_connector() -> Result<()> {
    let server = Server::start(|incoming| {
        let request = String::from_utf8_lossy(&incoming.bytes).into_owned();
        assert!(request.contains(Account::DEMO_KEY) && request.contains("user-agent: klaviyo-connector/"));
        let body = format!("no: {request}");
        Reply::bytes(&format!(
            "HTTP/1.1 400 Bad Request\r\nx-echo: {}\r\ncontent-length: {}\r\n\r\n{body}",
            Account::DEMO_KEY,
            body.len()
        ))
    })?;
    let url = server.url();
    let returned = call(&[KEY, ("KLAVIYO_ENDPOINT", url.as_str())], "contacts.lookup", &lookup())?;
    assert!(returned["err"]["body"].as_str().is_some_and(|body| body.contains("****")), "{returned}");
    assert!(!returned.to_string().contains(Account::DEMO_KEY), "{returned}");
    Ok(())
}

/// What is below `wasi:http`, instead of a network.
struct Hooks<F>(F);

impl<F: FnMut() -> Sending + Send> WasiHttpHooks for Hooks<F> {
    fn send_request(&mut self, _: Request<WasiBody>, _: Option<RequestOptions>, _: Worker) -> Sending {
        (self.0)()
    }
}

/// The time stands still, but where everybody waits: then it jumps to the next event.
async fn paused(
    composed: &Composed,
    hooks: impl FnMut() -> Sending + Send + 'static,
) -> Result<(Value, Duration)> {
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let returned = composed.run(&[KEY], Hooks(hooks), "contacts.lookup", &lookup()).await?;
    Ok((returned, start.elapsed()))
}

/// A byte a second, for ever.
struct Drip(Pin<Box<Sleep>>);

impl Drip {
    fn body() -> WasiBody {
        Self(Box::pin(tokio::time::sleep(Duration::from_secs(1)))).boxed_unsync()
    }
}

impl Body for Drip {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        ready!(self.0.as_mut().poll(context));
        let next = self.0.deadline() + Duration::from_secs(1);
        self.0.as_mut().reset(next);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b" ")))))
    }
}

#[test]
fn who_never_answers_or_never_ends_is_left_after_twenty_seconds() -> Result<()> {
    fn silent() -> Sending {
        Box::new(std::future::pending())
    }
    fn dripping() -> Sending {
        Box::new(async { Ok((Response::new(Drip::body()), Box::new(std::future::ready(Ok(()))) as Worker)) })
    }
    let composed = component()?;
    for (name, hooks) in [("silent", silent as fn() -> Sending), ("dripping", dripping)] {
        let (returned, time) = block_on(paused(composed, hooks))??;
        assert_eq!(failure(&returned)?.0, "timeout", "{name}: {returned}");
        assert!((20.0..21.5).contains(&time.as_secs_f64()), "{name}: {time:?}");
    }
    Ok(())
}

/// A body that breaks off. wasmtime does not tell the component why.
struct Broken;

impl Body for Broken {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(Some(Err(Error::ConnectionTerminated)))
    }
}

#[test]
fn an_answer_that_breaks_off_is_a_failed_connection() -> Result<()> {
    let breaks = || {
        let response = Response::new(Broken.boxed_unsync());
        Box::new(async { Ok((response, Box::new(std::future::ready(Ok(()))) as Worker)) }) as Sending
    };
    let composed = component()?;
    let returned = block_on(composed.run(&[KEY], Hooks(breaks), "contacts.lookup", &lookup()))??;
    assert_eq!(failure(&returned)?.0, "connection", "{returned}");
    Ok(())
}

#[test]
fn every_error_of_wasi_http_has_a_code_of_the_contract() -> Result<()> {
    type Fail = fn() -> Error;
    let cases: [(&str, &[Fail]); 5] = [
        ("denied", &[|| Error::HttpRequestDenied, || Error::DestinationIpProhibited]),
        (
            "timeout",
            &[
                || Error::DnsTimeout,
                || Error::ConnectionTimeout,
                || Error::ConnectionReadTimeout,
                || Error::ConnectionWriteTimeout,
                || Error::HttpResponseTimeout,
            ],
        ),
        (
            "connection",
            &[
                || Error::DnsError { rcode: None, info_code: None },
                || Error::DestinationNotFound,
                || Error::DestinationUnavailable,
                || Error::DestinationIpUnroutable,
                || Error::ConnectionRefused,
                || Error::ConnectionTerminated,
                || Error::ConnectionLimitReached,
                || Error::TlsProtocolError,
                || Error::TlsCertificateError,
                || Error::TlsAlertReceived { alert_id: Some(1), alert_message: None },
                || Error::HttpResponseIncomplete,
                || Error::HttpProtocolError,
            ],
        ),
        (
            "too-large",
            &[
                || Error::HttpRequestBodySize(Some(1)),
                || Error::HttpRequestUriTooLong,
                || Error::HttpRequestHeaderSectionSize(None),
                || Error::HttpRequestHeaderSize { field_name: None, field_size: None },
                || Error::HttpRequestTrailerSectionSize(None),
                || Error::HttpRequestTrailerSize { field_name: None, field_size: None },
                || Error::HttpResponseHeaderSectionSize(None),
                || Error::HttpResponseHeaderSize { field_name: None, field_size: None },
                || Error::HttpResponseBodySize(None),
                || Error::HttpResponseTrailerSectionSize(None),
                || Error::HttpResponseTrailerSize { field_name: None, field_size: None },
            ],
        ),
        (
            "other",
            &[
                || Error::HttpRequestLengthRequired,
                || Error::HttpRequestMethodInvalid,
                || Error::HttpRequestUriInvalid,
                || Error::HttpResponseTransferCoding(None),
                || Error::HttpResponseContentCoding(None),
                || Error::HttpUpgradeFailed,
                || Error::LoopDetected,
                || Error::ConfigurationError,
                || Error::InternalError(None),
                || Error::InternalError(Some("a reason".to_owned())),
            ],
        ),
    ];
    let composed = component()?;
    for (code, errors) in cases {
        for error in errors {
            let error = *error;
            let fails = move || Box::new(async move { Err(error()) }) as Sending;
            let returned = block_on(composed.run(&[KEY], Hooks(fails), "contacts.lookup", &lookup()))??;
            assert_eq!(failure(&returned)?.0, code, "{}: {returned}", error());
        }
    }
    Ok(())
}
