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
use crate::json::ArgumentError;
use crate::sandbox::CallState;
use crate::tenant::Tenant;
use crate::types::{Code, ContractError};
use crate::usage::Usage;
use wasmtime::Store;
use wasmtime::component::{ComponentNamedList, Instance, Lift, Lower};

/// The failure of a call of a function that the component does not have.
fn missing(function: &str) -> Error {
    let message = format!("the component has no function {function}; load the whole connector, klaviyo.wasm");
    Error { cause: Cause::Arguments(ArgumentError::about_all(message)), usage: Usage::default() }
}

impl Tenant {
    /// Makes a typed call of a function of the contract.
    async fn invoke<P, T>(&self, name: &'static str, parameters: P) -> Result<Answer<T>, Error>
    where
        P: ComponentNamedList + Lower,
        T: Lift + 'static,
    {
        let Some(index) = self.function(name) else { return Err(missing(name)) };
        let call = async |instance: &Instance, store: &mut Store<CallState>| {
            let function = instance.get_typed_func::<P, (Result<T, ContractError>,)>(&mut *store, index)?;
            let (returned,) = function.call_async(store, parameters).await?;
            Ok(returned)
        };
        self.run(name, call).await
    }

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
