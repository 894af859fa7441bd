//! Functions by name, with JSON for their arguments and results, for programs that run the component in a
//! wasmtime of their own. [`Tenant::call`](crate::Tenant::call) uses it in this crate's sandbox.
//!
//! A record is an object with the names of the contract (a missing field is null, or the empty list), a variant
//! `{"case": payload}` or `"case"`, an enum a string, an option the value or null. Arguments that are left out at the
//! end are null. So a call stays good when a record gets a field or a function an argument.

use crate::types::{Code, ContractError, Detail};
use serde::Serialize;
use serde_json::{Value, json};
use wasmtime::Store;
use wasmtime::component::types::Field;
use wasmtime::component::{Func, Instance, Type, Val};

/// The version of the package in `wit/`, which is not that of the crates.
pub const CONTRACT_VERSION: &str = "0.1.0";

/// A function of an instance, and arguments that fit it.
#[derive(Debug)]
pub struct Prepared {
    function: Func,
    arguments: Vec<Val>,
    /// Whether it is a function of the contract. These return a result with the contract's error.
    of_the_contract: bool,
}

impl Prepared {
    /// Finds a function, and reads its arguments by its types, in their order. A function of the contract is named as in
    /// `contacts.opt-in`, another one as in `shop:code/automation#welcome`.
    ///
    /// # Errors
    /// When there is no such function or the arguments are not of its types.
    pub fn new<T>(
        instance: &Instance,
        store: &mut Store<T>,
        function: &str,
        arguments: &[Value],
    ) -> Result<Self, ArgumentError> {
        Self::with(instance, store, function, Given::InOrder(arguments))
    }

    /// The same, with an object that has the arguments by their names. One that is an option may be absent; one that the
    /// function does not have is refused.
    ///
    /// # Errors
    /// When there is no such function or the arguments are not of its types.
    pub fn by_name<T>(
        instance: &Instance,
        store: &mut Store<T>,
        function: &str,
        arguments: &Value,
    ) -> Result<Self, ArgumentError> {
        Self::with(instance, store, function, Given::ByName(arguments))
    }

    pub(crate) fn with<T>(
        instance: &Instance,
        store: &mut Store<T>,
        function: &str,
        given: Given<'_>,
    ) -> Result<Self, ArgumentError> {
        let unknown = || {
            ArgumentError::about_all(format!(
                "the component has no function {function:?}; they are called as in contacts.opt-in"
            ))
        };
        let (interface, name, of_the_contract) = match function.split_once('#') {
            Some((interface, name)) => (interface.to_owned(), name, false),
            None => {
                let (interface, name) = function.split_once('.').ok_or_else(unknown)?;
                (format!("klaviyo:connector/{interface}@{CONTRACT_VERSION}"), name, true)
            }
        };
        let interface = instance.get_export_index(&mut *store, None, &interface).ok_or_else(unknown)?;
        let name = instance.get_export_index(&mut *store, Some(&interface), name).ok_or_else(unknown)?;
        let func = instance.get_func(&mut *store, name).ok_or_else(unknown)?;
        let ty = func.ty(&*store);
        let parameters: Vec<_> = ty.params().collect();
        let arguments = given.read(function, &parameters)?;
        Ok(Self { function: func, arguments, of_the_contract })
    }

    /// Calls the function. A function of the contract succeeds with its value or fails with the contract's
    /// error; whatever another function returns is the value. The JSON takes about `most` bytes of memory at
    /// most.
    ///
    /// # Errors
    /// When the component traps or is stopped, when its result would be larger ([`ResultTooLarge`]), and when
    /// JSON cannot express it: a resource, or a number that is not finite.
    pub async fn call<T: Send>(
        &self,
        store: &mut Store<T>,
        most: usize,
    ) -> wasmtime::Result<Result<Value, ContractError>> {
        let mut results = vec![Val::Bool(false); self.function.ty(&*store).results().len()];
        self.function.call_async(store, &self.arguments, &mut results).await?;
        let mut writer = Writer { left: most };
        if !self.of_the_contract {
            return Ok(Ok(results.first().map_or(Ok(Value::Null), |value| writer.value(value))?));
        }
        let [Val::Result(result)] = results.as_slice() else {
            return Err(wasmtime::Error::msg("a function of the contract returns a result"));
        };
        match result {
            Ok(value) => Ok(Ok(writer.payload(value)?)),
            Err(error) => match failure(&writer.payload(error)?) {
                Some(failure) => Ok(Err(failure)),
                None => {
                    Err(wasmtime::Error::msg("a function of the contract fails with the contract's error"))
                }
            },
        }
    }
}

