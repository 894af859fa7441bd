//! The functions of the contract without WebAssembly: `klaviyo-core` called directly.

use crate::{Response, Sent, SharedUpstream, Subject, TransportError};
use anyhow::{Context, Result, bail};
use klaviyo_core::{
    ApiRequest, Change, Channel, ConsentOptions, Group, Http, Identifier, Method, NewEvent, NewProfile,
    Period, Permission, Position, Request, Subscription, Unsubscription,
};
use klaviyo_core::{account, api, bulk, changes, consent, contacts, events, lists, privacy, segments};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// `klaviyo-core`, by name and with JSON.
pub struct Native;

/// Calls the function of the table that has the name, with the arguments read as its types.
macro_rules! call {
    ($function:ident($arguments:ident) {
        $($name:literal ($($argument:ident: $ty:ty),*) => $call:expr;)*
    }) => {
        match $function {
            $($name => {
                let [$($argument),*] = take($arguments)?;
                $(let $argument: $ty = read($argument)?;)*
                returned($call)
            })*
            _ => bail!("the contract has no function {}; see wit/ for those that it has", $function),
        }
    };
}

impl Subject for Native {
    #[rustfmt::skip]
    fn call(&self, function: &str, arguments: &[Value], upstream: SharedUpstream) -> Result<Value> {
        let http = &mut Bridge(upstream);
        call!(function(arguments) {
            "contacts.lookup" (by: Identifier) => contacts::lookup(http, &by);
            "contacts.lookup-many" (identifiers: Vec<Identifier>) => contacts::lookup_many(http, &identifiers);
            "contacts.create" (profile: NewProfile) => contacts::create(http, &profile);
            "contacts.subscribe" (list: String, profiles: Vec<String>) => contacts::subscribe(http, &list, &profiles);
            "contacts.upsert" (profile: NewProfile) => contacts::upsert(http, &profile);
            "contacts.update" (id: String, changes: Vec<Change>) => contacts::update(http, &id, &changes);
            "contacts.merge" (into: String, from: String) => contacts::merge(http, &into, &from);
            "contacts.opt-in" (contact: NewProfile, list: String, consent: Option<Permission>) =>
                contacts::opt_in(http, &contact, &list, consent.as_ref());
            "contacts.opt-in-many" (contacts: Vec<NewProfile>, list: String, consent: Option<Permission>) =>
                contacts::opt_in_many(http, &contacts, &list, consent.as_ref());
            "contacts.opt-out" (people: Vec<Identifier>, channels: Vec<Channel>, lists: Vec<String>) =>
                contacts::opt_out(http, &people, &channels, &lists);
            "lists.all" () => lists::all(http);
            "lists.find" (name: String) => lists::find(http, &name);
            "lists.create" (name: String) => lists::create(http, &name);
            "lists.remove" (list: String, profiles: Vec<String>) => lists::remove(http, &list, &profiles);
            "lists.members" (list: String, cursor: Option<String>) => lists::members(http, &list, cursor.as_deref());
            "lists.of-profile" (profile: String) => lists::of_profile(http, &profile);
            "segments.all" () => segments::all(http);
            "segments.members" (segment: String, cursor: Option<String>) =>
                segments::members(http, &segment, cursor.as_deref());
            "segments.of-profile" (profile: String) => segments::of_profile(http, &profile);
            "account.get" () => account::get(http);
            "api.call" (request: ApiRequest) => api::call(http, &request);
            "privacy.suppress" (emails: Vec<String>) => privacy::suppress(http, &emails);
            "privacy.unsuppress" (emails: Vec<String>) => privacy::unsuppress(http, &emails);
            "privacy.delete" (by: Identifier) => privacy::delete(http, &by);
            "consent.grant" (subscriptions: Vec<Subscription>, list: Option<String>, options: ConsentOptions) =>
                consent::grant(http, &subscriptions, list.as_deref(), &options);
            "consent.revoke" (unsubscriptions: Vec<Unsubscription>, list: Option<String>) =>
                consent::revoke(http, &unsubscriptions, list.as_deref());
            "consent.status" (by: Identifier) => consent::status(http, &by);
            "bulk.check" (contacts: Vec<NewProfile>) => bulk::check(&contacts);
            "events.track" (event: NewEvent) => events::track(http, &event);
            "events.track-many" (many: Vec<NewEvent>) => events::track_many(http, &many);
            "events.history" (by: Identifier, period: Period) => events::history(http, &by, &period);
            "events.metrics" () => events::metrics(http);
            "changes.profiles" (from: Position) => changes::profiles(http, &from);
            "changes.members" (of: Group, from: Position) => changes::members(http, &of, &from);
            "changes.events" (from: Position) => changes::events(http, &from);
            "bulk.submit" (contacts: Vec<NewProfile>, list: Option<String>) =>
                bulk::submit(http, &contacts, list.as_deref());
            "bulk.status" (job: String) => bulk::status(http, &job);
            "bulk.failures" (job: String) => bulk::failures(http, &job);
            "bulk.jobs" (newer_than: Option<String>) => bulk::jobs(http, newer_than.as_deref());
        })
    }
}

/// The arguments; those that are left out at the end are null.
fn take<const N: usize>(arguments: &[Value]) -> Result<[&Value; N]> {
    if arguments.len() > N {
        bail!("the function takes {N} arguments, not {}", arguments.len());
    }
    Ok(std::array::from_fn(|index| arguments.get(index).unwrap_or(&Value::Null)))
}

fn read<T: DeserializeOwned>(argument: &Value) -> Result<T> {
    T::deserialize(argument).with_context(|| format!("the argument {argument} is not of the function's type"))
}

fn returned<T: Serialize>(result: Result<T, Box<klaviyo_core::Error>>) -> Result<Value> {
    Ok(match result {
        Ok(value) => json!({ "ok": value }),
        Err(error) => json!({ "err": *error }),
    })
}

struct Bridge(SharedUpstream);

impl Http for Bridge {
    fn send(&mut self, request: Request) -> Result<Response, TransportError> {
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        };
        let headers = request.headers.into_iter().map(|h| (h.name.to_owned(), h.value.into_owned()));
        self.0.lock().send(Sent {
            method: method.to_owned(),
            url: request.url,
            headers: headers.collect(),
            auth: request.auth.to_owned(),
            body: request.body,
        })
    }
}
