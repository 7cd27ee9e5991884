//! The sources of a crate, module by module.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::{Attribute, Item, UseTree};

/// The path of a module from the root of its crate.
pub type Module = Vec<String>;

/// The items of a crate by their modules.
pub struct Sources {
    pub(crate) modules: BTreeMap<Module, Vec<Item>>,
}

/// What a `use` brings into a module.
pub(crate) struct Use {
    pub(crate) path: Vec<String>,
    /// The name that it gets; none where everything is brought.
    pub(crate) name: Option<String>,
}

impl Sources {
    /// Reads a crate from its root.
    ///
    /// # Panics
    /// Where a file is not there or cannot be read as Rust.
    pub fn read(root: &Path) -> Self {
        let mut sources = Self {
            modules: BTreeMap::new(),
        };
        sources.read_file(root, root.parent().unwrap(), Vec::new());
        sources
    }

    fn read_file(&mut self, file: &Path, below: &Path, module: Module) {
        let text = std::fs::read_to_string(file).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        self.read_items(parsed.items, below, module);
    }

    fn read_items(&mut self, items: Vec<Item>, below: &Path, module: Module) {
        let items: Vec<Item> = items
            .into_iter()
            .filter(|item| !is_for_tests(attributes(item)))
            .collect();
        for item in &items {
            let Item::Mod(inner) = item else { continue };
            let name = inner.ident.to_string();
            let path = [module.as_slice(), std::slice::from_ref(&name)].concat();
            let folder = below.join(&name);
            match &inner.content {
                Some((_, items)) => self.read_items(items.clone(), &folder, path),
                None => self.read_file(&file_of(below, &name), &folder, path),
            }
        }
        self.modules.insert(module, items);
    }

    /// The module and the name that a path in a module stands for; none of another crate's.
    pub(crate) fn resolve(
        &self,
        module: &[String],
        path: &[String],
    ) -> Option<(Module, Vec<String>)> {
        let mut rest = path;
        let mut at: Module = match path.first()?.as_str() {
            "crate" => {
                rest = &path[1..];
                Vec::new()
            }
            "self" => {
                rest = &path[1..];
                module.to_vec()
            }
            "super" => module.to_vec(),
            first => {
                let child = [module, &[first.to_owned()]].concat();
                self.modules.get(&child)?;
                module.to_vec()
            }
        };
        while let Some(next) = rest.first() {
            if next == "super" {
                at.pop();
            } else {
                let child = [at.as_slice(), std::slice::from_ref(next)].concat();
                if !self.modules.contains_key(&child) {
                    break;
                }
                at = child;
            }
            rest = &rest[1..];
        }
        Some((at, rest.to_vec()))
    }

    /// What each public `use` of a module brings.
    pub(crate) fn uses<'s>(&'s self, module: &[String]) -> impl Iterator<Item = Use> + use<'s> {
        let items = self.modules.get(module).into_iter().flatten();
        let public = items.filter_map(|item| match item {
            Item::Use(item) if is_public(&item.vis) => Some(&item.tree),
            _ => None,
        });
        public.flat_map(|tree| {
            let mut found = Vec::new();
            expand(&[], tree, &mut found);
            found
        })
    }
}

fn file_of(below: &Path, name: &str) -> PathBuf {
    let file = below.join(name).with_extension("rs");
    match file.exists() {
        true => file,
        false => below.join(name).join("mod.rs"),
    }
}

fn expand(before: &[String], tree: &UseTree, found: &mut Vec<Use>) {
    let with = |name: String| [before, &[name]].concat();
    match tree {
        UseTree::Path(path) => expand(&with(path.ident.to_string()), &path.tree, found),
        UseTree::Group(group) => group
            .items
            .iter()
            .for_each(|tree| expand(before, tree, found)),
        UseTree::Glob(_) => found.push(Use {
            path: before.to_vec(),
            name: None,
        }),
        UseTree::Name(name) => found.push(Use {
            path: with(name.ident.to_string()),
            name: Some(name.ident.to_string()),
        }),
        UseTree::Rename(name) => found.push(Use {
            path: with(name.ident.to_string()),
            name: Some(name.rename.to_string()),
        }),
    }
}

/// Whether something is offered outside its crate.
pub(crate) fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let cfg = attribute.path().is_ident("cfg").then_some(&attribute.meta);
        let list = cfg.and_then(|meta| meta.require_list().ok());
        let text = list.map(|list| list.tokens.to_string());
        text.is_some_and(|text| {
            text == "test" || text == "doctest" || text.starts_with("all (test")
        })
    })
}

/// The attributes of an item.
pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
