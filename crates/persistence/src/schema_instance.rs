//! The tables of what is known of the instance, of plans for it and of lookup tables, see [`crate::schema`].

diesel::table! {
    authority (one) {
        one -> Integer,
        state -> Text,
    }
}

diesel::table! {
    instance (one) {
        one -> Integer,
        instance_id -> Nullable<Text>,
        compatible_since -> Text,
        kept_up_at -> Nullable<BigInt>,
        doubted_since -> Nullable<BigInt>,
        doubted_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    instance_keys (id) {
        id -> Text,
        created_at -> BigInt,
        retired_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    lookup_tables (name, version) {
        name -> Text,
        version -> BigInt,
        titles -> Text,
        entries -> Text,
        entry_count -> BigInt,
        created_by -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    plans (digest) {
        digest -> Text,
        prune -> Integer,
        document -> Text,
        items -> Text,
        made_by -> Text,
        created_at -> BigInt,
    }
}
