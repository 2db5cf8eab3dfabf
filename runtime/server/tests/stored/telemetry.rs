//! Every transition is told of, as the list of them says, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use lightspeed::telemetry::{TARGET, TRANSITIONS};
use lightspeed_protocol::close::CloseReason;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use crate::common::{eventually, listen_everywhere};
use crate::faulty::{Answer, Faulty};
use crate::supervision::{ADD, Brittle, Charges, TASK, UPDATE, serve};

/// An event's fields as text; its level is one of them.
type Fields = BTreeMap<&'static str, String>;

/// What operators are told of the list.
const GUARANTEES: &str = include_str!("../../../../docs/guarantees.md");

/// Collects the events of the runtime's target.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Fields>>>);

impl Seen {
    fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        listen_everywhere();
        let seen = Self::default();
        let subscriber = tracing_subscriber::registry().with(seen.clone());
        (seen, tracing::subscriber::set_default(subscriber))
    }

    /// The events of a transition.
    fn of(&self, transition: &str) -> Vec<Fields> {
        let seen = self.0.lock().unwrap();
        seen.iter().filter(|fields| fields["transition"] == transition).cloned().collect()
    }

    fn transitions(&self) -> BTreeSet<String> {
        self.0.lock().unwrap().iter().map(|fields| fields["transition"].clone()).collect()
    }
}

impl<S: Subscriber> Layer<S> for Seen {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == TARGET {
            let mut fields = Texts::default();
            event.record(&mut fields);
            fields.0.insert("level", event.metadata().level().to_string().to_lowercase());
            self.0.lock().unwrap().push(fields.0);
        }
    }
}

#[derive(Default)]
struct Texts(Fields);

impl Visit for Texts {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

/// Drives two servers with one store through everything that can become of a session.
async fn drive() {
    let store = Faulty::new();
    let charges = Charges::default();
    let first = serve(&store, &charges).await;
    // mounted, attached, stored
    let mut client = first.joined("/brittle").await;
    client.click(1, 0, 1, ADD).await;
    assert_eq!(client.frame().await.ack, 1);
    // task-failed
    client.click(1, 1, 2, TASK).await;
    assert_eq!(client.frame().await.kind, "ack");
    assert_eq!(client.frame().await.kind, "refused");
    // restarted, quarantined
    charges.update.lay(2);
    client.click(1, 1, 3, UPDATE).await;
    assert_eq!(client.frame().await.kind, "refused");
    assert_eq!(client.frame().await.ack, 3);
    // slow
    charges.slow.lay(1);
    client.click(1, 1, 4, ADD).await;
    assert_eq!(client.frame().await.ack, 4);
    // store-failed
    let begun = store.begun_count();
    store.answer(Answer::Failing);
    client.click(1, 2, 5, ADD).await;
    store.begun(begun + 2).await;
    store.answer(Answer::Well);
    assert_eq!(client.frame().await.ack, 5);
    // replaced
    let mut newer = first.hello().await;
    assert_eq!(newer.resumes(1, &client.token, 3, 5).await, 5);
    client.closed(1, CloseReason::Replaced).await;
    // parked
    let token = newer.token.clone();
    drop((client, newer));
    eventually(|| first.runtime.stats().parked == 1).await;
    // restored, at another server; fenced, closed
    let second = serve(&store.another(), &charges).await;
    let mut client = second.hello().await;
    assert_eq!(client.resumes(1, &token, 3, 5).await, 5);
    let mut back = first.hello().await;
    assert_eq!(back.resumes(1, &client.token, 3, 5).await, 5);
    // draining, suspended, drained
    let ended = first.stop();
    back.closed(1, CloseReason::ShuttingDown).await;
    drop(back);
    ended.await.unwrap().unwrap();
}

/// The table in `docs/guarantees.md` has the same transitions, with the levels and fields that they have.
fn check_guarantees(seen: &Seen) {
    let (_, section) = GUARANTEES.split_once("\n## Telemetry\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let quoted =
        |cell: &str| -> BTreeSet<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let mut rows = BTreeSet::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, name, levels, fields, ..] = cells[..] else { panic!("{row}") };
        let (Some(name), fields) = (quoted(name).pop_first(), quoted(fields)) else { panic!("{row}") };
        if name == "transition" {
            continue;
        }
        let common = ["transition", "component", "session", "level", "message"];
        for event in seen.of(&name) {
            assert!(levels.split(", ").any(|level| level == event["level"]), "{row}: {event:?}");
            for field in event.keys().filter(|field| !common.contains(field)) {
                assert!(fields.contains(*field), "{row}: {event:?}");
            }
        }
        rows.insert(name);
    }
    assert_eq!(seen.transitions(), rows, "told of on the left, in docs/guarantees.md on the right");
}

#[tokio::test]
async fn every_transition_is_told_of_as_the_list_says() {
    let (seen, _guard) = Seen::start();
    drive().await;

    let listed: BTreeSet<String> = TRANSITIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(seen.transitions(), listed, "told of on the left, listed on the right");
    assert_eq!(listed.len(), TRANSITIONS.len(), "no two have the same name");

    for (transition, meaning) in TRANSITIONS {
        let is_of_a_session = !matches!(*transition, "draining" | "drained");
        let named = meaning.split('`').skip(1).step_by(2);
        let common = ["component", "session"].into_iter().filter(|_| is_of_a_session);
        let expected: BTreeSet<&str> = named.chain(common).collect();
        for fields in seen.of(transition) {
            for name in &expected {
                assert!(fields.contains_key(name), "{transition} has no {name}: {fields:?}");
            }
            if is_of_a_session {
                assert_eq!(fields["component"], std::any::type_name::<Brittle>(), "{fields:?}");
                let session = &fields["session"];
                assert!(
                    session.len() == 32 && session.bytes().all(|byte| byte.is_ascii_hexdigit()),
                    "{fields:?}"
                );
            }
        }
    }
    check_guarantees(&seen);
    assert_eq!(seen.of("stored").last().unwrap()["seq"], "5");
    assert_eq!(seen.of("restarted")[0]["panic"], "broken in update");
    assert_eq!(seen.of("task-failed")[0]["panic"], "broken in a task");
    assert_eq!(seen.of("slow").last().unwrap()["is_over"], "true");
    assert_eq!(seen.of("drained")[0]["sessions"], "0");
    let reasons: Vec<_> = seen.of("closed").iter().map(|fields| fields["reason"].clone()).collect();
    assert_eq!(reasons, ["moved", "shutting-down"]);
}
