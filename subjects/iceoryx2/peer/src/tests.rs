//! The trait in one process: client and server side by side.

use std::collections::BTreeMap;
use std::fs;

use shmark::harness::manifest::Manifest;
use shmark_peer::kit::implementation::{
    Allocation, Backpressure, BenchClient, BenchServer, BenchSetup, BenchSubject, Element, HeaderSpec, HeaderType,
    Implementation, Kind, Load, OpResult, Opening, PayloadSpec, PortSpec, Qos, Receipt, Refusal, ServiceSpec, Timing,
    Touch, Waiting,
};
use shmark_peer::protocol::{ErrorClass, FEATURES};
use tempfile::TempDir;

use crate::peer::{self, Peer};

const SEVEN: [u8; 8] = 7_u64.to_ne_bytes();
const HEADER: HeaderSpec = HeaderSpec { header: HeaderType::U64 };

/// A namespace that is looked through for leftovers when it goes.
struct Namespace(TempDir);

impl Namespace {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("shmark-iox-").tempdir().unwrap())
    }

    fn root(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    fn peer(&self) -> Peer {
        Peer::start(self.root()).unwrap().0
    }

    fn shared_memory(&self) -> Vec<String> {
        let unique = self.0.path().file_name().unwrap().to_str().unwrap();
        let names = fs::read_dir("/dev/shm").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains(unique)).collect()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let mut left = self.shared_memory();
        for name in &left {
            let _ = fs::remove_file(format!("/dev/shm/{name}"));
        }
        // iceoryx2 keeps its node counter for ever, one file a namespace.
        left.retain(|name| !name.ends_with(".global_mgmt"));
        if !std::thread::panicking() {
            assert_eq!(left, Vec::<String>::new(), "left behind in /dev/shm");
        }
    }
}

fn payload(element: Element, kind: Kind) -> PayloadSpec {
    PayloadSpec { element, kind, align: None }
}

fn spec(element: Element, request: Kind, response: Kind) -> ServiceSpec {
    ServiceSpec {
        name: "a/service".into(),
        request: payload(element, request),
        response: payload(element, response),
        request_header: None,
        response_header: None,
        qos: Qos::default(),
        attributes: BTreeMap::new(),
    }
}

fn len(kind: Kind) -> usize {
    if kind == Kind::Fixed { 1 } else { 3 }
}

fn slices(len: usize) -> PortSpec {
    PortSpec { initial_max_slice_len: Some(len), ..PortSpec::default() }
}

#[track_caller]
fn refused<T>(outcome: OpResult<T>) -> (ErrorClass, String, Option<String>) {
    match outcome {
        Err(Refusal::Error { class, native, setting }) => (class, native, setting),
        Err(Refusal::Unsupported(why)) => panic!("unsupported: {why}"),
        Ok(_) => panic!("it was not refused"),
    }
}

