//! The text of a reply, with variables.

use serde::Deserialize;
use std::borrow::Cow;

/// A text with variables, such as `{first_name}` or `{{customer_name}}`. `{{` and `}}` are the braces themselves where they
/// are not around a word.
///
/// Where a name is not known, the text goes on without it and the comma before it. Where another variable is not known, the
/// sentences that have it are left out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template(Cow<'static, str>);

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is blank.
    #[error("it is blank; write a text, or null for no reply")]
    Blank,
    /// It is longer than a message may be, with its variables.
    #[error("it has more than {} characters; shorten it", Template::LONGEST)]
    Long,
    /// It names a variable that no reply has.
    #[error("there is no variable {{{name}}}; the variables are {}", all_variables())]
    Variable {
        /// The name.
        name: String,
    },
    /// A brace is alone.
    #[error("a brace is alone; write {{{{ or }}}} for the brace itself")]
    Brace,
}

/// What a reply knows of its person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Variables<'a> {
    /// The first name.
    pub first_name: Option<&'a str>,
    /// The email or the phone number at which the person hears from the business.
    pub address: Option<&'a str>,
    /// The name as the person gave it.
    pub customer_name: Option<&'a str>,
    /// The email that the person gave.
    pub customer_email: Option<&'a str>,
    /// The person's phone number.
    pub customer_phone: Option<&'a str>,
    /// The id of the person's profile in Klaviyo.
    pub profile_id: Option<&'a str>,
    /// The id of the list that the person has joined.
    pub list_id: Option<&'a str>,
}

/// What a template can say about its person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variable {
    FirstName,
    Address,
    CustomerName,
    CustomerEmail,
    CustomerPhone,
    ProfileId,
    ListId,
}

impl Variable {
    /// By their names in a template. A profile has the first name as `profile_name`.
    const ALL: [(&'static str, Self); 8] = [
        ("first_name", Self::FirstName),
        ("address", Self::Address),
        ("customer_name", Self::CustomerName),
        ("customer_email", Self::CustomerEmail),
        ("customer_phone", Self::CustomerPhone),
        ("profile_id", Self::ProfileId),
        ("profile_name", Self::FirstName),
        ("list_id", Self::ListId),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, variable)| *variable)
    }

    const fn is_name(self) -> bool {
        matches!(self, Self::FirstName | Self::CustomerName)
    }
}

/// The variables for an error.
fn all_variables() -> String {
    Variable::ALL.map(|(name, _)| format!("{{{name}}}")).join(", ")
}

impl Variables<'_> {
    /// What is known; none if it is nothing.
    fn get(&self, variable: Variable) -> Option<Cow<'_, str>> {
        let value = match variable {
            Variable::FirstName => self.first_name,
            Variable::Address => self.address,
            Variable::CustomerName => self.customer_name,
            Variable::CustomerEmail => self.customer_email,
            Variable::CustomerPhone => self.customer_phone,
            Variable::ProfileId => self.profile_id,
            Variable::ListId => self.list_id,
        };
        let value = value.map(|value| match variable.is_name() {
            true => Cow::Owned(clean_name(value)),
            false => Cow::Borrowed(value),
        });
        value.filter(|value| !value.is_empty())
    }
}

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Variable(Variable),
}

impl Template {
    /// The longest text, in characters: a message that asks for a phone number may have 1,024.
    pub const LONGEST: usize = 1_000;
    /// The longest first name that is written, in characters. WhatsApp does not limit names.
    const LONGEST_NAME: usize = 60;

    /// A text of this program.
    pub(super) const fn own(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// The text for a person. It is empty if each sentence has something that is not known.
    #[must_use]
    pub fn render(&self, variables: Variables<'_>) -> String {
        // Checked when it was read.
        let parts = parts(&self.0).unwrap_or_default();
        let can_be_said = |piece: &Piece<'_>| match piece {
            Piece::Variable(variable) => variable.is_name() || variables.get(*variable).is_some(),
            Piece::Text(_) => true,
        };
        let mut text = String::new();
        for sentence in sentences(&parts) {
            if sentence.iter().all(can_be_said) {
                text.push_str(&written(&sentence, &variables));
            }
        }
        text.trim().to_owned()
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        if klaviyo_core::text::shown(&text).is_none() {
            return Err(TemplateError::Blank);
        }
        if text.chars().count() > Self::LONGEST {
            return Err(TemplateError::Long);
        }
        parts(&text)?;
        Ok(Self(text.into()))
    }
}

