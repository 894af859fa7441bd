//! The exported functions as the component model's canonical ABI has them: the core's own values are read from
//! memory and written to it.
//!
//! The code that wit-bindgen generates for exports has the reading, the writing and the freeing of every type once
//! for each function that has it; that was a third of the file. Here each type has it once, and values are not
//! converted to another type first.
//!
//! What is wrong here cannot stay unnoticed: `wit-component` refuses a function that has other parameters than the
//! contract's, the tests compare each type with the contract's, and the fixtures call each function.

mod export;
mod layout;
mod lift;
mod lower;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use export::{function, result};
pub(crate) use layout::{Layout, Shape, field, payload};
pub(crate) use lift::{Lift, Reader, free};
pub(crate) use lower::{Lower, Writer, release};

/// How a record of the contract is read or written: `record!(Lift, name: Type { field, … })`, with the
/// fields in the contract's order. A field that is missing here does not compile.
macro_rules! record {
    (Lift, $name:ident: $ty:ty { $($field:ident),* $(,)? }) => {
        $crate::abi::shape!(record $name: $ty { $($field),* });

        impl $crate::abi::Lift for $ty {
            #[inline(never)]
            fn lift(from: &mut $crate::abi::Reader) -> Self {
                from.record(<Self as $crate::abi::Shape>::LAYOUT, |from| Self {
                    $($field: $crate::abi::Lift::lift(from)),*
                })
            }
        }
    };
    (Lower, $name:ident: $ty:ty { $($field:ident),* $(,)? }) => {
        $crate::abi::shape!(record $name: $ty { $($field),* });
        $crate::abi::record!(Lower only, $ty { $($field),* });
    };
    (Lift + Lower, $name:ident: $ty:ty { $($field:ident),* $(,)? }) => {
        $crate::abi::record!(Lift, $name: $ty { $($field),* });
        $crate::abi::record!(Lower only, $ty { $($field),* });
    };
    (Lower only, $ty:ty { $($field:ident),* }) => {
        impl $crate::abi::Lower for $ty {
            #[inline(never)]
            fn lower(&self, to: &mut $crate::abi::Writer) {
                let Self { $($field),* } = self;
                to.align(<Self as $crate::abi::Shape>::LAYOUT);
                $($crate::abi::Lower::lower($field, to);)*
                to.align(<Self as $crate::abi::Shape>::LAYOUT);
            }
        }
    };
}

/// How a variant or an enum of the contract is read or written, with the cases in the contract's order:
/// `variant!(Lift, name: Type { Case, CaseWithPayload(payload), … })`.
macro_rules! variant {
    (Lift, $name:ident: $ty:ty { $($case:ident $(($payload:ident))?),* $(,)? }) => {
        $crate::abi::shape!(variant $name: $ty { $($case $(($payload))?),* });

        impl $crate::abi::Lift for $ty {
            #[inline(never)]
            fn lift(from: &mut $crate::abi::Reader) -> Self {
                from.variant(<Self as $crate::abi::Shape>::LAYOUT, |case, _from| {
                    let mut cases = 0..;
                    $(
                        if cases.next() == Some(case) {
                            $(let $payload = $crate::abi::Lift::lift(_from);)?
                            return Self::$case $(($payload))?;
                        }
                    )*
                    // The runtime passes no other number.
                    unreachable!()
                })
            }
        }
    };
    (Lower, $name:ident: $ty:ty { $($case:ident $(($payload:ident))?),* $(,)? }) => {
        $crate::abi::shape!(variant $name: $ty { $($case $(($payload))?),* });
        $crate::abi::variant!(Lower only, $ty { $($case $(($payload))?),* });
    };
    (Lift + Lower, $name:ident: $ty:ty { $($case:ident $(($payload:ident))?),* $(,)? }) => {
        $crate::abi::variant!(Lift, $name: $ty { $($case $(($payload))?),* });
        $crate::abi::variant!(Lower only, $ty { $($case $(($payload))?),* });
    };
    (Lower only, $ty:ty { $($case:ident $(($payload:ident))?),* }) => {
        impl $crate::abi::Lower for $ty {
            #[inline(never)]
            fn lower(&self, to: &mut $crate::abi::Writer) {
                enum Case { $($case),* }
                match self {
                    $(Self::$case $(($payload))? => {
                        let _end = to.variant(<Self as $crate::abi::Shape>::LAYOUT, Case::$case as u8);
                        $($crate::abi::Lower::lower($payload, to);)?
                        to.end(_end);
                    })*
                }
            }
        }
    };
}

/// The [`Layout`] of a record or a variant, and the test that the contract has the same.
macro_rules! shape {
    (record $name:ident: $ty:ty { $($field:ident),* }) => {
        impl $crate::abi::Shape for $ty {
            const LAYOUT: $crate::abi::Layout =
                $crate::abi::Layout::record(&[$($crate::abi::field(|value: &Self| &value.$field)),*]);
            #[cfg(test)]
            const NAMES: &[&str] = &[$(stringify!($field)),*];
        }

        #[cfg(test)]
        #[test]
        fn $name() {
            $crate::abi::tests::same::<$ty>(module_path!(), stringify!($name));
        }
    };
    (variant $name:ident: $ty:ty { $($case:ident $(($payload:ident))?),* }) => {
        impl $crate::abi::Shape for $ty {
            const LAYOUT: $crate::abi::Layout = $crate::abi::Layout::variant(&[
                $($($crate::abi::payload(|$payload| Self::$case($payload)),)?)*
            ]);
            #[cfg(test)]
            const NAMES: &[&str] = &[$(stringify!($case)),*];
        }

        #[cfg(test)]
        #[test]
        fn $name() {
            $crate::abi::tests::same::<$ty>(module_path!(), stringify!($name));
        }
    };
}

pub(crate) use {record, shape, variant};
