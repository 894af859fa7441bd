//! The consent that a person gives together with an opt-in.

use crate::consent::{self, Granted};
use crate::jsonapi::Attributes;
use crate::operation::consents::{get_consents_at, get_consents_of};
use crate::{
    Channel, ChannelRefusal, ConsentOptions, Consents, Detail, Error, Http, Permission, Permitted, Refusal,
    Subscription, check, paging,
};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};

/// Klaviyo's limit on the people of one request.
const PEOPLE: usize = 1_000;
/// The number of profiles on a page.
const PROFILES_PER_PAGE: usize = 100;

impl Permission {
    /// Checks what is the same for all people.
    pub(super) fn check(&self) -> Result<(), Box<Error>> {
        let channels = if self.channels.is_empty() {
            Err(Error::invalid("channels", "none is named; name one or more, or leave the consent out"))
        } else {
            self.channels.iter().try_for_each(check::channel)
        };
        channels.map_err(|error| error.at("consent"))
    }

    /// The subscription of a checked contact; its id is empty until the profile is known. It has the addresses of the
    /// channels only: Klaviyo would set others on the profile.
    pub(super) fn subscription(&self, contact: &Attributes<'_>) -> Result<Subscription, Box<Error>> {
        let has = |wanted: &[Channel]| self.channels.iter().any(|channel| wanted.contains(channel));
        let given = |field: &str| contact.get(field).map(ToOwned::to_owned);
        let subscription = Subscription {
            id: Some(String::new()),
            email: if has(&[Channel::Email]) { given("email") } else { None },
            phone_number: if has(&[Channel::Sms, Channel::Whatsapp]) { given("phone_number") } else { None },
            channels: self.channels.clone(),
            ..Subscription::default()
        };
        consent::check(&subscription)?;
        Ok(subscription)
    }
}

/// What became of the consent of people.
#[derive(Default)]
pub(super) struct Given {
    /// One for each person, in their order, until the call was stopped.
    pub(super) permitted: Vec<Vec<Permitted>>,
    /// About all of them.
    pub(super) warnings: Vec<String>,
    pub(super) stopped: Option<Box<Error>>,
}

impl Given {
    fn add(&mut self, person: &Subscription, refused: impl Fn(&Channel) -> Option<Detail>) {
        let permitted = person.channels.iter().map(|channel| Permitted {
            channel: channel.clone(),
            refused: refused(channel),
            state: None,
            can_receive: None,
        });
        self.permitted.push(permitted.collect());
    }
}

/// Gives the consent of people through the list, and reads back what Klaviyo has then.
pub(super) fn give(
    http: &mut dyn Http,
    people: &[Subscription],
    list: &str,
    permission: &Permission,
) -> Given {
    let mut given = Given::default();
    let options = ConsentOptions { custom_source: permission.custom_source.clone(), historical_import: None };
    for chunk in people.chunks(PEOPLE) {
        match consent::subscribe(http, chunk, Some(list), &options) {
            Ok(Granted { mut report, channels }) => {
                let done = report.stopped.as_ref().map_or(u32::MAX, |stopped| stopped.done);
                for (index, person) in (0..done).zip(chunk) {
                    given.add(person, |channel| reason(&report.refused, &channels, index, channel));
                }
                given.warnings.append(&mut report.warnings);
                given.stopped = report.stopped;
            }
            // It is the channels that Klaviyo refuses: people and list were right before.
            Err(error) if error.is_refusal() && !error.is_about_scopes() => {
                let reason = error.reason();
                chunk.iter().for_each(|person| given.add(person, |_| Some(reason.clone())));
            }
            Err(error) => given.stopped = Some(error),
        }
        if given.stopped.is_some() {
            break;
        }
    }
    if let Err(error) = read_back(http, people, &mut given.permitted) {
        given.warnings.push(format!("consent: it could not be read back: {}", error.message));
    }
    given
}

/// Klaviyo's reason against a channel of a person.
fn reason(refused: &[Refusal], channels: &[ChannelRefusal], index: u32, channel: &Channel) -> Option<Detail> {
    let of_channel = channels.iter().find(|refusal| refusal.index == index && refusal.channel == *channel);
    let of_person = || refused.iter().find(|refusal| refusal.index == index).map(|refusal| &refusal.reason);
    of_channel.map(|refusal| &refusal.reason).or_else(of_person).cloned()
}

/// Reads the consent that Klaviyo has.
fn read_back(
    http: &mut dyn Http,
    people: &[Subscription],
    permitted: &mut [Vec<Permitted>],
) -> Result<(), Box<Error>> {
    let chunks = people.chunks(PROFILES_PER_PAGE).zip(permitted.chunks_mut(PROFILES_PER_PAGE));
    for (people, permitted) in chunks {
        let ids: Vec<&str> =
            people.iter().zip(&*permitted).filter_map(|(person, _)| person.id.as_deref()).collect();
        paging::each(http, get_consents_of(&ids), get_consents_at, &mut |consents: Consents| {
            let own = ids.iter().zip(&mut *permitted).filter(|(id, _)| **id == consents.profile_id);
            for permitted in own.flat_map(|(_, permitted)| permitted) {
                let known = consents.channels.iter().find(|known| known.channel == permitted.channel);
                permitted.state = known.map(|known| known.state.clone());
                permitted.can_receive = known.and_then(|known| known.can_receive);
            }
            Ok(paging::Wanted::More)
        })?;
    }
    Ok(())
}
