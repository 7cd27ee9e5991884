//! Filters bound to the schemas of a resource type.

use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Utc};

use super::condition::{Condition, SortKey, Target, Test, TextForm};
use super::expression::{Comparand, Filter, Operator};
use crate::error::{Error, ScimType, quote};
use crate::path::AttributePath;
use crate::schema::{Attribute, AttributeType, Resolved, ResourceDefinition, Returned};
use crate::text::boolean_word;
use crate::tolerance::{Deviation, Tolerance};

impl Filter {
    /// Binds a filter to the schemas of a resource type.
    ///
    /// ```
    /// use scim_protocol::{Filter, ResourceDefinition, Tolerance};
    ///
    /// let (users, mut tolerance) = (ResourceDefinition::user(), Tolerance::default());
    /// assert!("title pr".parse::<Filter>()?.bind(&users, &mut tolerance).is_ok());
    /// assert!("shoeSize pr".parse::<Filter>()?.bind(&users, &mut tolerance).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `invalidFilter` for an attribute that no schema knows or that is never returned, and for a
    /// comparison that does not fit the attribute's type.
    pub fn bind(
        &self,
        definition: &ResourceDefinition,
        tolerance: &mut Tolerance,
    ) -> Result<Condition, Error> {
        self.bind_among(definition, &[], tolerance)
    }

    /// Binds the filter of a query over several resource types to the schemas of one of them.
    ///
    /// An attribute that this type does not know, but one of the `others` does, has no value (RFC
    /// 7644 section 3.4.2.1).
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn bind_among(
        &self,
        definition: &ResourceDefinition,
        others: &[&ResourceDefinition],
        tolerance: &mut Tolerance,
    ) -> Result<Condition, Error> {
        Binder {
            names: Names::Resource(definition),
            others,
            tolerance,
        }
        .filter(self)
    }

    /// Binds a value filter to the sub-attributes of a multi-valued attribute.
    ///
    /// # Errors
    /// `invalidFilter` as [`bind`](Self::bind).
    pub fn bind_value_filter(
        &self,
        attribute: &Resolved<'_>,
        tolerance: &mut Tolerance,
    ) -> Result<Condition, Error> {
        Binder {
            names: Names::Values(*attribute),
            others: &[],
            tolerance,
        }
        .filter(self)
    }
}

impl SortKey {
    /// The values by which `sortBy` sorts (RFC 7644 section 3.4.2.3): of a complex attribute its
    /// `value`.
    ///
    /// # Errors
    /// `invalidPath` for an attribute that no schema knows or that has no order; under the strict
    /// profile for one whose schema is named by an alias.
    pub fn new(
        definition: &ResourceDefinition,
        path: &AttributePath,
        tolerance: &mut Tolerance,
    ) -> Result<Self, Error> {
        let unfit = |why: &str| {
            Error::new(
                ScimType::InvalidPath,
                format!("sortBy {} {why}.", quote(&path.to_string())),
            )
        };
        // The strict profile knows no aliases.
        let resolved = definition.understand(path, tolerance).ok().flatten();
        let mut resolved = resolved.ok_or_else(|| unfit("is in no schema"))?;
        if resolved.leaf().kind == AttributeType::Complex {
            resolved.sub_attribute = resolved.attribute.sub_attribute("value");
            if resolved.sub_attribute.is_none() {
                return Err(unfit("is complex and has no order"));
            }
        }
        if resolved.visibility() == Returned::Never {
            return Err(unfit("is never returned"));
        }
        let kind = resolved.leaf().kind;
        Ok(Self {
            target: target(&resolved),
            numeric: matches!(kind, AttributeType::Integer | AttributeType::Decimal),
        })
    }
}

/// What the names of a filter refer to.
#[derive(Clone, Copy)]
enum Names<'a> {
    Resource(&'a ResourceDefinition),
    Values(Resolved<'a>),
}

struct Binder<'a, 't> {
    names: Names<'a>,
    /// The resource types that are asked the same.
    others: &'t [&'t ResourceDefinition],
    tolerance: &'t mut Tolerance,
}

