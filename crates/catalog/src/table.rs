//! What the contract cannot say of itself: a line for each function, and one for each text.

mod actions;
mod fields;

/// The table.
pub(crate) struct Table {
    pub(crate) actions: &'static [Action],
    pub(crate) fields: &'static [(&'static str, Field)],
}

/// This project's.
pub(crate) static TABLE: Table = Table { actions: actions::ACTIONS, fields: fields::FIELDS };

/// A function.
#[derive(Clone, Copy)]
pub(crate) struct Action {
    pub(crate) function: &'static str,
    /// What it does, in the words of a menu.
    pub(crate) title: &'static str,
    /// The fixture that is its example: the name of the file in its folder.
    pub(crate) example: &'static str,
    /// Nobody can undo it.
    pub(crate) irreversible: bool,
    /// It sends whatever its caller says, so that nothing is known of its requests.
    pub(crate) open: bool,
}

/// A text, or texts: a field of a record, the value of a case, or a parameter. Other values may have a line for their title.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    /// The label, where the name is none.
    pub(crate) title: Option<&'static str>,
    /// It may tell something about a person.
    pub(crate) personal: bool,
    /// It is needed, though the contract's type lets it be empty.
    pub(crate) required: bool,
    pub(crate) form: Form,
    pub(crate) example: Option<&'static str>,
    pub(crate) choices: Option<Choices>,
}

/// What a text is written as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Any,
    /// A format of JSON Schema, such as `email`.
    Format(&'static str),
    /// The text of a JSON object.
    Object,
    /// The text of any JSON document.
    Json,
}

/// Where the values come from that a person can choose of.
#[derive(Clone, Copy)]
pub(crate) struct Choices {
    /// The action that returns them, without arguments.
    pub(crate) action: &'static str,
    /// The member of each that is the value.
    pub(crate) value: &'static str,
    /// The member that a person knows it by.
    pub(crate) label: &'static str,
    /// Other values are good, too.
    pub(crate) open: bool,
}
