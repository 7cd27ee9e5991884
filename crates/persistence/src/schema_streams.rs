//! The tables of those who follow the feed, beside those of [`schema`](crate::schema).

diesel::table! {
    stream_deliveries (id) {
        id -> Text,
        stream_id -> Text,
        kind -> Text,
        state -> Text,
        behind -> BigInt,
        up_to -> BigInt,
        changes -> BigInt,
        at -> BigInt,
        milliseconds -> BigInt,
        status -> Nullable<BigInt>,
        problem -> Nullable<Text>,
        answer -> Nullable<Text>,
    }
}

diesel::table! {
    stream_webhooks (stream_id) {
        stream_id -> Text,
        secret -> Text,
        key_id -> Text,
        previous_secret -> Nullable<Text>,
        previous_key_id -> Nullable<Text>,
        previous_until -> Nullable<BigInt>,
        failing_since -> Nullable<BigInt>,
        attempts -> BigInt,
        next_attempt_at -> BigInt,
        sending -> Nullable<BigInt>,
        lease_owner -> Nullable<Text>,
        lease_until -> BigInt,
    }
}

diesel::table! {
    streams (id) {
        id -> Text,
        name -> Text,
        name_key -> Text,
        kind -> Text,
        topics -> Nullable<Text>,
        key_hash -> Text,
        state -> Text,
        position -> BigInt,
        delivered_at -> Nullable<BigInt>,
        version -> BigInt,
        created_at -> BigInt,
        made_by -> Nullable<Text>,
        url -> Nullable<Text>,
    }
}
