//! The contract's functions as typed methods of a tenant: a file for each interface.

mod account;
mod api;
mod bulk;
mod changes;
mod consent;
mod contacts;
mod events;
mod lists;
mod privacy;
mod segments;

use crate::error::{Answer, Cause, Error};
use crate::tenant::Tenant;
use crate::types::{Code, ContractError};
use crate::usage::Usage;

/// Makes a typed call of a tenant's: `call!(tenant, "interface.function", interface.call_function(…))`.
macro_rules! call {
    ($tenant:expr, $name:literal, $interface:ident . $function:ident ($($argument:expr),*)) => {
        match &$tenant.interfaces().$interface {
            Some(interface) => {
                let call = async |instance: &_, store: &mut wasmtime::Store<_>| {
                    interface.load(&mut *store, instance)?.$function(store, $($argument),*).await
                };
                $tenant.run($name, call).await
            }
            None => Err($crate::functions::missing($name)),
        }
    };
}

use call;

/// The failure of a call of a function that the component does not have.
fn missing(function: &str) -> Error {
    let message = format!("the component has no function {function}; load the whole connector, klaviyo.wasm");
    Error { cause: Cause::Arguments(message), usage: Usage::default() }
}

impl Tenant {
    /// Forgets a list that a call has named by its id, if Klaviyo does not have it any more: the call failed with
    /// not-found, or stopped with it after a part was done.
    fn forget_missing<T>(
        &self,
        list: Option<&str>,
        result: Result<Answer<T>, Error>,
        stopped: impl FnOnce(&T) -> Option<&ContractError>,
    ) -> Result<Answer<T>, Error> {
        let code = match &result {
            Ok(answer) => stopped(&answer.value).map(|error| error.code),
            Err(error) => Some(error.code()),
        };
        if let Some(list) = list.filter(|_| code == Some(Code::NotFound)) {
            self.account.lists.forget(list);
        }
        result
    }
}
