//! Each property fails for a segment that breaks it, and for no other reason.

use shmark_models::{Config, Rule, RuleViolation, segment};

use crate::boxes::{Boxes, Fault};

#[test]
fn a_right_one_passes() -> Result<(), RuleViolation> {
    segment::check_operations(&Boxes(Fault::None), Config::default())
}

#[test]
fn every_fault_of_a_segment_is_found() {
    for (fault, rule) in [
        (Fault::ForgetsHolders, Rule::ChunksComeBack),
        (Fault::ReusesHeldChunk, Rule::ContentsStay),
        (Fault::KeepsOutgrown, Rule::OutgrownGoes),
        (Fault::Overlaps, Rule::ChunksAreApart),
        (Fault::LeaksOnRefusal, Rule::ChunksComeBack),
        (Fault::Misaligns, Rule::LoanIsAligned),
        (Fault::CutsShort, Rule::LoanIsAsLong),
        (Fault::NeverGrows, Rule::LoanSucceeds),
        (Fault::AlwaysGrows, Rule::LoanIsRefused),
        (Fault::ClearsOnGrowth, Rule::ContentsStay),
        (Fault::ForgetsReceiver, Rule::EveryoneReceives),
        (Fault::NeverFrees, Rule::ChunksComeBack),
        (Fault::FitsOnly, Rule::GrowsByStrategy),
        (Fault::MiscountsLoans, Rule::LoanIsRefused),
        (Fault::PanicsWhenHuge, Rule::NoPanic),
    ] {
        let failure = segment::check_operations(&Boxes(fault), Config::default());
        let failure = failure.expect_err(&format!("{fault:?} was not found"));
        assert_eq!(failure.rule(), rule, "{fault:?} was found, but for another reason:\n{failure}");
        assert!(failure.operations().len() <= 6, "a shorter way leads there:\n{failure}");
    }
}