impl<'a> Binder<'a, '_> {
    // The recursion is as deep as the filter, which the parser bounds.
    fn filter(&mut self, filter: &Filter) -> Result<Condition, Error> {
        match filter {
            Filter::And(parts) => Ok(Condition::All(self.filters(parts)?)),
            Filter::Or(parts) => Ok(Condition::Any(self.filters(parts)?)),
            Filter::Not(part) => Ok(Condition::Not(Box::new(self.filter(part)?))),
            Filter::Present(path) => Ok(match self.resolve(path)? {
                Some(resolved) => present(&resolved),
                None => Condition::Constant(false),
            }),
            Filter::Comparison {
                path,
                operator,
                value,
            } => self.comparison(path, *operator, value),
            Filter::ValuePath { path, filter } => self.value_path(path, filter),
        }
    }

    fn filters(&mut self, filters: &[Filter]) -> Result<Vec<Condition>, Error> {
        filters.iter().map(|filter| self.filter(filter)).collect()
    }

    fn value_path(&mut self, path: &AttributePath, filter: &Filter) -> Result<Condition, Error> {
        let Some(resolved) = self.resolve(path)? else {
            return Ok(Condition::Constant(false));
        };
        let simple = resolved.attribute.kind != AttributeType::Complex;
        if resolved.sub_attribute.is_some() || (simple && !resolved.attribute.multi_valued) {
            return Err(unfit(path, "takes no brackets"));
        }
        let condition = filter.bind_value_filter(&resolved, self.tolerance)?;
        Ok(Condition::Some {
            target: target(&resolved),
            condition: Box::new(condition),
        })
    }

    /// The attribute that a path names; `None` where other resource types alone know it.
    fn resolve(&mut self, path: &AttributePath) -> Result<Option<Resolved<'a>>, Error> {
        let resolved = match self.names {
            Names::Resource(definition) => definition
                .understand(path, self.tolerance)
                .map_err(|_strict| unfit(path, "is in no schema"))?,
            Names::Values(attribute) => within(attribute, path),
        };
        let known = || {
            self.others
                .iter()
                .any(|other| other.resolve(path).is_some())
        };
        let resolved = match (resolved, self.names) {
            (Some(resolved), _) => resolved,
            (None, _) if known() => return Ok(None),
            (None, Names::Resource(definition)) => {
                let unfit = || unfit(path, "is in no schema");
                let meant = definition.only_extension_with(path).ok_or_else(unfit)?;
                let alias = Deviation::SchemaAlias(path.to_string());
                self.tolerance.accept(alias).map_err(|_strict| unfit())?;
                meant
            }
            (None, Names::Values(_)) => return Err(unfit(path, "is in no schema")),
        };
        visible(path, &resolved)?;
        Ok(Some(resolved))
    }

    fn comparison(
        &mut self,
        path: &AttributePath,
        operator: Operator,
        value: &Comparand,
    ) -> Result<Condition, Error> {
        let Some(mut resolved) = self.resolve(path)? else {
            let asks_for_absence = operator == Operator::Equal && value == &Comparand::Null;
            return Ok(Condition::Constant(asks_for_absence));
        };
        if value == &Comparand::Null {
            let present = present(&resolved);
            return match operator {
                Operator::Equal => Ok(Condition::Not(Box::new(present))),
                Operator::NotEqual => Ok(present),
                _ => Err(unfit(path, "cannot be ordered against null")),
            };
        }
        if resolved.leaf().kind == AttributeType::Complex {
            // A complex attribute stands for its value (RFC 7643 section 2.4).
            let value = resolved.attribute.sub_attribute("value");
            resolved.sub_attribute = value.filter(|_| resolved.sub_attribute.is_none());
            if resolved.sub_attribute.is_none() {
                return Err(unfit(path, "is complex and has no value to compare"));
            }
            visible(path, &resolved)?;
        }
        let test = self.test(path, resolved.leaf(), operator, value)?;
        if test == Test::Boolean(false) && is_primary(&resolved) {
            return Ok(self.not_primary(resolved));
        }
        Ok(Condition::Value {
            target: target(&resolved),
            test,
        })
    }

    /// RFC 7643 section 2.4: where `primary` is not specified, it is assumed to be false.
    fn not_primary(&self, resolved: Resolved<'_>) -> Condition {
        let primary = Condition::Value {
            target: target(&resolved),
            test: Test::Boolean(true),
        };
        let otherwise = Condition::Not(Box::new(primary));
        match self.names {
            Names::Values(_) => otherwise,
            Names::Resource(_) => Condition::Some {
                target: target(&Resolved {
                    sub_attribute: None,
                    ..resolved
                }),
                condition: Box::new(otherwise),
            },
        }
    }

    fn test(
        &mut self,
        path: &AttributePath,
        attribute: &Attribute,
        operator: Operator,
        value: &Comparand,
    ) -> Result<Test, Error> {
        // RFC 7644 section 3.4.2.2, table 3: which operators fit which type.
        let ordered = !matches!(
            operator,
            Operator::Contains | Operator::StartsWith | Operator::EndsWith
        );
        match (attribute.kind, value) {
            (AttributeType::Boolean, _) => self.boolean(path, operator, value),
            (AttributeType::Integer | AttributeType::Decimal, Comparand::Number(number))
                if ordered =>
            {
                Ok(Test::Number {
                    operator,
                    value: number.clone(),
                })
            }
            (AttributeType::Integer | AttributeType::Decimal, _) => Err(unfit(
                path,
                "compares with a number by eq, ne, gt, ge, lt or le",
            )),
            (AttributeType::DateTime, Comparand::Text(text)) if ordered => {
                let value = parse_instant(text).ok_or_else(|| {
                    unfit(
                        path,
                        "compares with a dateTime such as \"2026-01-31T08:00:00Z\"",
                    )
                })?;
                Ok(Test::Instant { operator, value })
            }
            (AttributeType::DateTime, _) => Err(unfit(
                path,
                "compares with a dateTime by eq, ne, gt, ge, lt or le",
            )),
            (AttributeType::Binary, Comparand::Text(text)) => match operator {
                Operator::Equal | Operator::NotEqual => Ok(Test::Text {
                    operator,
                    value: text.clone(),
                    form: TextForm::Exact,
                }),
                _ => Err(unfit(path, "is binary and compares by eq and ne only")),
            },
            (_, Comparand::Text(text)) => Ok(Test::Text {
                operator,
                value: TextForm::of(attribute).comparand(operator, text),
                form: TextForm::of(attribute),
            }),
            _ => Err(unfit(path, "compares with a quoted string")),
        }
    }

    fn boolean(
        &mut self,
        path: &AttributePath,
        operator: Operator,
        value: &Comparand,
    ) -> Result<Test, Error> {
        let flag = match value {
            Comparand::Boolean(flag) => *flag,
            Comparand::Text(text) => {
                let flag =
                    boolean_word(text).ok_or_else(|| unfit(path, "compares with true or false"))?;
                self.tolerance
                    .accept(Deviation::BooleanAsText(path.to_string()))
                    .map_err(|_strict| unfit(path, "compares with true or false"))?;
                flag
            }
            _ => return Err(unfit(path, "compares with true or false")),
        };
        match operator {
            Operator::Equal => Ok(Test::Boolean(flag)),
            Operator::NotEqual => Ok(Test::Boolean(!flag)),
            _ => Err(unfit(path, "is a boolean and compares by eq and ne only")),
        }
    }
}

