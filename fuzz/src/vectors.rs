//! The vectors of `specs/vectors`.

use lightspeed_interpreter::{Document, Templates};
use lightspeed_protocol::frame::ServerFrame;
use lightspeed_testing::vectors::{Vector, parse};

/// All of them, in a fixed order.
pub fn all() -> Vec<Vector> {
    let files = [
        include_str!("../../specs/vectors/adopt.txt"),
        include_str!("../../specs/vectors/content.txt"),
        include_str!("../../specs/vectors/list.txt"),
        include_str!("../../specs/vectors/text.txt"),
    ];
    files.into_iter().flat_map(parse).collect()
}

/// Makes a vector's templates known.
pub fn define<D: Document>(vector: &Vector, templates: &mut Templates, document: &mut D) {
    for frame in &vector.templates {
        let Ok((_, ServerFrame::Template { fingerprint, namespace, roots, check, html, slots })) =
            ServerFrame::decode(frame)
        else {
            panic!("a vector's templates are template frames")
        };
        let shape = templates.define(fingerprint, namespace, roots, check, html, slots);
        document.define(fingerprint, shape.expect("a vector's templates are well-formed"));
    }
}
