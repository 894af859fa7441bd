//! Which of some names a typo means.

/// How like a name must be to the text, from 0 to 1.
pub(crate) const NEAR: f64 = 0.7;

/// The name that is most like a text, if one is like it.
pub(crate) fn near<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = text.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&text, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}