/// What is never shown cannot be found out by asking either.
fn visible(path: &AttributePath, resolved: &Resolved<'_>) -> Result<(), Error> {
    match resolved.visibility() {
        Returned::Never => Err(unfit(path, "cannot be filtered by")),
        _ => Ok(()),
    }
}

/// The sub-attribute that a name in brackets means; `value` of a simple attribute is the value.
fn within<'a>(attribute: Resolved<'a>, path: &AttributePath) -> Option<Resolved<'a>> {
    if path.schema.is_some() || path.sub_attribute.is_some() {
        return None;
    }
    if attribute.attribute.kind != AttributeType::Complex {
        return path
            .attribute
            .eq_ignore_ascii_case("value")
            .then_some(attribute);
    }
    Some(Resolved {
        sub_attribute: Some(attribute.attribute.sub_attribute(&path.attribute)?),
        ..attribute
    })
}

/// `pr`: of a complex attribute, whether one of its sub-attributes has a value.
fn present(resolved: &Resolved<'_>) -> Condition {
    let leaf = resolved.leaf();
    if leaf.kind != AttributeType::Complex {
        return Condition::Value {
            target: target(resolved),
            test: Test::Present,
        };
    }
    let seen = leaf.sub_attributes.iter();
    let seen = seen.filter(|sub| sub.visibility() != Returned::Never);
    let parts = seen.map(|sub| Condition::Value {
        target: target(&Resolved {
            sub_attribute: Some(sub),
            ..*resolved
        }),
        test: Test::Present,
    });
    let any = Condition::Any(parts.collect());
    match leaf.multi_valued {
        true => Condition::Some {
            target: target(resolved),
            condition: Box::new(any),
        },
        false => any,
    }
}

/// Whether it is the `primary` of a multi-valued attribute.
fn is_primary(resolved: &Resolved<'_>) -> bool {
    let sub = resolved
        .sub_attribute
        .is_some_and(|sub| sub.name == "primary");
    sub && resolved.attribute.multi_valued
}

fn target(resolved: &Resolved<'_>) -> Target {
    Target {
        extension: resolved
            .extension
            .map(|schema| Arc::from(schema.id.as_str())),
        attribute: Arc::from(resolved.attribute.name.as_str()),
        sub_attribute: resolved
            .sub_attribute
            .map(|sub| Arc::from(sub.name.as_str())),
        multi_valued: resolved.attribute.multi_valued,
    }
}

/// An instant as RFC 7643 section 2.3.5 writes it; without a time zone it is UTC. Years before 0000
/// and after 9999 are none: they have another order as text, and not every database knows them.
pub(crate) fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    read_instant(text).filter(|instant| (0..=9_999).contains(&instant.year()))
}

fn read_instant(text: &str) -> Option<DateTime<Utc>> {
    // RFC 3339 has a space, and lower case, where XML Schema has not.
    if text.contains([' ', 't', 'z']) {
        return None;
    }
    // XML Schema writes the end of a day as its 24th hour.
    if let Some((day, zone)) = text.split_once("T24:00:00") {
        let fraction = zone
            .strip_prefix('.')
            .map(|rest| rest.trim_start_matches('0'));
        let zone = fraction.unwrap_or(zone);
        let begun = read_instant(&format!("{day}T00:00:00{zone}"))?;
        return begun.checked_add_signed(TimeDelta::days(1));
    }
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.to_utc());
    }
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
        .ok()
        .map(|instant| instant.and_utc())
}

fn unfit(path: &AttributePath, why: &str) -> Error {
    Error::new(
        ScimType::InvalidFilter,
        format!("{} {why}.", quote(&path.to_string())),
    )
}
