//! What the rows of an input become: contacts, or events.

use crate::outcome::Reason;

/// Makes a record of each row, in the order of the input.
pub(crate) trait Records: Send + 'static {
    /// What a row becomes.
    type Record: Send + 'static;
    /// The meaning of the columns of CSV.
    type Columns;

    /// The meaning of the columns, and sentences about them for the user to read before anything is sent.
    ///
    /// # Errors
    /// Why the rows cannot be read by this header, and what to do about it.
    fn columns(&self, header: &[&str]) -> Result<(Self::Columns, Vec<String>), String>;

    /// The record of a row of CSV. Values that are missing at its end are empty.
    fn of_row<'a>(
        &mut self,
        line: u64,
        columns: &Self::Columns,
        values: impl Iterator<Item = &'a str>,
    ) -> Result<Self::Record, Reason>;

    /// The record of a JSON object.
    fn of_object(&mut self, line: u64, object: &[u8]) -> Result<Self::Record, Reason>;
}
