//! The id by which callers ask for an opt-in.

use crate::key::{OptInKey, OptInKeyError};
use std::fmt;
use std::str::FromStr;

/// The id of an opt-in in the queue: its key, and the sequence in the stream of opt-ins at which it was
/// accepted. It stays the same when the opt-in becomes a dead letter, and when the dead letter is retried.
///
/// A caller who repeats an opt-in more than ten minutes later gets a second id for it. Both can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OptInId {
    /// The key of the opt-in.
    pub key: OptInKey,
    /// The sequence; none if an older version, which did not store it, has worked on the opt-in.
    pub sequence: Option<u64>,
}

impl fmt::Display for OptInId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sequence {
            Some(sequence) => write!(f, "{}.{sequence}", self.key),
            None => self.key.fmt(f),
        }
    }
}

impl FromStr for OptInId {
    type Err = OptInKeyError;

    fn from_str(text: &str) -> Result<Self, OptInKeyError> {
        if let Ok(key) = text.parse() {
            return Ok(Self { key, sequence: None });
        }
        let (key, sequence) = text.rsplit_once('.').ok_or(OptInKeyError)?;
        // A number with a sign or leading zeros is no id.
        let number = sequence.parse().ok().filter(|number: &u64| number.to_string() == sequence);
        Ok(Self { key: key.parse()?, sequence: Some(number.ok_or(OptInKeyError)?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_and_read() {
        let key = OptInKey::new(&"shop-1".parse().unwrap(), "msg_1");
        for sequence in [None, Some(1), Some(u64::MAX)] {
            let id = OptInId { key: key.clone(), sequence };
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for wrong in [
            "",
            "shop-1",
            &format!("{key}."),
            &format!("{key}.x"),
            &format!("{key}.01"),
            &format!("{key}.+1"),
            &format!("{key}.1.1"),
        ] {
            assert_eq!(wrong.parse::<OptInId>(), Err(OptInKeyError), "{wrong}");
        }
    }
}
