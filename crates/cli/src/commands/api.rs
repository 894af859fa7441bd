//! `klaviyo-connector api`: any operation of Klaviyo's API.

use crate::context::Context;
use crate::failure::Failure;
use crate::file_or_text;
use crate::output::{self, Output};
use crate::session;
use crate::text::{clean_json, warning};
use clap::{Args, ValueEnum};
use klaviyo_host::types::{ApiMethod, ApiParameter, ApiRequest, ApiResponse};
use klaviyo_host::{Access, ApiAccess, Tenant};
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Send any request to Klaviyo's API, with the key, the pace and the errors of the other commands
#[derive(Args)]
#[command(after_help = "\
  klaviyo-connector api get /api/campaigns --query \"filter=equals(messages.channel,'email')\"
  klaviyo-connector api patch /api/lists/Y6nRLr --body @list.json

It prints Klaviyo's document as it is. With --all it reads page after page, and prints each item of
`data` in a line of its own. --revision raises the revision of the API. Klaviyo's documentation says
which scopes the key needs, and whether a request can be repeated: one that is not a GET is not
repeated here after a failure that leaves open what became of it.

With --json, VALUE is {status, body, next}: `body` is the text of the document, and `next` the query
of the next page, [{name, value}, …], or null.")]
pub(crate) struct Api {
    /// The method
    #[arg(value_enum, ignore_case = true)]
    method: Method,
    /// The path, not encoded, such as /api/campaigns
    path: String,
    /// A parameter of the query, not encoded, such as 'page[size]=50'; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    query: Vec<(String, String)>,
    /// The body: a JSON document, or a file that has one
    #[arg(long, value_name = "JSON|@FILE")]
    body: Option<String>,
    /// Read all pages, and print an item in each line; with get
    #[arg(long, conflicts_with = "body")]
    all: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    Get,
    Post,
    Patch,
    Delete,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Api {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        if self.all && self.method != Method::Get {
            return Err(Failure::invalid(None, "--all reads pages, which get alone has"));
        }
        let request = self.request()?;
        let api = if self.method == Method::Get { ApiAccess::read() } else { ApiAccess::all() };
        session::with_access(context, Access::default().api(api), async |tenant| {
            if self.all {
                return all(tenant, request).await;
            }
            let ApiResponse { status, body, next } = tenant.call_api(&request).await?.value;
            let notes = match next {
                Some(_) => warning("there is another page; --all reads all"),
                None => String::new(),
            };
            let mut text = clean_json(&body).into_owned();
            if !text.is_empty() {
                text.push('\n');
            }
            let next = next.map(|query| query.iter().map(parameter_json).collect::<Vec<_>>());
            Ok(Output::new(json!({ "status": status, "body": body, "next": next }), text).with_notes(notes))
        })
    }

    fn request(&self) -> Result<ApiRequest, Failure> {
        Ok(ApiRequest {
            method: match self.method {
                Method::Get => ApiMethod::Get,
                Method::Post => ApiMethod::Post,
                Method::Patch => ApiMethod::Patch,
                Method::Delete => ApiMethod::Delete,
            },
            path: self.path.clone(),
            query: self
                .query
                .iter()
                .map(|(name, value)| ApiParameter { name: name.clone(), value: value.clone() })
                .collect(),
            body: self.body.as_deref().map(file_or_text::read).transpose()?,
            revision: None,
        })
    }
}

fn parameter_json(parameter: &ApiParameter) -> serde_json::Value {
    json!({ "name": parameter.name, "value": parameter.value })
}

/// Reads all pages, and prints their items.
async fn all(tenant: &Tenant, mut request: ApiRequest) -> Result<Output, Failure> {
    let mut has_more = false;
    loop {
        let ApiResponse { body, next, .. } = tenant.call_api(&request).await?.value;
        let page = Page::of(&body)?;
        has_more |= page.has_more;
        if !output::print_lines(page.items.iter().map(|item| item.get()))? {
            break;
        }
        match next {
            Some(query) => request.query = query,
            None => break,
        }
    }
    if has_more {
        output::warn("the pages also have resources in `included`, which --all does not print");
    }
    Ok(Output::printed())
}

/// The items of a page, as Klaviyo wrote them.
struct Page {
    items: Vec<Box<RawValue>>,
    /// Whether there is something beside them.
    has_more: bool,
}

impl Page {
    fn of(body: &str) -> Result<Self, Failure> {
        let no_page =
            |_| Failure::other("the answer has no `data`, of which --all could print the items".to_owned());
        let document: BTreeMap<String, Box<RawValue>> = serde_json::from_str(body).map_err(no_page)?;
        let data = document.get("data").map_or("", |data| data.get());
        // A single resource is a page of one.
        let items = if data.starts_with('{') { format!("[{data}]") } else { data.to_owned() };
        let has_more = document.get("included").is_some_and(|included| included.get() != "[]");
        Ok(Self { items: serde_json::from_str(&items).map_err(no_page)?, has_more })
    }
}
