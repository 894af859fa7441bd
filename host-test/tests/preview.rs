//! The preview for WASI 0.3: `async` functions over an `async` `http`, by wasmtime itself, as a host without
//! `klaviyo-host` runs them.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use futures_util::future::{join, try_join};
use host_test::component::{built, preview};
use klaviyo_mock::{Account, Reply, Simulator};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Barrier;
use wasmtime::component::types::{Field, Type};
use wasmtime::component::{Component, Func, Instance, Linker, Val};
use wasmtime::{Config, Engine, Store};

const CONTACTS: &str = "klaviyo:connector/contacts@0.2.0-preview";
const HTTP: &str = "klaviyo:connector/http@0.2.0-preview";
const LIST: &str = "Y6nRLr";

/// What a store's `http` asks.
struct Host {
    klaviyo: Arc<Simulator>,
    /// Opens once so many requests are under way at the same time.
    together: Arc<Barrier>,
    under_way: AtomicUsize,
}

struct Stage {
    engine: Engine,
    component: Component,
    linker: Linker<Host>,
    klaviyo: Arc<Simulator>,
}

impl Stage {
    fn new() -> Self {
        let engine = Engine::new(Config::new().wasm_component_model_async(true)).unwrap();
        let component = Component::from_file(&engine, built(preview()).unwrap()).unwrap();
        let mut linker = Linker::new(&engine);
        let mut http = linker.instance(HTTP).unwrap();
        http.func_new_concurrent("send", |accessor, _, arguments, results| {
            Box::pin(async move {
                let (klaviyo, together) = accessor.with(|mut access| {
                    let host: &Host = access.get();
                    assert_eq!(host.under_way.fetch_add(1, Ordering::Relaxed), 0, "a call has one request");
                    (host.klaviyo.clone(), host.together.clone())
                });
                together.wait().await;
                results[0] = answered(&klaviyo, &arguments[0]);
                accessor.with(|mut access| access.get().under_way.store(0, Ordering::Relaxed));
                Ok(())
            })
        })
        .unwrap();
        Self { engine, component, linker, klaviyo: Arc::new(Simulator::new(Account::demo())) }
    }

    async fn instance(&self, together: &Arc<Barrier>) -> (Store<Host>, Instance) {
        let (klaviyo, together) = (self.klaviyo.clone(), together.clone());
        let host = Host { klaviyo, together, under_way: AtomicUsize::new(0) };
        let mut store = Store::new(&self.engine, host);
        let instance = self.linker.instantiate_async(&mut store, &self.component).await.unwrap();
        (store, instance)
    }
}

fn field<'a>(record: &'a Val, name: &str) -> &'a Val {
    let Val::Record(fields) = record else { panic!("{record:?} is no record") };
    &fields.iter().find(|(field, _)| field == name).unwrap().1
}

fn text(value: &Val) -> &str {
    let Val::String(text) = value else { panic!("{value:?} is no text") };
    text
}

/// What the simulator answers to a request, as `http.send` returns it.
fn answered(klaviyo: &Simulator, request: &Val) -> Val {
    let (Val::Enum(method), Val::List(headers), Val::List(body)) =
        (field(request, "method"), field(request, "headers"), field(request, "body"))
    else {
        panic!("{request:?}")
    };
    let mut asked = http::Request::builder()
        .method(method.to_uppercase().as_str())
        .uri(text(field(request, "url")))
        .header("authorization", format!("{} {}", text(field(request, "auth")), Account::DEMO_KEY));
    for header in headers {
        asked = asked.header(text(field(header, "name")), text(field(header, "value")));
    }
    let byte = |value: &Val| if let Val::U8(byte) = value { *byte } else { panic!("{value:?} is no byte") };
    let body: Vec<u8> = body.iter().map(byte).collect();
    let Reply::Answer(answer) = klaviyo.answer(asked.body(body).unwrap()) else { panic!("no answer") };
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        let value = value.to_str().unwrap().to_owned();
        let fields = [("name", name.to_string()), ("value", value)];
        Val::Record(fields.map(|(name, value)| (name.to_owned(), Val::String(value))).into())
    };
    let response = [
        ("status", Val::U16(answer.status().as_u16())),
        ("headers", Val::List(answer.headers().iter().map(header).collect())),
        ("body", Val::List(answer.body().iter().copied().map(Val::U8).collect())),
    ];
    Val::Result(Ok(Some(Box::new(Val::Record(
        response.map(|(name, value)| (name.to_owned(), value)).into(),
    )))))
}

fn function(store: &mut Store<Host>, instance: &Instance, name: &str) -> Func {
    let interface = instance.get_export_index(&mut *store, None, CONTACTS).unwrap();
    let function = instance.get_export_index(&mut *store, Some(&interface), name).unwrap();
    instance.get_func(&mut *store, function).unwrap()
}

/// A contact with nothing but an email, of the contract's type.
fn contact(ty: &Type, email: &str) -> Val {
    let Type::Record(record) = ty else { panic!("{ty:?} is no record") };
    let value = |Field { name, .. }: Field<'_>| {
        let value = (name == "email").then(|| Box::new(Val::String(email.to_owned())));
        (name.to_owned(), Val::Option(value))
    };
    Val::Record(record.fields().map(value).collect())
}

/// The arguments of an opt-in.
fn opt_in(store: &mut Store<Host>, function: &Func, email: &str) -> [Val; 3] {
    let function = function.ty(store);
    assert!(function.async_());
    let (_, ty) = function.params().next().unwrap();
    [contact(&ty, email), Val::String(LIST.to_owned()), Val::Option(None)]
}

fn is_done(results: &[Val]) -> bool {
    matches!(results, [Val::Result(Ok(_))])
}

#[tokio::test]
async fn calls_of_two_instances_wait_at_the_same_time_on_one_thread() {
    let stage = Stage::new();
    let together = Arc::new(Barrier::new(2));
    let call = async |email| {
        let (mut store, instance) = stage.instance(&together).await;
        let function = function(&mut store, &instance, "opt-in");
        let arguments = opt_in(&mut store, &function, email);
        let mut results = [Val::Bool(false)];
        function.call_async(&mut store, &arguments, &mut results).await.map(|()| is_done(&results))
    };
    let done = try_join(call("asha@example.com"), call("priya@example.com")).await.unwrap();
    assert_eq!(done, (true, true));
    assert_eq!(stage.klaviyo.account().members(LIST).len(), 2);
}

#[tokio::test]
async fn calls_of_one_instance_follow_one_another() {
    let stage = Stage::new();
    let (mut store, instance) = stage.instance(&Arc::new(Barrier::new(1))).await;
    let function = function(&mut store, &instance, "opt-in");
    let arguments =
        ["asha@example.com", "priya@example.com"].map(|email| opt_in(&mut store, &function, email));
    let (mut one, mut other) = ([Val::Bool(false)], [Val::Bool(false)]);
    let calls = store.run_concurrent(async |accessor| {
        let [first, second] = &arguments;
        join(
            function.call_concurrent(accessor, first, &mut one),
            function.call_concurrent(accessor, second, &mut other),
        )
        .await
    });
    let (first, second) = calls.await.unwrap();
    first.and(second).unwrap();
    assert!(is_done(&one) && is_done(&other));
    assert_eq!(stage.klaviyo.account().members(LIST).len(), 2);
}
