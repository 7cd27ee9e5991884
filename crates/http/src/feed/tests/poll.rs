//! Security events, for who polls for them.

use super::*;

/// What a poll with this body is answered.
async fn poll(
    app: &impl Service<actix_http::Request, Response = ServiceResponse, Error = actix_web::Error>,
    body: &str,
) -> (u16, Value) {
    let request = get("/poll")
        .method(Method::POST)
        .insert_header(("content-type", "application/json"))
        .insert_header(("content-length", body.len()))
        .set_payload(body.to_owned());
    let answer = call_service(app, request.to_request()).await;
    (answer.status().as_u16(), json_of(answer).await)
}

fn ids(answer: &Value) -> Vec<&str> {
    let sets = answer["sets"].as_object().unwrap();
    sets.keys().map(String::as_str).collect()
}

#[actix_web::test]
async fn events_come_again_until_they_are_acknowledged_and_in_their_order() {
    let store = Arc::new(Memory::new_of(StreamKind::Poll, 0, usize::MAX));
    let app = app(&endpoint(&store)).await;
    (0..5).for_each(|_| store.record());
    let now = "\"returnImmediately\": true";
    let first = format!("{{\"maxEvents\": 2, {now}}}");
    for _ in 0..2 {
        let (status, told) = poll(&app, &first).await;
        assert_eq!((status, ids(&told)), (200, vec!["s.1", "s.2"]));
        assert_eq!(told["moreAvailable"], true);
        let claims: Value = serde_json::from_str(told["sets"]["s.1"].as_str().unwrap()).unwrap();
        assert_eq!(claims["sub_id"]["uri"], "/Users/u1");
    }
    // What comes behind one that it does not have comes again.
    let (_, told) = poll(&app, &format!("{{\"ack\": [\"s.2\"], {now}}}")).await;
    assert_eq!(ids(&told), ["s.1", "s.2", "s.3", "s.4", "s.5"]);
    assert_eq!(told["moreAvailable"], false);
    let (_, told) = poll(
        &app,
        "{\"ack\": [\"s.2\", \"s.1\", \"t.3\", \"x\"], \"maxEvents\": 0}",
    )
    .await;
    assert_eq!(
        (ids(&told), &told["moreAvailable"]),
        (Vec::new(), &json!(true))
    );
    assert_eq!(*store.position.lock().unwrap(), 2);
    let errors = "\"setErrs\": {\"s.3\": {\"err\": \"invalid_key\", \"description\": \"which?\"}, \"t.1\": {}}";
    for _ in 0..2 {
        let (_, told) = poll(&app, &format!("{{{errors}, {now}}}")).await;
        assert_eq!(ids(&told), ["s.4", "s.5"]);
    }
    let refused = store.refused.lock().unwrap().clone();
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].behind, refused[0].up_to), (2, 3));
    assert_eq!(refused[0].answer.as_deref(), Some("invalid_key: which?"));
    let (_, told) = poll(&app, &format!("{{\"ack\": [\"s.4\", \"s.5\"], {now}}}")).await;
    assert_eq!(
        (ids(&told), &told["moreAvailable"]),
        (Vec::new(), &json!(false))
    );
}

#[actix_web::test]
async fn who_polls_waits_for_an_event() {
    let store = Arc::new(Memory::new_of(StreamKind::Poll, 0, usize::MAX));
    let app = app(&endpoint(&store)).await;
    let meanwhile = Arc::clone(&store);
    actix_web::rt::spawn(async move {
        while meanwhile.reads.load(Ordering::SeqCst) < 3 {
            actix_web::rt::time::sleep(Duration::from_millis(5)).await;
        }
        meanwhile.record();
    });
    let (_, told) = poll(&app, "{}").await;
    assert_eq!(ids(&told), ["s.1"]);
}

#[actix_web::test]
async fn a_poll_that_is_wrong_is_refused_and_moves_nothing() {
    let store = Arc::new(Memory::new_of(StreamKind::Poll, 0, usize::MAX));
    let polled = app(&endpoint(&store)).await;
    store.record();
    for (body, expected) in [
        ("", 400),
        ("[]", 400),
        ("{\"ack\": 1}", 400),
        ("{\"maxEvents\": -1}", 400),
        (&format!("\"{}\"", "x".repeat(300 << 10)), 413),
    ] {
        let (status, told) = poll(&polled, body).await;
        assert_eq!(
            (status, told["status"].as_u64()),
            (expected, Some(u64::from(expected)))
        );
    }
    assert_eq!(*store.position.lock().unwrap(), 0);
    let answer = call_service(&polled, get("/poll").to_request()).await;
    assert_eq!(answer.headers().get("allow").unwrap(), "POST");
    assert_eq!(
        call_service(&polled, get("/changes").to_request())
            .await
            .status(),
        403
    );
    for (state, expected, kind) in [
        (StreamState::Paused, 409, "feed.stream-paused"),
        (StreamState::Broken, 410, "feed.snapshot-required"),
    ] {
        *store.state.lock().unwrap() = Some(state);
        let (status, told) = poll(&polled, "{}").await;
        assert_eq!((status, told["type"].as_str()), (expected, Some(kind)));
    }
    let read = app(&endpoint(&Memory::new())).await;
    assert_eq!(poll(&read, "{}").await.0, 403, "a stream that is read");
}

#[actix_web::test]
async fn the_keys_are_there_for_everybody() {
    let app = app(&endpoint(&Memory::new())).await;
    let request = TestRequest::with_uri(&format!("{FEED}/jwks")).to_request();
    let answer = call_service(&app, request).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers().get("content-type").unwrap(),
        "application/jwk-set+json"
    );
    assert_eq!(json_of(answer).await["keys"][0]["kid"], "k");
}
