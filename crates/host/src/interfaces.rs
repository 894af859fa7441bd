//! The interfaces of the contract that a component exports. A small component has some of them only.

use crate::bindings::exports::klaviyo::connector;
use crate::json::CONTRACT_VERSION;
use crate::sandbox::CallState;
use wasmtime::component::InstancePre;

/// Makes [`Interfaces`] of the names of the interfaces.
macro_rules! interfaces {
    ($($name:ident),* $(,)?) => {
        /// Where the functions of each interface are in the component. A call looks up those of its own interface
        /// and no others, so that it costs the same however many interfaces there are.
        pub(crate) struct Interfaces {
            $(pub(crate) $name: Option<connector::$name::GuestIndices>,)*
        }

        impl Interfaces {
            /// Finds the interfaces. An interface that is there and is not as in the contract is an error.
            pub(crate) fn new(instance: &InstancePre<CallState>) -> wasmtime::Result<Self> {
                let is_there = |name: &str| {
                    let name = format!("klaviyo:connector/{name}@{CONTRACT_VERSION}");
                    instance.component().get_export_index(None, &name).is_some()
                };
                Ok(Self {
                    $($name: is_there(stringify!($name))
                        .then(|| connector::$name::GuestIndices::new(instance))
                        .transpose()?,)*
                })
            }

            /// Whether there is none.
            pub(crate) fn is_empty(&self) -> bool {
                true $(&& self.$name.is_none())*
            }
        }
    };
}

interfaces!(account, api, bulk, changes, consent, contacts, events, lists, privacy, segments);
