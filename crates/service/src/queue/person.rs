//! The words of one person, and which of them stand.

use crate::moment::Moment;
use crate::opt_in::Channel;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Something that a person has, and that an opt-out takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum Thing {
    /// Consent to marketing on a channel.
    Channel(Channel),
    /// Membership of a list, by its id.
    List(String),
}

const LIST: &str = "list:";

impl From<Thing> for String {
    fn from(thing: Thing) -> Self {
        match thing {
            Thing::Channel(channel) => channel.to_string(),
            Thing::List(list) => format!("{LIST}{list}"),
        }
    }
}

impl TryFrom<String> for Thing {
    type Error = serde_json::Error;

    fn try_from(text: String) -> Result<Self, serde_json::Error> {
        match text.strip_prefix(LIST) {
            Some(list) => Ok(Self::List(list.to_owned())),
            None => serde_json::from_value(text.into()).map(Self::Channel),
        }
    }
}

impl Thing {
    /// Whether a resume is about it: a resume comes by WhatsApp, and is about what a word there took.
    const fn is_resumed(&self) -> bool {
        matches!(self, Self::Channel(Channel::Whatsapp) | Self::List(_))
    }
}

/// How long something that was given may be invisible in Klaviyo.
const INVISIBLE: Duration = Duration::from_secs(60 * 60);

/// The last words of one person. Times are in milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    /// The time of the last opt-in to each thing, and when it was about to be done.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    opted_in: BTreeMap<Thing, (i64, i64)>,
    /// The time of the last opt-out from each thing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    opted_out: BTreeMap<Thing, i64>,
    /// The time of the last resume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resumed: Option<i64>,
    /// What opt-outs have taken, or kept from an older opt-in, and no resume has given back; each with the time of
    /// its opt-out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    taken: BTreeMap<Thing, i64>,
    /// What an opt-out is about to take, with its time. It stays here when the attempt is cut off, so that nobody knows
    /// what it took.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    taking: BTreeMap<Thing, i64>,
}

/// The parts of an opt-out that stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// What the person is to be without.
    pub(crate) things: BTreeSet<Thing>,
    /// Those of them that this service may have given so lately that Klaviyo does not show it, or that an attempt
    /// before this one may have taken.
    pub(crate) remembered: BTreeSet<Thing>,
}

impl Person {
    /// The time of the opt-out from a thing, if that is the last word about it. Of equal times it is.
    fn stands(&self, thing: &Thing) -> Option<i64> {
        let out = *self.opted_out.get(thing)?;
        let is_back = thing.is_resumed() && self.resumed.is_some_and(|resumed| resumed > out);
        let is_in = self.opted_in.get(thing).is_some_and(|(at, _)| *at > out);
        (!is_back && !is_in).then_some(out)
    }

    /// An opt-in to these things. Returns those that a later opt-out, or one of the same time, keeps from the
    /// person.
    pub(crate) fn opt_in(&mut self, things: &[Thing], at: Moment, now: Moment) -> BTreeSet<Thing> {
        let at = at.unix_ms();
        let mut kept = BTreeSet::new();
        for thing in things {
            match self.stands(thing).filter(|out| *out >= at) {
                Some(out) => {
                    // In the order of the words the opt-out would have taken it.
                    self.taken.insert(thing.clone(), out);
                    kept.insert(thing.clone());
                }
                None => {
                    self.taking.remove(thing);
                    let given = self.opted_in.entry(thing.clone()).or_insert((at, now.unix_ms()));
                    if given.0 < at {
                        *given = (at, now.unix_ms());
                    }
                }
            }
        }
        kept
    }

