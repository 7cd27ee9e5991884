//! What a browser sends in a form or in a query.

/// The pairs of a form or of a query.
#[derive(Debug, Default)]
pub(super) struct Form(pub(super) Vec<(String, String)>);

impl Form {
    pub(super) fn parse(raw: &str) -> Self {
        let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(raw);
        Self(
            pairs
                .map(actix_web::web::Query::into_inner)
                .unwrap_or_default(),
        )
    }

    /// The first value of a name; empty when there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// Every value of a name.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let found = self.0.iter().filter(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).collect()
    }

    /// The first value of a name, unless it is empty.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// Puts one value in the place of those of a name.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_owned()));
    }

    pub(super) fn checked(&self, name: &str) -> bool {
        self.given(name).is_some()
    }
}
