//! What a sync is to do.

use super::consent::Rules;
use super::dates::Dates;
use super::form::{Form, Format};
use super::frame::Place;
use super::input::Input;
use super::mapping::{Contact, Mapping};
use super::words::Words;
use crate::args::{Account, Sync};
use crate::failure::Failure;
use crate::files;
use klaviyo_host::Limits;
use klaviyo_host::types::{Channel, ConsentOptions, Historical, Subscription};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How contacts get to Klaviyo.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// In bulk imports: profiles, and members of a list.
    Members,
    /// With consent to marketing.
    Consent(Consent),
    /// One by one, in the steps of `opt-in`.
    OneByOne,
}

/// What all consents have in common.
#[derive(Clone, Debug)]
pub(super) struct Consent {
    pub(super) options: ConsentOptions,
}

/// Which of the imports of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The only one; with consent, what is more than the addresses of those who consent.
    Contacts,
    /// Who does not consent, where others do.
    Members,
}

impl Part {
    pub(super) const ALL: [Self; 2] = [Self::Contacts, Self::Members];
}

/// A sync, as far as it does not change while it runs.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) way: Way,
    /// The list's id.
    pub(super) list: Option<String>,
    /// The most contacts of one import.
    most: usize,
    /// What the sizes of imports are drawn by, beside the input.
    seed: u16,
}

impl Settings {
    /// `at` is the present, RFC 3339.
    pub(super) fn new(options: &Sync, list: Option<String>, at: &str) -> Self {
        let way = if options.one_by_one {
            Way::OneByOne
        } else if !consents(options) {
            Way::Members
        } else {
            let historical_import = options.historical.then(|| Historical { now: at.to_owned() });
            let custom_source = options.consent_source.clone();
            Way::Consent(Consent { options: ConsentOptions { custom_source, historical_import } })
        };
        let [one, other, ..] = <[u8; 32]>::from(Sha256::digest(format!("{at} {list:?}")));
        Self { way, list, most: options.batch, seed: u16::from_be_bytes([one, other]) }
    }

    /// The list that an import adds to. Who consents joins the list by that.
    pub(super) fn import_list(&self, part: Part) -> Option<&str> {
        match (&self.way, part) {
            (Way::Consent(_), Part::Contacts) => None,
            _ => self.list.as_deref(),
        }
    }

    /// The import that a contact belongs into, if into one.
    pub(super) fn part(&self, contact: &Contact) -> Option<Part> {
        match self.way {
            Way::Consent(_) if contact.consent.is_none() => Some(Part::Members),
            Way::Consent(_) => contact.has_more_than_addresses().then_some(Part::Contacts),
            _ => Some(Part::Contacts),
        }
    }

    /// How many good rows a batch has at most whose first row is at this place.
    ///
    /// Not simply 10,000, as with everybody: when an answer is lost, an import is recognised by how many contacts it
    /// has. One that somebody else makes at that time, of the same input maybe, has hardly as many. The same sync has the
    /// same batches whenever it goes on.
    pub(super) fn size(&self, first: &Place) -> usize {
        let spread = self.most / 40;
        if spread == 0 {
            return self.most.max(1);
        }
        let [one, other, ..] = first.digest;
        self.most - 1 - usize::from(u16::from_be_bytes([one, other]) ^ self.seed) % spread
    }
}

impl Consent {
    /// What is sent of a contact; none if the person does not consent.
    pub(super) fn subscription(&self, contact: &Contact) -> Option<Subscription> {
        let given = contact.consent.as_ref()?;
        Some(Subscription {
            id: None,
            email: contact.profile.email.clone(),
            phone_number: contact.profile.phone_number.clone(),
            channels: given.channels.clone(),
            consented_at: given.at.clone(),
            date_of_birth: None,
        })
    }

    /// What is said of all consents of one source.
    pub(super) fn options(&self, source: Option<&str>) -> ConsentOptions {
        let mut options = self.options.clone();
        if let Some(source) = source {
            options.custom_source = Some(source.to_owned());
        }
        options
    }
}

/// Whether a sync gives consent.
fn consents(options: &Sync) -> bool {
    !options.consent.is_empty() || !options.consent_column.is_empty()
}

/// Who consents to what.
fn rules(options: &Sync) -> Result<Option<Rules>, Failure> {
    if !consents(options) {
        return Ok(None);
    }
    let columns = options.consent_column.clone();
    let is_by_column = |channel: &Channel| columns.iter().any(|column| column.channel.channel() == *channel);
    let mut everybody = Vec::new();
    for channel in options.consent.iter().map(|channel| channel.channel()) {
        if !is_by_column(&channel) && !everybody.contains(&channel) {
            everybody.push(channel);
        }
    }
    let words = Words { yes: options.consent_yes.clone(), no: options.consent_no.clone() };
    if let Some(word) = words.in_both() {
        return Err(Failure::invalid(
            None,
            &format!("--consent-yes and --consent-no both have {word:?}; leave one out"),
        ));
    }
    Ok(Some(Rules { everybody, columns, words, historical: options.historical }))
}