    /// An opt-out from these things. Returns the parts that stand.
    pub(crate) fn opt_out(&mut self, things: &[Thing], at: Moment, now: Moment) -> Standing {
        let at = at.unix_ms();
        let mut standing = Standing::default();
        for thing in things {
            let before = self.opted_out.get(thing).copied();
            self.opted_out.insert(thing.clone(), before.map_or(at, |before| before.max(at)));
            let Some(out) = self.stands(thing) else { continue };
            if let Some(taken) = self.taken.get_mut(thing) {
                *taken = out;
            }
            let visible =
                now.unix_ms().saturating_sub(i64::try_from(INVISIBLE.as_millis()).unwrap_or(i64::MAX));
            let is_cut_off = self.taking.contains_key(thing);
            if self.opted_in.get(thing).is_some_and(|(_, done)| *done > visible || is_cut_off) {
                standing.remembered.insert(thing.clone());
            }
            self.taking.insert(thing.clone(), out);
            standing.things.insert(thing.clone());
        }
        standing
    }

    /// These were taken from the person. `tried`: what the attempt was about, if it was done to its end.
    pub(crate) fn took(&mut self, things: &BTreeSet<Thing>, tried: &BTreeSet<Thing>) {
        self.taking.retain(|thing, _| !tried.contains(thing));
        for thing in things {
            if let Some(out) = self.stands(thing) {
                self.taken.insert(thing.clone(), out);
            }
        }
    }

    /// A resume. Returns what opt-outs before it took.
    pub(crate) fn resume(&mut self, at: Moment) -> BTreeSet<Thing> {
        let at = at.unix_ms();
        self.resumed = self.resumed.max(Some(at));
        // An attempt that was cut off may have taken what this service has given.
        let cut_off = self.taking.extract_if(.., |thing, out| thing.is_resumed() && *out < at);
        for (thing, out) in cut_off.filter(|(thing, _)| self.opted_in.contains_key(thing)).collect::<Vec<_>>()
        {
            self.taken.insert(thing, out);
        }
        let taken = self.taken.iter().filter(|(thing, out)| thing.is_resumed() && **out < at);
        taken.map(|(thing, _)| thing.clone()).collect()
    }

    /// These are given back by the resume of this time.
    pub(crate) fn gave_back(&mut self, things: &BTreeSet<Thing>, at: Moment, now: Moment) {
        let at = at.unix_ms();
        for thing in things {
            // A later opt-out may have taken it again.
            if self.taken.get(thing).is_some_and(|out| *out < at) {
                self.taken.remove(thing);
            }
            let given = self.opted_in.entry(thing.clone()).or_insert((at, now.unix_ms()));
            *given = (given.0.max(at), now.unix_ms());
        }
    }

    /// What the person is to be without.
    pub(crate) fn out_of(&self) -> BTreeSet<Thing> {
        self.opted_out.keys().filter(|thing| self.stands(thing).is_some()).cloned().collect()
    }

    /// The opt-outs that stand, and nothing else; none if none stands. Less would let an opt-in that is older than one of
    /// them give what it has taken. A resume finds nothing to give back.
    pub(super) fn opt_outs(&self) -> Option<Self> {
        let standing = self.opted_out.iter().filter(|(thing, _)| self.stands(thing).is_some());
        let opted_out: BTreeMap<Thing, i64> = standing.map(|(thing, at)| (thing.clone(), *at)).collect();
        (!opted_out.is_empty()).then(|| Self { opted_out, ..Self::default() })
    }

