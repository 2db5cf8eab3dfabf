//! Writes the corpora that the targets start from: `seeds FOLDER` makes `FOLDER/TARGET/SEED`.
//!
//! Seeds are what the project has anyway: `specs/vectors` and `examples/sessions`. `session`
//! has none; its inputs are structures, which no frame can be turned back into.

use std::path::Path;

use lightspeed_fuzz::{script, stored, vectors};
use lightspeed_protocol::frame::{ClientFrame, ServerFrame};
use lightspeed_protocol::msgpack::{Payload, Raw};
use lightspeed_testing::recording::{self, Happened};

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).expect("usage: seeds FOLDER");
    let folder = Path::new(&folder);
    let mut count = 0;
    let mut write = |target: &str, name: String, bytes: &[u8]| -> std::io::Result<()> {
        std::fs::create_dir_all(folder.join(target))?;
        count += 1;
        std::fs::write(folder.join(target).join(name), bytes)
    };
    for (number, vector) in vectors::all().iter().enumerate() {
        let index = u8::try_from(number).expect("there are fewer than 128 vectors");
        let programs: Vec<&[u8]> = vector.steps.iter().map(|step| &step.program[..]).collect();
        write("validate", format!("vector-{number}"), &[&[index][..], &programs.concat()].concat())?;
        let rest = [&[index | 0x80][..], &programs[1..].concat()].concat();
        write("validate", format!("vector-{number}-rest"), &rest)?;

        // The same programs, as a server sends them.
        let mut day = vec![2];
        script::push_message(&mut day, &welcome());
        for template in &vector.templates {
            script::push_message(&mut day, template);
            write("decode", format!("vector-{number}-template-{}", count_of(template)), template)?;
        }
        script::push_message(&mut day, &ServerFrame::Joined { ack: 0, token: "next" }.encode(1));
        for (version, program) in (0..).zip(&programs) {
            let program = Raw::new(program);
            let frame = if version == 0 {
                ServerFrame::Snapshot { ack: 0, version, program }.encode(1)
            } else {
                ServerFrame::Patch { ack: 0, version, program }.encode(1)
            };
            write("decode", format!("vector-{number}-{version}"), &frame)?;
            script::push_message(&mut day, &frame);
        }
        write("client", format!("vector-{number}"), &day)?;
    }
    let sessions = [
        ("counter", include_str!("../../examples/sessions/counter.txt")),
        ("rows", include_str!("../../examples/sessions/rows.txt")),
    ];
    for (name, text) in sessions {
        let recording = recording::read(text).expect("the recordings are well-formed");
        let mut day = Vec::new();
        for (index, (_, happened)) in recording.iter().enumerate() {
            // The gallery's largest frames teach nothing that its small ones don't.
            match happened {
                Happened::Up(bytes) => {
                    if matches!(ClientFrame::decode(bytes), Ok((0, ClientFrame::Hello { .. }))) {
                        day.push(2);
                    }
                    write("decode", format!("{name}-{index}"), bytes)?;
                }
                Happened::Down(bytes) if bytes.len() < 1_000 => {
                    script::push_message(&mut day, bytes);
                    day.extend([1, 1, 1, 0, 0, 0]);
                    write("decode", format!("{name}-{index}"), bytes)?;
                }
                Happened::Down(_) => {}
                Happened::Cut => day.extend([3, 5]),
            }
            if day.len() > 4_000 {
                break;
            }
        }
        write("client", name.into(), &day)?;
    }
    // Days that no recording has: the ends of a session and of a link, each with events in hand.
    for (name, message) in [
        ("gone", ServerFrame::Close { reason: 8, message: "gone", retry_ms: 0 }.encode(1)),
        ("forged", ServerFrame::Close { reason: 9, message: "forged", retry_ms: 0 }.encode(1)),
        ("shutdown", ServerFrame::Close { reason: 16, message: "come back", retry_ms: 0 }.encode(0)),
        ("version", ServerFrame::Close { reason: 1, message: "another version", retry_ms: 0 }.encode(0)),
        ("refused", ServerFrame::Refused { seq: 1, reason: 1, message: "" }.encode(1)),
    ] {
        let mut day = vec![2];
        script::push_message(&mut day, &welcome());
        for (session, version) in [(1, 0), (2, 7)] {
            script::push_message(&mut day, &ServerFrame::Joined { ack: 0, token: "next" }.encode(session));
            let program = Raw::new(&[0x90]);
            script::push_message(
                &mut day,
                &ServerFrame::Snapshot { ack: 0, version, program }.encode(session),
            );
        }
        day.extend([1, 1, 1, 0, 3, 4, 1, 2, 9, 0, 0, 0]);
        script::push_message(&mut day, &message);
        day.extend([5, 7, 5, 6, 0b11, 5, 8, 4, 0xff, 0xff, 9, 1, 3, 5, 2]);
        write("client", format!("end-{name}"), &day)?;
    }
    for (name, payload) in [
        ("none", Payload::None),
        ("flag", Payload::Flag(true)),
        ("number", Payload::Number(1 << 40)),
        ("text", Payload::Text("a=b&c=d")),
    ] {
        let event =
            lightspeed_fuzz::wire::Event { ack: 300, seq: 70_000, behind: 1, instance: 1, slot: 2, payload };
        write("decode", format!("event-{name}"), &event.frame().encode(1))?;
    }
    for (index, checkpoint) in stored::checkpoints().iter().enumerate() {
        write("snapshot", format!("checkpoint-{index}"), checkpoint)?;
    }
    write("recording", "counter".into(), include_bytes!("../../examples/sessions/counter.lsr"))?;
    println!("{count} seeds in {}", folder.display());
    Ok(())
}

/// Tells templates of one vector apart.
fn count_of(template: &[u8]) -> u32 {
    match ServerFrame::decode(template) {
        Ok((_, ServerFrame::Template { fingerprint, .. })) => fingerprint,
        _ => 0,
    }
}

fn welcome() -> Vec<u8> {
    ServerFrame::Welcome {
        protocol: lightspeed_protocol::PROTOCOL_VERSION,
        build: "seed",
        heartbeat_ms: 15_000,
        event_bytes_max: 1_048_576,
    }
    .encode(0)
}
