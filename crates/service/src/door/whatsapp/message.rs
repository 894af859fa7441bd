//! Reading the intent of a message from its parts.

use super::flow::FlowAnswer;
use super::intent::Intent;
use super::json::{Part, fields, text};
use super::words::says;

/// Reads the intent from the parts `text`, `button` and `interactive` of a message.
pub(super) fn intent([written, button, interactive]: [Part<'_>; 3], words: &[String]) -> Intent {
    let [body] = fields(written, ["body"]).unwrap_or_default();
    let [payload, label] = fields(button, ["payload", "text"]).unwrap_or_default();
    let [pressed, chosen, flow] =
        fields(interactive, ["button_reply", "list_reply", "nfm_reply"]).unwrap_or_default();
    let [pressed_id, pressed_title] = fields(pressed, ["id", "title"]).unwrap_or_default();
    let [chosen_id, chosen_title] = fields(chosen, ["id", "title"]).unwrap_or_default();
    let parts = [body, payload, label, pressed_id, pressed_title, chosen_id, chosen_title];
    let is_word = parts.into_iter().filter_map(text).any(|text| says(&text, words));
    match flow {
        Some(_) => FlowAnswer::read(flow, words).intent(is_word),
        None if is_word => Intent::Yes(None),
        None if parts.iter().any(Option::is_some) => Intent::Other,
        None => Intent::Nothing,
    }
}
