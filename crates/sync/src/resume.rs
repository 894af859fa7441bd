//! The options in a state: a sync goes on only with the same ones.

use crate::consent::name;
use crate::field::UnknownColumns;
use crate::form::Form;
use crate::settings::{BATCH, Settings};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The settings that must be the same, as options of `klaviyo-connector sync`. The state has them in these
/// words.
pub(crate) fn resume_options(settings: &Settings, form: &Form) -> BTreeMap<String, String> {
    let mut options = BTreeMap::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            options.insert(name.to_owned(), value);
        }
    };
    let flag = |given: bool| given.then(String::new);
    let joined = |values: Vec<String>| Some(values.join(" ")).filter(|text| !text.is_empty());
    add("--list", settings.list.clone());
    add("--consent", joined(settings.consent.iter().map(|channel| name(*channel).to_owned()).collect()));
    add("--consent-column", joined(settings.consent_columns.iter().map(ToString::to_string).collect()));
    add("--consent-yes", joined(settings.consent_yes.clone()));
    add("--consent-no", joined(settings.consent_no.clone()));
    add("--strict", flag(settings.strict));
    add("--consent-source", settings.consent_source.clone());
    add("--historical", flag(settings.historical));
    add("--time-zone", settings.time_zone.as_ref().map(ToString::to_string));
    add("--date-format", settings.date_format.as_ref().map(ToString::to_string));
    add("--one-by-one", flag(settings.one_by_one));
    add("--map", joined(settings.map.iter().map(ToString::to_string).collect()));
    let unknown = Some(settings.unknown_columns).filter(|unknown| *unknown != UnknownColumns::default());
    add("--unknown-columns", unknown.map(|unknown| unknown.name().to_owned()));
    add("--region", settings.region.map(|region| region.as_ref().to_owned()));
    // The form that was found counts as set, so that a state means one form of the input.
    add("--format", Some(form.format.name().to_owned()));
    let separator = form.separator.filter(|separator| *separator != b',');
    add("--separator", separator.map(|separator| char::from(separator).to_string()));
    add("--encoding", Some(form.encoding.name().to_lowercase()).filter(|name| name != "utf-8"));
    add("--batch", Some(settings.batch.to_string()).filter(|_| settings.batch != BATCH));
    add("--report", settings.report.as_deref().map(absolute));
    add("--endpoint", settings.endpoint.clone());
    options
}

/// The path that means the same file in every folder.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path)).display().to_string()
}