/// One request and one response, with headers if the service has them.
fn round_trip(peer: &mut Peer, spec: &ServiceSpec) {
    let node = peer.node_create(None).unwrap();
    let (service, _) = peer.service(&node, Opening::Create, spec).unwrap();
    let (server, server_id) = peer.server_create(&service, &slices(3)).unwrap();
    let (client, client_id) = peer.client_create(&service, &slices(3)).unwrap();

    for uninit in [false, true] {
        let mut request = peer.request_loan(&client, len(spec.request.kind), uninit).unwrap();
        let view = peer.request_loan_view(&mut request);
        assert_eq!((view.len, view.addr_mod_align), (len(spec.request.kind), 0));
        assert!(uninit || view.payload.iter().all(|&byte| byte == 0), "a plain loan holds the default value");
        view.payload.fill(0xa1);
        if let Some(header) = view.header {
            header.copy_from_slice(&SEVEN);
        }
        let (pending, delivered) = peer.request_send(request).unwrap();
        assert_eq!(delivered, 1);
        assert!(peer.pending_connected(&pending).unwrap());
        assert!(peer.has_requests(&server).unwrap());

        let Receipt::Received(active, arrival) = peer.server_receive(&server, None).unwrap() else {
            panic!("the request that has_requests has told of is received");
        };
        assert_eq!((arrival.origin, arrival.align_ok), (client_id.clone(), true));
        let view = peer.active_view(&active);
        assert_eq!(view.len, len(spec.request.kind));
        assert!(!view.payload.is_empty() && view.payload.iter().all(|&byte| byte == 0xa1));
        assert_eq!(view.header, spec.request_header.map(|_| &SEVEN[..]));

        let mut response = peer.response_loan(&active, len(spec.response.kind), uninit).unwrap();
        let view = peer.response_loan_view(&mut response);
        view.payload.fill(0xb2);
        peer.response_send(response).unwrap();
        assert!(peer.has_response(&pending).unwrap());
        let Receipt::Received(response, arrival) = peer.pending_receive(&pending, None).unwrap() else {
            panic!("the response that has_response has told of is received");
        };
        assert_eq!((arrival.origin, arrival.align_ok), (server_id.clone(), true));
        let view = peer.response_view(&response);
        assert_eq!(view.len, len(spec.response.kind));
        assert!(!view.payload.is_empty() && view.payload.iter().all(|&byte| byte == 0xb2));
        assert_eq!(view.header, spec.response_header.map(|_| &[0_u8; 8][..]), "an unwritten header is 0");

        assert!(!peer.has_hint(&active).unwrap());
        peer.hint_disconnect(&pending).unwrap();
        assert!(peer.has_hint(&active).unwrap() && peer.active_connected(&active).unwrap());
        drop(pending);
        assert!(!peer.active_connected(&active).unwrap());
    }
}

#[test]
fn every_compiled_combination_of_payloads_and_headers_makes_a_round_trip() {
    let payloads = [Element::U64, Element::Bytes]
        .into_iter()
        .flat_map(|element| [Kind::Fixed, Kind::Slice].map(|kind| payload(element, kind)));
    for (request, response) in
        payloads.clone().flat_map(|request| payloads.clone().map(move |response| (request, response)))
    {
        for headers in [[None, None], [Some(HEADER), None], [None, Some(HEADER)], [Some(HEADER), Some(HEADER)]] {
            if request.element != response.element && headers != [None, None] {
                continue;
            }
            let namespace = Namespace::new();
            let [request_header, response_header] = headers;
            round_trip(
                &mut namespace.peer(),
                &ServiceSpec {
                    request,
                    response,
                    request_header,
                    response_header,
                    ..spec(Element::U64, Kind::Fixed, Kind::Fixed)
                },
            );
        }
    }
}

#[test]
fn user_headers_with_two_element_types_are_unsupported_with_a_text() {
    let namespace = Namespace::new();
    let mut peer = namespace.peer();
    let node = peer.node_create(None).unwrap();
    let mut asked = spec(Element::U64, Kind::Fixed, Kind::Fixed);
    (asked.response.element, asked.request_header) = (Element::Bytes, Some(HEADER));
    assert!(matches!(peer.service(&node, Opening::Create, &asked), Err(Refusal::Unsupported(why)) if !why.is_empty()));
}

#[test]
fn a_payload_has_the_alignment_that_was_asked_for() {
    let namespace = Namespace::new();
    let mut asked = spec(Element::Bytes, Kind::Slice, Kind::Slice);
    asked.request.align = Some(1024);
    asked.response.align = Some(64);
    round_trip(&mut namespace.peer(), &asked);
}

