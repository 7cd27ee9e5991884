//! The tables of what is known of the instance, see [`crate::schema`].

diesel::table! {
    instance (one) {
        one -> Integer,
        instance_id -> Nullable<Text>,
        compatible_since -> Text,
        kept_up_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    instance_keys (id) {
        id -> Text,
        created_at -> BigInt,
        retired_at -> Nullable<BigInt>,
    }
}
