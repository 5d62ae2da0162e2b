//! Which two processors the peers run on.

use std::fs;

use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

use super::BenchError;

/// Which processors are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// Those of client and server.
    Pair(usize, usize),
    /// Every pair, one after the other.
    All,
}

/// Processors that this process may use, ascending.
///
/// # Errors
/// [`BenchError::Affinity`] if the kernel does not say.
pub fn allowed() -> Result<Vec<usize>, BenchError> {
    let set = sched_getaffinity(Pid::from_raw(0)).map_err(BenchError::Affinity)?;
    Ok((0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).collect())
}

/// Processors for client and server: those asked for, else two that do not share a core, else any two. `None` if there
/// is only one.
///
/// # Errors
/// [`BenchError::PinEqual`] and [`BenchError::PinNotAllowed`] for a pair that cannot be used.
pub fn choose(asked: Option<(usize, usize)>, allowed: &[usize]) -> Result<Option<(usize, usize)>, BenchError> {
    let Some((client, server)) = asked else {
        return Ok(pair(allowed, share_a_core));
    };
    if client == server {
        return Err(BenchError::PinEqual { cpu: client });
    }
    match [client, server].into_iter().find(|cpu| !allowed.contains(cpu)) {
        Some(cpu) => Err(BenchError::PinNotAllowed { cpu, allowed: allowed.to_vec() }),
        None => Ok(Some((client, server))),
    }
}

/// The pairs to measure on: those asked for, else the one that [`choose`] finds. `All` has each two of them once, the lower one for
/// the client. Empty if there is only one processor.
///
/// # Errors
/// As [`choose`].
pub fn pairs(asked: Option<Pin>, allowed: &[usize]) -> Result<Vec<(usize, usize)>, BenchError> {
    let asked = match asked {
        Some(Pin::All) => {
            let with = |first: usize| allowed.iter().copied().filter(move |second| *second > first);
            return Ok(allowed.iter().flat_map(|first| with(*first).map(move |second| (*first, second))).collect());
        }
        Some(Pin::Pair(client, server)) => Some((client, server)),
        None => None,
    };
    Ok(choose(asked, allowed)?.into_iter().collect())
}

fn pair(allowed: &[usize], share_a_core: impl Fn(usize, usize) -> bool) -> Option<(usize, usize)> {
    let (&first, others) = allowed.split_first()?;
    let apart = others.iter().copied().find(|other| !share_a_core(first, *other));
    apart.or_else(|| others.first().copied()).map(|second| (first, second))
}

/// Whether two processors are hardware threads of one core, as far as the kernel says.
fn share_a_core(first: usize, second: usize) -> bool {
    fs::read_to_string(format!("/sys/devices/system/cpu/cpu{first}/topology/thread_siblings_list"))
        .is_ok_and(|list| cpu_list(&list).contains(&second))
}

/// Reads the kernel's list format: `0,4-6`.
fn cpu_list(text: &str) -> Vec<usize> {
    let range = |part: &str| {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        Some(low.trim().parse().ok()?..=high.trim().parse::<usize>().ok()?)
    };
    text.trim().split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn hardware_threads_of_one_core_are_the_last_resort() {
        let siblings = |a: usize, b: usize| a / 2 == b / 2;
        assert_eq!(pair(&[0, 1, 2, 3], siblings), Some((0, 2)));
        assert_eq!(pair(&[4, 5], siblings), Some((4, 5)));
        assert_eq!(pair(&[7], siblings), None);
        assert_eq!(pair(&[], siblings), None);
    }

    #[test]
    fn a_pair_that_cannot_be_used_is_refused() {
        assert_eq!(choose(Some((3, 1)), &[1, 3]).unwrap(), Some((3, 1)));
        assert!(choose(Some((1, 1)), &[1, 3]).unwrap_err().to_string().contains("processor 1"));
        let text = choose(Some((1, 9)), &[1, 3]).unwrap_err().to_string();
        assert!(text.contains("processor 9") && text.contains("1, 3"), "{text}");
    }

    #[test]
    fn all_pairs_are_each_two_processors_once() {
        assert_eq!(pairs(Some(Pin::All), &[1, 3, 4]).unwrap(), [(1, 3), (1, 4), (3, 4)]);
        assert_eq!(pairs(Some(Pin::All), &[1]).unwrap(), []);
        assert_eq!(pairs(Some(Pin::Pair(4, 1)), &[1, 3, 4]).unwrap(), [(4, 1)]);
        assert_eq!(pairs(None, &[5]).unwrap(), []);
        assert!(pairs(Some(Pin::Pair(9, 1)), &[1]).is_err());
    }

    #[test]
    fn the_kernels_lists_are_read() {
        assert_eq!(cpu_list("0,4-6\n"), [0, 4, 5, 6]);
        assert_eq!(cpu_list("\n"), Vec::<usize>::new());
        assert!(!allowed().unwrap().is_empty());
    }
}
