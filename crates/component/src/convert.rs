//! Converts the core's values to the contract's and back.

use alloc::borrow::{Cow, ToOwned};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// Converts to a value of the other side. For records and variants, [`record`] and [`variant`] implement it.
pub(crate) trait Convert<T> {
    /// The value of the other side.
    fn convert(self) -> T;
}

/// Converts the items of a list.
pub(crate) fn each<T: Convert<U>, U>(items: Vec<T>) -> Vec<U> {
    items.into_iter().map(Convert::convert).collect()
}

/// Marks the types that are not the same on both sides: a list of others is moved, and not converted item by item.
pub(crate) trait Differs {}

impl<T: Differs> Differs for Option<T> {}

impl<T: Convert<U> + Differs, U> Convert<Vec<U>> for Vec<T> {
    fn convert(self) -> Vec<U> {
        each(self)
    }
}

impl<T: Convert<U>, U> Convert<Option<U>> for Option<T> {
    fn convert(self) -> Option<U> {
        self.map(Convert::convert)
    }
}

/// The core boxes what is large and rare; the contract has no boxes.
impl<T: Convert<U>, U> Convert<U> for Box<T> {
    #[inline(never)]
    fn convert(self) -> U {
        (*self).convert()
    }
}

impl Convert<String> for &'static str {
    fn convert(self) -> String {
        self.to_owned()
    }
}

impl Convert<String> for Cow<'static, str> {
    fn convert(self) -> String {
        self.into_owned()
    }
}

/// Implements [`Convert`] for types that are the same on both sides.
macro_rules! same {
    ($($ty:ty),*) => {
        $(impl Convert<$ty> for $ty {
            fn convert(self) -> $ty {
                self
            }
        })*
    };
}

same!((), bool, u16, u32, String, Vec<u8>, Vec<u32>, Vec<String>);

/// Implements [`Convert`] for a record, which has the same fields on both sides: `record!(From => To { field, … })`.
/// A field that is missing here, or on one side, does not compile.
macro_rules! record {
    ($from:ty => $to:ty { $($field:ident),* $(,)? }) => {
        impl $crate::convert::Differs for $from {}

        impl $crate::convert::Convert<$to> for $from {
            // Inlined, it would be there once for each function of the contract that has the record.
            #[inline(never)]
            fn convert(self) -> $to {
                type From = $from;
                type To = $to;
                let From { $($field),* } = self;
                To { $($field: $crate::convert::Convert::convert($field)),* }
            }
        }
    };
}

/// Implements [`Convert`] for a variant or an enum, which has the same cases on both sides:
/// `variant!(From => To { Case, CaseWithPayload(payload), … })`. A case that is missing here, or in `To`, does not
/// compile.
macro_rules! variant {
    ($from:ty => $to:ty { $($case:ident $(($payload:ident))?),* $(,)? }) => {
        impl $crate::convert::Differs for $from {}

        impl $crate::convert::Convert<$to> for $from {
            fn convert(self) -> $to {
                type From = $from;
                type To = $to;
                match self {
                    $(From::$case $(($payload))? => To::$case $(($crate::convert::Convert::convert($payload)))?),*
                }
            }
        }
    };
}

pub(crate) use {record, variant};
