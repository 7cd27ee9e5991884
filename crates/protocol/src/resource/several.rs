//! What holds of the values of one attribute together.

use serde_json::Value;

use super::place::Place;
use crate::error::Error;
use crate::tolerance::{Deviation, Tolerance};

/// Bounds how many values an attribute has.
///
/// # Errors
/// 413 for more than the limit.
pub(crate) fn check_count(
    path: impl std::fmt::Display,
    count: usize,
    limit: usize,
) -> Result<(), Error> {
    if count <= limit {
        return Ok(());
    }
    Err(Error::with_status(
        413,
        format!("\"{path}\" may have {limit} values, not {count}."),
    ))
}

/// RFC 7643 section 2.4: `primary` is true for no more than one value.
pub(super) fn one_primary(
    path: Place<'_>,
    elements: &mut [Value],
    tolerance: &mut Tolerance,
) -> Result<(), Error> {
    let is_primary = |element: &Value| element.get("primary") == Some(&Value::Bool(true));
    let primary = elements.iter().filter(|element| is_primary(element));
    let count = primary.count();
    if count < 2 {
        return Ok(());
    }
    tolerance.accept(Deviation::SeveralPrimary(path.to_string()))?;
    let mut seen = 0;
    for element in elements {
        if is_primary(element) {
            seen += 1;
            if let Some(map) = element.as_object_mut().filter(|_| seen < count) {
                map.insert("primary".into(), Value::Bool(false));
            }
        }
    }
    Ok(())
}
