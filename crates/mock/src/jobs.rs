//! What Klaviyo accepts now and does later: merges, deletions, and suppressions that a user asks for.

use crate::account::Account;
use crate::consent::Suppression;
use std::time::Duration;

/// Accepted work.
#[derive(Debug)]
pub(crate) struct Job {
    accepted: Duration,
    task: Task,
}

#[derive(Debug)]
pub(crate) enum Task {
    /// Makes one profile of two, by their ids.
    Merge {
        into: String,
        from: String,
    },
    /// Deletes the profile with this identifier, such as `email`, and its value.
    Delete(&'static str, String),
    Suppress(People),
    Unsuppress(People),
}

/// The people of a suppression.
#[derive(Debug, Default)]
pub(crate) struct People {
    pub(crate) emails: Vec<String>,
    pub(crate) list: Option<String>,
    pub(crate) segment: Option<String>,
}

impl Account {
    /// Accepts work.
    pub(crate) fn accept(&mut self, task: Task) {
        self.jobs.push_back(Job { accepted: self.clock.now(), task });
    }

    /// Does the work that is due.
    pub(crate) fn run_jobs(&mut self) {
        let now = self.clock.now();
        let due = |job: &Job, delay| job.accepted.saturating_add(delay) <= now;
        while self.jobs.front().is_some_and(|job| due(job, self.job_delay)) {
            let Some(job) = self.jobs.pop_front() else { return };
            match job.task {
                Task::Merge { into, from } => self.merge(&into, &from),
                Task::Delete(by, value) => {
                    let removed = self.position_of(by, &value).and_then(|position| self.remove(position));
                    if let Some(profile) = removed {
                        self.events.forget(&profile.id);
                    }
                }
                Task::Suppress(people) => {
                    for id in self.those(&people) {
                        let suppressed = self.profile("id", &id).map(|profile| profile.suppressions());
                        if suppressed.is_some_and(|all| !all.contains(&Suppression::UserSuppressed)) {
                            self.suppress(&id, Suppression::UserSuppressed);
                        }
                    }
                }
                Task::Unsuppress(people) => {
                    for id in self.those(&people) {
                        self.unsuppress(&id);
                    }
                }
            }
        }
    }

    /// The ids of people. Unproven: that an email that nobody has is skipped.
    pub(crate) fn those(&self, people: &People) -> Vec<String> {
        let emails = people.emails.iter().filter_map(|email| self.profile("email", email));
        let list =
            people.list.iter().filter_map(|id| self.lists.get(id)).flat_map(|list| list.members.iter());
        let segment = people.segment.iter().filter_map(|id| self.segments.get(id));
        let segment = segment.flat_map(|segment| segment.members.iter());
        let members = list.chain(segment).map(|(id, _)| id);
        emails.map(|profile| profile.id.as_str()).chain(members).map(str::to_owned).collect()
    }

    /// Lifts the suppression that a user of the account asked for, and no other.
    fn unsuppress(&mut self, id: &str) {
        let Some(position) = self.position_of("id", id) else { return };
        self.touch(position);
        if let Some(profile) = self.profile_at_mut(position) {
            profile.suppressions.retain(|(reason, _)| *reason != Suppression::UserSuppressed);
        }
    }
}
