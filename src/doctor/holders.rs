//! Other machines that answer for a virtual address.

use super::evidence::Evidence;
use super::finding::{Finding, Severity, list, shell_word};
use super::heard::Holder;

/// Names each address once for all machines that answer for it.
pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let holders: Vec<&Holder> = evidence.holders.iter().collect();
    for group in holders.chunk_by(|one, other| one.address == other.address) {
        let (address, name) = (group[0].address, evidence.interface_name(group[0].interface));
        let numbers = group.iter().map(|holder| {
            let hardware = holder.hardware.map(|byte| format!("{byte:02x}"));
            hardware.join(":")
        });
        findings.push(Finding::new(
            Severity::Error,
            "address-duplicate",
            format!("virtual address {}", address),
            format!("another machine answers for it on {name}: {}", list(numbers)),
            "clients reach whichever machine has answered last: two directors at once, or one real server",
            format!(
                "find it with: arping -D -I {} {address}; on a real server: ipvsadm --doctor --as-real-server; on a \
                 director, see that it hears the VRRP messages of this one",
                shell_word(&name)
            ),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::evidence::tests::{found, healthy};
    use super::*;

    #[test]
    fn an_address_is_named_once_however_many_have_it() {
        let mut evidence = healthy();
        for last in [1, 2] {
            let address = [192, 0, 2, 1].into();
            let hardware = [2, 0, 0, 0, 0, last];
            evidence.holders.insert(Holder { address, interface: 2, hardware });
        }
        let findings = crate::doctor::examine_director(&evidence);
        assert_eq!(found(&evidence), ["address-duplicate"]);
        let expected = "another machine answers for it on outside: 02:00:00:00:00:01, 02:00:00:00:00:02";
        assert_eq!(findings[0].evidence, expected);
    }
}