#[test]
fn settings_and_attributes_come_back_as_they_were_set() {
    let namespace = Namespace::new();
    let mut peer = namespace.peer();
    let node = peer.node_create(Some("a node")).unwrap();
    let mut asked = spec(Element::U64, Kind::Fixed, Kind::Fixed);
    asked.qos = Qos {
        overflow_requests: Some(false),
        overflow_responses: Some(false),
        fire_and_forget: Some(false),
        max_active_requests: Some(3),
        max_loaned_requests: Some(5),
        max_borrowed_responses: Some(6),
        response_buffer: Some(7),
        max_servers: Some(8),
        max_clients: Some(9),
        max_nodes: Some(10),
    };
    asked.attributes = BTreeMap::from([("key".into(), "value".into())]);
    let (service, created) = peer.service(&node, Opening::Create, &asked).unwrap();
    assert_eq!((created.qos, &created.attributes), (asked.qos, &asked.attributes));
    let mut anything = spec(Element::U64, Kind::Fixed, Kind::Fixed);
    for opening in [Opening::Open, Opening::OpenOrCreate] {
        assert_eq!(peer.service(&node, opening, &anything).unwrap().1, created);
    }

    anything.attributes = BTreeMap::from([("key".into(), "other".into())]);
    assert_eq!(refused(peer.service(&node, Opening::Open, &anything)).0, ErrorClass::IncompatibleAttributes);
    assert_eq!(peer.service_list(&node).unwrap(), ["a/service"]);
    assert!(peer.service_exists(&node, "a/service").unwrap() && !peer.service_exists(&node, "b").unwrap());

    let _client = peer.client_create(&service, &PortSpec { name: Some("c".into()), ..PortSpec::default() }).unwrap();
    let ports = peer.service_ports(&service).unwrap();
    assert_eq!((ports.clients, ports.servers, ports.nodes), (1, 0, 1));
    assert_eq!(peer.node_list().unwrap().iter().map(|node| node.state.as_str()).collect::<Vec<_>>(), ["alive"]);
    assert_eq!(peer.node_cleanup().unwrap(), (0, 0));
}

#[test]
fn names_and_attributes_come_back_unescaped() {
    let namespace = Namespace::new();
    let mut peer = namespace.peer();
    let node = peer.node_create(None).unwrap();
    let mut asked = spec(Element::U64, Kind::Fixed, Kind::Fixed);
    asked.name = "a \"name\"\n\\".into();
    asked.attributes = BTreeMap::from([("a\tkey".into(), "a \"value\"".into())]);
    let (_service, effective) = peer.service(&node, Opening::Create, &asked).unwrap();
    assert_eq!(effective.attributes, asked.attributes);
    assert_eq!(peer.service_list(&node).unwrap(), [asked.name]);
}

#[test]
fn refusals_have_their_class_and_setting() {
    let namespace = Namespace::new();
    let mut peer = namespace.peer();
    let node = peer.node_create(None).unwrap();
    let asked = spec(Element::U64, Kind::Slice, Kind::Slice);
    let (class, native, _) = refused(peer.service(&node, Opening::Open, &asked));
    assert_eq!((class, native.as_str()), (ErrorClass::DoesNotExist, "RequestResponseOpenError::DoesNotExist"));

    let (service, _) = peer.service(&node, Opening::Create, &asked).unwrap();
    assert_eq!(refused(peer.service(&node, Opening::Create, &asked)).0, ErrorClass::AlreadyExists);
    let other = spec(Element::Bytes, Kind::Slice, Kind::Slice);
    assert_eq!(refused(peer.service(&node, Opening::Open, &other)).0, ErrorClass::IncompatibleTypes);
    let mut more = asked.clone();
    more.qos.response_buffer = Some(100);
    let (class, _, setting) = refused(peer.service(&node, Opening::OpenOrCreate, &more));
    assert_eq!((class, setting.as_deref()), (ErrorClass::DoesNotSupport, Some("response_buffer")));
    let mut unlike = asked.clone();
    unlike.qos.fire_and_forget = Some(false);
    let (class, _, setting) = refused(peer.service(&node, Opening::Open, &unlike));
    assert_eq!((class, setting.as_deref()), (ErrorClass::IncompatibleBehaviour, Some("fire_and_forget")));
    let unnamed = ServiceSpec { name: String::new(), ..asked.clone() };
    assert_eq!(refused(peer.service(&node, Opening::Create, &unnamed)).0, ErrorClass::InvalidName);

    let greedy = PortSpec { max: Some(99), ..PortSpec::default() };
    let (class, _, setting) = refused(peer.client_create(&service, &greedy));
    assert_eq!((class, setting.as_deref()), (ErrorClass::DoesNotSupport, Some("max_active_requests")));
    let long = PortSpec { name: Some("n".repeat(200)), ..PortSpec::default() };
    assert_eq!(refused(peer.client_create(&service, &long)).0, ErrorClass::InvalidName);

    let (client, _) = peer.client_create(&service, &PortSpec::default()).unwrap();
    assert_eq!(refused(peer.request_loan(&client, 2, false)).0, ErrorClass::ExceedsMaxLoanSize);
    let _loans = [peer.request_loan(&client, 1, false).unwrap(), peer.request_loan(&client, 1, true).unwrap()];
    assert_eq!(refused(peer.request_loan(&client, 1, true)).0, ErrorClass::ExceedsMaxLoans);
    assert!(matches!(
        peer.server_create(&service, &PortSpec::default())
            .and_then(|(server, _)| peer.server_receive(&server, Some(1))),
        Err(Refusal::Unsupported(_))
    ));
}

