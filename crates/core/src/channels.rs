//! People whose consent Klaviyo refuses for a channel: each channel in a request of its own, so that one channel does
//! not cost the others.

use crate::batch::{BulkRequest, Fallback, Resent, Row};
use crate::{Channel, ChannelRefusal, Detail, Error, Http, Refusal};
use alloc::{boxed::Box, vec::Vec};

/// The most channels of a request that are sent one by one.
const CHANNELS: usize = 16;

/// The row of a person, by position in the argument, with one channel alone.
type RowOf<'a> = &'a dyn Fn(u32, &Channel) -> Result<Row, Box<Error>>;

/// Sends the people of a refused request once more, channel by channel.
pub(crate) struct ByChannel<'a> {
    bulk: &'a BulkRequest,
    /// The channels of a person, by position in the argument.
    channels: &'a dyn Fn(u32) -> Vec<Channel>,
    row: RowOf<'a>,
    /// The channels that Klaviyo refused, also all channels of a person.
    refused: Vec<ChannelRefusal>,
    /// Whether Klaviyo refused each channel of a request as a whole. Then it is not about channels.
    in_vain: bool,
}

impl<'a> ByChannel<'a> {
    pub(crate) fn new(
        bulk: &'a BulkRequest,
        channels: &'a dyn Fn(u32) -> Vec<Channel>,
        row: RowOf<'a>,
    ) -> Self {
        Self { bulk, channels, row, refused: Vec::new(), in_vain: false }
    }

    /// The refused channels, sorted by position.
    pub(crate) fn refused(self) -> Vec<ChannelRefusal> {
        self.refused
    }

    /// Sends people channel by channel. None: Klaviyo refuses every channel.
    fn send_each(
        &mut self,
        http: &mut dyn Http,
        people: &[(u32, Vec<Channel>)],
        channels: Vec<Channel>,
    ) -> Result<Option<Resent>, Box<Error>> {
        let (mut refused, mut warnings, mut as_a_whole) = (Vec::new(), Vec::new(), 0);
        let all = channels.len();
        for channel in channels {
            let on_it: Vec<u32> =
                people.iter().filter(|(_, own)| own.contains(&channel)).map(|(index, _)| *index).collect();
            let refuse =
                |index: u32, reason: Detail| ChannelRefusal { index, channel: channel.clone(), reason };
            let mut rows = on_it.iter().map(|index| (self.row)(*index, &channel));
            match self.bulk.send(http, &mut rows, &mut ()) {
                Ok(mut report) => {
                    if let Some(mut stopped) = report.stopped {
                        // It counts the people of this channel, who may have others.
                        stopped.done = 0;
                        return Err(stopped);
                    }
                    warnings.append(&mut report.warnings);
                    let of_channel = report.refused.into_iter().filter_map(|Refusal { index, reason }| {
                        Some(refuse(*on_it.get(usize::try_from(index).ok()?)?, reason))
                    });
                    refused.push(of_channel.collect::<Vec<_>>());
                }
                Err(error) if error.is_refusal() => {
                    as_a_whole += 1;
                    let reason = error.reason();
                    refused.push(on_it.iter().map(|index| refuse(*index, reason.clone())).collect());
                }
                Err(error) => return Err(error),
            }
        }
        if as_a_whole == all {
            self.in_vain = true;
            return Ok(None);
        }
        let (mut accepted, mut left_out) = (Vec::new(), Vec::new());
        for (index, channels) in people {
            let of_person = self.refused.len();
            // Those of one channel are sorted by position.
            for refused in &refused {
                if let Ok(at) = refused.binary_search_by_key(index, |refusal| refusal.index) {
                    self.refused.extend(refused.get(at).cloned());
                }
            }
            match self.refused.get(of_person) {
                Some(first) if self.refused.len() - of_person >= channels.len() => {
                    left_out.push(Refusal { index: *index, reason: first.reason.clone() });
                }
                _ => accepted.push(*index),
            }
        }
        Ok(Some(Resent { accepted, refused: left_out, warnings }))
    }
}

impl Fallback for ByChannel<'_> {
    fn send(
        &mut self,
        http: &mut dyn Http,
        rows: &[u32],
        refusal: &Error,
        named: &[(u32, Detail)],
    ) -> Option<Result<Resent, Box<Error>>> {
        if self.in_vain || !is_about_a_channel(refusal, named) {
            return None;
        }
        let people: Vec<(u32, Vec<Channel>)> =
            rows.iter().map(|index| (*index, (self.channels)(*index))).collect();
        let mut channels: Vec<Channel> = Vec::new();
        for channel in people.iter().flat_map(|(_, channels)| channels) {
            if !channels.contains(channel) {
                channels.push(channel.clone());
            }
        }
        if !(2..=CHANNELS).contains(&channels.len()) {
            return None;
        }
        self.send_each(http, &people, channels).transpose()
    }
}

/// Whether a refusal may be about a channel: it names one of somebody's, or names nobody.
fn is_about_a_channel(refusal: &Error, named: &[(u32, Detail)]) -> bool {
    let names_one = |detail: &Detail| {
        let below = detail.pointer.as_deref().and_then(|pointer| pointer.strip_prefix("subscriptions"));
        // Of a channel that Klaviyo does not have, the place is that of all channels.
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    };
    refusal.is_refusal() && (named.is_empty() || named.iter().any(|(_, detail)| names_one(detail)))
}
