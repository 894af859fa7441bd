//! The functions of the contract without WebAssembly: `klaviyo-core` called directly.

use crate::{Response, Sent, SharedUpstream, Subject, TransportError};
use anyhow::{Context, Result, bail};
use klaviyo_core::{Http, Method, Request, bulk, consent, contacts, lists};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// `klaviyo-core`, by name and with JSON.
pub struct Native;

impl Subject for Native {
    fn call(&self, function: &str, arguments: &[Value], upstream: SharedUpstream) -> Result<Value> {
        let http = &mut Bridge(upstream);
        match function {
            "contacts.lookup" => {
                let [by] = take(arguments)?;
                returned(contacts::lookup(http, &read(by)?))
            }
            "contacts.lookup-many" => {
                let [identifiers] = take(arguments)?;
                returned(contacts::lookup_many(http, &read::<Vec<_>>(identifiers)?))
            }
            "contacts.create" => {
                let [profile] = take(arguments)?;
                returned(contacts::create(http, &read(profile)?))
            }
            "contacts.subscribe" => {
                let [list, profiles] = take(arguments)?;
                returned(contacts::subscribe(http, &read::<String>(list)?, &read::<Vec<String>>(profiles)?))
            }
            "contacts.upsert" => {
                let [profile] = take(arguments)?;
                returned(contacts::upsert(http, &read(profile)?))
            }
            "contacts.opt-in" => {
                let [contact, list] = take(arguments)?;
                returned(contacts::opt_in(http, &read(contact)?, &read::<String>(list)?))
            }
            "lists.all" => {
                let [] = take(arguments)?;
                returned(lists::all(http))
            }
            "lists.find" => {
                let [name] = take(arguments)?;
                returned(lists::find(http, &read::<String>(name)?))
            }
            "consent.grant" => {
                let [subscriptions, list, options] = take(arguments)?;
                let (people, list) = (read::<Vec<_>>(subscriptions)?, read::<Option<String>>(list)?);
                returned(consent::grant(http, &people, list.as_deref(), &read(options)?))
            }
            "consent.revoke" => {
                let [unsubscriptions, list] = take(arguments)?;
                let (people, list) = (read::<Vec<_>>(unsubscriptions)?, read::<Option<String>>(list)?);
                returned(consent::revoke(http, &people, list.as_deref()))
            }
            "consent.status" => {
                let [by] = take(arguments)?;
                returned(consent::status(http, &read(by)?))
            }
            "bulk.submit" => {
                let [contacts, list] = take(arguments)?;
                let (contacts, list) = (read::<Vec<_>>(contacts)?, read::<Option<String>>(list)?);
                returned(bulk::submit(http, &contacts, list.as_deref()))
            }
            "bulk.status" => {
                let [job] = take(arguments)?;
                returned(bulk::status(http, &read::<String>(job)?))
            }
            "bulk.failures" => {
                let [job] = take(arguments)?;
                returned(bulk::failures(http, &read::<String>(job)?))
            }
            "bulk.jobs" => {
                let [newer_than] = take(arguments)?;
                returned(bulk::jobs(http, read::<Option<String>>(newer_than)?.as_deref()))
            }
            _ => bail!("the contract has no function {function}; see wit/ for those that it has"),
        }
    }
}

fn take<const N: usize>(arguments: &[Value]) -> Result<&[Value; N]> {
    arguments.try_into().with_context(|| format!("the function takes {N} arguments, not {}", arguments.len()))
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
        };
        let headers = request.headers.into_iter().map(|h| (h.name.to_owned(), h.value.to_owned()));
        self.0.lock().send(Sent {
            method: method.to_owned(),
            url: request.url,
            headers: headers.collect(),
            auth: request.auth.to_owned(),
            body: request.body,
        })
    }
}
