//! Runs random cases, finds the shortest one that fails, and keeps what was done in it.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config as Proptest, RngSeed, TestCaseError, TestError, TestRunner};

use super::config::Config;
use super::failure::{Broken, Rule, RuleViolation};

/// What was done in a case, one line for each operation.
pub(super) type Log = Vec<String>;

/// Tries `config.cases` cases; `test` writes down what it does before it judges what came of it.
pub(super) fn explore<S: Strategy>(
    tested: &str,
    config: Config,
    cases: &S,
    test: impl Fn(&S::Value, &mut Log) -> Result<(), Broken>,
) -> Result<(), RuleViolation> {
    // Shrinking goes on from the last case that failed, so the last failure is the one with the shortest case.
    let last: RefCell<Option<(Broken, Log)>> = RefCell::new(None);
    let mut runner = TestRunner::new(Proptest {
        cases: config.cases,
        rng_seed: RngSeed::Fixed(config.seed),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        max_shrink_time: 60_000, // milliseconds
        ..Proptest::default()
    });
    let result = runner.run(cases, |case| {
        let mut log = Log::new();
        let outcome = catch_unwind(AssertUnwindSafe(|| test(&case, &mut log)))
            .unwrap_or_else(|panic| Err(Broken { rule: Rule::NoPanic, happened: panic_text(panic.as_ref()) }));
        outcome.map_err(|broken| {
            let reason = broken.happened.clone();
            *last.borrow_mut() = Some((broken, log));
            TestCaseError::fail(reason)
        })
    });
    let Err(error) = result else { return Ok(()) };
    let (broken, operations) = last.into_inner().unwrap_or_else(|| {
        let (TestError::Abort(reason) | TestError::Fail(reason, _)) = error;
        (Broken { rule: Rule::SomethingIsTested, happened: reason.to_string() }, Log::new())
    });
    Err(RuleViolation {
        rule: broken.rule,
        tested: tested.to_owned(),
        happened: broken.happened,
        operations,
        repeat: format!("{} cargo test", config.variables()),
    })
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("a panic: {}", text.as_deref().unwrap_or("without a text"))
}
