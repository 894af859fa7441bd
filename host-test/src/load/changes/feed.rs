//! What is read: the three feeds, and their items by what makes each of them one.

/// A function of `changes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feed {
    Profiles,
    Members,
    Events,
}

impl Feed {
    pub(super) const ALL: [Self; 3] = [Self::Profiles, Self::Members, Self::Events];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Profiles => "profiles",
            Self::Members => "members",
            Self::Events => "events",
        }
    }
}

/// One value for each feed.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct ByFeed<T> {
    profiles: T,
    members: T,
    events: T,
}

impl<T> ByFeed<T> {
    pub(super) fn of(&self, feed: Feed) -> &T {
        match feed {
            Feed::Profiles => &self.profiles,
            Feed::Members => &self.members,
            Feed::Events => &self.events,
        }
    }

    pub(super) fn of_mut(&mut self, feed: Feed) -> &mut T {
        match feed {
            Feed::Profiles => &mut self.profiles,
            Feed::Members => &mut self.members,
            Feed::Events => &mut self.events,
        }
    }
}

/// What was told, once for each key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) key: String,
    /// The time by which the feed is sorted, as Klaviyo wrote it.
    pub(super) time: String,
}

impl Item {
    /// A version of a profile. Each change by the writer has a title of its own; an event changes the rest.
    pub(super) fn version(id: &str, updated: Option<&str>, title: Option<&str>, event: Option<&str>) -> Self {
        let [updated, title, event] = [updated, title, event].map(Option::unwrap_or_default);
        Self { key: format!("{id} {updated} {title} {event}"), time: updated.to_owned() }
    }

    /// A membership.
    pub(super) fn membership(profile: &str, joined: Option<&str>) -> Self {
        let joined = joined.unwrap_or_default();
        Self { key: format!("{profile} {joined}"), time: joined.to_owned() }
    }

    /// An event.
    pub(super) fn event(id: &str, time: Option<&str>) -> Self {
        Self { key: id.to_owned(), time: time.unwrap_or_default().to_owned() }
    }
}

/// A page of a feed.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) items: Vec<Item>,
    pub(super) cursor: String,
    pub(super) more: bool,
}