/// What a sync may use: a request of 5 MB takes its time on a slow line.
pub(super) fn limits(concurrent_calls: u32) -> Limits {
    Limits {
        concurrent_calls,
        memory: 128 << 20,
        cpu: Duration::from_secs(60),
        time: Duration::from_secs(300),
        attempt: Duration::from_secs(120),
        ..Limits::default()
    }
}

/// What is to be read, and whether the options go together.
pub(super) fn input(options: &Sync, account: &Account) -> Result<Input, Failure> {
    let invalid = |reason: &str| Err(Failure::invalid(None, reason));
    if consents(options) && options.list.is_none() && !options.historical {
        return invalid(
            "consent needs --list, or --historical: without them Klaviyo ignores people who have no profile yet, and \
             says nothing",
        );
    }
    let file = Some(options.file.clone()).filter(|file| file.as_os_str() != "-");
    let of = |path: Option<&PathBuf>| path.and_then(|path| files::identity(path));
    let input = file.as_ref().map_or_else(|| files::identity_of(io::stdin()), |file| files::identity(file));
    let used = [
        ("the key", of(account.key_file.as_ref())),
        ("the component", of(account.component.as_ref())),
        ("the input", input),
        ("--report", of(options.report.as_ref())),
        ("--state", of(options.state.as_ref())),
        ("standard output", files::identity_of(io::stdout())),
        ("standard error", files::identity_of(io::stderr())),
    ];
    // The last two may well be one file.
    for (place, (name, one)) in used.iter().enumerate().take(used.len() - 2) {
        if let Some((other, _)) = used.iter().skip(place + 1).find(|(_, other)| one.is_some() && one == other)
        {
            return invalid(&format!("{name} and {other} are the same file, which would be overwritten"));
        }
    }
    let mapping = Mapping {
        pairs: options.map.clone(),
        unknown: options.unknown_columns,
        region: options.region,
        strict: options.strict,
        consent: rules(options)?,
        dates: Dates { zone: options.time_zone.clone(), format: options.date_format.clone() },
    };
    let Sync { format, separator, encoding, .. } = options;
    let input = Input { file, format: *format, separator: *separator, encoding: *encoding, mapping };
    if input.format() == Some(Format::Jsonl) && input.separator.is_some() {
        return invalid("--separator is for CSV");
    }
    Ok(input)
}

/// The options that a sync that goes on must have again, as they are written.
pub(super) fn told(options: &Sync, form: &Form, endpoint: Option<&str>) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    let mut tell = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            told.insert(name.to_owned(), value);
        }
    };
    let flag = |given: bool| given.then(String::new);
    let joined = |values: Vec<String>| Some(values.join(" ")).filter(|text| !text.is_empty());
    tell("--list", options.list.clone());
    tell("--consent", joined(options.consent.iter().map(ToString::to_string).collect()));
    tell("--consent-column", joined(options.consent_column.iter().map(ToString::to_string).collect()));
    tell("--consent-yes", joined(options.consent_yes.clone()));
    tell("--consent-no", joined(options.consent_no.clone()));
    tell("--strict", flag(options.strict));
    tell("--consent-source", options.consent_source.clone());
    tell("--historical", flag(options.historical));
    tell("--time-zone", options.time_zone.as_ref().map(ToString::to_string));
    tell("--date-format", options.date_format.as_ref().map(ToString::to_string));
    tell("--one-by-one", flag(options.one_by_one));
    tell("--map", joined(options.map.iter().map(ToString::to_string).collect()));
    let unknown = format!("{:?}", options.unknown_columns).to_lowercase();
    tell("--unknown-columns", Some(unknown).filter(|unknown| unknown != "refuse"));
    tell("--region", options.region.map(|region| region.as_ref().to_owned()));
    // What was found is what is asked for, so that a state means one form of the input.
    tell("--format", Some(form.format.name().to_owned()));
    let separator = form.separator.filter(|separator| *separator != b',');
    tell("--separator", separator.map(|separator| char::from(separator).to_string()));
    tell("--encoding", Some(form.encoding.name().to_lowercase()).filter(|name| name != "utf-8"));
    tell("--batch", Some(options.batch.to_string()).filter(|_| options.batch != Sync::BATCH));
    tell("--report", options.report.as_deref().map(absolute));
    tell("--endpoint", endpoint.map(str::to_owned));
    told
}

/// The same file from whatever folder.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path)).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn batches_have_sizes_of_their_own() {
        let settings = Settings { way: Way::Members, list: None, most: 10_000, seed: 0 };
        let size = |seed: u8| {
            let mut digest = [0; 32];
            digest[1] = seed;
            settings.size(&Place { bytes: 0, digest })
        };
        let sizes: BTreeSet<usize> = (0..=255).map(size).collect();
        assert_eq!((sizes.len(), sizes.first(), sizes.last()), (250, Some(&9_750), Some(&9_999)));
        let few = Settings { most: 20, ..settings };
        assert_eq!(few.size(&Place::default()), 20);
    }
}
