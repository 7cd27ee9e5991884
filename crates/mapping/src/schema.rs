//! Schemas of the types that are written otherwise than they are kept.

/// The schema of a type is that of how it is written.
macro_rules! written_as {
    ($kept:ty, $written:ty) => {
        impl utoipa::PartialSchema for $kept {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                <$written as utoipa::PartialSchema>::schema()
            }
        }

        impl utoipa::ToSchema for $kept {
            fn schemas(
                schemas: &mut Vec<(
                    String,
                    utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>,
                )>,
            ) {
                <$written as utoipa::ToSchema>::schemas(schemas);
            }
        }
    };
}

pub(crate) use written_as;