/// Splits a text at its variables.
fn parts(text: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        parts.push(Piece::Text(before));
        // As bot builders write variables: what looks like one is never sent to a person.
        let doubled = from.strip_prefix("{{").and_then(|from| from.split_once("}}"));
        let doubled = doubled.filter(|(name, _)| is_word(name.trim()));
        if let (None, Some((brace, after))) =
            (doubled, from.split_at_checked(2).filter(|(pair, _)| matches!(*pair, "{{" | "}}")))
        {
            parts.push(Piece::Text(brace.get(..1).unwrap_or_default()));
            rest = after;
            continue;
        }
        let single = || from.strip_prefix('{').and_then(|from| from.split_once('}'));
        let (name, after) = doubled.or_else(single).ok_or(TemplateError::Brace)?;
        let name = name.trim();
        let variable =
            Variable::named(name).ok_or_else(|| TemplateError::Variable { name: name.to_owned() })?;
        parts.push(Piece::Variable(variable));
        rest = after;
    }
    parts.push(Piece::Text(rest));
    Ok(parts)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|character| character.is_alphanumeric() || character == '_')
}

/// The sentences, each with the white space behind it. A sentence ends at a mark before white space, and at the end of
/// a line.
fn sentences<'a>(parts: &[Piece<'a>]) -> Vec<Vec<Piece<'a>>> {
    let (mut all, mut sentence) = (Vec::new(), Vec::new());
    for part in parts {
        let Piece::Text(mut rest) = *part else {
            sentence.push(*part);
            continue;
        };
        while let Some(end) = sentence_end(rest) {
            let (text, next) = rest.split_at(end);
            sentence.push(Piece::Text(text));
            all.push(std::mem::take(&mut sentence));
            rest = next;
        }
        sentence.push(Piece::Text(rest));
    }
    all.push(sentence);
    all
}

/// Where the first sentence of a text ends, behind its white space.
fn sentence_end(text: &str) -> Option<usize> {
    let mut is_over = false;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        match character {
            '\n' => is_over = true,
            '.' | '!' | '?' | '…' => is_over |= next.is_some_and(char::is_whitespace),
            // These have no white space behind them.
            '。' | '！' | '？' => is_over = true,
            _ => {}
        }
        if is_over && next.is_none_or(|next| !next.is_whitespace()) {
            return Some(at + character.len_utf8());
        }
    }
    None
}

