//! What items offer, a line each.

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens;
use syn::{Attribute, Fields, Generics, ImplItem, Item, ItemImpl, ItemTrait, TraitItem, Type};

use crate::sources::{Module, Sources, attributes, is_public};

/// What a crate offers, a line for each thing, under the path by which others name it.
pub fn listing(sources: &Sources, name: &str) -> BTreeSet<String> {
    Drawing::of(sources, name).lines
}

/// The functions that a crate offers, each once however many paths lead to it, and whether there is an
/// example of how it is called: of free ones, methods, and methods of traits.
pub fn examples(sources: &Sources, name: &str) -> BTreeMap<String, bool> {
    Drawing::of(sources, name).functions
}

struct Drawing<'s> {
    sources: &'s Sources,
    lines: BTreeSet<String>,
    functions: BTreeMap<String, bool>,
}

impl<'s> Drawing<'s> {
    fn of(sources: &'s Sources, name: &str) -> Self {
        let (lines, functions) = (BTreeSet::new(), BTreeMap::new());
        let mut drawing = Self {
            sources,
            lines,
            functions,
        };
        drawing.module(&[], name);
        drawing
    }

    /// What a module offers, under a path.
    fn module(&mut self, module: &[String], path: &str) {
        let sources = self.sources;
        for item in sources.modules.get(module).into_iter().flatten() {
            let Some(name) = public_name(item) else {
                continue;
            };
            let there = format!("{path}::{name}");
            if let Item::Mod(_) = item {
                self.add(attributes(item), format!("pub mod {there}"));
                self.module(&[module, &[name]].concat(), &there);
            } else {
                self.item(module, item, &there);
            }
        }
        for used in sources.uses(module) {
            let there = used.name.as_ref().map(|name| format!("{path}::{name}"));
            let Some((home, rest)) = sources.resolve(module, &used.path) else {
                let outside = used.path.join("::");
                let there = there.unwrap_or_else(|| format!("{path}::*"));
                self.lines.insert(format!("pub use {outside} as {there}"));
                continue;
            };
            match (there, rest.as_slice()) {
                (None, []) => self.module(&home, path),
                (Some(there), []) => self.module(&home, &there),
                (Some(there), [name]) => self.named(&home, name, &there),
                _ => panic!("{path} uses {:?}", used.path),
            }
        }
    }

    /// The items of a name in a module, or what the module itself uses under it.
    fn named(&mut self, module: &[String], name: &str, path: &str) {
        let sources = self.sources;
        let items = sources.modules.get(module).into_iter().flatten();
        let of_name = |item: &&Item| public_name(item).as_deref() == Some(name);
        for item in items.filter(of_name) {
            self.item(module, item, path);
        }
        for used in sources.uses(module) {
            if used.name.as_deref() == Some(name)
                && let Some((home, rest)) = sources.resolve(module, &used.path)
                && let [name] = rest.as_slice()
            {
                self.named(&home, name, path);
            }
        }
    }

    fn item(&mut self, module: &[String], item: &Item, path: &str) {
        match item {
            Item::Fn(item) => {
                let line = format!("pub {}", signature(&item.sig, path));
                self.add(&item.attrs, line);
            }
            Item::Const(item) => {
                self.add(&item.attrs, format!("pub const {path}: {}", text(&item.ty)));
            }
            Item::Static(item) => {
                self.add(
                    &item.attrs,
                    format!("pub static {path}: {}", text(&item.ty)),
                );
            }
            Item::Type(item) => {
                let (generics, ty) = (text(&item.generics), text(&item.ty));
                self.add(&item.attrs, format!("pub type {path}{generics} = {ty}"));
            }
            Item::Struct(item) => {
                let fields = fields(&item.fields);
                let line = format!("pub struct {path}{}{fields}", generics(&item.generics));
                self.add(&item.attrs, line);
                self.implemented(module, &item.ident.to_string(), path, &item.attrs);
            }
            Item::Enum(item) => {
                let line = format!("pub enum {path}{}", generics(&item.generics));
                self.add(&item.attrs, line);
                for variant in &item.variants {
                    let name = format!("{path}::{}", variant.ident);
                    let fields = variant_fields(&variant.fields);
                    self.add(&variant.attrs, format!("{name}{fields}"));
                }
                self.implemented(module, &item.ident.to_string(), path, &item.attrs);
            }
            Item::Trait(item) => self.port(item, path),
            _ => {}
        }
    }

