//! What the OpenAPI document says of an operation.

use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Content, Ref, RefOr};

use crate::documents::ProblemDocument;

/// What the OpenAPI document says of an operation, and the schemas that it needs.
pub(super) struct Description {
    pub(super) operation: Operation,
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
}

/// What an argument of a handler says of its operation.
pub(super) trait Describe {
    /// Says it.
    fn describe(description: &mut Description);
}

impl Description {
    /// Adds a parameter.
    pub(super) fn parameter(&mut self, parameter: Parameter) {
        let parameters = self.operation.parameters.get_or_insert_default();
        parameters.push(RefOr::T(parameter));
    }

    /// Adds an answer of a status.
    pub(super) fn response(&mut self, status: &str, response: Response) {
        let responses = &mut self.operation.responses.responses;
        responses.insert(status.to_owned(), RefOr::T(response));
    }

    /// Adds a problem of a status.
    pub(super) fn problem(&mut self, status: &str, said: &str) {
        let mut response = Response::new(said);
        let content = Content::new(Some(self.schema::<ProblemDocument>()));
        let content = [("application/problem+json".to_owned(), content.into())];
        response.content = content.into_iter().collect();
        self.response(status, response);
    }

    /// A reference to the schema of a type, which the document has then.
    pub(super) fn schema<T: ToSchema>(&mut self) -> RefOr<Schema> {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
        RefOr::Ref(Ref::from_schema_name(T::name()))
    }
}
