//! Payloads and headers: lengths, alignment, defaults.

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::common::{Scratch, name};

#[derive(Debug, Clone, Copy, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Sample {
    id: u32,
    values: [f32; 3],
}

impl Default for Sample {
    fn default() -> Self {
        Self { id: 42, values: [0.5, -1.0, 2.0] }
    }
}

#[test]
fn loans_hold_defaults_and_arrive_as_written() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = node.service_builder(&name("samples")).request_response::<Sample, [Sample]>();
    let service = service.request_user_header::<Sample>().response_user_header::<u64>().create().unwrap();
    let client = service.client_builder().create().unwrap();
    let server = service.server_builder().initial_max_slice_len(3).create().unwrap();
    // Every chunk is used before, so that a default that is not written shows.
    for round in 0..60 {
        let mut request = client.loan().unwrap();
        assert_eq!((*request, *request.user_header()), (Sample::default(), Sample::default()));
        let other = Sample { id: round, values: [round as f32; 3] };
        if round % 3 > 0 {
            let (header, payload) = request.parts_mut();
            (*header, *payload) = (other, other);
        }
        let expected = if round % 3 > 0 { other } else { Sample::default() };
        let pending = request.send().unwrap();
        let active = server.receive().unwrap().unwrap();
        assert_eq!((*active, *active.user_header()), (expected, expected));
        let mut response = active.loan_slice(3).unwrap();
        assert_eq!((response.payload(), *response.user_header()), ([Sample::default(); 3].as_slice(), 0));
        *response.user_header_mut() = u64::from(round);
        response.payload_mut()[1] = other;
        response.send().unwrap();
        let response = pending.receive().unwrap().unwrap();
        assert_eq!(response.payload(), [Sample::default(), other, Sample::default()]);
        assert_eq!(*response.user_header(), u64::from(round));
    }
}

#[test]
fn every_length_arrives_whole_and_with_its_own_length() {
    const MAX: usize = 1 << 20;
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = node.service_builder(&name("bytes")).request_response::<[u8], [u16]>().create().unwrap();
    let client = service.client_builder().initial_max_slice_len(MAX).create().unwrap();
    let server = service.server_builder().initial_max_slice_len(8193).create().unwrap();
    for len in [0, 1, 39, 40, 41, 63, 64, 65, 4095, 4096, 4097, MAX - 1, MAX, 5, 0] {
        let byte = |i: usize| (i * 7 + len) as u8;
        let pending = client.loan_slice_uninit(len).unwrap().write_from_fn(byte).send().unwrap();
        let active = server.receive().unwrap().unwrap();
        assert_eq!(active.len(), len, "the length loaned, not the room behind it (RR-TYP-06)");
        assert!(active.iter().enumerate().all(|(i, value)| *value == byte(i)), "{len} bytes");
        let words: Vec<_> = (0..len.min(8193)).map(|i| i as u16).collect();
        let response = active.loan_slice_uninit(words.len()).unwrap().write_from_slice(&words).unwrap();
        response.send().unwrap();
        assert_eq!(pending.receive().unwrap().unwrap().payload(), words);
    }
    // Another length than that of the loan is not written, and the loan goes back.
    assert!(client.loan_slice_uninit(3).unwrap().write_from_slice(&[1, 2]).is_none());
    assert_eq!(client.chunks_in_use(), 0);
}

#[test]
fn payloads_are_aligned_on_both_sides() {
    let scratch = Scratch::new();
    let node = scratch.node();
    for power in 0..=12 {
        let align = 1 << power;
        let service = node.service_builder(&name("aligned")).request_response::<[u8], u64>();
        let service = service.request_user_header::<[u8; 3]>().request_payload_alignment(align);
        let service = service.response_payload_alignment(align).create().unwrap();
        let client = service.client_builder().initial_max_slice_len(5).create().unwrap();
        let server = service.server_builder().create().unwrap();
        let is_aligned = |address: usize| address.is_multiple_of(align);
        let pendings: Vec<_> = (0..4)
            .map(|_| {
                let mut request = client.loan_slice(5).unwrap();
                assert!(is_aligned(request.payload().as_ptr().addr()), "request of the client, {align}");
                request.user_header_mut().copy_from_slice(b"abc");
                request.send().unwrap()
            })
            .collect();
        for pending in &pendings {
            let active = server.receive().unwrap().unwrap();
            assert!(is_aligned(active.payload().as_ptr().addr()), "request at the server, {align}");
            assert_eq!((active.user_header(), active.payload()), (b"abc", [0; 5].as_slice()));
            let response = active.loan().unwrap();
            assert!(is_aligned(std::ptr::from_ref(response.payload()).addr()), "response of the server, {align}");
            response.send().unwrap();
            let response = pending.receive().unwrap().unwrap();
            assert!(is_aligned(std::ptr::from_ref(response.payload()).addr()), "response at the client, {align}");
        }
    }
}

/// Types without bytes travel too, and slices of them have a length.
#[test]
fn payloads_without_bytes() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = node.service_builder(&name("units")).request_response::<(), [()]>().create().unwrap();
    let client = service.client_builder().create().unwrap();
    let server = service.server_builder().initial_max_slice_len(usize::MAX).create().unwrap();
    let pending = client.send_copy(()).unwrap();
    let active = server.receive().unwrap().unwrap();
    active.loan_slice_uninit(usize::MAX).unwrap().assume_init().send().unwrap();
    assert_eq!(pending.receive().unwrap().unwrap().len(), usize::MAX);
}
