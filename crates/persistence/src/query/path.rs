//! Paths into a JSON document, as either engine writes them.

use scim_protocol::filter::Target;

/// The names that lead to a target in the document.
pub(crate) fn path(target: &Target, with_sub: bool) -> Vec<String> {
    let sub = target.sub_attribute.as_deref().filter(|_| with_sub);
    target
        .extension
        .as_deref()
        .into_iter()
        .chain([&*target.attribute])
        .chain(sub)
        .map(str::to_owned)
        .collect()
}

/// Of a multi-valued attribute the first value counts, which is the primary one if there is any.
pub(crate) fn names(target: &Target) -> Vec<String> {
    let mut names = path(target, false);
    if target.multi_valued {
        names.push("0".to_owned());
    }
    names.extend(target.sub_attribute.as_deref().map(str::to_owned));
    names
}

pub(crate) fn sqlite_path(path: &[String]) -> String {
    let mut text = "$".to_owned();
    for name in path {
        match name.parse::<usize>() {
            Ok(index) => text.push_str(&format!("[{index}]")),
            Err(_) => text.push_str(&format!(".\"{}\"", name.replace('"', ""))),
        }
    }
    text
}

#[cfg(feature = "postgres")]
pub(crate) fn postgres_path(path: &[String]) -> String {
    let names: Vec<String> = path.iter().map(|name| literal(name)).collect();
    format!("ARRAY[{}]", names.join(", "))
}

/// A string literal; what stands in it comes from a schema or the settings, never from a request.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
