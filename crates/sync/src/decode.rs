//! From bytes to rows: the encoding and the form of an input, and where each row begins and ends.

mod array;
pub(crate) mod detect;
pub(crate) mod encoding;
pub(crate) mod form;
pub(crate) mod frame;
pub(crate) mod frames;
pub(crate) mod lookahead;
pub(crate) mod object;
pub(crate) mod record;
