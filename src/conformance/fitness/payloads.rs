//! The published test vectors: filled by the peer, read from a loan, and read again on the other side.

use serde_json::{Value, json};

use crate::harness::error::HarnessError;

use super::exam::Exam;

/// Seed, CRC-32 of 8 bytes, CRC-32 of 4096 bytes, as docs/PEER-PROTOCOL.md has them.
pub(super) const PUBLISHED: [(u64, u32, u32); 4] = [
    (0, 3_891_208_367, 555_383_481),
    (1, 3_808_472_503, 59_838_934),
    (42, 2_485_419_708, 2_192_406_272),
    (9_223_372_036_854_775_807, 4_185_823_503, 19_188_444),
];

/// Kind, type, elements and bytes of the payloads that carry them.
const CARRIERS: [(&str, &str, u64, u64); 4] =
    [("fixed", "u64", 1, 8), ("fixed", "bytes", 1, 4096), ("slice", "bytes", 8, 8), ("slice", "bytes", 4096, 4096)];

/// Sends every vector in every payload type that the peer declares.
pub(super) fn published(exam: &mut Exam<'_>) -> Result<(), HarnessError> {
    let complaints = exam.findings.broken.len();
    exam.ok("node.create", json!({ "as": "fill-node" }))?;
    let mut kinds: Vec<&str> = Vec::new();
    for (kind, word, len, bytes) in CARRIERS {
        if !exam.has(kind) {
            continue;
        }
        carry(exam, kind, word, (len, bytes))?;
        kinds.push(kind);
    }
    kinds.dedup();
    if exam.findings.broken.len() == complaints && !kinds.is_empty() {
        let text =
            format!("payloads: the published test vectors come out, {}, in both directions", kinds.join(" and "));
        exam.findings.proved.push(text);
    }
    exam.ok("drop", json!({ "on": "fill-node" }))?;
    Ok(())
}

fn carry(exam: &mut Exam<'_>, kind: &str, word: &str, (len, bytes): (u64, u64)) -> Result<(), HarnessError> {
    let payload = json!({ "type": word, "kind": kind });
    let service = json!({
        "node": "fill-node", "as": "fill-service", "name": format!("fill-{kind}-{bytes}"),
        "request": payload, "response": payload,
    });
    let port = |name: &str| {
        let mut port = json!({ "service": "fill-service", "as": name });
        if kind == "slice" {
            port["initial_max_slice_len"] = len.into();
        }
        port
    };
    exam.ok("service.create", service)?;
    exam.ok("server.create", port("fill-server"))?;
    exam.ok("client.create", port("fill-client"))?;
    for (seed, short, long) in PUBLISHED {
        let crc32 = if bytes == 8 { short } else { long };
        let read = json!({ "len": len, "bytes": bytes, "crc32": crc32 });
        let received = json!({ "received": true, "len": len, "bytes": bytes, "crc32": crc32, "align_ok": true });
        let steps: [(&str, Value, Value); 12] = [
            ("request.loan", json!({ "on": "fill-client", "as": "fill-loan", "len": len }), json!({})),
            ("request.write", json!({ "on": "fill-loan", "seed": seed }), json!({})),
            ("read", json!({ "on": "fill-loan" }), read.clone()),
            ("request.send", json!({ "on": "fill-loan", "as": "fill-pending" }), json!({ "delivered": 1 })),
            ("server.receive", json!({ "on": "fill-server", "as": "fill-active" }), received.clone()),
            ("read", json!({ "on": "fill-active" }), read.clone()),
            ("active.send", json!({ "on": "fill-active", "seed": seed, "len": len }), json!({})),
            ("pending.receive", json!({ "on": "fill-pending", "as": "fill-response" }), received),
            ("read", json!({ "on": "fill-response" }), read),
            ("drop", json!({ "on": "fill-response" }), json!({})),
            ("drop", json!({ "on": "fill-active" }), json!({})),
            ("drop", json!({ "on": "fill-pending" }), json!({})),
        ];
        for (op, args, wanted) in steps {
            if exam.ok_with(op, args, &wanted)?.is_none() {
                // One vector that does not come out says as much as all of them.
                return Ok(());
            }
        }
    }
    for handle in ["fill-client", "fill-server", "fill-service"] {
        exam.ok("drop", json!({ "on": handle }))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::PUBLISHED;
    use crate::conformance::matching::crc32_of;

    /// Against the page that implementers read, and against the formula.
    #[test]
    fn the_vectors_are_those_of_the_page() {
        let page = include_str!("../../../docs/PEER-PROTOCOL.md");
        for (seed, short, long) in PUBLISHED {
            assert_eq!((crc32_of(seed, 8), crc32_of(seed, 4096)), (short, long), "{seed}");
            let row = page.lines().find(|line| line.starts_with(&format!("| {seed} | `"))).unwrap();
            assert!(row.ends_with(&format!("| {short} | {long} |")), "{row}");
        }
    }
}
