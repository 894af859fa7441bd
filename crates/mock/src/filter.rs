//! Klaviyo's filter language: `equals(email,"a@example.com"),greater-than(created,2026-01-15T00:00:00Z)`.

use crate::answer::Refusal;
use crate::check::Result;
use crate::clock;
use std::time::SystemTime;
use strum::EnumString;

/// One condition.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    pub(crate) field: String,
    /// One value, or those of an array.
    pub(crate) values: Vec<Literal>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, EnumString)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Operator {
    Equals,
    Any,
    GreaterThan,
    LessThan,
    GreaterOrEqual,
    LessOrEqual,
}

/// A value of a filter.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Literal {
    /// A string in quotes.
    Text(String),
    /// A value without quotes: a number, a date, a boolean or null.
    Bare(String),
}

/// The conditions that the fields of a collection can have.
pub(crate) struct Fields {
    /// By `equals` and `any`.
    pub(crate) texts: &'static [&'static str],
    /// By `equals` and `any`: true or false.
    pub(crate) flags: &'static [&'static str],
    /// Dates, and the operators on each.
    pub(crate) dates: &'static [(&'static str, &'static [Operator])],
}

impl Literal {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Bare(text) => text,
        }
    }
}

impl Condition {
    /// Whether the text of a field fits.
    pub(crate) fn has(&self, equal: impl Fn(&str) -> bool) -> bool {
        self.values.iter().any(|value| equal(value.text()))
    }

    /// Whether a date fits.
    pub(crate) fn admits(&self, date: &str) -> bool {
        let wanted = self.values.first().and_then(|value| clock::parse(value.text()));
        let (Some(date), Some(wanted)) = (clock::parse(date), wanted) else { return false };
        let admits: fn(&SystemTime, &SystemTime) -> bool = match self.operator {
            Operator::GreaterThan => SystemTime::gt,
            Operator::GreaterOrEqual => SystemTime::ge,
            Operator::LessOrEqual => SystemTime::le,
            _ => SystemTime::lt,
        };
        admits(&date, &wanted)
    }
}

impl Fields {
    /// Reads the filter of a query, if it has one. The filter may use these fields.
    pub(crate) fn read(&self, filter: Option<&str>) -> Result<Vec<Condition>> {
        let Some(filter) = filter else { return Ok(Vec::new()) };
        let conditions = parse(filter).filter(|conditions| conditions.iter().all(|c| self.allow(c)));
        let invalid = || Refusal::invalid_parameter("Invalid filter provided", "filter").into();
        conditions.ok_or_else(invalid)
    }

    fn allow(&self, condition: &Condition) -> bool {
        let is_text = |value: &Literal| matches!(value, Literal::Text(_));
        let is_flag =
            |value: &Literal| matches!(value, Literal::Bare(flag) if flag == "true" || flag == "false");
        let is_date = |value: &Literal| clock::parse(value.text()).is_some();
        let (field, values) = (condition.field.as_str(), &condition.values);
        match condition.operator {
            Operator::Equals | Operator::Any => {
                (self.texts.contains(&field) && values.iter().all(is_text))
                    || (self.flags.contains(&field) && values.iter().all(is_flag))
            }
            operator => {
                let allowed =
                    |(name, operators): &(&str, &[Operator])| *name == field && operators.contains(&operator);
                self.dates.iter().any(allowed) && values.iter().all(is_date)
            }
        }
    }
}

/// Reads conditions separated by commas. All of them must hold: there is no "or".
pub(crate) fn parse(filter: &str) -> Option<Vec<Condition>> {
    let mut rest = filter;
    let mut conditions = Vec::new();
    loop {
        let (operator, inner) = rest.split_once('(')?;
        let operator: Operator = operator.parse().ok()?;
        let (field, inner) = inner.split_once(',')?;
        let (values, is_array, after) = values(inner)?;
        // `any` takes an array; `equals` takes one too, if one value is in it.
        let fits = if operator == Operator::Any { is_array && !values.is_empty() } else { values.len() == 1 };
        if !fits {
            return None;
        }
        conditions.push(Condition { operator, field: field.to_owned(), values });
        rest = match after.strip_prefix(')')? {
            "" => return Some(conditions),
            more => more.strip_prefix(',')?,
        };
    }
}

