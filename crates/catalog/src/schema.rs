//! Values of the contract as JSON Schema 2020-12, in the form in which klaviyo-host reads and writes them: a record is an
//! object, a variant `"case"` or `{"case": payload}`, an enum a string, an option the value or null.

use crate::contract::{Contract, Shape};
use crate::prose::{label, plain};
use crate::table::{Choices, Field, Form, Table};
use anyhow::Result;
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;
use wit_parser::{Case, Docs, Function, Type, TypeDef, TypeDefKind, TypeId};

type Object = Map<String, Value>;

/// Makes schemas, and notes what it had from the table and what the table did not have.
pub(crate) struct Schemas<'a> {
    contract: &'a Contract,
    table: &'a Table,
    /// The types that are part of arguments. A caller writes these, so members that they do not have are refused.
    taken: BTreeSet<TypeId>,
    used: RefCell<BTreeSet<&'static str>>,
    missing: RefCell<Vec<String>>,
}

/// A member of an object, the value of a case, or a parameter.
struct Member<'a> {
    /// What it is of, such as `types.profile`.
    of: &'a str,
    name: &'a str,
    ty: &'a Type,
    docs: Option<&'a Docs>,
}

impl<'a> Schemas<'a> {
    pub(crate) fn new(contract: &'a Contract, table: &'a Table) -> Result<Self> {
        let (used, missing) = (RefCell::default(), RefCell::default());
        let mut schemas = Self { contract, table, taken: BTreeSet::new(), used, missing };
        let mut taken = BTreeSet::new();
        for (_, function) in contract.functions() {
            for parameter in &function.params {
                schemas.reach(&parameter.ty, &mut taken)?;
            }
        }
        schemas.taken = taken;
        Ok(schemas)
    }

    /// The texts of the contract that the table does not have, and the lines of the table that the contract has no use for.
    pub(crate) fn problems(&self) -> Vec<String> {
        let used = self.used.borrow();
        let unused = self.table.fields.iter().map(|(name, _)| *name).filter(|name| !used.contains(name));
        let unused = unused.map(|name| {
            format!("the contract has no {name}, or a more exact line has it: take {name} out of crates/catalog/src/table/fields.rs")
        });
        self.missing.borrow().iter().cloned().chain(unused).collect()
    }

    /// Adds the types that a value consists of.
    pub(crate) fn reach(&self, ty: &Type, reached: &mut BTreeSet<TypeId>) -> Result<()> {
        match self.contract.shape(ty)? {
            Shape::Boolean | Shape::Number { .. } | Shape::Text => Ok(()),
            Shape::Option(inner) | Shape::List(inner) => self.reach(inner, reached),
            Shape::Named(id) => {
                if !reached.insert(id) {
                    return Ok(());
                }
                let parts: Vec<&Type> = match &self.contract.definition(id)?.kind {
                    TypeDefKind::Record(record) => record.fields.iter().map(|field| &field.ty).collect(),
                    TypeDefKind::Variant(variant) => {
                        variant.cases.iter().filter_map(|case| case.ty.as_ref()).collect()
                    }
                    _ => Vec::new(),
                };
                parts.into_iter().try_for_each(|part| self.reach(part, reached))
            }
        }
    }

    /// The object of a function's arguments.
    pub(crate) fn arguments(&self, name: &str, function: &Function) -> Result<Value> {
        let mut members = Vec::new();
        for parameter in &function.params {
            let required = !matches!(self.contract.shape(&parameter.ty)?, Shape::Option(_));
            let member = Member { of: name, name: &parameter.name, ty: &parameter.ty, docs: None };
            members.push((member, required));
        }
        let mut object = self.object(&members)?;
        object.insert("additionalProperties".to_owned(), json!(false));
        Ok(object.into())
    }

    /// What a function returns.
    pub(crate) fn result(&self, function: &Function) -> Result<Value> {
        let Some(ty) = self.contract.success(function)? else { return Ok(json!({ "type": "null" })) };
        Ok(self.value(ty, None)?.into())
    }

    /// A definition that others refer to.
    pub(crate) fn definition(&self, name: &str, id: TypeId) -> Result<Value> {
        let TypeDef { kind, docs, .. } = self.contract.definition(id)?;
        let mut schema = Object::new();
        schema.insert("title".to_owned(), label(name.rsplit('.').next().unwrap_or(name)).into());
        describe(&mut schema, docs);
        match kind {
            TypeDefKind::Record(record) => {
                let is_taken = self.taken.contains(&id);
                let mut members = Vec::new();
                for field in &record.fields {
                    let member =
                        Member { of: name, name: &field.name, ty: &field.ty, docs: Some(&field.docs) };
                    let may_lack =
                        matches!(self.contract.shape(&field.ty)?, Shape::Option(_) | Shape::List(_));
                    // What the component returns has every field.
                    members.push((member, !is_taken || !may_lack));
                }
                schema.extend(self.object(&members)?);
                if is_taken {
                    schema.insert("additionalProperties".to_owned(), json!(false));
                }
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter().map(|case| self.case(name, case));
                schema.insert("oneOf".to_owned(), cases.collect::<Result<Vec<_>>>()?.into());
            }
            TypeDefKind::Enum(cases) if cases.cases.iter().any(|case| !case.docs.is_empty()) => {
                let case = |case: &wit_parser::EnumCase| {
                    let mut schema = Object::new();
                    schema.insert("const".to_owned(), json!(case.name));
                    describe(&mut schema, &case.docs);
                    schema
                };
                schema.insert("oneOf".to_owned(), cases.cases.iter().map(case).collect());
            }
            TypeDefKind::Enum(cases) => {
                let names = cases.cases.iter().map(|case| json!(case.name)).collect();
                schema.insert("enum".to_owned(), names);
            }
            kind => anyhow::bail!("the catalogue has no form for a {}", kind.as_str()),
        }
        Ok(schema.into())
    }