    fn port(&mut self, item: &ItemTrait, path: &str) {
        let above = match item.supertraits.is_empty() {
            true => String::new(),
            false => format!(": {}", text(&item.supertraits)),
        };
        let line = format!("pub trait {path}{}{above}", generics(&item.generics));
        self.add(&item.attrs, line);
        for inner in &item.items {
            match inner {
                TraitItem::Fn(inner) => {
                    let name = format!("{path}::{}", inner.sig.ident);
                    let provided = inner.default.as_ref().map_or("", |_| ", provided");
                    let line = format!("pub {}{provided}", signature(&inner.sig, &name));
                    self.add(&inner.attrs, line);
                }
                TraitItem::Type(inner) => {
                    let bounds = match inner.bounds.is_empty() {
                        true => String::new(),
                        false => format!(": {}", text(&inner.bounds)),
                    };
                    let line = format!("pub type {path}::{}{bounds}", inner.ident);
                    self.add(&inner.attrs, line);
                }
                TraitItem::Const(inner) => {
                    let line = format!("pub const {path}::{}: {}", inner.ident, text(&inner.ty));
                    self.add(&inner.attrs, line);
                }
                _ => {}
            }
        }
    }

    /// What is implemented for a type, wherever in the crate.
    fn implemented(&mut self, home: &[String], name: &str, path: &str, own: &[Attribute]) {
        for derived in derives(own) {
            self.lines.insert(format!("impl {derived} for {path}"));
        }
        let sources = self.sources;
        for (module, items) in &sources.modules {
            for item in items {
                match item {
                    Item::Impl(block) if self.is_for(block, name, home, module) => {
                        self.block(block, name, path);
                    }
                    Item::Macro(called) if called.ident.is_none() => {
                        let first = called.mac.tokens.clone().into_iter().next();
                        let made = called.mac.path.segments.last();
                        if let (Some(first), Some(made)) = (first, made)
                            && first.to_string() == name
                        {
                            let line = format!("{}!({path})", made.ident);
                            self.add(&called.attrs, line);
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// Whether a block is about the type of a name that stands in a module: of two types of one name
    /// it is the nearer.
    fn is_for(&self, block: &ItemImpl, name: &str, home: &[String], module: &Module) -> bool {
        let Type::Path(of) = &*block.self_ty else {
            return false;
        };
        if of
            .path
            .segments
            .last()
            .is_none_or(|last| last.ident != name)
        {
            return false;
        }
        let shared = |other: &[String]| {
            let pairs = other.iter().zip(module);
            pairs.take_while(|(one, other)| one == other).count()
        };
        let defines = |items: &[Item]| {
            let mut items = items.iter();
            items.any(|item| match item {
                Item::Struct(item) => item.ident == name,
                Item::Enum(item) => item.ident == name,
                _ => false,
            })
        };
        let all = self
            .sources
            .modules
            .iter()
            .filter(|(_, items)| defines(items));
        let nearest = all.max_by_key(|(other, _)| (shared(other), other.as_slice() == home));
        nearest.is_some_and(|(nearest, _)| nearest == home)
    }

    fn block(&mut self, block: &ItemImpl, name: &str, path: &str) {
        if let Some((_, of, _)) = &block.trait_ {
            let ty = text(&block.self_ty);
            let ty = match ty.split_once(name) {
                Some((_, behind)) => format!("{path}{behind}"),
                None => path.to_owned(),
            };
            let line = format!("impl{} {} for {ty}", generics(&block.generics), text(of));
            self.add(&block.attrs, line);
            return;
        }
        // Of which of the type's forms it is, where that is said.
        let of = match generics(&block.generics) {
            none if none.is_empty() => String::new(),
            some => format!(" of {some}"),
        };
        for inner in &block.items {
            match inner {
                ImplItem::Fn(inner) if is_public(&inner.vis) => {
                    let name = format!("{path}::{}", inner.sig.ident);
                    let line = format!("pub {}{of}", signature(&inner.sig, &name));
                    self.add(&inner.attrs, line);
                }
                ImplItem::Const(inner) if is_public(&inner.vis) => {
                    let line = format!("pub const {path}::{}: {}", inner.ident, text(&inner.ty));
                    self.add(&inner.attrs, line);
                }
                _ => {}
            }
        }
    }

    fn add(&mut self, attributes: &[Attribute], line: String) {
        let mut marks = String::new();
        for attribute in attributes {
            let kept = ["cfg", "non_exhaustive", "deprecated"];
            if kept.iter().any(|kept| attribute.path().is_ident(kept)) {
                marks += &format!(" #[{}]", text(&attribute.meta));
            }
        }
        if let Some((_, from)) = line.split_once("fn ") {
            let name = own_name(from.split(['(', '<']).next().unwrap_or_default());
            self.functions.insert(name, has_example(attributes));
        }
        self.lines.insert(line + &marks);
    }
}

/// The name of a function without the modules that lead to it: `Filter::parse`, `fold`.
fn own_name(path: &str) -> String {
    let mut names: Vec<&str> = path.rsplit("::").collect();
    let is_type = |name: &&str| name.starts_with(char::is_uppercase);
    names.truncate(if names.get(1).is_some_and(is_type) {
        2
    } else {
        1
    });
    names.reverse();
    names.join("::")
}

/// Whether the documentation has code that is run, or at least compiled.
fn has_example(attributes: &[Attribute]) -> bool {
    let docs = attributes.iter().filter_map(|attribute| {
        let named = attribute.meta.require_name_value().ok()?;
        let is_doc = attribute.path().is_ident("doc");
        is_doc.then(|| text(&named.value))
    });
    let mut inside = false;
    for line in docs {
        let line = line.trim_matches(['"', ' ']);
        if !line.starts_with("```") {
            continue;
        }
        if !inside && ["```", "```no_run", "```should_panic"].contains(&line) {
            return true;
        }
        inside = !inside;
    }
    false
}

/// The name of an item, if it is offered.
fn public_name(item: &Item) -> Option<String> {
    let (visibility, name) = match item {
        Item::Const(item) => (&item.vis, &item.ident),
        Item::Enum(item) => (&item.vis, &item.ident),
        Item::Fn(item) => (&item.vis, &item.sig.ident),
        Item::Mod(item) => (&item.vis, &item.ident),
        Item::Static(item) => (&item.vis, &item.ident),
        Item::Struct(item) => (&item.vis, &item.ident),
        Item::Trait(item) => (&item.vis, &item.ident),
        Item::Type(item) => (&item.vis, &item.ident),
        _ => return None,
    };
    is_public(visibility).then(|| name.to_string())
}

fn signature(signature: &syn::Signature, path: &str) -> String {
    let inputs = text(&signature.inputs);
    let output = text(&signature.output);
    let arrow = if output.is_empty() { "" } else { " " };
    let bounds = where_clause(&signature.generics);
    let constant = if signature.constness.is_some() {
        "const "
    } else {
        ""
    };
    let asynchronous = if signature.asyncness.is_some() {
        "async "
    } else {
        ""
    };
    let parameters = text(&signature.generics);
    let inputs = inputs.trim_end_matches(',');
    format!("{constant}{asynchronous}fn {path}{parameters}({inputs}){arrow}{output}{bounds}")
}

fn generics(generics: &Generics) -> String {
    text(generics) + &where_clause(generics)
}

fn where_clause(generics: &Generics) -> String {
    let clause = generics.where_clause.as_ref().map(text);
    clause.map_or_else(String::new, |clause| {
        format!(" {}", clause.trim_end_matches(','))
    })
}

fn fields(fields: &Fields) -> String {
    let shown = |field: &syn::Field| {
        let name = field.ident.as_ref().map(|name| format!("{name}: "));
        let name = name.unwrap_or_default();
        is_public(&field.vis).then(|| format!("pub {name}{}", text(&field.ty)))
    };
    let mut parts: Vec<String> = fields.iter().filter_map(shown).collect();
    if parts.len() < fields.len() {
        parts.push("..".to_owned());
    }
    match fields {
        Fields::Unit => String::new(),
        Fields::Named(_) => format!(" {{ {} }}", parts.join(", ")),
        Fields::Unnamed(_) => format!("({})", parts.join(", ")),
    }
}

fn variant_fields(fields: &Fields) -> String {
    let shown = fields.iter().map(|field| {
        let name = field.ident.as_ref().map(|name| format!("{name}: "));
        name.unwrap_or_default() + &text(&field.ty)
    });
    let shown: Vec<String> = shown.collect();
    match fields {
        Fields::Unit => String::new(),
        Fields::Named(_) => format!(" {{ {} }}", shown.join(", ")),
        Fields::Unnamed(_) => format!("({})", shown.join(", ")),
    }
}

fn derives(attributes: &[Attribute]) -> Vec<String> {
    let mut found = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("derive")) {
        let _ = attribute.parse_nested_meta(|meta| {
            found.extend(meta.path.segments.last().map(|last| last.ident.to_string()));
            Ok(())
        });
    }
    found
}

/// Tokens as people write them.
fn text(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (from, to) in [
        (" ::", "::"),
        (":: ", "::"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        (" :", ":"),
        ("& ", "&"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        ("[ ", "["),
        (" ]", "]"),
        (" ;", ";"),
        ("->(", "-> ("),
        ("=(", "= ("),
        (",(", ", ("),
        ("&(", "&("),
        ("? ", "?"),
        (",)", ")"),
        (",>", ">"),
    ] {
        text = text.replace(from, to);
    }
    text
}
