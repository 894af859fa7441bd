//! The server: lists the tools, and runs them in the account.

use super::mask::{Masks, Revealed};
use super::tools::{RESULT, ToolOf, Tools};
use crate::account::Account;
use crate::dry_run::{self, Unsent};
use crate::failure::Failure;
use klaviyo_host::Tenant;
use klaviyo_host::types::{Code, ContractError, Detail};
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
    /// Whether a request that would write is the answer. Otherwise, where tools only read, it is an error.
    pub(super) is_dry: bool,
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
        let masks = self.masks.as_deref();
        let revealed = masks.map(|masks| (masks, masks.reveal(&action.arguments, &mut arguments)));
        let (ended, unsent) = dry_run::watched(self.tenant.run_action(&action.name, &arguments)).await;
        let ended = match unsent {
            Some(unsent) if self.is_dry => return would_send(unsent, revealed.as_ref()),
            // The component's catalogue says that it only reads.
            Some(Unsent { method, .. }) => {
                let reason = format!(
                    "{} was about to send a request with {method}, which writes, and this server only reads",
                    action.name
                );
                return failed(&ContractError::new(Code::Denied, reason), &[]);
            }
            None => ended,
        };
        match ended {
            Ok(answer) => {
                let mut result = answer.value;
                if let Some((masks, revealed)) = &revealed {
                    masks.hide(&action.result, &mut result);
                    revealed.hide(&mut result);
                }
                structured(json!({ RESULT: result }), false)
            }
            Err(error) => {
                let Failure { mut error, hints, .. } = self.account.explain(Failure::from(error));
                if let Some((masks, revealed)) = &revealed {
                    masked(&mut error, masks, revealed);
                }
                failed(&error, &hints)
            }
        }
    }
}

/// The request that a dry run did not send. It is no value of the contract, so that no schema says what in it is personal.
fn would_send(
    Unsent { method, path, body }: Unsent,
    revealed: Option<&(&Masks, Revealed)>,
) -> CallToolResult {
    let (path, body) = match revealed {
        Some((masks, revealed)) => (masks.hide_in_text(&revealed.hide_in_text(&path)), Value::Null),
        None => (path, body),
    };
    let unsent = json!({ "method": method, "path": path, "body": body });
    structured(json!({ "dry-run": { "would-send": unsent } }), false)
}

/// The error without what tells of a person.
fn masked(error: &mut ContractError, masks: &Masks, revealed: &Revealed) {
    let hide = |text: &mut String| *text = masks.hide_in_text(&revealed.hide_in_text(text));
    hide(&mut error.message);
    error.request_id.iter_mut().for_each(hide);
    for Detail { code, title, detail, pointer, .. } in &mut error.details {
        [code, title, detail].into_iter().chain(pointer).for_each(hide);
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
