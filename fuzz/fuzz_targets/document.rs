#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ipvsadm::fuzzing::document(data));
