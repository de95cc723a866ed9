//! What the program itself costs, without the kernel: reading a line, encoding, decoding, formatting.
//! `cargo bench --bench in_process`

#![allow(dead_code, unused_imports, missing_docs, reason = "the program's modules, of which this uses some")]

#[path = "../src/bin/ipvsadm/args/mod.rs"]
mod args;
#[path = "../src/bin/ipvsadm/commands/mod.rs"]
mod commands;
#[path = "../src/bin/ipvsadm/error/mod.rs"]
mod error;
#[path = "../src/bin/ipvsadm/output/mod.rs"]
mod output;

use std::hint::black_box;

use args::{Command, List, Parser, View};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use ipvs::netlink::IpvsMessage;
use ipvs::netlink::attributes::IPVS_CMD_NEW_DEST;
use ipvs::proc::Connection;
use ipvs::{Answer, Change, DestinationState, ServiceState, Table, TableEntry};
use netlink_packet_core::Emitable;
use output::{Names, Text};

const SERVICE: [&str; 5] = ["-A", "-t", "10.64.0.1:80", "-s", "rr"];
const SERVER: [&str; 8] = ["-a", "-t", "10.64.0.1:80", "-r", "10.128.0.1:8080", "-m", "-w", "5"];

fn change(words: &[&str]) -> Change {
    match Parser::default().parse(words) {
        Ok(Command::Change(change)) => change,
        other => panic!("{other:?}"),
    }
}

fn server() -> DestinationState {
    let Change::AddDestination(_, destination) = change(&SERVER) else { panic!() };
    DestinationState {
        destination,
        active_connections: 12,
        inactive_connections: 345,
        persistent_connections: 0,
        stats: Default::default(),
    }
}

fn parsing(criterion: &mut Criterion) {
    let mut parser = Parser::default();
    criterion.bench_function("parse a line", |bencher| {
        bencher.iter(|| parser.parse(black_box(&SERVER)));
    });
}

fn messages(criterion: &mut Criterion) {
    let message = IpvsMessage::from(change(&SERVER));
    let mut buffer = vec![0; message.buffer_len()];
    criterion.bench_function("encode a change", |bencher| {
        bencher.iter(|| black_box(&message).emit(black_box(&mut buffer)));
    });

    let message = IpvsMessage::Answer(Answer::Destination(server()));
    let mut buffer = vec![0; message.buffer_len()];
    message.emit(&mut buffer);
    criterion.bench_function("decode a destination", |bencher| {
        bencher.iter(|| IpvsMessage::decode(IPVS_CMD_NEW_DEST, black_box(&buffer)));
    });
}

fn formatting(criterion: &mut Criterion) {
    let Change::AddService(service) = change(&SERVICE) else { panic!() };
    let service = ServiceState { service, stats: Default::default() };
    let table = Table { entries: vec![TableEntry { service, destinations: vec![server(); 100] }] };
    let list = List { service: None, view: View::Plain, numeric: true, exact: false, sorted: true };
    let names = Names::new(true);
    criterion.bench_function("format 100 servers", |bencher| {
        let show = |table| output::list(&mut Text::default(), table, None, &list, &names).is_ok();
        bencher.iter_batched(|| table.clone(), show, BatchSize::SmallInput);
    });

    let line = b"TCP C0000201 8F3A C0000202 0050 0A000001 1F90 ESTABLISHED     899";
    criterion.bench_function("parse and format a connection", |bencher| {
        bencher.iter(|| {
            if let Ok(connection) = Connection::parse(black_box(line)) {
                output::connection(&mut Text::default(), &connection, false, &names);
            }
        });
    });
}

criterion_group!(benches, parsing, messages, formatting);
criterion_main!(benches);
