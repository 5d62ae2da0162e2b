//! What can be typed behind the commands that judge and measure.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::failure::CommandError;
use super::outputs::Outputs;
use crate::bench::pin::Pin;
use crate::bench::placement::wait_max;
use crate::compare::sequence::BLOCK_ROUNDS;
use crate::harness::timeout::TimeoutMultiplier;
use crate::results::model::{Level, Machine};

/// Seed unless another one is given: fixed, so that runs repeat.
pub(super) const SEED: &str = "1";

#[derive(Debug, Args)]
pub(super) struct Run {
    /// Folder of the results
    #[arg(long, value_name = "DIR", default_value = "reports/latest")]
    pub out: PathBuf,
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub placement: Placement,
    /// Scenarios at a time [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub jobs: Option<usize>,
}

#[derive(Debug, Args)]
pub(super) struct Conform {
    /// Subjects, each on its own: built-in names or paths of a subject.toml, separated by commas or each with an option of
    /// its own [default: reference]
    #[arg(long, value_name = "S", value_delimiter = ',', conflicts_with_all = ["client", "server"])]
    pub subject: Vec<String>,
    /// Subject in the client role, against --server
    #[arg(long, value_name = "S", requires = "server")]
    pub client: Option<String>,
    /// Subject in the server role, against --client
    #[arg(long, value_name = "S", requires = "client")]
    pub server: Option<String>,
    /// Only scenarios whose id matches; `*` matches slashes too
    #[arg(long, value_name = "GLOB")]
    pub run: Vec<String>,
    /// No scenarios whose id matches
    #[arg(long, value_name = "GLOB")]
    pub skip: Vec<String>,
    /// Only scenarios that are at least so strong
    #[arg(long, value_enum)]
    pub level: Option<LevelWord>,
    /// Only scenarios that decide this requirement
    #[arg(long, value_name = "ID")]
    pub requirement: Vec<String>,
    /// Scenarios at a time [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub jobs: Option<usize>,
    /// How often each scenario has to pass
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..))]
    pub repeat: u64,
    /// Keep the transcripts of what passed, too
    #[arg(long)]
    pub trace: bool,
    /// Rewrite each subject's expected.toml to what this run shows
    #[arg(long, conflicts_with_all = ["client", "server"])]
    pub update_expected: bool,
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub outputs: Outputs,
}

#[derive(Debug, Args)]
pub(super) struct Bench {
    /// Benchmark scenarios by name or file; all if left out
    #[arg(value_name = "FILE|NAME")]
    pub asked: Vec<String>,
    /// Subjects: built-in names or paths of a subject.toml, separated by commas or each with an option of its own
    /// [default: reference]
    #[arg(long, value_name = "S", value_delimiter = ',')]
    pub subject: Vec<String>,
    /// Fewer and shorter rounds, and so wider intervals
    #[arg(long)]
    pub quick: bool,
    /// Rounds instead of the scenario's own
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub rounds: Option<usize>,
    /// Run client and server of loads under `SCHED_FIFO`, which needs `CAP_SYS_NICE` or `ulimit -r`: ordinary processes cannot
    /// take their processors away
    #[arg(long)]
    pub real_time: bool,
    /// Go on with the run whose results are in --out: questions that it has answered are not asked again
    #[arg(long, requires = "out")]
    pub resume: bool,
    /// What the report is called where `shmark compare` sets it beside others
    #[arg(long, value_name = "TEXT", value_parser = label)]
    pub label: Option<String>,
    #[command(flatten)]
    pub placement: Placement,
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub outputs: Outputs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Builds are launched in turn, as often as it takes: a difference counts only if the interval of the ratio, a \
                  rank test and the size of the effect agree, and once more in fresh launches. Reports are compared as they \
                  are, which shows large differences only, and never fails the run. Exits with 1 if a build is worse by what \
                  --fail-on says, or has no valid result."
)]
pub(super) struct Compare {
    /// What to compare with: a subject (built-in name or path of a subject.toml), a peer program with its arguments in one
    /// word (`"target/release/shmark peer"`), or a report.json
    #[arg(value_name = "BASE")]
    pub base: String,
    /// What to compare, likewise; several are each compared with BASE
    #[arg(value_name = "NEW", required = true)]
    pub new: Vec<String>,
    /// Benchmark scenarios by name or file, separated by commas or each with an option of its own
    #[arg(long, value_name = "FILE|NAME", value_delimiter = ',', default_value = "rtt")]
    pub scenario: Vec<String>,
    /// Names of BASE and NEW in the results, in this order
    #[arg(long, value_name = "TEXT", value_parser = label)]
    pub label: Vec<String>,
    /// Smallest slowdown that fails the run
    #[arg(long, value_name = "PERCENT", default_value = "5%")]
    pub fail_on: Percent,
    /// Most launches of each build and case before it is too noisy, at least 20; as many again to confirm a difference
    #[arg(long, value_name = "N", default_value = "200", value_parser = rounds_max)]
    pub rounds_max: usize,
    #[command(flatten)]
    pub placement: Placement,
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub outputs: Outputs,
}

