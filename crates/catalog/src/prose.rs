//! The documentation of the contract as plain text, and what it says in a form of its own.

use wit_parser::Docs;

/// The paragraphs, without the marks of Markdown. A paragraph is one line, a list one line an item.
pub(crate) fn paragraphs(docs: &Docs) -> Vec<String> {
    let text = docs.contents.as_deref().unwrap_or_default();
    let paragraph = |paragraph: &str| {
        let mut joined = String::new();
        for line in paragraph.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if !joined.is_empty() {
                joined.push(if line.starts_with("- ") { '\n' } else { ' ' });
            }
            joined.push_str(line);
        }
        joined.replace("**", "").replace('`', "")
    };
    text.split("\n\n").map(paragraph).filter(|paragraph| !paragraph.is_empty()).collect()
}

/// All of it as one text.
pub(crate) fn plain(docs: &Docs) -> Option<String> {
    Some(paragraphs(docs).join("\n\n")).filter(|text| !text.is_empty())
}

/// What a sentence says about scopes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scopes {
    /// No request, no scope.
    None,
    /// These.
    Named {
        scopes: Vec<String>,
        /// The sentence, where it says more than their names.
        note: Option<String>,
    },
    /// Those of another function of the interface.
    As(String),
}

/// Reads the sentence that begins with "Scope:" or "Scopes:".
pub(crate) fn scopes(docs: &Docs) -> Scopes {
    let text = docs.contents.as_deref().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((_, rest)) = text.split_once("Scope: ").or_else(|| text.split_once("Scopes: ")) else {
        return Scopes::None;
    };
    let sentence = rest.split_once(". ").map_or(rest, |(sentence, _)| sentence);
    let sentence = sentence.strip_suffix('.').unwrap_or(sentence);
    let quoted: Vec<&str> = sentence.split('`').skip(1).step_by(2).collect();
    if let ("as in ", [function]) = (sentence.split('`').next().unwrap_or_default(), quoted.as_slice()) {
        return Scopes::As((*function).to_owned());
    }
    let mut scopes: Vec<String> = Vec::new();
    for scope in quoted.iter().filter(|word| word.ends_with(":read") || word.ends_with(":write")) {
        if !scopes.iter().any(|known| known == scope) {
            scopes.push((*scope).to_owned());
        }
    }
    let says_more = sentence.split('`').step_by(2).any(|between| !["", ", ", " and "].contains(&between));
    Scopes::Named { scopes, note: says_more.then(|| sentence.replace('`', "")) }
}

/// A name of the contract as a label: `phone-number` is "Phone number".
pub(crate) fn label(name: &str) -> String {
    let words: Vec<String> = name.split('-').map(word).collect();
    let label = words.join(" ");
    let mut letters = label.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn word(word: &str) -> String {
    match word {
        "api" | "id" | "ip" | "sms" | "uuid" => word.to_uppercase(),
        "whatsapp" => "WhatsApp".to_owned(),
        "address1" => "address line 1".to_owned(),
        "address2" => "address line 2".to_owned(),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn docs(text: &str) -> Docs {
        Docs { contents: Some(text.to_owned()) }
    }

    fn named(scopes: &[&str], note: Option<&str>) -> Scopes {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Scopes::Named { scopes, note: note.map(str::to_owned) }
    }

    #[test]
    fn a_paragraph_is_a_line_and_a_list_a_line_an_item() {
        let text = "One `name`\nof **two** lines.\n\n- first,\n  on two lines\n- second\n";
        assert_eq!(plain(&docs(text)).unwrap(), "One name of two lines.\n\n- first, on two lines\n- second");
        assert_eq!(plain(&docs("\n")), None);
    }

    #[test]
    fn scopes_are_read_from_their_sentence() {
        for (text, expected) in [
            ("One request. Scope: `lists:read`.", named(&["lists:read"], None)),
            ("Scopes: `a:write`,\n`b:write`. Errors: all.", named(&["a:write", "b:write"], None)),
            ("Scopes: `a:read` and `b:read`.", named(&["a:read", "b:read"], None)),
            ("Scope: `a:read`; with `x` also `b:read`.", {
                named(&["a:read", "b:read"], Some("a:read; with x also b:read"))
            }),
            ("Scopes: `a:read`; without lists no `a:read`.", {
                named(&["a:read"], Some("a:read; without lists no a:read"))
            }),
            ("Scopes: as others say.", named(&[], Some("as others say"))),
            ("Scopes: as in `opt-in`.", Scopes::As("opt-in".to_owned())),
            ("No request.", Scopes::None),
        ] {
            assert_eq!(scopes(&docs(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_name_is_a_label() {
        for (name, expected) in [
            ("phone-number", "Phone number"),
            ("external-id", "External ID"),
            ("ip", "IP"),
            ("whatsapp", "WhatsApp"),
            ("address1", "Address line 1"),
        ] {
            assert_eq!(label(name), expected);
        }
    }
}
