//! What an account holds: keys, lists, profiles, memberships.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// All scopes that the operations ask for.
const SCOPES: &[&str] = &["lists:read", "lists:write", "profiles:read", "profiles:write"];

/// The digits of Klaviyo's profile ids (Crockford's base 32).
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// One account.
#[derive(Debug, Default)]
pub struct Account {
    keys: BTreeMap<String, BTreeSet<String>>,
    pub(crate) lists: Vec<List>,
    pub(crate) profiles: Vec<Profile>,
    pub(crate) requests: u64,
}

#[derive(Debug)]
pub(crate) struct List {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created: String,
    pub(crate) members: BTreeSet<String>,
}

/// A profile as the account holds it.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Klaviyo's id.
    pub id: String,
    /// The attributes that were given, by Klaviyo's names.
    pub attributes: Map<String, Value>,
    pub(crate) created: String,
    pub(crate) updated: String,
}

/// The attributes that identify a profile.
pub(crate) const IDENTIFIERS: [&str; 3] = ["email", "phone_number", "external_id"];

impl Account {
    /// The key of [`Account::demo`].
    pub const DEMO_KEY: &str = "pk_demo_3f9c1b7a5e2d4860";

    /// An account with a key for everything and three lists, `WhatsApp Opt-Ins` (`Y6nRLr`) among them.
    #[must_use]
    pub fn demo() -> Self {
        let mut account = Self::default();
        account.add_key(Self::DEMO_KEY, SCOPES);
        account.add_list("X7kQpz", "Newsletter");
        account.add_list("Y6nRLr", "WhatsApp Opt-Ins");
        account.add_list("UdR4mA", "VIP customers");
        account
    }

    /// Adds a private key that has these scopes.
    pub fn add_key(&mut self, key: &str, scopes: &[&str]) {
        self.keys.insert(key.to_owned(), scopes.iter().map(|&scope| scope.to_owned()).collect());
    }

    /// Adds a list.
    pub fn add_list(&mut self, id: &str, name: &str) {
        self.lists.push(List {
            id: id.to_owned(),
            name: name.to_owned(),
            created: now(),
            members: BTreeSet::new(),
        });
    }

    /// The ids of a list's members, sorted; of a list that is not there, none.
    #[must_use]
    pub fn members(&self, list: &str) -> Vec<String> {
        let list = self.lists.iter().find(|l| l.id == list);
        list.map(|l| l.members.iter().cloned().collect()).unwrap_or_default()
    }

    /// All profiles, in the order in which they were created.
    #[must_use]
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// How many requests have been answered.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests
    }

    pub(crate) fn scopes(&self, key: &str) -> Option<&BTreeSet<String>> {
        self.keys.get(key)
    }

    pub(crate) fn create(&mut self, attributes: Map<String, Value>) -> Profile {
        let profile =
            Profile { id: profile_id(self.profiles.len()), attributes, created: now(), updated: now() };
        self.profiles.push(profile.clone());
        profile
    }

    /// The profiles that hold one of these identifiers, without repetition.
    pub(crate) fn holders(&self, attributes: &Map<String, Value>) -> Vec<String> {
        let holds = |profile: &&Profile| {
            IDENTIFIERS.iter().any(|name| {
                let given = attributes.get(*name).and_then(Value::as_str);
                given.is_some_and(|value| profile.is(name, value))
            })
        };
        self.profiles.iter().filter(holds).map(|profile| profile.id.clone()).collect()
    }
}

impl Profile {
    /// Whether an identifier of this profile has this value.
    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        match (name, self.attributes.get(name).and_then(Value::as_str)) {
            ("id", _) => self.id == value,
            ("email", Some(own)) => own.eq_ignore_ascii_case(value),
            (_, own) => own == Some(value),
        }
    }
}

/// The id of the n-th profile. The first is the one of the README's story.
fn profile_id(n: usize) -> String {
    const PREFIX: &str = "01GMTZY2TEKN4KFRP30J";
    // "Z59KGB"
    const FIRST: usize = 1_045_745_163;
    let digit = |place: u32| {
        let digit = (FIRST + n) >> (5 * place) & 31;
        DIGITS.get(digit).copied().map_or('0', char::from)
    };
    PREFIX.chars().chain((0..6).rev().map(digit)).collect()
}

/// The time, as Klaviyo writes it.
pub(crate) fn now() -> String {
    let text = humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string();
    text.replace('Z', "+00:00")
}
