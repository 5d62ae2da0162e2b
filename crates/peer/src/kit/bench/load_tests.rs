//! Ranges, names and numbers of loads.

use super::*;

#[test]
fn responses_are_counted_over_the_whole_trial() {
    let load = Load { responses: 3, ..Load::default() };
    assert_eq!(load.numbers(1).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(load.numbers(5).collect::<Vec<_>>(), [13, 14, 15]);
    assert_eq!(Load::default().numbers(7).collect::<Vec<_>>(), [7]);
    assert_eq!(Load::default().numbers(u64::MAX).collect::<Vec<_>>(), [u64::MAX]);
    assert_eq!(load.numbers(0).count(), 3, "nonsense from a peer is no panic");
}

#[test]
fn servers_share_the_numbers_of_a_request() {
    let load = Load { responses: 2, servers: 3, ..Load::default() };
    let numbers = |sequence| [0, 1, 2].map(|server| load.numbering(server).numbers(sequence).collect::<Vec<_>>());
    assert_eq!(numbers(1), [[1, 2], [3, 4], [5, 6]]);
    assert_eq!(numbers(2), [[7, 8], [9, 10], [11, 12]]);
    let alone = Load { responses: 2, ..Load::default() };
    for sequence in [0, 1, 7, u64::MAX] {
        assert!(alone.numbering(0).numbers(sequence).eq(alone.numbers(sequence)), "{sequence}");
    }
}

#[test]
fn what_is_out_of_range_is_refused() {
    let plain = Load::default();
    assert!(plain.check().is_ok() && plain.is_plain());
    for wrong in [
        Load { outstanding: 0, ..plain },
        Load { responses: LOAD_MAX + 1, ..plain },
        Load { idle_clients: LOAD_MAX + 1, ..plain },
        Load { outstanding: 2, ..plain },
        Load { responses: 2, ..plain },
        Load { timing: Timing::OpenLoop, ..plain },
        Load { timing: Timing::OpenLoop, rate_per_s: RATE_MAX + 1, ..plain },
        Load { timing: Timing::OpenLoop, rate_per_s: 1000, responses: 2, ..plain },
        Load { rate_per_s: 1000, ..plain },
        Load { clients: 0, ..plain },
        Load { servers: LOAD_MAX + 1, ..plain },
        Load { clients: 2, ..plain },
        Load { timing: Timing::OpenLoop, rate_per_s: 1000, clients: 2, ..plain },
        Load { timing: Timing::OpenLoop, rate_per_s: 1000, servers: 2, ..plain },
        Load { timing: Timing::Throughput, clients: LOAD_MAX, outstanding: 2, ..plain },
        Load { timing: Timing::Throughput, servers: 2, responses: LOAD_MAX, ..plain },
    ] {
        assert!(wrong.check().is_err(), "{wrong:?}");
    }
    assert!(Load { timing: Timing::Throughput, outstanding: 8, responses: 8, ..plain }.check().is_ok());
    assert!(Load { timing: Timing::OpenLoop, outstanding: 8, rate_per_s: 1000, ..plain }.check().is_ok());
    assert!(Load { servers: 4, ..plain }.check().is_ok(), "a round trip ends with the last response");
    assert!(Load { timing: Timing::Throughput, clients: 4, servers: 2, ..plain }.check().is_ok());
}

#[test]
fn every_setting_is_an_argument_and_every_word_of_it_is_one() {
    let arguments = serde_json::to_value(Load::default()).unwrap();
    let names: Vec<&str> = LOADS.iter().map(|setting| setting.name).collect();
    assert_eq!(names.len(), arguments.as_object().unwrap().len());
    for setting in LOADS {
        let values: Vec<serde_json::Value> = match setting.values {
            Values::Word(words) | Values::Words(words) => words.iter().map(|word| (*word).into()).collect(),
            Values::Counts { min, max, of, .. } => {
                assert_eq!(Some(of(&Load::default()) as u64), arguments[setting.name].as_u64(), "{}", setting.name);
                vec![min.into(), max.into()]
            }
        };
        assert!(values.contains(&arguments[setting.name]) || arguments[setting.name].is_number(), "{}", setting.name);
        for value in values {
            let load = serde_json::json!({ (setting.name): value });
            assert!(serde_json::from_value::<Load>(load.clone()).is_ok(), "{load}");
        }
    }
}

#[test]
fn what_is_left_out_is_the_default() {
    let load: Load = serde_json::from_str(r#"{"outstanding":8,"timing":"throughput"}"#).unwrap();
    assert_eq!(load, Load { timing: Timing::Throughput, outstanding: 8, ..Load::default() });
    assert!(serde_json::from_str::<Load>(r#"{"outstandig":8}"#).is_err());
}

/// A peer of version 3 refuses words that it does not know, and knows none of an open loop.
#[test]
fn an_older_peer_is_told_what_differs_and_no_more() {
    #[derive(Serialize)]
    struct Setup(#[serde(serialize_with = "serialize_changed")] Load);
    let load = Load { timing: Timing::Throughput, outstanding: 8, ..Load::default() };
    assert_eq!(serde_json::to_string(&Setup(load)).unwrap(), r#"{"outstanding":8,"timing":"throughput"}"#);
}
