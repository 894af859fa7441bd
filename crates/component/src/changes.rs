//! The interface `changes`.

use crate::abi::{function, record, variant};
use klaviyo_core::{ChangePage, Event, Group, Member, Position, Profile, Start, changes};

function!("changes", "profiles", (a, b, c, d, e), |http, from: Position| changes::profiles(http, &from));
function!("changes", "members", (a, b, c, d, e, f, g, h), |http, of: Group, from: Position| {
    changes::members(http, &of, &from)
});
function!("changes", "events", (a, b, c, d, e), |http, from: Position| changes::events(http, &from));

record!(Lift, start: Start { time, look_back });
variant!(Lift, position: Position { Since(start), Cursor(text) });
variant!(Lift, group: Group { List(id), Segment(id) });
record!(Lower, profile_page: ChangePage<Profile> { items, cursor, more });
record!(Lower, joined_page: ChangePage<Member> { items, cursor, more });
record!(Lower, event_page: ChangePage<Event> { items, cursor, more });