/// Reads a value or an array of values; returns whether it was an array, and the rest of the text.
fn values(text: &str) -> Option<(Vec<Literal>, bool, &str)> {
    let Some(mut rest) = text.strip_prefix('[') else {
        let (value, rest) = literal(text)?;
        return Some((vec![value], false, rest));
    };
    let mut values = Vec::new();
    loop {
        let (value, after) = literal(rest)?;
        values.push(value);
        rest = match after.strip_prefix(']') {
            Some(after) => return Some((values, true, after)),
            None => after.strip_prefix(',')?,
        };
    }
}

/// Reads a value; returns the rest of the text. A string has double or single quotes, and a backslash in it
/// escapes the next character.
fn literal(text: &str) -> Option<(Literal, &str)> {
    let mut chars = text.chars();
    let quote = chars.next()?;
    if !matches!(quote, '"' | '\'') {
        let end = text.find([',', ')', ']'])?;
        let (bare, rest) = text.split_at_checked(end).filter(|(bare, _)| !bare.is_empty())?;
        return Some((Literal::Bare(bare.to_owned()), rest));
    }
    let mut value = String::new();
    loop {
        match chars.next()? {
            '\\' => value.push(chars.next()?),
            c if c == quote => return Some((Literal::Text(value), chars.as_str())),
            c => value.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: Fields = Fields {
        texts: &["email", "id"],
        flags: &["is_active"],
        dates: &[("created", &[Operator::GreaterThan]), ("joined", &[Operator::LessOrEqual])],
    };

    fn read(filter: &str) -> Option<Vec<Condition>> {
        FIELDS.read(Some(filter)).ok()
    }

    fn texts(filter: &str) -> Option<Vec<String>> {
        let conditions = read(filter)?;
        Some(conditions.iter().flat_map(|c| c.values.iter().map(|v| v.text().to_owned())).collect())
    }

    #[test]
    fn a_string_ends_at_its_own_quote() {
        for (filter, value) in [
            (r#"equals(email,"a@b")"#, Some("a@b")),
            (r"equals(email,'a\'b')", Some("a'b")),
            (r#"equals(email,"a\"b\\c'd")"#, Some(r#"a"b\c'd"#)),
            (r#"equals(email,"a),equals(id,'b'")"#, Some("a),equals(id,'b'")),
            (r#"equals(email,["a"])"#, Some("a")),
            (r#"equals(email,"a"b")"#, None),
            (r#"equals(email,"a")x)"#, None),
            (r#"equals(email,"a)"#, None),
            (r#"equals(email,"a\")"#, None),
            (r#"equals(email,["a","b"])"#, None),
            ("equals(email,a)", None),
            ("equals(email,)", None),
            ("equals(email)", None),
            ("equals", None),
            ("", None),
            (r#"equals(shoe_size,"a")"#, None),
            (r#"contains(email,"a")"#, None),
        ] {
            let expected = value.map(|value| vec![value.to_owned()]);
            assert_eq!(texts(filter), expected, "{filter}");
        }
    }

    #[test]
    fn any_takes_an_array() {
        assert_eq!(texts(r#"any(email,["a","b"])"#), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(texts("any(email,['a'])"), Some(vec!["a".to_owned()]));
        for filter in
            ["any(email,'a')", "any(email,[])", "any(email,['a'", "any(email,['a',])", "any(email,[a])"]
        {
            assert_eq!(texts(filter), None, "{filter}");
        }
    }

    #[test]
    fn conditions_stand_side_by_side() {
        let conditions = read("equals(id,'a'),greater-than(created,2026-01-15T00:00:00Z)").unwrap();
        assert_eq!(conditions.len(), 2);
        assert!(conditions[0].has(|text| text == "a"));
        assert!(conditions[1].admits("2026-01-15T00:00:01+00:00"));
        assert!(!conditions[1].admits("2026-01-15T00:00:00+00:00"));
        let conditions = read("less-or-equal(joined,2026-01-15T00:00:00Z),any(is_active,[true])").unwrap();
        assert!(conditions[0].admits("2026-01-15T00:00:00+00:00"));
        assert!(!conditions[0].admits("2026-01-15T00:00:01+00:00"));
        assert!(conditions[1].has(|text| text == "true"));
        for filter in [
            "equals(id,'a');equals(id,'b')",
            "equals(id,'a'),",
            "greater-than(created,soon)",
            "less-than(created,2026-01-15T00:00:00Z)",
            "less-or-equal(created,2026-01-15T00:00:00Z)",
            "greater-than(joined,2026-01-15T00:00:00Z)",
            "equals(is_active,\"true\")",
            "equals(is_active,yes)",
            "greater-than(email,2026-01-15T00:00:00Z)",
        ] {
            assert_eq!(read(filter), None, "{filter}");
        }
    }
}