    /// The words of two entries of one person.
    pub(super) fn with(mut self, other: &Self) -> Self {
        for (thing, given) in &other.opted_in {
            let known = self.opted_in.entry(thing.clone()).or_insert(*given);
            *known = (*known).max(*given);
        }
        for (thing, out) in &other.opted_out {
            let known = self.opted_out.entry(thing.clone()).or_insert(*out);
            *known = (*known).max(*out);
        }
        for (thing, out) in &other.taken {
            let known = self.taken.entry(thing.clone()).or_insert(*out);
            *known = (*known).max(*out);
        }
        for (thing, out) in &other.taking {
            let known = self.taking.entry(thing.clone()).or_insert(*out);
            *known = (*known).max(*out);
        }
        self.resumed = self.resumed.max(other.resumed);
        // The other entry tells that it came back. That a resume was heard does not: its call may have failed.
        for out_of in [&mut self.taken, &mut self.taking] {
            out_of.retain(|thing, out| self.opted_in.get(thing).is_none_or(|(at, _)| at <= out));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Word {
        In(i64),
        Out(i64),
        Back(i64),
    }
    use Word::{Back, In, Out};

    fn list() -> Thing {
        Thing::List("Y6nRLr".to_owned())
    }

    /// A person in Klaviyo, and what this service knows of the person. Every word does what its flow does.
    #[derive(Default)]
    struct World {
        person: Person,
        is_on_list: bool,
    }

    impl World {
        fn hear(&mut self, word: Word) {
            let (things, now) = ([list()], Moment::from_unix_ms(1_000));
            match word {
                In(at) => {
                    let kept = self.person.opt_in(&things, Moment::from_unix_ms(at), now);
                    self.is_on_list |= kept.is_empty();
                }
                Out(at) => {
                    let standing = self.person.opt_out(&things, Moment::from_unix_ms(at), now);
                    let had = self.is_on_list && !standing.things.is_empty();
                    self.is_on_list &= standing.things.is_empty();
                    let had = if had { standing.things } else { BTreeSet::new() };
                    self.person.took(&had.union(&standing.remembered).cloned().collect(), &things.into());
                }
                Back(at) => {
                    let back = self.person.resume(Moment::from_unix_ms(at));
                    self.is_on_list |= !back.is_empty();
                    self.person.gave_back(&back, Moment::from_unix_ms(at), now);
                }
            }
        }
    }

    impl World {
        /// An opt-out is cut off when Klaviyo has done it and nobody knows. Every other word is heard.
        fn begin(&mut self, word: Word) {
            match word {
                Out(at) => {
                    let now = Moment::from_unix_ms(1_000);
                    let standing = self.person.opt_out(&[list()], Moment::from_unix_ms(at), now);
                    self.is_on_list &= standing.things.is_empty();
                }
                word => self.hear(word),
            }
        }
    }

    fn permutations(words: &[Word]) -> Vec<Vec<Word>> {
        if words.is_empty() {
            return vec![Vec::new()];
        }
        let mut all = Vec::new();
        for n in 0..words.len() {
            let mut rest = words.to_vec();
            let first = rest.remove(n);
            all.extend(permutations(&rest).into_iter().map(|rest| [vec![first], rest].concat()));
        }
        all
    }

    /// What the words mean in the order of their times.
    fn right(words: &[Word]) -> bool {
        let (mut is_on, mut had) = (false, false);
        for word in words {
            match word {
                In(_) => is_on = true,
                Out(_) => (had, is_on) = (had || is_on, false),
                Back(_) => (is_on, had) = (is_on || had, false),
            }
        }
        is_on
    }

    /// Every sequence of up to five words, in every order of arrival: each once, all twice, and all twice with the next
    /// word between the two, where the first attempt of an opt-out is cut off.
    #[test]
    fn words_count_by_their_times_however_they_arrive() {
        let mut tried = 0;
        for length in 1..=5_u32 {
            for code in 0..3_i64.pow(length) {
                let word = |n: u32| match (code / 3_i64.pow(n)) % 3 {
                    0 => In(i64::from(n) + 1),
                    1 => Out(i64::from(n) + 1),
                    _ => Back(i64::from(n) + 1),
                };
                let words: Vec<Word> = (0..length).map(word).collect();
                for arrival in permutations(&words) {
                    for repeat in ["never", "at once", "after the next word"] {
                        let (mut world, mut begun) = (World::default(), None);
                        for word in &arrival {
                            match repeat {
                                "after the next word" => world.begin(*word),
                                _ => world.hear(*word),
                            }
                            begun = match repeat {
                                "never" => None,
                                "at once" => Some(*word),
                                _ => begun.replace(*word),
                            };
                            begun.into_iter().for_each(|word| world.hear(word));
                            begun = (repeat == "after the next word").then_some(*word);
                        }
                        begun.into_iter().for_each(|word| world.hear(word));
                        assert_eq!(
                            world.is_on_list,
                            right(&words),
                            "{words:?} as {arrival:?}, heard again {repeat}"
                        );
                        tried += 1;
                    }
                }
            }
        }
        assert_eq!(tried, 3 * (3 + 9 * 2 + 27 * 6 + 81 * 24 + 243 * 120));
    }

    #[test]
    fn of_equal_times_the_opt_out_stands() {
        for words in [[In(1), Out(1)], [Out(1), In(1)]] {
            let mut world = World::default();
            words.into_iter().for_each(|word| world.hear(word));
            assert!(!world.is_on_list);
            world.hear(Back(1));
            assert!(!world.is_on_list);
            world.hear(Back(2));
            assert!(world.is_on_list);
        }
    }

    #[test]
    fn of_a_forgotten_person_the_opt_outs_that_stand_are_known() {
        for (words, is_known) in [
            (vec![], false),
            (vec![In(2)], false),
            (vec![Out(2)], true),
            (vec![In(2), Out(3)], true),
            (vec![In(2), Out(3), In(4)], false),
            (vec![In(2), Out(3), Back(4)], false),
            (vec![In(2), Back(3), Out(3)], true),
        ] {
            let mut world = World::default();
            words.iter().for_each(|word| world.hear(*word));
            let forgotten = world.person.opt_outs();
            assert_eq!(forgotten.is_some(), is_known, "{words:?}");
            let Some(forgotten) = forgotten else { continue };
            assert_eq!(forgotten.opt_outs().as_ref(), Some(&forgotten));
            // An older opt-in comes late, and START finds nothing of before.
            let mut world = World { person: forgotten, is_on_list: false };
            world.hear(In(1));
            assert!(!world.is_on_list, "{words:?}");
            assert!(world.person.opt_outs().unwrap().resume(Moment::from_unix_ms(9)).is_empty());
            world.hear(In(5));
            assert!(world.is_on_list, "{words:?}");
        }
    }

    /// A resume gives back what was taken and nothing else: nobody had been on the list.
    #[test]
    fn nothing_that_was_not_taken_comes_back() {
        let mut world = World::default();
        [Out(1), Back(2)].into_iter().for_each(|word| world.hear(word));
        assert!(!world.is_on_list);
        let mut person = Person::default();
        let email = Thing::Channel(Channel::Email);
        person.opt_out(std::slice::from_ref(&email), Moment::from_unix_ms(1), Moment::from_unix_ms(1));
        person.took(&[email.clone()].into(), &[email.clone()].into());
        assert!(person.resume(Moment::from_unix_ms(2)).is_empty());
        assert_eq!(person.out_of(), [email].into());
    }

    #[test]
    fn two_entries_of_one_person_are_one() {
        let (now, things) = (Moment::from_unix_ms(9), [list(), Thing::Channel(Channel::Whatsapp)]);
        let mut by_id = Person::default();
        by_id.opt_in(&things, Moment::from_unix_ms(1), now);
        let mut by_number = Person::default();
        by_number.opt_out(&things, Moment::from_unix_ms(2), now);
        by_number.took(&things.clone().into(), &things.clone().into());
        let both = by_id.clone().with(&by_number);
        assert_eq!(both, by_number.clone().with(&by_id));
        assert_eq!(both.out_of(), things.clone().into());
        // Until a resume is done it can be done again.
        by_id.resume(Moment::from_unix_ms(3));
        let mut both = by_number.clone().with(&by_id);
        for _ in 0..2 {
            assert_eq!(both.resume(Moment::from_unix_ms(3)), things.clone().into());
            both = both.clone().with(&both);
        }
        by_id.gave_back(&things.clone().into(), Moment::from_unix_ms(3), now);
        let both = by_number.with(&by_id);
        assert!(both.out_of().is_empty() && both.taken.is_empty());
        let text = serde_json::to_string(&both).unwrap();
        assert!(text.contains("\"list:Y6nRLr\":[3,9]"), "{text}");
        assert_eq!(serde_json::from_str::<Person>(&text).unwrap(), both);
    }
}
