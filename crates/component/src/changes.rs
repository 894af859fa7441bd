//! The interface `changes`.

use crate::Connector;
use crate::contract::changes::{EventPage, Group, Guest, JoinedPage, Position, ProfilePage, Start};
use crate::convert::{Convert, record, variant};
use crate::http::Import;
use crate::types::{Answer, answer};
use klaviyo_core as klaviyo;
use klaviyo_core::changes;

impl Guest for Connector {
    fn profiles(from: Position) -> Answer<ProfilePage> {
        answer(changes::profiles(&mut Import("changes.profiles"), &from.convert()))
    }

    fn members(of: Group, from: Position) -> Answer<JoinedPage> {
        answer(changes::members(&mut Import("changes.members"), &of.convert(), &from.convert()))
    }

    fn events(from: Position) -> Answer<EventPage> {
        answer(changes::events(&mut Import("changes.events"), &from.convert()))
    }
}

record!(Start => klaviyo::Start { time, look_back });
variant!(Position => klaviyo::Position { Since(start), Cursor(text) });
variant!(Group => klaviyo::Group { List(id), Segment(id) });
record!(klaviyo::ChangePage<klaviyo::Profile> => ProfilePage { items, cursor, more });
record!(klaviyo::ChangePage<klaviyo::Member> => JoinedPage { items, cursor, more });
record!(klaviyo::ChangePage<klaviyo::Event> => EventPage { items, cursor, more });