#[test]
fn ports_grow_discard_and_preallocate_when_told_to() {
    let namespace = Namespace::new();
    let mut peer = namespace.peer();
    let node = peer.node_create(None).unwrap();
    let mut asked = spec(Element::Bytes, Kind::Slice, Kind::Slice);
    asked.qos = Qos { overflow_requests: Some(false), max_active_requests: Some(1), ..Qos::default() };
    let (service, _) = peer.service(&node, Opening::Create, &asked).unwrap();
    let (_server, _) = peer.server_create(&service, &PortSpec::default()).unwrap();

    let growing = PortSpec {
        allocation: Some(Allocation::PowerOfTwo),
        backpressure: Some(Backpressure::Discard),
        ..PortSpec::default()
    };
    let (client, _) = peer.client_create(&service, &growing).unwrap();
    let mut request = peer.request_loan(&client, 100_000, false).unwrap();
    assert_eq!(peer.request_loan_view(&mut request).payload.len(), 100_000);
    let (pending, delivered) = peer.request_send(request).unwrap();
    assert_eq!(delivered, 1);
    drop(pending);
    let request = peer.request_loan(&client, 1, false).unwrap();
    assert_eq!(peer.request_send(request).unwrap().1, 0, "the buffer of one is full, so the request is discarded");
    drop(client);

    let small = PortSpec { preallocate: Some(1), ..PortSpec::default() };
    let (client, _) = peer.client_create(&service, &small).unwrap();
    let _one = peer.request_loan(&client, 1, false).unwrap();
    assert_eq!(refused(peer.request_loan(&client, 1, false)).0, ErrorClass::OutOfMemory);
}

#[test]
fn the_benchmark_ports_answer_each_request_with_its_own_sequence() {
    for (element, kind, len) in [
        (Element::U64, Kind::Fixed, 1),
        (Element::Bytes, Kind::Fixed, 1),
        (Element::U64, Kind::Slice, 5),
        (Element::Bytes, Kind::Slice, 64),
    ] {
        let namespace = Namespace::new();
        let setup = BenchSetup {
            root: namespace.root().into(),
            service: "bench".into(),
            payload: payload(element, kind),
            len,
            waiting: Waiting::Spin,
            load: Load::default(),
            qos: Qos::default(),
        };
        let mut server = Peer::bench_server(&setup).unwrap();
        let mut client = Peer::bench_client(&setup).unwrap();
        assert_eq!((server.serve(), client.poll()), (Ok(None), Ok(None)));
        for sequence in 0..1000 {
            client.send(sequence).unwrap();
            assert_eq!(server.serve(), Ok(Some(sequence)));
            assert_eq!(client.poll(), Ok(Some(sequence)));
        }
        let blocking = BenchSetup { waiting: Waiting::Block, ..setup.clone() };
        assert!(matches!(Peer::bench_client(&blocking), Err(Refusal::Unsupported(_))));
        let untouched = BenchSetup { load: Load { touch: Touch::Stamp, ..Load::default() }, ..setup };
        assert!(matches!(Peer::bench_client(&untouched), Err(Refusal::Unsupported(_))));
    }
}