/// A sentence with its variables.
fn written(sentence: &[Piece<'_>], variables: &Variables<'_>) -> String {
    let mut text = String::new();
    let mut begins = false;
    for part in sentence {
        match part {
            Piece::Text(part) if begins => {
                // The name was the first word.
                let rest = part.trim_start_matches(is_separator);
                let mut characters = rest.chars();
                text.extend(characters.next().into_iter().flat_map(char::to_uppercase));
                text.push_str(characters.as_str());
                begins = rest.is_empty();
            }
            Piece::Text(part) => text.push_str(part),
            Piece::Variable(variable) => match variables.get(*variable) {
                Some(value) => text.push_str(&value),
                // A name: a sentence with another unknown variable is not written.
                None => {
                    text.truncate(text.trim_end_matches(is_separator).len());
                    begins = !text.contains(char::is_alphanumeric);
                }
            },
        }
    }
    text
}

/// What stands between a name and the words beside it.
fn is_separator(character: char) -> bool {
    character.is_whitespace() || matches!(character, ',' | '،' | '、' | '，')
}

/// A name on one line, not too long.
fn clean_name(name: &str) -> String {
    let visible = name.chars().map(|character| if character.is_control() { ' ' } else { character });
    let visible: String = visible.take(Template::LONGEST_NAME).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Template {
        Template::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_text_reads_well_with_and_without_a_name() {
        for (text, with, without) in [
            ("You are in, {first_name}!", "You are in, Priya!", "You are in!"),
            ("Hi {first_name}, welcome.", "Hi Priya, welcome.", "Hi, welcome."),
            ("{first_name}, you are in.", "Priya, you are in.", "You are in."),
            ("Welcome {first_name} to us", "Welcome Priya to us", "Welcome to us"),
            ("¡{first_name}, estás dentro!", "¡Priya, estás dentro!", "¡Estás dentro!"),
            ("Done. {first_name}, écoute!", "Done. Priya, écoute!", "Done. Écoute!"),
            ("{first_name}", "Priya", ""),
            ("Hello\n{first_name}\nBye", "Hello\nPriya\nBye", "Hello\nBye"),
            ("Hi {{first_name}} {{}}", "Hi Priya {}", "Hi {}"),
            ("Hi {{ profile_name }}, welcome.", "Hi Priya, welcome.", "Hi, welcome."),
            ("{{ {{a b}} }} }}", "{ {a b} } }", "{ {a b} } }"),
            ("No variable", "No variable", "No variable"),
        ] {
            let template = template(text);
            let known = Variables { first_name: Some("Priya"), ..Variables::default() };
            assert_eq!(template.render(known), with, "{text}");
            for name in [None, Some(""), Some(" \n")] {
                let unknown = Variables { first_name: name, ..Variables::default() };
                assert_eq!(template.render(unknown), without, "{text}");
            }
        }
    }

    #[test]
    fn a_sentence_without_its_address_is_left_out() {
        for (text, with, without) in [
            ("Done! We write to {address}.", "Done! We write to p@x.co.", "Done!"),
            ("We write to {address}. Bye.", "We write to p@x.co. Bye.", "Bye."),
            ("Done\nAt {address}\nBye", "Done\nAt p@x.co\nBye", "Done\nBye"),
            ("完了！{address} に送ります。以上", "完了！p@x.co に送ります。以上", "完了！以上"),
            ("At {address}, v1.5 is out", "At p@x.co, v1.5 is out", ""),
        ] {
            let render = |address| template(text).render(Variables { address, ..Variables::default() });
            assert_eq!(render(Some("p@x.co")), with, "{text}");
            assert_eq!(render(None), without, "{text}");
        }
    }

    #[test]
    fn a_bot_builders_variables_are_known() {
        let text = "Hi {{customer_name}}! We have {{customer_email}} and {{customer_phone}}. You are {{profile_id}} on \
                    {{list_id}}, {{profile_name}}.";
        let all = Variables {
            first_name: Some("Priya"),
            address: None,
            customer_name: Some("Priya Sharma"),
            customer_email: Some("priya@example.com"),
            customer_phone: Some("+919820000001"),
            profile_id: Some("01GMTZY2TEKN4KFRP30JZ59KGB"),
            list_id: Some("Y6nRLr"),
        };
        assert_eq!(
            template(text).render(all),
            "Hi Priya Sharma! We have priya@example.com and +919820000001. You are 01GMTZY2TEKN4KFRP30JZ59KGB on \
             Y6nRLr, Priya."
        );
        let known = Variables { customer_name: None, customer_email: None, ..all };
        assert_eq!(template(text).render(known), "Hi! You are 01GMTZY2TEKN4KFRP30JZ59KGB on Y6nRLr, Priya.");
    }

    #[test]
    fn what_a_person_is_called_stays_a_name() {
        let render = |name: &str| {
            template("Hi {first_name}!").render(Variables { first_name: Some(name), ..Variables::default() })
        };
        assert_eq!(render("{address}"), "Hi {address}!");
        assert_eq!(render("Pri\nya\u{7}  S"), "Hi Pri ya S!");
        assert_eq!(render(&"é".repeat(9_000)).chars().count(), "Hi !".len() + 60);
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for (text, expected) in [
            ("", TemplateError::Blank),
            ("\u{200b} ", TemplateError::Blank),
            ("Hi {name}", TemplateError::Variable { name: "name".to_owned() }),
            ("Hi {}", TemplateError::Variable { name: String::new() }),
            ("Hi {{customer}}!", TemplateError::Variable { name: "customer".to_owned() }),
            ("Hi {first_name", TemplateError::Brace),
            ("Hi first_name}", TemplateError::Brace),
            (&"x".repeat(1_001), TemplateError::Long),
        ] {
            assert_eq!(Template::try_from(text.to_owned()), Err(expected), "{text}");
        }
    }
}
