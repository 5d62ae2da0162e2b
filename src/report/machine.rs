//! The machine a run takes place on, and what about it disturbs measurements.

use std::path::Path;

pub use super::facts::Sources;
use super::facts::{Facts, cpu_list, text};
use super::figures::{bytes, counted};
use crate::harness::space;
use crate::results::model::Machine;
use crate::scenario::model::MEMORY_MIB_LARGEST;

/// Something about the machine that disturbs measurements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was found, a statement.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What to do about it.
    pub remedy: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}; {}.", self.what, self.why, self.remedy)
    }
}

/// Everything about the machine that goes into a report, warnings from [`doctor`] too. What cannot be read is
/// `unknown` or 0.
pub fn machine(sources: &Sources) -> Machine {
    let facts = Facts::read(sources);
    Machine {
        kernel: facts.kernel.clone(),
        cpu: facts.cpu.clone(),
        cpus: facts.cpus.len(),
        memory_bytes: facts.memory_bytes,
        clock_source: facts.clock_source.clone(),
        virtualised: facts.virtualised,
        warnings: doctor(sources).iter().map(Finding::to_string).collect(),
    }
}

/// What on this machine disturbs measurements, and what to do about it. Empty on a quiet machine.
pub fn doctor(sources: &Sources) -> Vec<Finding> {
    let facts = Facts::read(sources);
    let checks = [few_cpus, virtualised, governor, siblings, load, clock_source, quota, shared_memory];
    checks.iter().filter_map(|check| check(&facts, sources)).collect()
}

fn few_cpus(facts: &Facts, _: &Sources) -> Option<Finding> {
    let cpus = facts.cpus.len();
    (1..4).contains(&cpus).then(|| Finding {
        what: format!("the runner may use {}", counted(cpus, "processor")),
        why: if cpus == 1 {
            "client and server take turns, so every round trip holds two context switches".to_owned()
        } else {
            "client and server leave none for the runner and the kernel, which then interrupt them".to_owned()
        },
        remedy: "use a machine or a container with 4 processors or more".to_owned(),
    })
}

fn virtualised(facts: &Facts, _: &Sources) -> Option<Finding> {
    facts.virtualised.then(|| Finding {
        what: "this is a virtual machine".to_owned(),
        why: "its processors can be moved or taken away at any moment".to_owned(),
        remedy: "trust the figures in floors rather than those in ns, or use bare metal".to_owned(),
    })
}

fn governor(facts: &Facts, sources: &Sources) -> Option<Finding> {
    let governors: Vec<String> = facts
        .cpus
        .iter()
        .map(|cpu| text(&sources.sys.join(format!("devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor"))))
        .map(|governor| governor.trim().to_owned())
        .collect();
    let slow = governors.iter().find(|governor| !governor.is_empty() && *governor != "performance")?;
    Some(Finding {
        what: format!("the frequency governor is {slow}"),
        why: "the clock rate follows the load with a delay".to_owned(),
        remedy: "run `cpupower frequency-set -g performance` as root".to_owned(),
    })
}

fn siblings(facts: &Facts, sources: &Sources) -> Option<Finding> {
    let pair = facts.cpus.iter().find_map(|cpu| {
        let path = sources.sys.join(format!("devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"));
        let threads = cpu_list(&text(&path));
        let sibling = threads.into_iter().find(|other| other != cpu && facts.cpus.contains(other))?;
        Some((*cpu, sibling))
    });
    let (one, other) = pair?;
    Some(Finding {
        what: format!("processors share cores, such as {one} and {other}"),
        why: "two threads of one core slow each other down, and pass cache lines faster than two cores do".to_owned(),
        remedy: "choose processors of two cores with --pin, or switch SMT off: `echo off` into \
                 /sys/devices/system/cpu/smt/control as root"
            .to_owned(),
    })
}

fn load(facts: &Facts, sources: &Sources) -> Option<Finding> {
    let text = text(&sources.proc.join("loadavg"));
    let average: f64 = text.split_whitespace().next()?.parse().ok()?;
    // Half a processor is what a desktop in use does.
    (average > 0.5 && !facts.cpus.is_empty()).then(|| Finding {
        what: format!("the load average of the last minute is {average:.1}"),
        why: "other programs take processor time and cache from the measurement".to_owned(),
        remedy: "stop them (`top` names them), or wait a minute if that was a build".to_owned(),
    })
}

fn clock_source(facts: &Facts, _: &Sources) -> Option<Finding> {
    let good = ["tsc", "arch_sys_counter", "unknown"].contains(&facts.clock_source.as_str());
    (!good).then(|| Finding {
        what: format!("the clock source is {}, not tsc", facts.clock_source),
        why: "reading the time may cost more than a round trip".to_owned(),
        remedy: "boot with clocksource=tsc if the processor's counter is stable (`dmesg | grep -i tsc`)".to_owned(),
    })
}

