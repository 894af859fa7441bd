//! The interface `consent`.

use crate::Connector;
use crate::contract::consent::{
    ChannelConsent, ChannelRefusal, Consents, Guest, Historical, Identifier, Options, Outcome, Subscription,
    Suppression, Unsubscription,
};
use crate::convert::{Convert, each, record};
use crate::http::Import;
use crate::types::{Answer, answer};
use alloc::string::String;
use alloc::vec::Vec;
use klaviyo_core as klaviyo;
use klaviyo_core::consent;

impl Guest for Connector {
    fn grant(people: Vec<Subscription>, list: Option<String>, options: Options) -> Answer<Outcome> {
        answer(consent::grant(
            &mut Import("consent.grant"),
            &each(people),
            list.as_deref(),
            &options.convert(),
        ))
    }

    fn revoke(people: Vec<Unsubscription>, list: Option<String>) -> Answer<Outcome> {
        answer(consent::revoke(&mut Import("consent.revoke"), &each(people), list.as_deref()))
    }

    fn status(by: Identifier) -> Answer<Option<Consents>> {
        answer(consent::status(&mut Import("consent.status"), &by.convert()))
    }
}

record!(Subscription => klaviyo::Subscription {
    id, email, phone_number, channels, transactional, consented_at, date_of_birth,
});
record!(Historical => klaviyo::Historical { now });
record!(Options => klaviyo::ConsentOptions { custom_source, historical_import });
record!(Unsubscription => klaviyo::Unsubscription { email, phone_number, channels, transactional });
record!(klaviyo::ConsentOutcome => Outcome { accepted, refused, refused_channels, warnings, stopped });
record!(klaviyo::ChannelRefusal => ChannelRefusal { index, channel, reason });
record!(klaviyo::Consents => Consents { profile_id, channels, transactional, conversational });
record!(klaviyo::ChannelConsent => ChannelConsent {
    channel, state, can_receive, consented_at, updated, method, custom_source, suppressions,
});
record!(klaviyo::Suppression => Suppression { reason, since, list });
