//! Measures the program without the kernel: reading a line, encoding, decoding, formatting.
//! `cargo bench --bench in_process`

use std::hint::black_box;

use criterion::{BatchSize, Criterion};
use ipvs_netlink::{Change, DestinationState, Reply, Request, ServiceState, Stats, Table, TableEntry};
use ipvsadm::stages;
use netlink_packet_core::{Emitable, ParseableParametrized};
use netlink_packet_generic::{GenlFamily, GenlHeader};

const SERVICE: [&str; 5] = ["-A", "-t", "10.64.0.1:80", "-s", "rr"];
const SERVER: [&str; 8] = ["-a", "-t", "10.64.0.1:80", "-r", "10.128.0.1:8080", "-m", "-w", "5"];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    parsing(&mut criterion);
    messages(&mut criterion);
    formatting(&mut criterion);
    criterion.final_summary();
}

fn parsing(criterion: &mut Criterion) {
    criterion.bench_function("parse a line", |bencher| {
        bencher.iter(|| stages::parse(black_box(&SERVER)));
    });
}

fn messages(criterion: &mut Criterion) {
    let request = Request::Change(change(&SERVER));
    let mut buffer = vec![0; request.buffer_len()];
    criterion.bench_function("encode a change", |bencher| {
        bencher.iter(|| black_box(&request).emit(black_box(&mut buffer)));
    });

    let reply = Reply::Destination(server());
    let header = GenlHeader { cmd: reply.command(), version: reply.version() };
    let mut buffer = vec![0; reply.buffer_len()];
    reply.emit(&mut buffer);
    criterion.bench_function("decode a destination", |bencher| {
        bencher.iter(|| Reply::parse_with_param(black_box(&buffer), header));
    });
}

fn formatting(criterion: &mut Criterion) {
    let Change::AddService(service) = change(&SERVICE) else { panic!("{SERVICE:?}") };
    let service = ServiceState::new(service, Stats::default());
    let table = Table::new(vec![TableEntry::new(service, vec![server(); 100])]);
    criterion.bench_function("format 100 servers", |bencher| {
        bencher.iter_batched(|| table.clone(), stages::format_table, BatchSize::SmallInput);
    });

    let line = &b"TCP C0000201 8F3A C0000202 0050 0A000001 1F90 ESTABLISHED     899"[..];
    criterion.bench_function("parse and format 100 connections", |bencher| {
        bencher.iter(|| stages::format_connections([black_box(line); 100]));
    });
}

fn change(words: &[&str]) -> Change {
    match stages::parse(words) {
        Some(change) => change,
        None => panic!("{words:?}"),
    }
}

fn server() -> DestinationState {
    let Change::AddDestination(_, destination) = change(&SERVER) else { panic!("{SERVER:?}") };
    let mut state = DestinationState::new(destination);
    (state.active_connections, state.inactive_connections) = (12, 345);
    state
}
