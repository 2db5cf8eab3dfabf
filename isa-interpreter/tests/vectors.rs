//! Runs `specs/vectors` on the document in memory; `e2e/tests/vectors.test.js` runs them in a browser.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use lightspeed_interpreter::{Document, MemoryDocument, Templates, Tree, interpret};
use lightspeed_protocol::frame::ServerFrame;
use lightspeed_protocol::msgpack::Raw;
use lightspeed_testing::vectors;

#[test]
fn every_vector_ends_as_it_says() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../specs/vectors");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            for vector in vectors::parse(&std::fs::read_to_string(&path).unwrap()) {
                run(&vector);
                count += vector.steps.len();
            }
        }
    }
    println!("{count} programs");
    assert!(count >= 50, "the vectors are where they should be: {count} programs");
}

fn run(vector: &vectors::Vector) {
    let name = &vector.name;
    let mut document = MemoryDocument::from_html(&vector.page);
    let (mut templates, mut tree) = (Templates::new(), Tree::new());
    for frame in &vector.templates {
        let (_, frame) = ServerFrame::decode(frame).unwrap();
        let ServerFrame::Template { fingerprint, namespace, roots, check, html, slots } = frame else {
            unreachable!()
        };
        let shape = templates.define(fingerprint, namespace, roots, check, html, slots).unwrap();
        document.define(fingerprint, shape);
    }
    for (number, step) in (1..).zip(&vector.steps) {
        let before = (document.to_html(), tree.next_id(), tree.len());
        let result = interpret(Raw::new(&step.program), 1, 0, 1, &templates, &mut tree, &mut document);
        let fault = result.err().map(|error| format!("{:?}", error.fault()));
        assert_eq!(fault, step.invalid, "{name}, program {number}");
        assert_eq!(document.to_html(), MemoryDocument::canonical(&step.document), "{name}, program {number}");
        if step.invalid.is_some() {
            let after = (document.to_html(), tree.next_id(), tree.len());
            assert_eq!(after, before, "{name}, program {number}: an invalid program has no effect at all");
        }
    }
}
