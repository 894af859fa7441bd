//! What the columns of a header, or the members of an object, are for.

use crate::field::Field;
use crate::words::Sense;
use klaviyo_host::types::Channel;

/// The columns, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Columns {
    pub(crate) columns: Vec<Column>,
    /// What there is to say about them before anything is sent.
    pub(crate) notes: Vec<String>,
    /// The columns, by place, that are known and that this sync has no use for.
    pub(crate) unused: Vec<usize>,
    /// What an object does not say, of what was asked for.
    pub(crate) missing: Vec<(Channel, Sense)>,
}

/// What a column is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) field: Field,
    /// Of several times of a consent, that with the lowest number counts.
    pub(crate) rank: u8,
    /// The channel that such a time is about; none is any.
    pub(crate) channel: Option<Channel>,
    /// The channels that it says yes or no to.
    pub(crate) answers: Vec<(Channel, Sense)>,
}

impl Columns {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }
}
