//! Paths with parts that vary.

/// The parts of a path that vary, if it fits the pattern; `*` stands for a part that is not empty.
pub(crate) fn parts<'p>(pattern: &str, path: &'p str) -> Option<Vec<&'p str>> {
    let mut found = Vec::new();
    let mut given = path.trim_matches('/').split('/');
    for wanted in pattern.trim_matches('/').split('/') {
        let part = given.next()?;
        match wanted {
            "*" if !part.is_empty() => found.push(part),
            _ if wanted == part => {}
            _ => return None,
        }
    }
    given.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_as_a_whole() {
        assert_eq!(parts("/a/*/b/*", "/a/1/b/2/"), Some(vec!["1", "2"]));
        assert_eq!(parts("/", "/"), Some(vec![]));
        for other in ["/a/1/b", "/a/1/b/2/c", "/a//b/2", "/x/1/b/2", ""] {
            assert_eq!(parts("/a/*/b/*", other), None, "{other}");
        }
    }
}