/// Arguments as a caller gives them.
#[derive(Clone, Copy)]
pub(crate) enum Given<'a> {
    /// Those that are left out at the end are null.
    InOrder(&'a [Value]),
    /// An object.
    ByName(&'a Value),
}

impl Given<'_> {
    fn read(self, function: &str, parameters: &[(&str, Type)]) -> Result<Vec<Val>, ArgumentError> {
        let argument = |argument: &Value, (name, ty): &(&str, Type)| {
            read(argument, ty).map_err(|misfit| misfit.within(name).of(function))
        };
        match self {
            Self::InOrder(arguments) => {
                if arguments.len() > parameters.len() {
                    let (takes, given) = (parameters.len(), arguments.len());
                    let message = format!("{function} takes {takes} arguments, not {given}");
                    return Err(ArgumentError::about_all(message));
                }
                let given = arguments.iter().chain(std::iter::repeat(&Value::Null));
                given.zip(parameters).map(|(given, parameter)| argument(given, parameter)).collect()
            }
            Self::ByName(arguments) => {
                let Some(object) = arguments.as_object() else {
                    let reason = format!("expected an object with the arguments, found {}", kind(arguments));
                    return Err(Misfit::new(reason).of(function));
                };
                let names = || parameters.iter().map(|(name, _)| *name);
                no_others(object, names, "argument").map_err(|misfit| misfit.of(function))?;
                let given = |name: &str| object.get(name).unwrap_or(&Value::Null);
                parameters.iter().map(|parameter| argument(given(parameter.0), parameter)).collect()
            }
        }
    }
}

/// Why a call by name was not made: there is no such function, or a value does not fit the function's types.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ArgumentError {
    /// The value that does not fit, as a JSON pointer into an object of the arguments, such as `/contact/email`. Empty: it
    /// is about all of them, or about the function.
    pub pointer: String,
    /// What was expected, and of what kind the value is that was found. Never the value.
    pub reason: String,
    /// A sentence with both.
    pub message: String,
}

impl ArgumentError {
    pub(crate) fn about_all(message: String) -> Self {
        Self { pointer: String::new(), reason: message.clone(), message }
    }
}

/// A value that is not of a type.
struct Misfit {
    /// The way to it, from its end.
    path: Vec<String>,
    reason: String,
}

impl Misfit {
    fn new(reason: String) -> Self {
        Self { path: Vec::new(), reason }
    }

    /// The same, in the value that has it as this member or element.
    fn within(mut self, token: impl ToString) -> Self {
        self.path.push(token.to_string());
        self
    }

    fn of(self, function: &str) -> ArgumentError {
        let Self { path, reason } = self;
        let escaped = |token: &String| format!("/{}", token.replace('~', "~0").replace('/', "~1"));
        let pointer: String = path.iter().rev().map(escaped).collect();
        let place = if pointer.is_empty() { "the arguments" } else { &pointer };
        let message = format!("{place} of {function}: {reason} (nothing was sent)");
        ArgumentError { pointer, reason, message }
    }
}

/// The most characters of a name that an error repeats.
const NAME_CHARACTERS: usize = 40;

/// Refuses an object with other members than these.
fn no_others<'a, N: Iterator<Item = &'a str>>(
    object: &serde_json::Map<String, Value>,
    names: impl Fn() -> N,
    what: &str,
) -> Result<(), Misfit> {
    let Some(other) = object.keys().find(|key| names().all(|name| name != key.as_str())) else {
        return Ok(());
    };
    let names = names().collect::<Vec<_>>().join(", ");
    let names = if names.is_empty() { "none".to_owned() } else { names };
    let shown: String = other.chars().take(NAME_CHARACTERS).collect();
    Err(Misfit::new(format!("there is no {what} {shown:?}; there are {names}")))
}

