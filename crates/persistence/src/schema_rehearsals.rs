//! The table of rehearsals, see [`crate::schema`], and what a copy of the directory has beside it.

diesel::table! {
    rehearsals (id) {
        id -> Text,
        configuration_id -> Text,
        began_at -> BigInt,
        actor -> Text,
        status_before -> Text,
        live_run -> Nullable<Text>,
        live_actor -> Nullable<Text>,
        phase -> BigInt,
        position -> BigInt,
        claimed_until -> BigInt,
    }
}

diesel::table! {
    rehearsal_base (id) {
        id -> Text,
        version -> BigInt,
    }
}
