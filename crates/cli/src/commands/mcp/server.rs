//! The server: lists the tools, and runs them in the account.

use super::mask::Masks;
use super::tools::{RESULT, ToolOf, Tools};
use crate::account::Account;
use crate::dry_run::{self, Unsent};
use crate::failure::Failure;
use klaviyo_host::Tenant;
use klaviyo_host::types::{Code, ContractError};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};
use std::sync::Arc;

/// What a client should know before it calls anything.
const INSTRUCTIONS: &str = "\
The tools work in one Klaviyo account. Ids of lists come from lists_all or lists_find, those of metrics from \
events_metrics, and those of profiles from contacts_lookup. A member of a list need not have consented to marketing: \
consent_status tells. A failed call returns the contract's error: its code, what happened, and what to do.";

/// Serves one client.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) tenant: Tenant,
    pub(super) tools: Arc<Tools>,
    /// None: the client sees everything.
    pub(super) masks: Option<Arc<Masks>>,
    pub(super) account: Account,
}

impl ServerHandler for Server {
    fn get_info(&self) -> rmcp::model::ServerConfig {
        rmcp::model::ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("klaviyo-connector", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.offered().map(|tool| tool.tool.clone()).collect()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.get(name).map(|tool| tool.tool.clone())
    }

    async fn call_tool(
        &self,
        CallToolRequestParams { name, arguments, .. }: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = self.tools.get(&name) else {
            return Err(ErrorData::invalid_params(format!("there is no tool {name}"), None));
        };
        if let Some(reason) = &tool.refused {
            return Ok(failed(&ContractError::new(Code::Denied, reason.clone()), &[]).into());
        }
        let arguments = Value::Object(arguments.unwrap_or_default());
        tokio::select! {
            biased;
            // Dropping the call ends it where it waits.
            () = context.ct.cancelled() => Err(ErrorData::internal_error("the call was cancelled", None)),
            result = self.call(tool, arguments) => Ok(result.into()),
        }
    }
}

impl Server {
    async fn call(&self, ToolOf { action, .. }: &ToolOf, mut arguments: Value) -> CallToolResult {
        if let Some(masks) = &self.masks {
            masks.reveal(&mut arguments);
        }
        let (ended, unsent) = dry_run::watched(self.tenant.run_action(&action.name, &arguments)).await;
        if let Some(Unsent { method, path, body }) = unsent {
            // They are no values of the contract, so that no schema says what in them is personal.
            let (path, body) = match &self.masks {
                Some(masks) => (masks.hide_in_text(&path), Value::Null),
                None => (path, body),
            };
            let unsent = json!({ "method": method, "path": path, "body": body });
            return structured(json!({ "dry-run": { "would-send": unsent } }), false);
        }
        match ended {
            Ok(answer) => {
                let mut result = answer.value;
                if let Some(masks) = &self.masks {
                    masks.hide(&action.result, &mut result);
                }
                structured(json!({ RESULT: result }), false)
            }
            Err(error) => {
                let Failure { mut error, hints, .. } = self.account.explain(Failure::from(error));
                if let Some(masks) = &self.masks {
                    masked(&mut error, masks);
                }
                failed(&error, &hints)
            }
        }
    }
}

/// The error without what tells of a person.
fn masked(error: &mut ContractError, masks: &Masks) {
    error.message = masks.hide_in_text(&error.message);
    for detail in &mut error.details {
        detail.detail = masks.hide_in_text(&detail.detail);
    }
    error.duplicate = error.duplicate.take().map(|id| masks.word("id", &id));
    error.body.clear();
}

fn failed(error: &ContractError, hints: &[String]) -> CallToolResult {
    structured(json!({ "error": error.to_json(), "hints": hints }), true)
}

/// An object, also as text, for clients that know no other.
fn structured(value: Value, is_error: bool) -> CallToolResult {
    let content = vec![ContentBlock::text(value.to_string())];
    let mut result = if is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
    result.structured_content = Some(value);
    result
}
