//! JSON to the component model's values and back, by type, so that no function needs code of its own.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};
use wasmtime::component::{Type, Val};

/// Reads a JSON value as a value of a type.
pub(crate) fn read(json: &Value, ty: &Type) -> Result<Val> {
    let mismatch = || format!("{json} is not a {}", name(ty));
    let number = || json.as_u64().with_context(mismatch);
    Ok(match ty {
        Type::Bool => Val::Bool(json.as_bool().with_context(mismatch)?),
        Type::U8 => Val::U8(number()?.try_into().with_context(mismatch)?),
        Type::U16 => Val::U16(number()?.try_into().with_context(mismatch)?),
        Type::U32 => Val::U32(number()?.try_into().with_context(mismatch)?),
        Type::U64 => Val::U64(number()?),
        Type::String => Val::String(json.as_str().with_context(mismatch)?.to_owned()),
        Type::List(list) if list.ty() == Type::U8 => {
            Val::List(json.as_str().with_context(mismatch)?.bytes().map(Val::U8).collect())
        }
        Type::List(list) => {
            let elements = json.as_array().with_context(mismatch)?;
            Val::List(elements.iter().map(|element| read(element, &list.ty())).collect::<Result<_>>()?)
        }
        Type::Record(record) => {
            let object = json.as_object().with_context(mismatch)?;
            if let Some(unknown) = object.keys().find(|key| record.fields().all(|f| f.name != key.as_str())) {
                bail!("the record has no field {unknown}");
            }
            let field = |f: wasmtime::component::types::Field<'_>| {
                let value = object.get(f.name).unwrap_or(&Value::Null);
                let value = read(value, &f.ty).with_context(|| format!("field {}", f.name))?;
                Ok((f.name.to_owned(), value))
            };
            Val::Record(record.fields().map(field).collect::<Result<_>>()?)
        }
        Type::Enum(cases) => {
            let case = json.as_str().with_context(mismatch)?;
            cases.names().find(|n| *n == case).with_context(mismatch)?;
            Val::Enum(case.to_owned())
        }
        Type::Variant(variant) => {
            let (case, payload) = match json {
                Value::String(case) => (case, None),
                Value::Object(object) => match object.iter().next() {
                    Some((case, payload)) if object.len() == 1 => (case, Some(payload)),
                    _ => bail!(mismatch()),
                },
                _ => bail!(mismatch()),
            };
            let ty = variant.cases().find(|c| c.name == case).with_context(mismatch)?.ty;
            let payload = match (ty, payload) {
                (Some(ty), Some(payload)) => Some(Box::new(read(payload, &ty)?)),
                (None, None) => None,
                _ => bail!(mismatch()),
            };
            Val::Variant(case.clone(), payload)
        }
        Type::Option(option) => Val::Option(match json {
            Value::Null => None,
            value => Some(Box::new(read(value, &option.ty())?)),
        }),
        other => bail!("the contract has no arguments of type {}", name(other)),
    })
}

/// Writes a value as JSON.
pub(crate) fn write(value: &Val) -> Result<Value> {
    let payload = |value: &Option<Box<Val>>| value.as_deref().map_or(Ok(Value::Null), write);
    Ok(match value {
        Val::Bool(value) => json!(value),
        Val::U8(value) => json!(value),
        Val::U16(value) => json!(value),
        Val::U32(value) => json!(value),
        Val::U64(value) => json!(value),
        Val::String(value) | Val::Enum(value) => json!(value),
        Val::List(values) => Value::Array(values.iter().map(write).collect::<Result<_>>()?),
        Val::Record(fields) => {
            let fields = fields.iter().map(|(name, value)| Ok((name.clone(), write(value)?)));
            Value::Object(fields.collect::<Result<Map<_, _>>>()?)
        }
        Val::Variant(case, None) => json!(case),
        Val::Variant(case, Some(value)) => json!({ case: write(value)? }),
        Val::Option(value) => payload(value)?,
        Val::Result(Ok(value)) => json!({ "ok": payload(value)? }),
        Val::Result(Err(value)) => json!({ "err": payload(value)? }),
        other => bail!("the contract has no results like {other:?}"),
    })
}

fn name(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => "unsigned integer",
        Type::String => "string",
        Type::List(_) => "list",
        Type::Record(_) => "record",
        Type::Variant(_) => "variant",
        Type::Enum(_) => "enum",
        Type::Option(_) => "option",
        _ => "type that the contract does not use",
    }
}
