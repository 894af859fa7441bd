//! The two ways to read: the component in `klaviyo-host`, and `klaviyo-core` itself.

use super::LOOK_BACK;
use super::feed::{Feed, Item, Page};
use super::world::{Broken, START, World};
use crate::canary::KEY;
use crate::component::{built, cache};
use crate::load::LIST;
use anyhow::Result;
use klaviyo_core::{ChangePage, Header, Http, Method, Request, Response, TransportError};
use klaviyo_host::types::{Group, Position, Start};
use klaviyo_host::{
    Attempt, AttemptError, Bounds, Connector, Disposition, Error, Pace, Secret, Tenant, Transport,
};
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;

/// Reads pages.
pub(super) trait Source {
    /// The page at a cursor, or the first one.
    fn page(&self, feed: Feed, cursor: Option<&str>) -> Result<Page, Failure>;
}

/// A call that failed.
pub(super) struct Failure {
    pub(super) code: String,
    pub(super) message: String,
    /// Whether the same call may succeed.
    pub(super) may_pass: bool,
}

/// The component. The host repeats requests; its clock goes on by itself while everybody waits.
pub(super) struct InComponent {
    tenant: Tenant,
    runtime: tokio::runtime::Runtime,
}

impl InComponent {
    /// Loads the component from a file.
    pub(super) fn load(file: &Path, world: Arc<Mutex<World>>) -> Result<Self> {
        let connector =
            Connector::builder().transport(InMemory(world)).cache(cache()).load(built(file.to_owned())?)?;
        let tenant = Tenant::builder(&connector, Secret::new(KEY)?).pace(Pace::unlimited()).build();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        Ok(Self { tenant, runtime })
    }

    async fn read(&self, feed: Feed, from: &Position) -> Result<Page, Error> {
        Ok(match feed {
            Feed::Profiles => {
                let page = self.tenant.changed_profiles(from).await?.value;
                let items = page.items.iter().map(|profile| {
                    let [updated, title, event] =
                        [&profile.updated, &profile.title, &profile.last_event_date].map(Option::as_deref);
                    Item::version(&profile.id, updated, title, event)
                });
                Page { items: items.collect(), cursor: page.cursor, more: page.more }
            }
            Feed::Members => {
                let page = self.tenant.joined_members(&Group::List(LIST.to_owned()), from).await?.value;
                let item = |member: &klaviyo_host::types::Member| {
                    Item::membership(&member.profile.id, member.joined.as_deref())
                };
                Page { items: page.items.iter().map(item).collect(), cursor: page.cursor, more: page.more }
            }
            Feed::Events => {
                let page = self.tenant.new_events(from).await?.value;
                let item = |event: &klaviyo_host::types::Event| Item::event(&event.id, event.time.as_deref());
                Page { items: page.items.iter().map(item).collect(), cursor: page.cursor, more: page.more }
            }
        })
    }
}

impl Source for InComponent {
    fn page(&self, feed: Feed, cursor: Option<&str>) -> Result<Page, Failure> {
        let from = match cursor {
            Some(cursor) => Position::Cursor(cursor.to_owned()),
            None => Position::Since(Start { time: START.to_owned(), look_back: Some(LOOK_BACK) }),
        };
        self.runtime.block_on(self.read(feed, &from)).map_err(|error| Failure {
            code: error.code().as_str().to_owned(),
            message: error.to_string(),
            may_pass: matches!(error.disposition(), Disposition::RetryLater | Disposition::Retry),
        })
    }
}

struct InMemory(Arc<Mutex<World>>);

impl Transport for InMemory {
    fn send(&self, request: http::Request<bytes::Bytes>, _: Bounds) -> Attempt<'_> {
        Box::pin(async move {
            let answer = self.0.lock().answer(request);
            match answer {
                Ok(answer) => Ok(answer.map(bytes::Bytes::from)),
                Err(Broken::Connection) => Err(AttemptError::Connection("the connection broke".to_owned())),
                // The host gives up.
                Err(Broken::Silence) => std::future::pending().await,
            }
        })
    }
}

/// `klaviyo-core`. Nobody repeats requests.
pub(super) struct Natively(Arc<Mutex<World>>);

impl Natively {
    pub(super) fn new(world: Arc<Mutex<World>>) -> Self {
        Self(world)
    }
}

impl Source for Natively {
    fn page(&self, feed: Feed, cursor: Option<&str>) -> Result<Page, Failure> {
        let from = match cursor {
            Some(cursor) => klaviyo_core::Position::Cursor(cursor.to_owned()),
            None => klaviyo_core::Position::Since(klaviyo_core::Start {
                time: START.to_owned(),
                look_back: Some(LOOK_BACK),
            }),
        };
        let mut http = Bridge(&self.0);
        let page = match feed {
            Feed::Profiles => klaviyo_core::changes::profiles(&mut http, &from).map(|page| {
                read(page, |profile| {
                    let [updated, title, event] =
                        [&profile.updated, &profile.title, &profile.last_event_date].map(Option::as_deref);
                    Item::version(&profile.id, updated, title, event)
                })
            }),
            Feed::Members => {
                let list = klaviyo_core::Group::List(LIST.to_owned());
                klaviyo_core::changes::members(&mut http, &list, &from).map(|page| {
                    read(page, |member| Item::membership(&member.profile.id, member.joined.as_deref()))
                })
            }
            Feed::Events => klaviyo_core::changes::events(&mut http, &from)
                .map(|page| read(page, |event| Item::event(&event.id, event.time.as_deref()))),
        };
        page.map_err(|error| {
            use klaviyo_core::Code;
            let may_pass = matches!(
                error.code,
                Code::RateLimited | Code::Unavailable | Code::Timeout | Code::Connection | Code::Malformed
            );
            Failure { code: format!("{:?}", error.code), message: error.message.clone(), may_pass }
        })
    }
}

fn read<T>(page: ChangePage<T>, item: impl Fn(&T) -> Item) -> Page {
    Page { items: page.items.iter().map(item).collect(), cursor: page.cursor, more: page.more }
}

struct Bridge<'a>(&'a Mutex<World>);

impl Http for Bridge<'_> {
    fn send(&mut self, request: Request) -> Result<Response, TransportError> {
        let method = match request.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
            Method::Patch => http::Method::PATCH,
            Method::Delete => http::Method::DELETE,
        };
        let mut sent = http::Request::builder().method(method).uri(request.url);
        for Header { name, value } in request.headers {
            sent = sent.header(name, value.as_ref());
        }
        let sent = sent.header("authorization", format!("{} {KEY}", request.auth)).body(request.body);
        let sent = sent.map_err(|error| TransportError::Other(error.to_string()))?;
        let answer = self.0.lock().answer(sent).map_err(|broken| match broken {
            Broken::Connection => TransportError::Connection("the connection broke".to_owned()),
            Broken::Silence => TransportError::Timeout("no answer".to_owned()),
        })?;
        let (parts, body) = answer.into_parts();
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value)));
        Ok(Response { status: parts.status.as_u16(), headers: headers.collect(), body })
    }
}