#[test]
fn the_benchmark_ports_carry_several_messages_at_a_time_beside_idle_clients() {
    let namespace = Namespace::new();
    let setup = BenchSetup {
        root: namespace.root().into(),
        service: "bench".into(),
        payload: payload(Element::U64, Kind::Fixed),
        len: 1,
        waiting: Waiting::Spin,
        load: Load { timing: Timing::Throughput, outstanding: 8, responses: 16, idle_clients: 7, ..Load::default() },
        qos: Qos { max_active_requests: Some(8), response_buffer: Some(16), ..Qos::default() },
    };
    let mut server = Peer::bench_server(&setup).unwrap();
    let mut client = Peer::bench_client(&setup).unwrap();
    for round in 0..20 {
        for sequence in 8 * round + 1..=8 * round + 8 {
            client.send(sequence).unwrap();
        }
        for sequence in 8 * round + 1..=8 * round + 8 {
            assert_eq!(server.serve(), Ok(Some(sequence)));
        }
        for number in 128 * round + 1..=128 * round + 128 {
            assert_eq!(client.poll(), Ok(Some(number)));
        }
    }
    assert_eq!((server.serve(), client.poll()), (Ok(None), Ok(None)));
}

#[test]
fn the_benchmark_ports_are_several_clients_and_several_servers() {
    let namespace = Namespace::new();
    let load =
        Load { timing: Timing::Throughput, clients: 3, servers: 2, outstanding: 2, responses: 2, ..Load::default() };
    let setup = BenchSetup {
        root: namespace.root().into(),
        service: "bench".into(),
        payload: payload(Element::U64, Kind::Fixed),
        len: 1,
        waiting: Waiting::Spin,
        load,
        qos: Qos { max_clients: Some(3), max_servers: Some(2), ..Qos::default() },
    };
    let mut servers = Peer::bench_servers(&setup).unwrap();
    let mut clients = Peer::bench_clients(&setup).unwrap();
    assert_eq!((servers.len(), clients.len()), (2, 3));
    for round in 0..20 {
        let sequences: Vec<u64> = (6 * round + 1..=6 * round + 6).collect();
        for sequence in &sequences {
            clients[(sequence - 1) as usize % 3].send(*sequence).unwrap();
        }
        for server in &mut servers {
            let mut received: Vec<u64> = (0..6).map(|_| server.serve().unwrap().unwrap()).collect();
            received.sort_unstable();
            assert_eq!((received, server.serve()), (sequences.clone(), Ok(None)));
        }
        for sequence in sequences {
            let client = &mut clients[(sequence - 1) as usize % 3];
            let mut numbers: Vec<u64> = (0..4).map(|_| client.poll().unwrap().unwrap()).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (4 * sequence - 3..=4 * sequence).collect::<Vec<_>>());
        }
    }
}

#[test]
fn namespaces_do_not_see_each_other() {
    let namespaces = [Namespace::new(), Namespace::new()];
    let mut peers = namespaces.each_ref().map(Namespace::peer);
    let nodes = peers.each_mut().map(|peer| peer.node_create(None).unwrap());
    let asked = spec(Element::U64, Kind::Fixed, Kind::Fixed);
    let _service = peers[0].service(&nodes[0], Opening::Create, &asked).unwrap();
    assert!(!peers[1].service_exists(&nodes[1], &asked.name).unwrap());
    assert_eq!(peers[1].node_list().unwrap().len(), 1);
    assert!(!namespaces[0].shared_memory().is_empty(), "shared memory is named after its namespace");
}

#[test]
fn the_manifests_agree_with_the_code() {
    let manifest = Manifest::parse("subject.toml", include_str!("../../subject.toml")).unwrap();
    assert_eq!(
        (manifest.features, manifest.pin.as_str()),
        (peer::FEATURES.iter().map(|&feature| feature.to_owned()).collect(), peer::VERSION)
    );
    assert!(include_str!("../Cargo.toml").contains(&format!("iceoryx2 = \"={}\"", peer::VERSION)));
    assert!(peer::FEATURES.iter().all(|feature| FEATURES.contains(feature)));
}
