//! What people send: the part of a message that depends on its type.

use serde_json::{Map, Value, json};

/// What a person sends to the business.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Text.
    Text(String),
    /// A button of a template was pressed.
    Button {
        /// What the button says.
        text: String,
        /// What the business gave it.
        payload: String,
    },
    /// A button of an interactive message was pressed.
    ButtonReply {
        /// The id that the business gave it.
        id: String,
        /// What the button says.
        title: String,
    },
    /// A row of an interactive list was chosen.
    ListReply {
        /// The id that the business gave it.
        id: String,
        /// What the row says.
        title: String,
        /// The line below it.
        description: String,
    },
    /// A Flow, a form inside of WhatsApp, was filled in: its fields.
    Flow(Map<String, Value>),
    /// The person's own contact, with the number.
    Number {
        /// Whether the business has asked for it.
        asked: bool,
    },
    /// A reaction to the last message of the business, such as `👍`.
    Reaction(String),
    /// A picture, with a text below it.
    Image {
        /// The text; none without one.
        caption: Option<String>,
    },
    /// An order of one product.
    Order,
    /// Something that the API cannot tell, such as a poll.
    Unsupported,
    /// WhatsApp says something about the person, such as a new number.
    System {
        /// The sentence.
        body: String,
        /// Such as `user_changed_number`.
        kind: String,
        /// The new number; none if it is not told.
        number: Option<String>,
    },
}

/// What a content needs to know of its sender.
pub(crate) struct Sender<'a> {
    pub(crate) name: &'a str,
    /// Digits.
    pub(crate) number: &'a str,
    /// The message of the business that this one may be about.
    pub(crate) about: Option<&'a str>,
}

impl Content {
    /// The type, as `type` has it.
    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Button { .. } => "button",
            Self::ButtonReply { .. } | Self::ListReply { .. } | Self::Flow(_) => "interactive",
            Self::Number { .. } => "contacts",
            Self::Reaction(_) => "reaction",
            Self::Image { .. } => "image",
            Self::Order => "order",
            Self::Unsupported => "unsupported",
            Self::System { .. } => "system",
        }
    }

    /// Whether it answers a message of the business, and so has a `context`.
    fn is_answer(&self) -> bool {
        use Content::{Button, ButtonReply, Flow, ListReply, Number};
        matches!(
            self,
            Button { .. } | ButtonReply { .. } | ListReply { .. } | Flow(_) | Number { asked: true }
        )
    }

    /// Whether it opens the 24 hours in which the business may answer. Unproven: for reactions.
    pub(crate) fn is_written(&self) -> bool {
        !matches!(self, Self::System { .. })
    }

    /// Puts `type` and the part of this type into a message.
    pub(crate) fn fill(&self, message: &mut Map<String, Value>, sender: &Sender<'_>) {
        if let Some(about) = sender.about.filter(|_| self.is_answer()) {
            message.insert("context".to_owned(), json!({ "id": about }));
        }
        message.insert("type".to_owned(), json!(self.kind()));
        match self {
            Self::Unsupported => {
                let error = json!({ "code": 131051, "title": "Message type unknown",
                    "message": "Message type unknown",
                    "error_data": { "details": "Message type is currently not supported." } });
                message.insert("errors".to_owned(), json!([error]));
            }
            Self::Number { asked } => {
                // Meta's reference has it beside the contacts.
                let origin = if *asked { "contact_request" } else { "other" };
                message.insert("origin".to_owned(), json!(origin));
                message.insert("contacts".to_owned(), json!([card(sender)]));
            }
            _ => {
                message.insert(self.kind().to_owned(), self.body(sender));
            }
        }
    }

    fn body(&self, sender: &Sender<'_>) -> Value {
        match self {
            Self::Text(body) => json!({ "body": body }),
            Self::Button { text, payload } => json!({ "payload": payload, "text": text }),
            Self::ButtonReply { id, title } => {
                json!({ "type": "button_reply", "button_reply": { "id": id, "title": title } })
            }
            Self::ListReply { id, title, description } => {
                json!({ "type": "list_reply",
                    "list_reply": { "id": id, "title": title, "description": description } })
            }
            Self::Flow(fields) => {
                let fields = Value::Object(fields.clone()).to_string();
                json!({ "type": "nfm_reply",
                    "nfm_reply": { "name": "flow", "body": "Sent", "response_json": fields } })
            }
            Self::Reaction(emoji) => {
                json!({ "message_id": sender.about.unwrap_or_default(), "emoji": emoji })
            }
            Self::Image { caption } => {
                let mut image =
                    json!({ "mime_type": "image/jpeg", "sha256": "unused", "id": "1003383421387256" });
                if let (Some(image), Some(caption)) = (image.as_object_mut(), caption) {
                    image.insert("caption".to_owned(), json!(caption));
                }
                image
            }
            Self::Order => json!({ "catalog_id": "194836987003835", "text": "", "product_items": [
                { "product_retailer_id": "scarf", "quantity": 1, "item_price": 30, "currency": "USD" }] }),
            Self::System { body, kind, number } => {
                let mut system = json!({ "body": body, "type": kind });
                if let (Some(system), Some(number)) = (system.as_object_mut(), number) {
                    system.insert("wa_id".to_owned(), json!(number));
                }
                system
            }
            Self::Number { .. } | Self::Unsupported => Value::Null,
        }
    }

    /// What happens, for the log.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Text(text) => format!("writes {text:?}"),
            Self::Button { text, .. } | Self::ButtonReply { title: text, .. } => format!("presses {text:?}"),
            Self::ListReply { title, .. } => format!("chooses {title:?}"),
            Self::Flow(fields) => format!("fills in a Flow: {}", Value::Object(fields.clone())),
            Self::Number { asked: true } => "answers with the number".to_owned(),
            Self::Number { asked: false } => "sends a contact".to_owned(),
            Self::Reaction(emoji) => format!("reacts with {emoji}"),
            Self::Image { .. } => "sends a picture".to_owned(),
            Self::Order => "orders".to_owned(),
            Self::Unsupported => "sends something that the API cannot tell".to_owned(),
            Self::System { body, .. } => format!("has a notice: {body}"),
        }
    }
}

fn card(sender: &Sender<'_>) -> Value {
    let Sender { name, number, .. } = sender;
    let vcard =
        format!("BEGIN:VCARD\nVERSION:3.0\nFN:{name}\nTEL;type=CELL;waid={number}:+{number}\nEND:VCARD");
    json!({
        "name": { "formatted_name": name, "first_name": name },
        "phones": [{ "phone": format!("+{number}"), "wa_id": number, "type": "CELL" }],
        "vcard": vcard,
    })
}