/// Reads a JSON value as a value of a type.
fn read(json: &Value, ty: &Type) -> Result<Val, Misfit> {
    // Without the value, which may be long or an email.
    let mismatch = || Misfit::new(format!("expected {}, found {}", name(ty), kind(json)));
    let number = || json.as_u64().ok_or_else(mismatch);
    let text = || json.as_str().ok_or_else(mismatch);
    Ok(match ty {
        Type::Bool => Val::Bool(json.as_bool().ok_or_else(mismatch)?),
        Type::U8 => Val::U8(number()?.try_into().map_err(|_| mismatch())?),
        Type::U16 => Val::U16(number()?.try_into().map_err(|_| mismatch())?),
        Type::U32 => Val::U32(number()?.try_into().map_err(|_| mismatch())?),
        Type::U64 => Val::U64(number()?),
        Type::String => Val::String(text()?.to_owned()),
        Type::List(list) => {
            let elements = json.as_array().ok_or_else(mismatch)?;
            let element = |(index, element): (usize, &Value)| {
                read(element, &list.ty()).map_err(|misfit| misfit.within(index))
            };
            Val::List(elements.iter().enumerate().map(element).collect::<Result<_, _>>()?)
        }
        Type::Record(record) => {
            let object = json.as_object().ok_or_else(mismatch)?;
            no_others(object, || record.fields().map(|field| field.name), "field")?;
            let field = |field: Field<'_>| {
                let value = match (object.get(field.name), &field.ty) {
                    (Some(value), ty) => read(value, ty),
                    (None, Type::List(_)) => Ok(Val::List(Vec::new())),
                    (None, ty) => read(&Value::Null, ty),
                };
                Ok((field.name.to_owned(), value.map_err(|misfit| misfit.within(field.name))?))
            };
            Val::Record(record.fields().map(field).collect::<Result<_, Misfit>>()?)
        }
        Type::Enum(cases) => {
            let case = text()?;
            if !cases.names().any(|name| name == case) {
                let cases = cases.names().collect::<Vec<_>>().join(", ");
                return Err(Misfit::new(format!("expected one of {cases}, found another string")));
            }
            Val::Enum(case.to_owned())
        }
        Type::Variant(variant) => {
            let cases = || {
                let case = |case: wasmtime::component::types::Case<'_>| match case.ty {
                    Some(_) => format!("{{{:?}: …}}", case.name),
                    None => format!("{:?}", case.name),
                };
                let cases = variant.cases().map(case).collect::<Vec<_>>().join(", ");
                Misfit::new(format!("expected one of {cases}, found {}", kind_of_case(json)))
            };
            let (case, payload) = match json {
                Value::String(case) => (case, None),
                Value::Object(object) => match object.iter().next() {
                    Some((case, payload)) if object.len() == 1 => (case, Some(payload)),
                    _ => return Err(cases()),
                },
                _ => return Err(cases()),
            };
            let ty = variant.cases().find(|known| known.name == case).ok_or_else(cases)?.ty;
            let payload = match (ty, payload) {
                (Some(ty), Some(payload)) => {
                    Some(Box::new(read(payload, &ty).map_err(|misfit| misfit.within(case))?))
                }
                (None, None) => None,
                _ => return Err(cases()),
            };
            Val::Variant(case.clone(), payload)
        }
        Type::Option(option) => Val::Option(match json {
            Value::Null => None,
            value => Some(Box::new(read(value, &option.ty())?)),
        }),
        _ => {
            let reason = "the contract has no such type, and JSON is not read as one";
            return Err(Misfit::new(reason.to_owned()));
        }
    })
}

/// A result that would take too much room as JSON.
#[derive(Debug, thiserror::Error)]
#[error("the result is too large to be made JSON")]
pub struct ResultTooLarge;

/// Roughly the bytes of a value without its text, and of an object without its members.
const VALUE_BYTES: usize = 64;
const OBJECT_BYTES: usize = 640;

/// Makes JSON of values until the limit on bytes is reached.
struct Writer {
    left: usize,
}

impl Writer {
    fn value(&mut self, value: &Val) -> wasmtime::Result<Value> {
        self.take(VALUE_BYTES)?;
        Ok(match value {
            Val::Bool(value) => json!(value),
            Val::U8(value) => json!(value),
            Val::U16(value) => json!(value),
            Val::U32(value) => json!(value),
            Val::U64(value) => json!(value),
            Val::S8(value) => json!(value),
            Val::S16(value) => json!(value),
            Val::S32(value) => json!(value),
            Val::S64(value) => json!(value),
            Val::Float32(value) if value.is_finite() => json!(value),
            Val::Float64(value) if value.is_finite() => json!(value),
            Val::Char(value) => json!(value),
            Val::String(value) | Val::Enum(value) => self.text(value)?,
            Val::List(values) | Val::Tuple(values) => self.values(values)?,
            Val::Flags(names) => {
                names.iter().map(|name| self.text(name)).collect::<wasmtime::Result<Vec<_>>>()?.into()
            }
            Val::Record(fields) => {
                self.take(OBJECT_BYTES)?;
                let mut object = serde_json::Map::new();
                for (name, value) in fields {
                    self.take(name.len())?;
                    object.insert(name.clone(), self.value(value)?);
                }
                Value::Object(object)
            }
            Val::Variant(case, None) => self.text(case)?,
            Val::Variant(case, Some(value)) => self.member(case, Some(value))?,
            Val::Option(value) => self.payload(value)?,
            Val::Result(Ok(value)) => self.member("ok", value.as_deref())?,
            Val::Result(Err(value)) => self.member("err", value.as_deref())?,
            _ => return Err(wasmtime::Error::msg("the component returned a value that has no form in JSON")),
        })
    }