/// A share, typed in percent: `5%` or `5`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Percent(f64);

impl Percent {
    /// 0.05 for `5%`.
    pub fn share(self) -> f64 {
        self.0 / 100.0
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>() {
            Ok(percent) if (0.1..=1000.0).contains(&percent) => Ok(Self(percent)),
            _ => Err("a number of percent from 0.1 to 1000 is needed, such as 5%".to_owned()),
        }
    }
}

#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Placement {
    /// Processors of client and server, chosen if left out; `all` measures a benchmark's loads on every pair
    #[arg(long, value_name = "A,B|all", value_parser = pin)]
    pub pin: Option<Pin>,
    /// On a virtual machine, do not wait for the host to put the two processors close together
    #[arg(long = "any-placement")]
    pub any: bool,
}

impl Placement {
    /// The pair, for a command that measures on one.
    ///
    /// # Errors
    /// [`CommandError::EveryPair`].
    pub fn pair(self) -> Result<Option<(usize, usize)>, CommandError> {
        match self.pin {
            Some(Pin::All) => Err(CommandError::EveryPair),
            Some(Pin::Pair(client, server)) => Ok(Some((client, server))),
            None => Ok(None),
        }
    }

    /// How long a run waits for a better one.
    pub fn wait(self, machine: &Machine, quick: bool) -> Duration {
        // Real processors stay where they are, and of every pair nobody knows what is near.
        if machine.virtualised && !self.any && self.pin != Some(Pin::All) { wait_max(quick) } else { Duration::ZERO }
    }
}

#[derive(Debug, Args)]
pub(super) struct Common {
    /// Folder with scenarios that add to the built-in ones, or take the place of those with the same id
    #[arg(long, value_name = "DIR")]
    pub scenarios: Option<PathBuf>,
    /// Seed of everything that the runner makes up
    #[arg(long, value_name = "N", default_value = SEED)]
    pub seed: u64,
    /// Multiply the time limits of peers, for slow ones and slow machines: 1 to 1000. A bound that a scenario states is
    /// stretched visibly
    #[arg(long, value_name = "X", default_value = "1")]
    pub timeout_multiplier: TimeoutMultiplier,
}

/// Levels as they are typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum LevelWord {
    /// The pattern is broken without it
    Must,
    /// A user would be surprised without it
    Should,
    /// Kept for comparison
    Observed,
}

impl From<LevelWord> for Level {
    fn from(word: LevelWord) -> Self {
        match word {
            LevelWord::Must => Self::Must,
            LevelWord::Should => Self::Should,
            LevelWord::Observed => Self::Observed,
        }
    }
}

fn pin(text: &str) -> Result<Pin, String> {
    if text == "all" {
        return Ok(Pin::All);
    }
    let number = |part: &str| part.trim().parse::<usize>().ok();
    text.split_once(',')
        .and_then(|(client, server)| Some(Pin::Pair(number(client)?, number(server)?)))
        .ok_or_else(|| "two processor numbers are needed, that of the client first, such as 0,1; or all".to_owned())
}

fn rounds_max(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(rounds) if rounds >= BLOCK_ROUNDS => Ok(rounds),
        _ => Err(format!("a number from {BLOCK_ROUNDS} is needed: fewer rounds have no verdict")),
    }
}

fn label(text: &str) -> Result<String, String> {
    match text.trim() {
        text if text.chars().any(char::is_control) => Err("a label is one line without control characters".to_owned()),
        "" => Err("a label needs a character that can be seen".to_owned()),
        text => Ok(text.to_owned()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a number from 1 is needed".to_owned()),
        Ok(number) => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slowdown_is_typed_in_percent() {
        for (text, share) in [("5%", 0.05), ("5", 0.05), ("2.5 %", 0.025), ("100%", 1.0)] {
            assert!((text.parse::<Percent>().unwrap().share() - share).abs() < 1e-12, "{text}");
        }
        for text in ["", "%", "0", "-5%", "NaN", "inf", "five", "5%%"] {
            assert!(text.parse::<Percent>().unwrap_err().contains("such as 5%"), "{text}");
        }
    }

    #[test]
    fn processors_come_in_pairs() {
        assert_eq!(pin("0,1"), Ok(Pin::Pair(0, 1)));
        assert_eq!(pin(" 3 , 12 "), Ok(Pin::Pair(3, 12)));
        assert_eq!(pin("all"), Ok(Pin::All));
        for text in ["0", "0,", "a,1", "0,1,2", "-1,0"] {
            assert!(pin(text).unwrap_err().contains("such as 0,1"), "{text}");
        }
    }
}
