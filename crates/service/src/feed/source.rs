//! What a feed reads: changed profiles, or the new members of a list or a segment.

use super::message::{Malformed, Message};
use klaviyo_host::{Error, Tenant};
use serde_json::{Value, json};

/// What is read, page after page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `changes.profiles` in the contract.
    Profiles,
    /// `changes.members` of the list with this id.
    List(String),
    /// `changes.members` of the segment with this id.
    Segment(String),
}

impl Source {
    /// Reads the page at a position, as the contract has it.
    ///
    /// # Errors
    /// When the call fails.
    pub(super) async fn read(&self, tenant: &Tenant, position: &Value) -> Result<Value, Error> {
        let answer = match self {
            Self::Profiles => tenant.call("changes.profiles", std::slice::from_ref(position)).await?,
            Self::List(id) => {
                tenant.call("changes.members", &[json!({ "list": id }), position.clone()]).await?
            }
            Self::Segment(id) => {
                tenant.call("changes.members", &[json!({ "segment": id }), position.clone()]).await?
            }
        };
        Ok(answer.value)
    }

    /// The message about an item.
    ///
    /// # Errors
    /// When it is no item of this source.
    pub fn message(&self, account: Option<&str>, item: &Value) -> Result<Message, Malformed> {
        match self {
            Self::Profiles => Message::profile_changed(account, item),
            Self::List(id) => Message::joined(account, "list", id, item),
            Self::Segment(id) => Message::joined(account, "segment", id, item),
        }
    }

    /// The end of the key of the entry that keeps where the reading goes on.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Profiles => "profiles".to_owned(),
            Self::List(id) => format!("list.{id}"),
            Self::Segment(id) => format!("segment.{id}"),
        }
    }

    /// The time of an item, by which its page is sorted.
    pub(super) fn time<'a>(&self, item: &'a Value) -> Option<&'a str> {
        let name = if *self == Self::Profiles { "updated" } else { "joined" };
        item.get(name)?.as_str()
    }
}

/// A page of changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The items, as the contract has them.
    pub items: Vec<Value>,
    /// Where the next page begins.
    pub cursor: String,
    /// Whether there is more to read now.
    pub more: bool,
}

impl TryFrom<Value> for Page {
    type Error = Malformed;

    /// Takes what a function of `changes` in the contract returned.
    fn try_from(mut value: Value) -> Result<Self, Malformed> {
        let mut take = |name: &str| value.get_mut(name).map(Value::take);
        match (take("items"), take("cursor"), take("more")) {
            (Some(Value::Array(items)), Some(Value::String(cursor)), Some(Value::Bool(more))) => {
                Ok(Self { items, cursor, more })
            }
            _ => Err(Malformed),
        }
    }
}
