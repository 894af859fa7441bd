//! Documents whose code is run.

use anyhow::{Context, Result};

/// What is below a heading of the second level.
pub(crate) fn section<'a>(document: &'a str, heading: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("\n## {heading}\n"))?;
    rest.split("\n## ").next()
}

/// The blocks of a language, of which there are so many.
pub(crate) fn blocks<'a, const COUNT: usize>(text: &'a str, language: &str) -> Result<[&'a str; COUNT]> {
    let begin = format!("```{language}\n");
    let blocks = text.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let blocks: Vec<_> = blocks.collect();
    let found = blocks.len();
    blocks.try_into().ok().with_context(|| {
        format!("there are {found} blocks of {language}, and {COUNT} are run: change who runs them, too")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_ends_at_the_next_heading() {
        let document = "# All\n\n## One\n\na\n\n### Part\n\nb\n\n## Two\n\nc\n";
        assert_eq!(section(document, "One"), Some("\na\n\n### Part\n\nb\n"));
        assert_eq!(section(document, "Two"), Some("\nc\n"));
        assert_eq!((section(document, "Part"), section(document, "Three")), (None, None));
    }

    #[test]
    fn blocks_are_of_their_language_and_so_many() {
        let document = "text\n```js\na\n```\n```sh\nb\n```\n```js\nc\n```\n";
        assert_eq!(blocks(document, "js").unwrap(), ["a\n", "c\n"]);
        assert!(blocks::<1>(document, "js").is_err() && blocks::<1>(document, "python").is_err());
    }
}
