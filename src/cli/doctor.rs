//! `shmark doctor`.

use std::fmt::Write as _;

use super::columns::fitted;
use crate::report::figures::bytes;
use crate::report::machine::{Sources, doctor, machine};
use crate::report::streams::{print, width_out};
use shmark_peer::kit::bench::clock_reading_ns;

/// Findings do not change the exit code: whether they matter depends on the question.
pub(super) fn run() -> u8 {
    let sources = Sources::here();
    let machine = machine(&sources);
    let mut text = format!(
        "{}, {} processors for this process, {} of memory, kernel {}{}\n\
         clock source {}; round trips that are timed one by one contain {:.1} ns a reading of their clock\n\n",
        machine.cpu,
        machine.cpus,
        bytes(machine.memory_bytes),
        machine.kernel,
        if machine.virtualised { ", virtual machine" } else { "" },
        machine.clock_source,
        clock_reading_ns(),
    );
    let findings = doctor(&sources);
    if findings.is_empty() {
        text.push_str("Nothing was found that disturbs measurements.\n");
    }
    for finding in findings {
        let _ = writeln!(text, "{}\n  why: {}\n  remedy: {}", finding.what, finding.why, finding.remedy);
    }
    print(&fitted(&text, width_out()));
    0
}
