//! What is done wrong between the engine and the model, to show that the model would see it.

use shmark_models::{Config, Rule, ports};

use super::Engine;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// One server too many is said to have a request.
    CountsOneMore,
    /// A request is taken and not handed out.
    LosesRequest,
    /// The same, of a long one only.
    LosesLongRequest,
    /// The same, if its client was dropped.
    LosesRequestOfDropped,
    /// The same, if more than 63 clients came since a server looked.
    LosesRequestOfMany,
    /// A response is taken and not handed out.
    LosesResponse,
    /// The same, of a long one only.
    LosesLongResponse,
    /// The same, if its server was dropped.
    LosesResponseOfDropped,
    /// The first element of a request changes in flight.
    Damages,
    /// The hundredth element of a response changes in flight.
    DamagesLongResponse,
    /// Elements of a response behind the eighth are cut off.
    ShortensResponse,
    /// A response says that it belongs to another request.
    Misattributes,
    /// Somebody else is said to have sent a request.
    DisguisesSender,
    /// A pending response is said to be connected for ever.
    IsAlwaysConnected,
    /// It is said that no response waits.
    SeesNoResponse,
    /// It is said that requests wait.
    SeesRequests,
    /// A handler that has made room has the message discarded.
    DiscardsInHandler,
    /// A handler receives a request and does not hand it out.
    LosesRequestInHandler,
    /// A hint is not passed on.
    IgnoresHint,
    /// A limit is told one too high.
    MisstatesLimit,
    /// A chunk more is said to be in use.
    LeaksChunk,
    /// It is denied that messages are copied.
    DeniesCopies,
    /// It is said that every request is copied.
    ClaimsCopiesOfRequests,
    /// It is said that every response is copied.
    ClaimsCopiesOfResponses,
    /// Clients allocate statically.
    ClientNeverGrows,
    /// Servers allocate statically.
    ServerNeverGrows,
    /// Everything is preallocated, whatever is asked for.
    PreallocatesAll,
    /// Requests are delivered although nobody waits for responses.
    ForgetsWhoWaits,
    /// Responses overflow where they should not.
    TurnsOverflowRound,
    /// The file of a connection is never taken away.
    LeavesConnection,
    /// The file of a segment is never taken away.
    LeavesSegment,
    /// Of every segment there are two files.
    LeavesOutgrown,
    /// What was handed over is never taken away.
    LeavesHandedOver,
    /// A file stays.
    LeavesFile,
}

#[test]
fn every_fault_of_ports_is_found() {
    use Fault as F;
    let faults: [(F, &[&str]); _] = [
        (F::CountsOneMore, &["RR-SND-01"]),
        (F::LosesRequest, &["RR-SND-01"]),
        (F::LosesLongRequest, &["RR-SND-01"]),
        (F::LosesRequestOfDropped, &["RR-FNF-01"]),
        (F::LosesRequestOfMany, &["RR-SND-01"]),
        (F::LosesResponse, &["RR-PND-01"]),
        (F::LosesLongResponse, &["RR-PND-01"]),
        (F::LosesResponseOfDropped, &["RR-PND-01"]),
        (F::Damages, &["should be"]),
        (F::DamagesLongResponse, &["should be"]),
        (F::ShortensResponse, &["should be"]),
        (F::Misattributes, &["received a response to"]),
        (F::DisguisesSender, &["unknown sender"]),
        (F::IsAlwaysConnected, &["RR-PND-04"]),
        (F::SeesNoResponse, &["RR-PND-01"]),
        (F::SeesRequests, &["RR-FNF-02"]),
        (F::DiscardsInHandler, &["RR-SND-05", "RR-PND-01"]),
        (F::LosesRequestInHandler, &["RR-SND-01"]),
        (F::IgnoresHint, &["RR-PND-07"]),
        (F::MisstatesLimit, &["RR-LOAN-01"]),
        (F::LeaksChunk, &["RR-RCL-01"]),
        (F::DeniesCopies, &["RR-LOAN-05"]),
        (F::ClaimsCopiesOfRequests, &["RR-RCL-01", "RR-PRT-08"]),
        (F::ClaimsCopiesOfResponses, &["RR-RCL-01", "RR-PRT-08"]),
        (F::ClientNeverGrows, &["RR-DYN-01"]),
        (F::ServerNeverGrows, &["RR-DYN-01"]),
        (F::PreallocatesAll, &["RR-LOAN-05"]),
        (F::ForgetsWhoWaits, &["RR-FNF-02"]),
        (F::TurnsOverflowRound, &["RR-PND-03", "RR-PRT-08", "RR-RCL-01"]),
        (F::LeavesConnection, &["RR-FNF-03"]),
        (F::LeavesSegment, &["RR-DYN-04"]),
        (F::LeavesOutgrown, &["RR-DYN-04"]),
        (F::LeavesHandedOver, &["RR-FNF-03"]),
        (F::LeavesFile, &["left of a service"]),
    ];
    let mut missed = Vec::new();
    for (fault, requirements) in faults {
        // Another part of the same rules is found first now and then: any of them tells that the fault was seen.
        match ports::check_operations(&Engine(fault), Config::default()) {
            Ok(_) => missed.push(format!("{fault:?} was not found")),
            Err(failure) => {
                let is_told = requirements.iter().any(|requirement| failure.happened().contains(requirement));
                if failure.rule() != Rule::Pattern || !is_told {
                    missed
                        .push(format!("{fault:?} was found, but for another reason than {requirements:?}:\n{failure}"));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n\n"));
}

#[test]
fn faults_between_threads_are_found() {
    use Fault as F;
    for (fault, requirement) in [
        (F::LosesRequest, "RR-SND-01"),
        (F::LosesLongRequest, "RR-SND-01"),
        (F::LosesRequestOfDropped, "RR-SND-01"),
        (F::CountsOneMore, "RR-SND-01"),
        (F::Damages, "RR-SND-11"),
    ] {
        let failure = ports::check_threads(&Engine(fault), Config::default());
        let failure = failure.expect_err(&format!("{fault:?} was not found"));
        assert!(failure.happened().contains(requirement), "{fault:?} was found, but for another reason:\n{failure}");
    }
}
