//! The rules file: whether the next boot makes the same table.

use super::evidence::{Evidence, Rules, RulesState};
use super::finding::{Finding, Severity, list, shell_word};

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let Some(Rules { file, state, missing_schedulers }) = &evidence.rules else { return };
    let word = shell_word(file);
    let finding = |severity, check, seen: String, breaks: &str, mend: String| {
        Finding::new(severity, check, file, seen, breaks, mend)
    };
    match state {
        RulesState::Broken(why) => findings.push(finding(
            Severity::Error,
            "rules-broken",
            why.clone(),
            "the next boot or reload loads nothing of it",
            format!("ipvsadm-restore --check {word}"),
        )),
        RulesState::HasNames => findings.push(finding(
            Severity::Warning,
            "rules-names",
            "it has host names".into(),
            "they cannot be looked up before the network is up, and the next boot loads nothing",
            // To save the table would be the end of a file that could not be loaded.
            format!(
                "ipvsadm-restore --dry-run {word} # if that changes nothing: ipvsadm-save -n --full -o {word}; \
                 otherwise load it first"
            ),
        )),
        RulesState::Differs(changes) => findings.push(finding(
            Severity::Warning,
            "rules-differ",
            format!("the table is not what it says: {changes}"),
            "the next boot or reload makes another table",
            format!("ipvsadm-restore --dry-run {word} # then load it or save the table"),
        )),
        RulesState::Same => {}
    }
    if !missing_schedulers.is_empty() {
        findings.push(finding(
            Severity::Error,
            "rules-scheduler",
            format!("the kernel has no module for a scheduler in it: {}", list(missing_schedulers)),
            "the next boot or reload loads nothing of it",
            "install the module (ip_vs_ and the name of the scheduler), or choose another scheduler".into(),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::evidence::tests::{found, healthy};
    use super::*;

    fn with(state: RulesState, schedulers: &[&str]) -> Evidence {
        let missing_schedulers = schedulers.iter().map(|name| name.parse().unwrap()).collect();
        let rules = Rules { file: "/etc/ipvsadm.rules".into(), state, missing_schedulers };
        Evidence { rules: Some(rules), ..healthy() }
    }

    #[test]
    fn the_file_has_to_make_the_table() {
        assert_eq!(found(&with(RulesState::Same, &[])), [""; 0]);
        assert_eq!(found(&with(RulesState::Broken("line 3".into()), &[])), ["rules-broken"]);
        assert_eq!(found(&with(RulesState::HasNames, &[])), ["rules-names"]);
        assert_eq!(found(&with(RulesState::Differs("1 service added".into()), &[])), ["rules-differ"]);
        assert_eq!(found(&with(RulesState::Same, &["twos"])), ["rules-scheduler"]);
    }
}
