//! The interface `consent`.

use crate::abi::{function, record};
use alloc::string::String;
use alloc::vec::Vec;
use klaviyo_core::{
    ChannelConsent, ChannelRefusal, ConsentOptions, ConsentOutcome, Consents, Historical, Identifier,
    Subscription, Suppression, Unsubscription, consent,
};

function!(
    "consent",
    "grant",
    (a, b, c, d, e, f, g, h, i, j, k),
    |http, people: Vec<Subscription>, list: Option<String>, options: ConsentOptions| {
        consent::grant(http, &people, list.as_deref(), &options)
    }
);
function!("consent", "revoke", (a, b, c, d, e), |http, people: Vec<Unsubscription>, list: Option<String>| {
    consent::revoke(http, &people, list.as_deref())
});
function!("consent", "status", (a, b, c), |http, by: Identifier| consent::status(http, &by));

record!(Lift, subscription: Subscription {
    id, email, phone_number, channels, transactional, consented_at, date_of_birth,
});
record!(Lift, historical: Historical { now });
record!(Lift, options: ConsentOptions { custom_source, historical_import });
record!(Lift, unsubscription: Unsubscription { email, phone_number, channels, transactional });
record!(Lower, outcome: ConsentOutcome { accepted, refused, refused_channels, warnings, stopped });
record!(Lower, channel_refusal: ChannelRefusal { index, channel, reason });
record!(Lower, consents: Consents { profile_id, channels, transactional, conversational });
record!(Lower, channel_consent: ChannelConsent {
    channel, state, can_receive, consented_at, updated, method, custom_source, suppressions,
});
record!(Lower, suppression: Suppression { reason, since, list });
