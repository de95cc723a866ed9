//! Intended differences from the reference. Every entry is a heading of docs/differences.md.

use super::case::Case;
use super::{excuses, rewrite};

/// An intended difference.
pub struct Difference {
    pub heading: &'static str,
    /// A script whose last invocation shows this difference and no other.
    pub example: &'static str,
    pub rule: Rule,
}

/// The extent of a difference.
pub enum Rule {
    /// Status and table are the same, and so are the outputs after this function has rewritten both.
    Output(fn(&str) -> String),
    /// Anything may differ in the cases that satisfy this predicate.
    Case(fn(&Case) -> bool),
}

pub static TABLE: &[Difference] = &[
    Difference {
        heading: "A file for `-R` with a mistake in it",
        example: "-R << -A -f 1\\n-A -t nowhere\\n-A -f 2\\n",
        rule: Rule::Case(excuses::file_with_a_mistake),
    },
    Difference {
        heading: "A file for `-R` with a line that the kernel refuses",
        example: "-R << -D -f 1\\n-A -f 2\\n",
        rule: Rule::Case(excuses::refused_line),
    },
    Difference {
        heading: "Lines that repeat others",
        example: "-R << -A -f 1\\n-A -f 2\\n-A -f 1\\n",
        rule: Rule::Case(excuses::repeated_line),
    },
    Difference {
        heading: "A file named after `-S -o`",
        example: "-S -o",
        rule: Rule::Case(excuses::saving_into_a_file),
    },
    Difference {
        heading: "Other forms of a listing",
        example: "-L -n --table",
        rule: Rule::Case(excuses::own_form_of_listing),
    },
    Difference {
        heading: "Comments in a file for `-R`",
        example: "-R << # a comment\\n-A -f 1 # another\\n",
        rule: Rule::Case(excuses::comments),
    },
    Difference {
        heading: "`-h` and `-v` in a file for `-R`",
        example: "-R << -A -f 1\\n-v\\n-A -f 2\\n",
        rule: Rule::Case(excuses::help_in_file),
    },
    Difference {
        heading: "Blanks at the end of a file for `-R`",
        example: "-R << -A -f 1\\n-A -f 2 \\t\\x20",
        rule: Rule::Case(excuses::trailing_blanks),
    },
    Difference {
        heading: "A file named after `-R`",
        example: "-R - << -A -f 1\\n",
        rule: Rule::Case(excuses::named_file),
    },
    Difference {
        heading: "Filters of the list of connections",
        example: "-L -n -c -t 10.0.0.1:80",
        rule: Rule::Case(excuses::filtered_connections),
    },
    Difference {
        heading: "Other network namespaces",
        example: "--netns-list",
        rule: Rule::Case(excuses::other_namespace),
    },
    Difference {
        heading: "Clearing a part of the table",
        example: "given -A -t 10.0.0.1:80\n-C -t 10.0.0.1:80",
        rule: Rule::Case(excuses::partial_clear),
    },
    Difference {
        heading: "Invalid names of schedulers, engines and interfaces",
        example: "--start-daemon master --mcast-interface a234567890123456",
        rule: Rule::Case(excuses::impossible_name),
    },
    Difference {
        heading: "The order of options",
        example: "given -A -t 10.0.0.1:80\n-a -r 10.1.1.1 -m -t 10.0.0.1:80",
        rule: Rule::Case(excuses::order_of_options),
    },
    Difference {
        heading: "Several mistakes in one command line",
        example: "-A -t nowhere --bogus",
        rule: Rule::Case(excuses::several_mistakes),
    },
    Difference {
        heading: "Empty scheduler flags",
        example: "-A -t 10.0.0.1:80 -b ,",
        rule: Rule::Case(excuses::crash),
    },
    Difference {
        heading: "Prefix lengths with trailing characters",
        example: "-A -t [2001:db8::1]:80 -p 60 -M 64x",
        rule: Rule::Case(excuses::prefix_length),
    },
    Difference {
        heading: "Brackets around addresses",
        example: "-A -t [10.0.0.1]:80",
        rule: Rule::Case(excuses::brackets),
    },
    Difference {
        heading: "Host names with IPv6 addresses",
        example: "-A -t six.example.org:80",
        rule: Rule::Case(excuses::names_with_ipv6_addresses),
    },
    Difference {
        heading: "Zeroing the service 0.0.0.0:0",
        example: "-Z -t 0.0.0.0:0",
        rule: Rule::Case(excuses::zeroing_of_address_zero),
    },
    Difference {
        heading: "Long connection lines",
        example: concat!(
            "-L -n -c <<< UDP 0A010002 2713 0A090909 0050 0A020002 0050 ASSURED 50 sip ",
            "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
            "\\n"
        ),
        rule: Rule::Case(excuses::long_connection),
    },
    Difference { heading: "`-h` and `-v`", example: "-v", rule: Rule::Case(excuses::help) },
    Difference {
        heading: "Firewall marks above 2147483647",
        example: "given -A -f 4294967295\n-L -n",
        rule: Rule::Output(rewrite::make_marks_unsigned),
    },
    Difference {
        heading: "Thresholds in `-S`",
        example: "given -A -t 10.0.0.1:80\ngiven -a -t 10.0.0.1:80 -r 10.1.1.1 -x 9 -y 8\n-S -n",
        rule: Rule::Output(rewrite::remove_thresholds),
    },
    Difference {
        heading: "The third flag of `sh` and `mh`",
        example: "given -A -t 10.0.0.1:80 -s sh -b flag-3\n-L -n",
        rule: Rule::Output(rewrite::remove_third_flag),
    },
    Difference {
        heading: "Host names in `-S`",
        example: "given -A -t 10.0.0.80:80\n-S",
        rule: Rule::Output(rewrite::name_saved_addresses),
    },
    Difference {
        heading: "Control characters",
        example: "-L -n -c --persistent-conn <<< UDP 0A010002 2713 0A090909 0050 0A020002 0050 ASSURED 50 sip \\x1b[31m\\n",
        rule: Rule::Output(rewrite::escape_control_characters),
    },
    Difference {
        heading: "Malformed lines of connections",
        example: "-L -n -c <<< UDP 0A010002 2713 0A090909 0050 0A020002 0050 ASSURED 50 sip cut\\nin two\\n",
        rule: Rule::Case(excuses::malformed_connection),
    },
    Difference {
        heading: "Long host names",
        example: "given -A -t 10.0.0.98:80\n-S",
        rule: Rule::Output(rewrite::truncate_words),
    },
    Difference {
        heading: "The order of a listing",
        example: "given -A -t 1.0.0.1:80\ngiven -A -t 200.0.0.1:80\n-L -n",
        rule: Rule::Output(rewrite::sort_lines),
    },
];

/// Returns the headings that allow the differences between the two programs, or a report if none do.
pub fn judge(case: &Case) -> Result<Vec<&'static str>, String> {
    let mut found = Vec::new();
    let mut outputs = [case.reference.stdout.clone(), case.ours.stdout.clone()];
    let comparable = case.same_status() && case.same_tables();
    if !case.has_proper_diagnostics() {
        return Err(case.report());
    }
    if comparable && outputs[0] == outputs[1] {
        return Ok(found);
    }
    for difference in TABLE {
        match difference.rule {
            Rule::Case(is_allowed) if is_allowed(case) => return Ok(vec![difference.heading]),
            Rule::Output(rewrite) if comparable => {
                let rewritten = [0, 1].map(|i| rewrite(&outputs[i]));
                if rewritten != outputs {
                    found.push(difference.heading);
                    outputs = rewritten;
                }
                if outputs[0] == outputs[1] {
                    return Ok(found);
                }
            }
            _ => {}
        }
    }
    Err(case.report())
}
