//! Compares two shapes of the instruction set on the rows' operations: addressed, which is
//! what ships, and a stack machine that walks to each node. The figures are those of `rfcs/0001-isa.md`.
//!
//! The stack machine's programs are made from the shipped ones: `child n` pushes the n-th
//! child of the node on top, `pop` takes it off, and instructions work on the top. Walks share what they have
//! in common. What instructions carry (texts, values of new rows) is the same in both.

use lightspeed::Adapter;
use lightspeed_examples::rows::Rows;
use lightspeed_interpreter::{Address, MemoryDocument};
use lightspeed_protocol::frame::ServerFrame;
use lightspeed_protocol::isa::{Op, ProgramReader, ProgramWriter};
use lightspeed_protocol::msgpack::{Payload, Writer};
use lightspeed_protocol::template::EventKind;
use lightspeed_testing::{Page, Passed};

const OPERATIONS: [(&str, &[&str], &str); 8] = [
    ("create 1,000", &[], "run"),
    ("append 1,000", &["run"], "add"),
    ("update every 10th", &["run"], "update"),
    ("select", &["run"], "select 5"),
    ("select another", &["run", "select 5"], "select 900"),
    ("swap", &["run"], "swaprows"),
    ("remove the 5th", &["run"], "remove 5"),
    ("clear", &["run"], "clear"),
];

fn main() {
    println!("| operation | addressed: bytes | DOM calls | stack: bytes | DOM calls |");
    println!("|---|---|---|---|---|");
    for (name, before, click) in OPERATIONS {
        let mut page = Page::new(Adapter(Rows::default()));
        for step in before {
            act(&mut page, step);
        }
        // The same page, one operation earlier: where the nodes are that the program addresses.
        let mut shown = Page::new(Adapter(Rows::default()));
        for step in before {
            act(&mut shown, step);
        }
        let start = page.frames.len();
        act(&mut page, click);
        let mut addressed = (0, 0);
        let mut stack = Stack::default();
        for frame in &page.frames[start..] {
            let Passed::Down(bytes) = frame else { continue };
            let Ok((_, ServerFrame::Patch { program, .. })) = ServerFrame::decode(bytes) else { continue };
            let mut reader = ProgramReader::new(program).expect("a session's own program");
            let mut writer = ProgramWriter::new();
            while let Some((_, op)) = reader.next_op().expect("a session's own program") {
                writer.push(&op);
                stack.push(&op, &shown.document);
                addressed.1 += 1;
            }
            addressed.0 += writer.len();
        }
        println!("| {name} | {} | {} | {} | {} |", addressed.0, addressed.1, stack.bytes.len(), stack.calls);
    }
    println!();
    println!(
        "Bytes are those of the instructions. DOM calls are one for each instruction and one for each step of a walk;"
    );
    println!("the calls that build new rows are the same in both and not counted.");
}

fn act(page: &mut Page<Adapter<Rows>>, step: &str) {
    let at: Address = match step.split_once(' ') {
        Some((what, row)) => {
            let row: usize = row.parse().expect("a row's number");
            let link = page.document.elements("a")[(row - 1) * 2 + usize::from(what == "remove")];
            page.document.place_on(link, EventKind::Click).expect("a link of a row takes clicks")
        }
        None => page.document.place_of(step, EventKind::Click).expect("a button takes clicks"),
    };
    page.event(at, Payload::None);
    page.advance_ms(200);
}

/// A program of the stack machine in the making.
#[derive(Default)]
struct Stack {
    bytes: Writer,
    calls: usize,
    at: Vec<usize>,
}

const POP: u64 = 20;
const CHILD: u64 = 21;

impl Stack {
    fn walk(&mut self, path: &[usize]) {
        let shared = self.at.iter().zip(path).take_while(|(at, to)| at == to).count();
        for _ in shared..self.at.len() {
            self.bytes.uint(POP);
        }
        for step in &path[shared..] {
            self.bytes.uint(CHILD);
            self.bytes.uint(*step as u64);
            self.calls += 1;
        }
        self.at = path.to_vec();
    }

    fn push(&mut self, op: &Op<'_>, document: &MemoryDocument) {
        let path = |at, slot| document.path(Address { instance: at, slot }).expect("it was there before");
        // A list is worked on at its parent node.
        let list = |at, slot| {
            let mut path = path(at, slot);
            path.pop();
            path
        };
        let position = |instance| document.position(instance).expect("it was there before");
        let mut operands = Writer::new();
        match *op {
            Op::Text { at, slot, text } => {
                self.walk(&path(at, slot));
                operands.text(text);
            }
            Op::Splice { at, slot, start, delete, insert } => {
                self.walk(&path(at, slot));
                operands.uint(u64::from(start));
                operands.uint(u64::from(delete));
                operands.str(insert);
            }
            Op::Flag { at, slot, on } => {
                self.walk(&path(at, slot));
                // A stack machine has no template to tell which class: it names it.
                operands.str("danger");
                operands.bool(on);
            }
            Op::Insert { at, slot, before, items } => {
                self.walk(&list(at, slot));
                operands.uint(if before == 0 { 0 } else { position(before).1 as u64 });
                operands.raw(items.bytes);
            }
            Op::Move { instance, before } => {
                let (at, from) = position(instance);
                self.walk(&list(at.instance, at.slot));
                operands.uint(from as u64);
                operands.uint(if before == 0 { 0 } else { position(before).1 as u64 });
            }
            Op::Remove { instance, count } => {
                let (at, from) = position(instance);
                self.walk(&list(at.instance, at.slot));
                operands.uint(from as u64);
                operands.uint(u64::from(count));
            }
            Op::Clear { at, slot } => self.walk(&list(at, slot)),
            _ => unreachable!("the rows' operations need no more"),
        }
        self.bytes.uint(u64::from(op.code()));
        self.bytes.raw(operands.as_bytes());
        self.calls += 1;
    }
}
