//! The consent that a person gives together with an opt-in.

use super::verdict::{Notes, of_each};
use crate::consent;
use crate::jsonapi::Attributes;
use crate::operation::consents::{get_consents_at, get_consents_of};
use crate::{
    Channel, ConsentOptions, Consents, Error, Http, Permission, Permitted, Subscription, check, paging,
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
pub(super) struct Given {
    /// One for each person, in their order, until the call was stopped.
    pub(super) permitted: Vec<Vec<Permitted>>,
    /// About all of them.
    pub(super) warnings: Vec<String>,
    pub(super) stopped: Option<Box<Error>>,
}

/// Gives the consent of people through the list, and reads back what Klaviyo has then.
pub(super) fn give(
    http: &mut dyn Http,
    people: &[Subscription],
    list: &str,
    permission: &Permission,
) -> Given {
    let options = ConsentOptions { custom_source: permission.custom_source.clone(), historical_import: None };
    let mut permitted = Vec::with_capacity(people.len());
    let mut grant = |people: &[Subscription]| consent::subscribe(http, people, Some(list), &options);
    let Notes { mut warnings, stopped } = of_each(people, PEOPLE, &mut grant, &mut |person, refused| {
        let channels = person.channels.iter().map(|channel| Permitted {
            channel: channel.clone(),
            refused: refused(channel),
            state: None,
            can_receive: None,
        });
        permitted.push(channels.collect());
    });
    if let Err(error) = read_back(http, people, &mut permitted) {
        warnings.push(format!("consent: it could not be read back: {}", error.message));
    }
    Given { permitted, warnings, stopped }
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
