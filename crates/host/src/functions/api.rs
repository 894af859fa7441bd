//! The function of `api`.

use crate::error::{Answer, Error};
use crate::tenant::Tenant;
use crate::types::{ApiRequest, ApiResponse};

impl Tenant {
    /// Sends a request to any path of Klaviyo's API, where [`Access::api`](crate::Access::api) allows it.
    ///
    /// # Errors
    /// See `api.call` in the contract.
    pub async fn call_api(&self, request: &ApiRequest) -> Result<Answer<ApiResponse>, Error> {
        self.invoke("api.call", (request,)).await
    }
}