fn quota(facts: &Facts, sources: &Sources) -> Option<Finding> {
    let text = text(&sources.sys.join("fs/cgroup/cpu.max"));
    let (quota, period) = text.trim().split_once(' ')?;
    let processors = quota.parse::<f64>().ok()? / period.parse::<f64>().ok().filter(|period| *period > 0.0)?;
    (processors < facts.cpus.len() as f64).then(|| Finding {
        what: format!("a quota allows {processors:.1} of {} processors", facts.cpus.len()),
        why: "whoever spins is stopped for milliseconds once the quota is used up".to_owned(),
        remedy: "raise or remove the container's CPU limit".to_owned(),
    })
}

fn shared_memory(_: &Facts, sources: &Sources) -> Option<Finding> {
    let free = sources.shm_bytes_free?;
    (free < MEMORY_MIB_LARGEST << 20).then(|| Finding {
        what: format!("{} has {} free", space::SHM, bytes(free)),
        why: format!(
            "the largest scenario needs {MEMORY_MIB_LARGEST} MiB; what does not fit is not judged, which fails the run"
        ),
        remedy: space::remedy(Path::new(space::SHM)),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A machine made of files: paths below a scratch folder and what they hold.
    fn fixture(files: &[(&str, &str)], shm_bytes_free: u64) -> (tempfile::TempDir, Sources) {
        let dir = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let (proc, sys) = (dir.path().join("proc"), dir.path().join("sys"));
        (dir, Sources { proc, sys, shm_bytes_free: Some(shm_bytes_free) })
    }

    const QUIET: &[(&str, &str)] = &[
        ("proc/cpuinfo", "processor\t: 0\nmodel name\t: Test CPU @ 3.00GHz\nflags\t\t: fpu sse2\n"),
        ("proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\n"),
        ("proc/self/status", "Name:\tcat\nCpus_allowed:\tff\nCpus_allowed_list:\t0-6,7\n"),
        ("proc/sys/kernel/osrelease", "6.1.0-test\n"),
        ("proc/loadavg", "0.12 0.5 0.9 1/200 1234\n"),
        ("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"),
        ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n"),
        ("sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0,8\n"),
        ("sys/fs/cgroup/cpu.max", "max 100000\n"),
    ];

    #[test]
    fn a_quiet_machine_has_facts_and_no_findings() {
        let (_dir, sources) = fixture(QUIET, 1 << 30);
        let machine = machine(&sources);
        assert_eq!(machine.cpu, "Test CPU @ 3.00GHz");
        assert_eq!(machine.kernel, "6.1.0-test");
        assert_eq!(machine.cpus, 8);
        assert_eq!(machine.memory_bytes, 16384 * 1024);
        assert_eq!(machine.clock_source, "tsc");
        assert!(!machine.virtualised);
        assert_eq!(machine.warnings, Vec::<String>::new());
    }

    #[test]
    fn each_disturbance_is_found_alone() {
        let cases = [
            ("proc/self/status", "Cpus_allowed_list:\t2-3\n", "may use 2 processors"),
            ("proc/self/status", "Cpus_allowed_list:\t2\n", "may use 1 processor:"),
            ("proc/cpuinfo", "flags\t: fpu hypervisor sse2\n", "virtual machine"),
            ("proc/loadavg", "3.70 0.5 0.9 1/200 1234\n", "load average of the last minute is 3.7"),
            ("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n", "clock source is hpet"),
            ("sys/devices/system/cpu/cpu5/cpufreq/scaling_governor", "powersave\n", "governor is powersave"),
            ("sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "1,5\n", "such as 1 and 5"),
            ("sys/fs/cgroup/cpu.max", "150000 100000\n", "quota allows 1.5 of 8"),
        ];
        for (path, content, expected) in cases {
            let mut files = QUIET.to_vec();
            files.push((path, content));
            let (_dir, sources) = fixture(&files, 1 << 30);
            let warnings = machine(&sources).warnings;
            assert_eq!(warnings.len(), 1, "{path}: {warnings:?}");
            assert!(warnings[0].contains(expected), "{path}: {warnings:?}");
        }
    }

    #[test]
    fn small_shared_memory_is_found() {
        let (_dir, sources) = fixture(QUIET, 64 << 20);
        let findings = doctor(&sources);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].what.contains("64.0 MiB") && findings[0].remedy.contains("--shm-size"));
    }

    #[test]
    fn a_machine_without_files_is_unknown_and_no_panic() {
        let (_dir, sources) = fixture(&[], 1 << 30);
        let machine = machine(&sources);
        assert_eq!((machine.cpu.as_str(), machine.cpus, machine.memory_bytes), ("unknown", 0, 0));
        assert!(machine.warnings.is_empty(), "{:?}", machine.warnings);
    }

    #[test]
    fn this_machine_is_readable() {
        let machine = machine(&Sources::here());
        assert!(machine.cpus > 0);
        assert_ne!(machine.kernel, "unknown");
    }
}
