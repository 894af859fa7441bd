//! The interface `api`.

use crate::abi::{function, record, variant};
use klaviyo_core::{ApiRequest, ApiResponse, Method, Parameter, api};

function!("api", "call", (a, b, c, d, e, f, g, h, i, j, k), |http, request: ApiRequest| api::call(
    http, &request
));

variant!(Lift, method: Method { Get, Post, Patch, Delete });
record!(Lift + Lower, parameter: Parameter { name, value });
record!(Lift, request: ApiRequest { method, path, query, body, revision });
record!(Lower, response: ApiResponse { status, body, next });
