//! Which schema and attribute a client means by a URI that is not written as the RFC has it.

use super::Schema;
use super::definition::{Resolved, ResourceDefinition};
use crate::alias::{ALIASES, CORE};
use crate::error::Error;
use crate::path::{AttributePath, same_name};
use crate::tolerance::{Deviation, Tolerance};
use crate::uri;

/// A schema that was named, and whether by its own URI.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'a> {
    /// `None` for the core schema.
    pub(crate) extension: Option<&'a Schema>,
    by_alias: bool,
}

impl Named<'_> {
    /// Notes the alias that was written, if it was one.
    ///
    /// # Errors
    /// Under the strict profile, which knows no aliases.
    pub(crate) fn noted(self, written: &str, tolerance: &mut Tolerance) -> Result<Self, Error> {
        if self.by_alias {
            tolerance.accept(Deviation::SchemaAlias(written.to_owned()))?;
        }
        Ok(self)
    }
}

impl ResourceDefinition {
    /// The schema that a URI names, in any case, or by an alias.
    pub(crate) fn schema_named(&self, written: &str) -> Option<Named<'_>> {
        let by_alias = false;
        if same_name(written, &self.core().id) {
            let extension = None;
            return Some(Named {
                extension,
                by_alias,
            });
        }
        if let Some(schema) = self.extension(written) {
            let extension = Some(schema);
            return Some(Named {
                extension,
                by_alias,
            });
        }
        let by_alias = true;
        let meant = self.meant_by(written)?;
        let extension = match meant == self.core().id {
            true => None,
            false => Some(self.extension(meant)?),
        };
        Some(Named {
            extension,
            by_alias,
        })
    }

    /// The URI that an alias stands for, among the schemas of this type.
    fn meant_by(&self, written: &str) -> Option<&str> {
        let alias = ALIASES.iter().find(|(alias, _)| same_name(alias, written));
        let meant = alias.map(|(_, meant)| *meant)?;
        let core = self.core().id.as_str();
        match meant {
            CORE if [uri::USER, uri::GROUP].contains(&core) => Some(core),
            meant if meant == core => Some(core),
            meant => self.extension(meant).map(|schema| schema.id.as_str()),
        }
    }

    /// Resolves a path, also one whose schema is named by an alias or joined to the attribute by a
    /// dot or by nothing; `None` when no schema knows the attribute.
    ///
    /// # Errors
    /// Under the strict profile, when it would have been understood.
    pub(crate) fn understand(
        &self,
        path: &AttributePath,
        tolerance: &mut Tolerance,
    ) -> Result<Option<Resolved<'_>>, Error> {
        if let Some(resolved) = self.resolve(path) {
            return Ok(Some(resolved));
        }
        let Some((meant, deviation)) = self.meant(path) else {
            return Ok(None);
        };
        tolerance.accept(deviation)?;
        Ok(self.resolve(&meant))
    }

    /// The attribute of an extension that is named without the URI, where the core schema has none
    /// of this name and no other extension has: Microsoft documents `manager eq "ID"` so.
    pub(crate) fn only_extension_with(&self, path: &AttributePath) -> Option<Resolved<'_>> {
        if path.schema.is_some() {
            return None;
        }
        let mut known = self.extensions().iter().filter_map(|extension| {
            let schema = Some(extension.id.clone());
            self.resolve(&AttributePath {
                schema,
                ..path.clone()
            })
        });
        known.next().filter(|_only| known.next().is_none())
    }

    /// The path that was meant by one whose schema is not separated from the attribute by a colon, or
    /// named by an alias.
    pub(crate) fn meant(&self, path: &AttributePath) -> Option<(AttributePath, Deviation)> {
        path.schema.as_ref()?;
        let written = path.to_string();
        let own = std::iter::once(self.core()).chain(self.extensions());
        let own = own.map(|schema| (schema.id.as_str(), schema.id.as_str()));
        let aliases = ALIASES.iter().map(|(alias, _)| *alias);
        let aliases = aliases.filter_map(|alias| Some((alias, self.meant_by(alias)?)));
        let starts: Vec<(&str, &str)> = own.chain(aliases).collect();
        // `...:core:1.0:userName` begins with `...:core:1.0:User` too, which leaves `Name`.
        [Some(":"), Some("."), None].into_iter().find_map(|joint| {
            starts.iter().find_map(|(start, uri)| {
                let (before, behind) = written.split_at_checked(start.len())?;
                if !same_name(before, start) {
                    return None;
                }
                let name = joint.map_or(Some(behind), |joint| behind.strip_prefix(joint))?;
                let meant = AttributePath {
                    schema: Some((*uri).to_owned()),
                    ..name.parse().ok()?
                };
                self.resolve(&meant)?;
                let deviation = match joint {
                    Some(":") => Deviation::SchemaAlias(written.clone()),
                    _ => Deviation::SchemaJoined(written.clone()),
                };
                Some((meant, deviation))
            })
        })
    }
}