    fn payload(&mut self, value: &Option<Box<Val>>) -> wasmtime::Result<Value> {
        value.as_deref().map_or(Ok(Value::Null), |value| self.value(value))
    }

    fn values(&mut self, values: &[Val]) -> wasmtime::Result<Value> {
        values.iter().map(|value| self.value(value)).collect::<wasmtime::Result<Vec<_>>>().map(Value::Array)
    }

    /// An object with one member.
    fn member(&mut self, name: &str, value: Option<&Val>) -> wasmtime::Result<Value> {
        self.take(OBJECT_BYTES.saturating_add(name.len()))?;
        let value = value.map_or(Ok(Value::Null), |value| self.value(value))?;
        Ok(json!({ name: value }))
    }

    fn text(&mut self, text: &str) -> wasmtime::Result<Value> {
        self.take(text.len())?;
        Ok(json!(text))
    }

    fn take(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| wasmtime::Error::new(ResultTooLarge))?;
        Ok(())
    }
}

fn name(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "a boolean",
        Type::U8 => "a whole number from 0 to 255",
        Type::U16 => "a whole number from 0 to 65535",
        Type::U32 => "a whole number from 0 to 4294967295",
        Type::U64 => "a whole number from 0",
        Type::String => "a string",
        Type::List(_) => "an array",
        Type::Record(_) => "an object",
        Type::Variant(_) => "an object with one member",
        Type::Enum(_) => "a string",
        Type::Option(_) => "a value or null",
        _ => "of a type that the contract does not use",
    }
}

fn kind(json: &Value) -> &'static str {
    match json {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// What is found where a case is expected.
fn kind_of_case(json: &Value) -> &'static str {
    match json {
        Value::String(_) => "another string",
        Value::Object(_) => "another object",
        _ => kind(json),
    }
}

/// Reads the contract's error.
fn failure(json: &Value) -> Option<ContractError> {
    let text = |value: &Value, name: &str| value.get(name)?.as_str().map(str::to_owned);
    let number = |name: &str| json.get(name).and_then(Value::as_u64);
    let detail = |detail: &Value| {
        Some(Detail {
            code: text(detail, "code")?,
            title: text(detail, "title")?,
            detail: text(detail, "detail")?,
            pointer: text(detail, "pointer"),
        })
    };
    Some(ContractError {
        code: Code::ALL
            .into_iter()
            .find(|code| json.get("code").is_some_and(|name| name == code.as_str()))?,
        message: text(json, "message")?,
        status: number("status").and_then(|status| status.try_into().ok()),
        retry_after: number("retry-after").and_then(|seconds| seconds.try_into().ok()),
        details: json.get("details")?.as_array()?.iter().map(detail).collect::<Option<_>>()?,
        duplicate: text(json, "duplicate"),
        request_id: text(json, "request-id"),
        body: text(json, "body")?,
        done: number("done")?.try_into().ok()?,
    })
}

/// A record of the contract that has only texts, numbers and booleans, such as
/// [`Profile`](crate::types::Profile), as the contract's JSON.
#[must_use]
pub fn of_record(record: &impl Serialize) -> Value {
    let Ok(Value::Object(fields)) = serde_json::to_value(record) else { return Value::Null };
    fields.into_iter().map(|(name, value)| (name.replace('_', "-"), value)).collect()
}

impl ContractError {
    /// The error as the contract's JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let detail = |detail: &Detail| {
            json!({
                "code": detail.code,
                "title": detail.title,
                "detail": detail.detail,
                "pointer": detail.pointer,
            })
        };
        json!({
            "code": self.code.as_str(),
            "message": self.message,
            "status": self.status,
            "retry-after": self.retry_after,
            "details": self.details.iter().map(detail).collect::<Vec<_>>(),
            "duplicate": self.duplicate,
            "request-id": self.request_id,
            "body": self.body,
            "done": self.done,
        })
    }
}
