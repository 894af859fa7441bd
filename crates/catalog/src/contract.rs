//! The contract, as `wit/` has it.

use anyhow::{Context, Result, bail};
use std::path::Path;
use wit_parser::{Function, Interface, Resolve, Type, TypeDef, TypeDefKind, TypeId, TypeOwner, WorldItem};

/// The world with all functions.
const WORLD: &str = "connector";

pub(crate) struct Contract {
    resolve: Resolve,
    /// The package with its version.
    pub(crate) package: String,
    /// The interfaces that the component exports, in the order of the world.
    interfaces: Vec<wit_parser::InterfaceId>,
}

impl Contract {
    /// Reads the files of a folder.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(folder).context("the contract cannot be read")?;
        let world = resolve.select_world(&[package], Some(WORLD))?;
        let world = resolve.worlds.get(world).context("the contract has no world")?;
        let mut interfaces = Vec::new();
        for item in world.exports.values() {
            match item {
                WorldItem::Interface { id, .. } => interfaces.push(*id),
                _ => bail!("the world exports something that is no interface"),
            }
        }
        let package = resolve.packages.get(package).context("the contract has no package")?.name.to_string();
        Ok(Self { resolve, package, interfaces })
    }

    /// The exported interfaces and their names.
    pub(crate) fn interfaces(&self) -> impl Iterator<Item = (&str, &Interface)> {
        let named = |id| {
            let interface: &Interface = self.resolve.interfaces.get(id)?;
            Some((interface.name.as_deref()?, interface))
        };
        self.interfaces.iter().filter_map(move |id| named(*id))
    }

    /// The functions, by names such as `contacts.opt-in`.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (String, &Function)> {
        self.interfaces().flat_map(|(interface, has)| {
            has.functions.values().map(move |function| (format!("{interface}.{}", function.name), function))
        })
    }

    /// The types that the interfaces define, by names such as `types.profile`.
    pub(crate) fn types(&self) -> impl Iterator<Item = (String, TypeId)> {
        self.interfaces().flat_map(|(interface, has)| {
            has.types
                .iter()
                .filter(|(_, id)| {
                    !matches!(self.definition(**id).map(|ty| &ty.kind), Ok(TypeDefKind::Type(_)))
                })
                .map(move |(name, id)| (format!("{interface}.{name}"), *id))
        })
    }

    /// A definition.
    pub(crate) fn definition(&self, id: TypeId) -> Result<&TypeDef> {
        self.resolve.types.get(id).context("the contract lacks a type that it uses")
    }

    /// The definition behind the names that `use` gives to it.
    pub(crate) fn origin(&self, mut id: TypeId) -> Result<TypeId> {
        while let TypeDefKind::Type(Type::Id(used)) = self.definition(id)?.kind {
            id = used;
        }
        Ok(id)
    }

    /// The name of a definition, such as `types.profile`.
    pub(crate) fn name(&self, id: TypeId) -> Result<String> {
        let ty = self.definition(id)?;
        let TypeOwner::Interface(owner) = ty.owner else { bail!("a type is not of an interface") };
        let interface = self.resolve.interfaces.get(owner).and_then(|owner| owner.name.as_deref());
        let (interface, name) = interface.zip(ty.name.as_deref()).context("a type has no name")?;
        Ok(format!("{interface}.{name}"))
    }

    /// What a function returns when it succeeds; none: nothing.
    pub(crate) fn success<'a>(&'a self, function: &'a Function) -> Result<Option<&'a Type>> {
        if let Some(Type::Id(id)) = &function.result
            && let TypeDefKind::Result(result) = &self.definition(*id)?.kind
        {
            return Ok(result.ok.as_ref());
        }
        bail!("{} returns no result", function.name)
    }

    /// What a value consists of.
    pub(crate) fn shape(&self, ty: &Type) -> Result<Shape<'_>> {
        Ok(match ty {
            Type::Bool => Shape::Boolean,
            Type::U8 => Shape::Number { max: u8::MAX.into() },
            Type::U16 => Shape::Number { max: u16::MAX.into() },
            Type::U32 => Shape::Number { max: u32::MAX.into() },
            Type::U64 => Shape::Number { max: u64::MAX },
            Type::String => Shape::Text,
            Type::Id(id) => {
                let id = self.origin(*id)?;
                match &self.definition(id)?.kind {
                    TypeDefKind::Option(inner) => Shape::Option(inner),
                    TypeDefKind::List(inner) => Shape::List(inner),
                    TypeDefKind::Type(inner) => self.shape(inner)?,
                    TypeDefKind::Record(_) | TypeDefKind::Variant(_) | TypeDefKind::Enum(_) => {
                        Shape::Named(id)
                    }
                    kind => bail!("the catalogue has no form for a {}", kind.as_str()),
                }
            }
            _ => bail!("the catalogue has no form for {ty:?}"),
        })
    }

    /// Whether a value is a text, or texts.
    pub(crate) fn is_text(&self, ty: &Type) -> Result<bool> {
        Ok(match self.shape(ty)? {
            Shape::Text => true,
            Shape::Option(inner) | Shape::List(inner) => self.is_text(inner)?,
            Shape::Boolean | Shape::Number { .. } | Shape::Named(_) => false,
        })
    }
}

/// What a value consists of.
pub(crate) enum Shape<'a> {
    Boolean,
    /// A whole number, from 0.
    Number {
        max: u64,
    },
    Text,
    Option(&'a Type),
    List(&'a Type),
    /// A record, a variant or an enum.
    Named(TypeId),
}
