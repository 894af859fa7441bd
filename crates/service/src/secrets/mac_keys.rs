//! The keys of a secret that is being replaced: for a while there are two.

use super::mac_key::MacKey;
use super::text::InvalidSecret;

/// The keys that are valid at once: the newer one and, while a secret is being replaced, the older one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacKeys {
    newer: MacKey,
    older: Option<MacKey>,
}

impl From<MacKey> for MacKeys {
    fn from(key: MacKey) -> Self {
        Self { newer: key, older: None }
    }
}

impl MacKeys {
    /// Parses one line or two, the newer secret first. Blank lines do not count.
    pub(crate) fn parse(
        text: &str,
        one: impl Fn(&str) -> Result<MacKey, InvalidSecret>,
    ) -> Result<Self, InvalidSecret> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let (newer, older) = (lines.next().unwrap_or_default(), lines.next());
        if lines.next().is_some() {
            return Err(InvalidSecret::Lines);
        }
        let checked = |line: &str| match line {
            line if line.contains(char::is_control) => Err(InvalidSecret::Characters),
            line if line.starts_with(InvalidSecret::QUOTES) => Err(InvalidSecret::Quoted),
            line => one(line),
        };
        Ok(Self { newer: checked(newer)?, older: older.map(checked).transpose()? })
    }

    /// The newer one, and then the older one.
    pub fn iter(&self) -> impl Iterator<Item = &MacKey> {
        std::iter::once(&self.newer).chain(&self.older)
    }

    /// Checks something with the keys until one is right. A check that fails takes as long with one key as with two, so
    /// that it does not tell which accounts replace their secrets.
    pub(crate) fn check<T, E>(&self, check: impl Fn(&MacKey) -> Result<T, E>) -> Result<T, E> {
        check(&self.newer).or_else(|_| check(self.older.as_ref().unwrap_or(&self.newer)))
    }

    pub(super) fn shares(&self, other: &Self) -> bool {
        self.iter().any(|key| other.iter().any(|other| key == other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> MacKeys {
        MacKeys::parse(text, MacKey::webhook_secret).unwrap()
    }

    const OLD: &str = "old-old-old-old-old";
    const NEW: &str = "new-new-new-new-new";
    const NEWEST: &str = "newest-newest-newest";

    #[test]
    fn either_key_is_right_and_the_newer_is_first() {
        let both = keys(&format!("{NEW}\r\n\n {OLD}\n"));
        assert_eq!(both.iter().map(MacKey::as_bytes).collect::<Vec<_>>(), [NEW.as_bytes(), OLD.as_bytes()]);
        let is = |right: &str, keys: &MacKeys| {
            keys.check(|key| if key.as_bytes() == right.as_bytes() { Ok(()) } else { Err(()) })
        };
        assert_eq!([NEW, OLD, NEWEST].map(|key| is(key, &both).is_ok()), [true, true, false]);
        assert_eq!([NEW, OLD].map(|key| is(key, &keys(NEW)).is_ok()), [true, false]);
    }

    #[test]
    fn a_third_line_is_refused() {
        let three = MacKeys::parse(&format!("{NEWEST}\n{NEW}\n{OLD}"), MacKey::webhook_secret);
        assert_eq!(three, Err(InvalidSecret::Lines));
    }

    #[test]
    fn one_key_in_common_is_a_secret_in_common() {
        assert!(keys(&format!("{NEW}\n{OLD}")).shares(&keys(OLD)));
        assert!(!keys(&format!("{NEW}\n{OLD}")).shares(&keys(NEWEST)));
    }
}
