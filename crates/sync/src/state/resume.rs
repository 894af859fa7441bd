//! The options in a state: a sync goes on only with the same ones.

use crate::columns::consent::name;
use crate::columns::field::UnknownColumns;
use crate::decode::form::Form;
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
    add("--unknown-columns", unknown.map(|unknown| <&str>::from(unknown).to_owned()));
    add("--region", settings.region.map(|region| region.as_ref().to_owned()));
    // The form that was found counts as set, so that a state means one form of the input.
    add("--format", Some(form.format.as_ref().to_owned()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::consent::Channel;
    use crate::decode::form::Format;

    /// States of older versions have these words.
    #[cfg(unix)]
    #[test]
    fn a_state_has_the_options_as_the_command_writes_them() {
        let text = |text: &str| Some(text.to_owned());
        let settings = Settings {
            list: text("Newsletter"),
            consent: vec![Channel::Email, Channel::Whatsapp],
            consent_columns: vec!["sms=Accepts SMS".parse().unwrap(), "push=! 7".parse().unwrap()],
            consent_yes: vec!["aye".to_owned(), "aha".to_owned()],
            consent_no: vec!["nay".to_owned()],
            consent_source: text("a bot"),
            historical: true,
            time_zone: Some("Europe/Berlin".parse().unwrap()),
            date_format: Some("unix-ms".parse().unwrap()),
            one_by_one: true,
            map: vec!["Mobile=phone-number".parse().unwrap(), "x=json:visits".parse().unwrap()],
            unknown_columns: UnknownColumns::Properties,
            region: Some("IN".parse().unwrap()),
            strict: true,
            batch: 20,
            report: Some(PathBuf::from("/srv/report.csv")),
            endpoint: text("http://127.0.0.1:4010"),
            ..Settings::default()
        };
        let form = Form {
            format: Format::Csv,
            separator: Some(b';'),
            encoding: encoding_rs::WINDOWS_1252,
            is_guess: false,
            is_news: false,
            notes: Vec::new(),
        };
        let written =
            |settings: &Settings, form: &Form| serde_json::to_value(resume_options(settings, form)).unwrap();
        let all = serde_json::json!({
            "--list": "Newsletter", "--consent": "email whatsapp", "--consent-column": "sms=Accepts SMS push=!7",
            "--consent-yes": "aye aha", "--consent-no": "nay", "--strict": "", "--consent-source": "a bot",
            "--historical": "", "--time-zone": "Europe/Berlin", "--date-format": "unix-ms", "--one-by-one": "",
            "--map": "Mobile=phone-number x=json:visits", "--unknown-columns": "properties", "--region": "IN",
            "--format": "csv", "--separator": ";", "--encoding": "windows-1252", "--batch": "20",
            "--report": "/srv/report.csv", "--endpoint": "http://127.0.0.1:4010",
        });
        assert_eq!(written(&settings, &form), all);
        let plain = Form { format: Format::Jsonl, separator: None, encoding: encoding_rs::UTF_8, ..form };
        assert_eq!(written(&Settings::default(), &plain), serde_json::json!({ "--format": "jsonl" }));
    }
}
