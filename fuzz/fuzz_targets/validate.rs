//! Programs against a document: one that is refused changes nothing, one that is accepted
//! leaves document and tree at one.
//!
//! The input is a byte that chooses a vector, whose templates are known and, with the highest
//! bit, whose first program has run; then programs, one MessagePack array behind the other.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use lightspeed_fuzz::{checked, vectors};
use lightspeed_interpreter::{Address, MemoryDocument, Templates, Tree, interpret};
use lightspeed_protocol::isa::{Op, ProgramReader};
use lightspeed_protocol::msgpack::{Raw, Reader};
use lightspeed_testing::vectors::Vector;

/// The document in memory isn't asked to build more: it would only take long.
const BUILT_MAX: usize = 5_000;

static VECTORS: LazyLock<Vec<Vector>> = LazyLock::new(vectors::all);

/// A tree and its document, held twice: once by the grammar, once as nodes.
struct Page {
    vector: &'static Vector,
    templates: Templates,
    checked: (Tree, checked::Checked),
    /// None from the first program on that it isn't made for.
    memory: Option<(Tree, MemoryDocument)>,
}

type Shape = Vec<(u32, Option<Address>)>;

impl Page {
    fn new(vector: &'static Vector) -> Self {
        let mut page = Self {
            vector,
            templates: Templates::new(),
            checked: (Tree::new(), checked::Checked::default()),
            memory: Some((Tree::new(), MemoryDocument::from_html(&vector.page))),
        };
        vectors::define(vector, &mut page.templates, &mut page.checked.1);
        if let Some((_, document)) = &mut page.memory {
            vectors::define(vector, &mut page.templates, document);
        }
        page
    }

    fn shape(&self) -> Shape {
        checked::instances(self.checked.1.root(), &self.templates, &self.checked.0)
    }

    fn run(&mut self, program: Raw<'_>) {
        let before = (self.shape(), self.checked.0.next_id());
        let (tree, document) = &mut self.checked;
        let result = interpret(program, 1, 0, 1, &self.templates, tree, document);
        let after = (self.shape(), self.checked.0.next_id());
        if result.is_err() {
            assert_eq!(after, before, "a program that is refused has no effect");
        }
        if self.checked.1.built_count() > BUILT_MAX || self.adopts_another(program) {
            self.memory = None;
        }
        let Some((tree, document)) = &mut self.memory else { return };
        let html = document.to_html();
        let again = interpret(program, 1, 0, 1, &self.templates, tree, document);
        assert_eq!(again, result, "what is valid doesn't depend on the document");
        assert_eq!(checked::instances(self.checked.1.root(), &self.templates, tree), after.0);
        if result.is_err() {
            assert_eq!(document.to_html(), html, "a program that is refused has no effect");
        }
        for (id, parent) in after.0 {
            let Some(at) = parent else { continue };
            let index = tree.children(at).iter().position(|child| *child == id).expect("it is in its slot");
            assert_eq!(document.position(id), Some((at, index)));
            assert!(document.path(at).is_some_and(|path| !path.is_empty()), "its slot is in the document");
        }
    }

    /// Whether the program adopts what the page doesn't hold. Whoever sends the page's HTML sends
    /// that program too: a document may rely on the two being one.
    fn adopts_another(&self, program: Raw<'_>) -> bool {
        let first = ProgramReader::new(program).and_then(|mut reader| reader.next_op());
        matches!(first, Ok(Some((_, Op::Adopt { .. }))))
            && !self.vector.steps.iter().any(|step| step.program == program.bytes)
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let mut page = Page::new(&VECTORS[usize::from(first & 0x7f) % VECTORS.len()]);
    if first & 0x80 != 0 {
        page.run(Raw::new(&page.vector.steps[0].program));
    }
    let mut reader = Reader::new(bytes);
    while let Ok(program) = reader.raw() {
        page.run(Raw::new(program.bytes));
    }
});
