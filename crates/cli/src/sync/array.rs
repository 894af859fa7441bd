//! Where the elements of a JSON array begin and end.
//!
//! Only brackets and strings are looked at: what is not well formed in between is the element's own matter, and costs no
//! other.

/// An element, as far as it was read.
#[derive(Default)]
pub(super) struct Element {
    /// How many brackets are open.
    depth: u64,
    in_string: bool,
    is_escaped: bool,
    has_begun: bool,
}

/// What a byte is for an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It belongs to it, and more follows.
    Inside,
    /// It is its last.
    Last,
    /// It is not part of it any more.
    After,
}

impl Element {
    pub(super) fn step(&mut self, byte: u8) -> Step {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if self.in_string {
            match byte {
                _ if std::mem::take(&mut self.is_escaped) => {}
                b'\\' => self.is_escaped = true,
                // No string goes over the end of a line: this one has lost its end, and the next line has not.
                b'\n' => self.in_string = false,
                b'"' => {
                    self.in_string = false;
                    return self.inside_or_last();
                }
                _ => {}
            }
            return Step::Inside;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                return self.inside_or_last();
            }
            b'}' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 && !is_first => {
                return Step::After;
            }
            _ => {}
        }
        Step::Inside
    }

    fn inside_or_last(&self) -> Step {
        if self.depth == 0 { Step::Last } else { Step::Inside }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first element of what follows a bracket or a comma.
    fn first(text: &str) -> Option<&str> {
        let mut element = Element::default();
        for (at, byte) in text.bytes().enumerate() {
            match element.step(byte) {
                Step::Inside => {}
                Step::Last => return text.get(..=at),
                Step::After => return text.get(..at),
            }
        }
        None
    }

    #[test]
    fn an_element_ends_with_its_last_bracket() {
        for (text, element) in [
            (r#"{"a":1},{"b":2}]"#, r#"{"a":1}"#),
            (r#"{"a":{"b":[1,{"c":2}]}} ]"#, r#"{"a":{"b":[1,{"c":2}]}}"#),
            (r#"{"a":"}]\"}\\"},"#, r#"{"a":"}]\"}\\"}"#),
            ("{\n  \"a\": 1\n}\n]", "{\n  \"a\": 1\n}"),
            ("17,18]", "17"),
            ("null]", "null"),
            (r#""a,]\"b","c"]"#, r#""a,]\"b""#),
            ("[1,2],[3]]", "[1,2]"),
            ("} ,", "}"),
            ("{\"a\":1],", "{\"a\":1]"),
            // The end of a string is missing.
            ("{\"a\": \"x,\n \"b\": 1},{}", "{\"a\": \"x,\n \"b\": 1}"),
        ] {
            assert_eq!(first(text), Some(element), "{text}");
        }
        for text in ["{", "{\"a\":1", "\"a", "[[[[[[", "17", "{\"a\":\"}"] {
            assert_eq!(first(text), None, "{text}");
        }
    }
}
