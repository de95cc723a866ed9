//! Drained servers as a document.

use super::validator::assert_valid;
use super::{list, parse};
use crate::drain::NotesFile;
use crate::support::*;

#[test]
fn drained_servers_are_listed_with_their_weights_before_and_now() {
    let (director, _notes) = (Director::new(), NotesFile::new());
    let rules = "\
-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 198.51.100.1:8080 -m -w 5
-a -t 192.0.2.1:80 -r 198.51.100.2:80 -m -w 6
-a -t 192.0.2.1:80 -r 198.51.100.3:80 -m -w 1
-A -f 7 -6 -s rr
-a -f 7 -6 -r [2001:db8::1]:0 -g -w 7
-a -f 7 -6 -r [2001:db8::2]:0 -g -w 1
";
    assert_eq!(director.feed("-R", rules).status, 0);
    let empty = director.ok("-L --drained --json");
    for address in ["198.51.100.1", "198.51.100.2", "2001:db8::1"] {
        director.ok(&format!("--drain -r {address} --reason new\u{1b}[2J"));
    }
    director.ok("-e -t 192.0.2.1:80 -r 198.51.100.2 --keep -w 1");
    director.ok("-d -f 7 -6 -r [2001:db8::1]:0");
    let text = director.ok("-L --drained --json");
    assert_valid(&[empty.clone(), text.clone()]);
    assert!(list(&parse(&empty), "drained").is_empty());
    assert!(!text.contains('\u{1b}'), "{text:?}");

    let document = parse(&text);
    let [first, second, third] = list(&document, "drained") else { panic!("{text}") };
    assert_eq!(first["address"], "192.0.2.1");
    assert_eq!(
        (&first["server"]["address"], &first["server"]["port"]),
        (&"198.51.100.1".into(), &8080.into())
    );
    assert_eq!((&first["weight_before"], &first["weight"]), (&5.into(), &0.into()));
    assert_eq!(first["reason"], "new\u{1b}[2J");
    assert_eq!((&second["weight_before"], &second["weight"]), (&6.into(), &1.into()));
    assert_eq!((&third["fwmark"], &third["family"]), (&7.into(), &"IPv6".into()));
    assert!(third.get("weight").is_none(), "{third}");
}
