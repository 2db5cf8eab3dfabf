use alloc::format;

use proptest::prelude::*;

use super::*;

const ROOT: Address = Address { instance: 0, slot: 0 };

fn grow(tree: &mut Tree, steps: &[(u8, u32)]) {
    for (what, which) in steps {
        let id = which % tree.next_id().max(1);
        let at = Address { instance: id, slot: which % 3 };
        match what % 4 {
            0 | 1 => {
                if tree.template(id).is_some()
                    && let Some(child) = tree.create(7, at)
                    && let Some(children) = tree.children_mut(at)
                {
                    children.push(child);
                }
            }
            2 => {
                if let Some(parent) = tree.parent(id).filter(|parent| parent.instance != 0)
                    && let Some(children) = tree.children_mut(parent)
                {
                    children.retain(|child| *child != id);
                    tree.kill(id);
                }
            }
            _ => {
                if let Some(children) = tree.children_mut(at) {
                    children.reverse();
                }
            }
        }
    }
}

/// Everything that can be asked of a tree.
fn seen(tree: &Tree) -> alloc::string::String {
    let instances = (0..tree.next_id()).map(|id| {
        let children: Vec<_> = (0..3).map(|slot| tree.children(Address { instance: id, slot })).collect();
        format!("{id} {:?} {:?} {children:?}\n", tree.template(id), tree.parent(id))
    });
    instances.chain([format!("{} {}", tree.len(), tree.next_id())]).collect()
}

#[test]
fn a_program_makes_no_more_than_a_document_may_hold() {
    let mut tree = Tree::new();
    // Each takes the place of the one before: the document never holds more than one.
    for _ in 0..limits::INSTANCES_MAX {
        let id = tree.create(7, ROOT).expect("there is room");
        tree.kill(id);
    }
    assert_eq!(tree.create(7, ROOT), None);
    tree.rollback();
    assert_eq!(tree.create(7, ROOT), Some(1), "the next program has as much room");
}

proptest! {
    #[test]
    fn a_rollback_leaves_no_trace(
        first in proptest::collection::vec((any::<u8>(), any::<u32>()), 0..60),
        second in proptest::collection::vec((any::<u8>(), any::<u32>()), 0..60),
        is_reset in any::<bool>(),
    ) {
        let mut tree = Tree::new();
        tree.create(7, ROOT);
        grow(&mut tree, &first);
        tree.commit();
        let before = seen(&tree);
        if is_reset {
            prop_assert!(tree.reset(tree.next_id() + 5));
            tree.create(7, ROOT);
        }
        grow(&mut tree, &second);
        tree.rollback();
        prop_assert_eq!(seen(&tree), before);
    }
}

#[test]
fn forgotten_instances_give_their_memory_back() {
    let mut tree = Tree::new();
    let root = tree.create(7, ROOT);
    assert_eq!(root, Some(1));
    let at = Address { instance: 1, slot: 0 };
    for _ in 0..100 {
        let mut ids = Vec::new();
        for _ in 0..1_000 {
            ids.extend(tree.create(7, at));
        }
        tree.commit();
        for id in ids {
            tree.kill(id);
        }
        tree.commit();
    }
    assert_eq!(tree.len(), 1);
    assert!(tree.records.len() < 10, "{} records for one instance", tree.records.len());
}
