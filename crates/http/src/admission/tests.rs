use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::*;

fn admission() -> Admission {
    Admission::new(Bounds {
        at_once: 3,
        share: 1,
        rate: 50,
        bytes: 4_096,
    })
}

/// Whether something is there at once.
async fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[actix_web::test]
async fn a_configuration_waits_for_itself_and_for_nobody_else() {
    let admission = admission();
    let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
    let first = at_once(admission.enter(Some(one), Way::Read, 0, SERVER_WAIT)).await;
    assert!(first.is_some());
    assert!(
        at_once(admission.enter(Some(one), Way::Read, 0, SERVER_WAIT))
            .await
            .is_none()
    );
    let write = at_once(admission.enter(Some(one), Way::Write, 0, SERVER_WAIT)).await;
    assert!(write.is_some(), "reads are apart from writes");
    let theirs = at_once(admission.enter(Some(other), Way::Read, 0, SERVER_WAIT)).await;
    assert!(theirs.is_some());
    drop(first);
    assert!(
        at_once(admission.enter(Some(one), Way::Read, 0, SERVER_WAIT))
            .await
            .is_some()
    );
}

#[actix_web::test]
async fn who_goes_away_leaves_the_queue() {
    let admission = admission();
    let one = Uuid::new_v4();
    let held = admission
        .enter(Some(one), Way::Read, 0, SERVER_WAIT)
        .await
        .unwrap();
    {
        let mut waiting = Vec::new();
        for _ in 0..SHARE_WAITS {
            let mut waits = Box::pin(admission.enter(Some(one), Way::Read, 0, SERVER_WAIT));
            assert!(at_once(waits.as_mut()).await.is_none());
            waiting.push(waits);
        }
        let refused = at_once(admission.enter(Some(one), Way::Read, 0, SERVER_WAIT)).await;
        let full = Full::Share(Limit::AtOnce);
        assert_eq!(refused.unwrap().unwrap_err(), full);
    }
    assert!(
        at_once(admission.enter(Some(one), Way::Read, 0, SERVER_WAIT))
            .await
            .is_none()
    );
    drop(held);
    assert!(
        at_once(admission.enter(Some(one), Way::Read, 0, SERVER_WAIT))
            .await
            .is_some()
    );
}

#[actix_web::test]
async fn everybody_together_is_bounded_as_well() {
    let admission = admission();
    let mut held = Vec::new();
    for _ in 0..3 {
        let id = Some(Uuid::new_v4());
        held.push(
            at_once(admission.enter(id, Way::Read, 0, SERVER_WAIT))
                .await
                .unwrap()
                .unwrap(),
        );
    }
    let fourth = Some(Uuid::new_v4());
    assert!(
        at_once(admission.enter(fourth, Way::Read, 0, SERVER_WAIT))
            .await
            .is_none()
    );
    assert!(
        at_once(admission.enter(fourth, Way::Write, 0, SERVER_WAIT))
            .await
            .is_some()
    );
    held.pop();
    assert!(
        at_once(admission.enter(fourth, Way::Read, 0, SERVER_WAIT))
            .await
            .is_some()
    );
}

#[actix_web::test]
async fn a_long_body_takes_more_of_the_share() {
    let admission = Admission::new(Bounds {
        at_once: 9,
        share: 3,
        rate: 50,
        bytes: 4_096,
    });
    let one = Some(Uuid::new_v4());
    let enter = |bytes| admission.enter(one, Way::Write, bytes, SERVER_WAIT);
    let long = at_once(enter(30_000)).await.unwrap();
    let short = at_once(enter(16_384)).await;
    assert!(short.is_some(), "two of three places are taken");
    assert!(at_once(enter(1)).await.is_none());
    drop((long, short));
    let longest = at_once(enter(1 << 30)).await;
    assert!(longest.is_some(), "it has all of them, and no more");
    assert!(at_once(enter(1)).await.is_none());
}

#[actix_web::test]
async fn who_had_more_than_their_part_goes_one_at_a_time_while_others_are_there() {
    let bounds = Bounds {
        at_once: 9,
        share: 3,
        rate: 50,
        bytes: 4_096,
    };
    let admission = Admission::new(bounds);
    let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
    let enter = |id, way| admission.enter(Some(id), way, 0, SERVER_WAIT);
    drop(at_once(enter(one, Way::Read)).await);
    let long = Duration::from_secs(600);
    admission.share(one).spent.spend(long, Instant::now());
    let first = at_once(enter(one, Way::Read)).await;
    let second = at_once(enter(one, Way::Read)).await;
    assert!(second.is_some(), "nobody else is there");
    drop((first, second));
    drop(at_once(enter(other, Way::Read)).await);
    let first = at_once(enter(one, Way::Read)).await;
    assert!(first.is_some());
    assert!(at_once(enter(one, Way::Read)).await.is_none());
    let write = at_once(enter(one, Way::Write)).await;
    assert!(write.is_some(), "it goes another way");
    assert!(at_once(enter(one, Way::Write)).await.is_none());
    let theirs = (
        at_once(enter(other, Way::Read)).await,
        at_once(enter(other, Way::Read)).await,
    );
    assert!(theirs.0.is_some() && theirs.1.is_some());
    drop(first);
    assert!(at_once(enter(one, Way::Read)).await.is_some());
}

#[actix_web::test]
async fn bytes_under_way_are_bounded() {
    let admission = admission();
    let one = Uuid::new_v4();
    let held = admission.hold(one, 3_000).await.unwrap();
    assert!(at_once(admission.hold(one, 2_000)).await.is_none());
    assert!(
        at_once(admission.hold(Uuid::new_v4(), 2_000))
            .await
            .is_some()
    );
    drop(held);
    // More than there is room for has all of it.
    assert!(at_once(admission.hold(one, 1 << 30)).await.is_some());
}

#[test]
fn a_rate_is_kept_over_time_and_a_burst_is_let_in() {
    let admission = admission();
    let one = Uuid::new_v4();
    let now = Instant::now() + Duration::from_secs(1);
    for _ in 0..250 {
        assert_eq!(admission.count(one, now), None);
    }
    assert_eq!(admission.count(one, now), Some(1));
    assert_eq!(admission.count(Uuid::new_v4(), now), None);
    let later = now + Duration::from_secs(2);
    let let_in = (0..300).filter(|_| admission.count(one, later).is_none());
    assert_eq!(let_in.count(), 100);
}

#[actix_web::test]
async fn a_read_counts_for_as_long_as_it_takes_and_a_write_for_what_it_computes() {
    let admission = admission();
    let nap = || std::thread::sleep(Duration::from_millis(300));
    let (reader, writer) = (Uuid::new_v4(), Uuid::new_v4());
    let enter = |id, way| admission.enter(Some(id), way, 0, SERVER_WAIT);
    // Nothing is earned until a time that has passed already.
    let now = Instant::now();
    enter(reader, Way::Read).await.unwrap().work(nap);
    assert!(admission.share(reader).spent.is_overdrawn(now));
    enter(writer, Way::Write).await.unwrap().work(nap);
    assert!(!admission.share(writer).spent.is_overdrawn(now));
    let computes = || {
        let end = turns::worked() + Duration::from_millis(300);
        while turns::worked() < end {
            std::hint::spin_loop();
        }
    };
    enter(writer, Way::Write).await.unwrap().work(computes);
    assert!(admission.share(writer).spent.is_overdrawn(now));
    let asks = || scim_service::effort::note(Duration::from_millis(300));
    let asker = Uuid::new_v4();
    enter(asker, Way::Write).await.unwrap().work(asks);
    assert!(admission.share(asker).spent.is_overdrawn(now));
}
