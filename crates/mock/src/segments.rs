//! Segments: groups of people whom Klaviyo chooses. Here a metric or a test chooses them.

use crate::account::Account;
use crate::membership::Members;

#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created: String,
    pub(crate) is_starred: bool,
    /// Who has an event of this metric belongs to it.
    metric: Option<String>,
    pub(crate) members: Members,
}

impl Account {
    /// Adds a segment. Klaviyo chooses the members of its segments by their definitions; of this one
    /// [`Account::join_segment`] and [`Account::leave_segment`] choose them.
    pub fn add_segment(&mut self, id: &str, name: &str) {
        self.add_segment_with(id, name, None);
    }

    /// Adds a segment of the people who have an event of a metric. Each joins with the first of these events
    /// that is recorded from now on.
    pub fn add_segment_of(&mut self, id: &str, name: &str, metric: &str) {
        self.add_segment_with(id, name, Some(metric.to_owned()));
    }

    fn add_segment_with(&mut self, id: &str, name: &str, metric: Option<String>) {
        let segment = Segment {
            id: id.to_owned(),
            name: name.to_owned(),
            created: self.clock.timestamp(),
            is_starred: false,
            metric,
            members: Members::default(),
        };
        self.segments.insert(id.to_owned(), segment);
    }

    /// Stars a segment, as a user does.
    pub fn star_segment(&mut self, id: &str) {
        if let Some(segment) = self.segments.get_mut(id) {
            segment.is_starred = true;
        }
    }

    /// Adds a profile to a segment, if both exist. A member keeps its position.
    pub fn join_segment(&mut self, segment: &str, profile: &str) {
        let now = self.clock.timestamp();
        let exists = self.position_of("id", profile).is_some();
        if let Some(segment) = self.segments.get_mut(segment).filter(|_| exists) {
            segment.members.join(profile, now);
        }
    }

    /// Adds a profile to the segments of those who have an event of this metric.
    pub(crate) fn join_segments_of(&mut self, metric: &str, profile: &str) {
        let of_it = self.segments.values().filter(|segment| segment.metric.as_deref() == Some(metric));
        let of_it: Vec<String> = of_it.map(|segment| segment.id.clone()).collect();
        of_it.iter().for_each(|segment| self.join_segment(segment, profile));
    }

    /// Takes a profile out of a segment.
    pub fn leave_segment(&mut self, segment: &str, profile: &str) {
        if let Some(segment) = self.segments.get_mut(segment) {
            segment.members.leave(profile);
        }
    }
}
