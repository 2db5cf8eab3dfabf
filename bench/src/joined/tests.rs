//! The places are where `html!` has put the handlers: each operation does what its name says.

use lightspeed_core::Policy;

use super::{Operation, counter, rows, rows_before};
use crate::pages::table;

fn after(operation: Operation, count: u32) -> (Vec<(u32, String)>, Option<u32>) {
    let mut joined = rows_before(operation, count, rows(), Policy::Resume);
    let answer = joined.event(operation.place(count));
    assert!(!answer.is_empty(), "{operation:?} changes the page");
    let table = table(&joined.component().0);
    (table.list.into_iter().map(|row| (row.id, row.label)).collect(), table.selected)
}

#[test]
fn each_place_is_that_of_its_operation() {
    let ids = |operation, count| after(operation, count).0.iter().map(|row| row.0).collect::<Vec<_>>();
    assert_eq!(ids(Operation::Create, 1_000), (1..=1_000).collect::<Vec<u32>>());
    assert_eq!(ids(Operation::Create, 10_000).len(), 10_000);
    assert_eq!(ids(Operation::Replace, 1_000), (1_001..=2_000).collect::<Vec<u32>>());
    assert_eq!(ids(Operation::Append, 1_000), (1..=2_000).collect::<Vec<u32>>());
    assert_eq!(after(Operation::Update, 1_000).0.iter().filter(|row| row.1.ends_with(" !!!")).count(), 100);
    assert_eq!(after(Operation::Select, 1_000).1, Some(5));
    assert_eq!(ids(Operation::Swap, 1_000)[998], 2);
    assert_eq!(ids(Operation::Remove, 1_000)[..5], [1, 2, 3, 4, 6]);
    assert!(ids(Operation::Clear, 1_000).is_empty());
}

#[test]
fn the_counter_counts() {
    let mut joined = super::Joined::new(counter(), Policy::Resume);
    joined.event(Operation::Counter.place(0));
    assert!(joined.render().to_html().contains(">1<"));
}

#[test]
fn maud_writes_the_same_page() {
    let joined = rows_before(Operation::Select, 1_000, rows(), Policy::Resume);
    let ours = joined.render().to_html();
    assert_eq!(crate::pages::rows_with_maud(&table(&joined.component().0)), ours);
    let joined = super::Joined::new(counter(), Policy::Resume);
    assert_eq!(crate::pages::counter_with_maud(0), joined.render().to_html());
}
