//! The tables of what is known of the instance, of plans for it, of lookup tables and of what needs
//! somebody, see [`crate::schema`].

diesel::table! {
    alerts (id) {
        id -> Text,
        kind -> Text,
        thing_id -> Text,
        thing_name -> Text,
        configuration_id -> Nullable<Text>,
        cause -> Nullable<Text>,
        amount -> Nullable<BigInt>,
        ends_at -> Nullable<BigInt>,
        since_at -> BigInt,
        seen_at -> BigInt,
        over_at -> Nullable<BigInt>,
        told -> BigInt,
        record -> Text,
        mailed -> BigInt,
    }
}

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
    leases (name) {
        name -> Text,
        owner -> Text,
        until -> BigInt,
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