    /// A case of a variant.
    fn case(&self, of: &str, case: &Case) -> Result<Value> {
        let Some(ty) = &case.ty else {
            let mut schema = Object::new();
            schema.insert("const".to_owned(), json!(case.name));
            schema.insert("title".to_owned(), label(&case.name).into());
            describe(&mut schema, &case.docs);
            return Ok(schema.into());
        };
        let member = Member { of, name: &case.name, ty, docs: Some(&case.docs) };
        let mut object = self.object(&[(member, true)])?;
        object.insert("additionalProperties".to_owned(), json!(false));
        // A form offers the cases by their titles.
        if let Some(title) =
            object.get("properties").and_then(|all| all.get(&case.name)?.get("title")).cloned()
        {
            object.insert("title".to_owned(), title);
        }
        Ok(object.into())
    }

    /// An object with these members, and whether each has to be there.
    fn object(&self, members: &[(Member<'_>, bool)]) -> Result<Object> {
        let (mut properties, mut required) = (Object::new(), Vec::new());
        for (member, is_required) in members {
            let field = self.field(member)?;
            let mut schema = Object::new();
            let title = field.and_then(|field| field.title).map_or_else(|| label(member.name), str::to_owned);
            schema.insert("title".to_owned(), title.into());
            if let Some(docs) = member.docs {
                describe(&mut schema, docs);
            }
            schema.extend(self.value(member.ty, field.as_ref())?);
            let needed = field.is_some_and(|field| field.required);
            if needed && schema.contains_key("items") {
                schema.insert("minItems".to_owned(), json!(1));
            }
            properties.insert(member.name.to_owned(), schema.into());
            if *is_required || needed {
                required.push(json!(member.name));
            }
        }
        let mut object = Object::new();
        object.insert("type".to_owned(), json!("object"));
        object.insert("properties".to_owned(), properties.into());
        if !required.is_empty() {
            object.insert("required".to_owned(), required.into());
        }
        Ok(object)
    }

    /// The line of the table. Each text has one.
    fn field(&self, member: &Member<'_>) -> Result<Option<Field>> {
        let exact = format!("{}.{}", member.of, member.name);
        let line = |name: &str| self.table.fields.iter().find(|(known, _)| *known == name);
        let is_text = self.contract.is_text(member.ty)?;
        let found = line(&exact).or_else(|| line(member.name));
        if let Some((name, _)) = found {
            self.used.borrow_mut().insert(name);
        } else if is_text {
            self.missing.borrow_mut().push(format!(
                "the table lacks {exact}, a text of the contract: add it to crates/catalog/src/table/fields.rs, and say there \
                 whether it is personal, and its form"
            ));
        }
        Ok(found.map(|(_, field)| *field))
    }

    /// A value. What the table says of it is said of each text.
    fn value(&self, ty: &Type, field: Option<&Field>) -> Result<Object> {
        let mut schema = Object::new();
        match self.contract.shape(ty)? {
            Shape::Boolean => drop(schema.insert("type".to_owned(), json!("boolean"))),
            Shape::Number { max } => {
                schema.insert("type".to_owned(), json!("integer"));
                schema.insert("minimum".to_owned(), json!(0));
                schema.insert("maximum".to_owned(), json!(max));
            }
            Shape::Text => {
                schema.insert("type".to_owned(), json!("string"));
                if let Some(field) = field {
                    mark(&mut schema, field);
                }
            }
            Shape::List(inner) => {
                schema.insert("type".to_owned(), json!("array"));
                schema.insert("items".to_owned(), self.value(inner, field)?.into());
            }
            Shape::Option(inner) => schema = or_null(self.value(inner, field)?),
            Shape::Named(id) => {
                let name = self.contract.name(id)?;
                schema.insert("$ref".to_owned(), format!("#/$defs/{name}").into());
            }
        }
        Ok(schema)
    }
}

fn describe(schema: &mut Object, docs: &Docs) {
    if let Some(text) = plain(docs) {
        schema.insert("description".to_owned(), text.into());
    }
}

fn or_null(mut schema: Object) -> Object {
    match schema.get_mut("type") {
        Some(ty) => {
            *ty = json!([ty.take(), "null"]);
            schema
        }
        None => {
            let mut either = Object::new();
            either.insert("anyOf".to_owned(), json!([schema, { "type": "null" }]));
            either
        }
    }
}

/// Adds what the table says of a text.
fn mark(schema: &mut Object, field: &Field) {
    let Field { personal, form, example, choices, .. } = *field;
    match form {
        Form::Any => {}
        Form::Format(format) => drop(schema.insert("format".to_owned(), json!(format))),
        Form::Object | Form::Json => {
            schema.insert("contentMediaType".to_owned(), json!("application/json"));
        }
    }
    if form == Form::Object {
        schema.insert("contentSchema".to_owned(), json!({ "type": "object" }));
    }
    if let Some(example) = example {
        schema.insert("examples".to_owned(), json!([example]));
    }
    if personal {
        schema.insert("x-personal".to_owned(), json!(true));
    }
    if let Some(Choices { action, value, label, open }) = choices {
        let mut choices = json!({ "action": action, "value": value, "label": label });
        if let (true, Some(choices)) = (open, choices.as_object_mut()) {
            choices.insert("open".to_owned(), json!(true));
        }
        schema.insert("x-choices".to_owned(), choices);
    }
}
