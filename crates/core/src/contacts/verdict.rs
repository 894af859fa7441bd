//! What Klaviyo makes of the consent of many people, person by person.

use crate::consent::ConsentReport;
use crate::{Channel, ChannelRefusal, Detail, Error, Refusal};
use alloc::{boxed::Box, string::String, vec::Vec};

/// Klaviyo's reason against a channel of a person; none if it takes the change of the consent.
pub(super) type Verdict<'a> = &'a dyn Fn(&Channel) -> Option<Detail>;

/// What comes of a change of the consent of several people.
type Reported = Result<ConsentReport, Box<Error>>;

/// What there is to say about all people.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) warnings: Vec<String>,
    pub(super) stopped: Option<Box<Error>>,
}

/// Changes the consent of people, `most` by `most`, and gives the verdict about each, in their order, until a failure
/// stops it.
pub(super) fn of_each<T>(
    people: &[T],
    most: usize,
    change: &mut dyn FnMut(&[T]) -> Reported,
    hear: &mut dyn FnMut(&T, Verdict<'_>),
) -> Notes {
    let mut notes = Notes::default();
    for chunk in people.chunks(most) {
        match change(chunk) {
            Ok(ConsentReport { mut report, channels }) => {
                let done = report.stopped.as_ref().map_or(u32::MAX, |stopped| stopped.done);
                for (index, person) in (0..done).zip(chunk) {
                    hear(person, &|channel| reason(&report.refused, &channels, index, channel));
                }
                notes.warnings.append(&mut report.warnings);
                // It counts the people of this chunk, who are not those of the call. Each has an outcome.
                notes.stopped = report.stopped.map(|mut stopped| {
                    stopped.done = 0;
                    stopped
                });
            }
            // It is the channels that Klaviyo refuses: people and list were right before.
            Err(error) if error.is_refusal() && !error.is_about_scopes() => {
                let reason = error.reason();
                chunk.iter().for_each(|person| hear(person, &|_| Some(reason.clone())));
            }
            Err(error) => notes.stopped = Some(error),
        }
        if notes.stopped.is_some() {
            break;
        }
    }
    notes
}

/// Klaviyo's reason against a channel of a person.
fn reason(refused: &[Refusal], channels: &[ChannelRefusal], index: u32, channel: &Channel) -> Option<Detail> {
    let of_channel = channels.iter().find(|refusal| refusal.index == index && refusal.channel == *channel);
    let of_person = || refused.iter().find(|refusal| refusal.index == index).map(|refusal| &refusal.reason);
    of_channel.map(|refusal| &refusal.reason).or_else(of_person).cloned()
}
