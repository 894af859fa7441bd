//! The interface `api`.

use crate::Connector;
use crate::contract::api::{Guest, Method, Parameter, Request, Response};
use crate::convert::{Convert, record, variant};
use crate::http::Import;
use crate::types::{Answer, answer};
use klaviyo_core as klaviyo;
use klaviyo_core::api;

impl Guest for Connector {
    fn call(request: Request) -> Answer<Response> {
        answer(api::call(&mut Import("api.call"), &request.convert()))
    }
}

variant!(Method => klaviyo::Method { Get, Post, Patch, Delete });
record!(Parameter => klaviyo::Parameter { name, value });
record!(klaviyo::Parameter => Parameter { name, value });
record!(Request => klaviyo::ApiRequest { method, path, query, body, revision });
record!(klaviyo::ApiResponse => Response { status, body, next });
