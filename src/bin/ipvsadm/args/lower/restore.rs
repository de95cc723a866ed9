//! How to restore.

use super::{Given, Opt, Replace, Restore, Result, Usage};

impl Given<'_> {
    pub(super) fn restore(&mut self, file: Option<String>) -> Result<Restore> {
        let check = self.flag(Opt::Check) | self.flag(Opt::Test);
        let replace = self.flag(Opt::Replace);
        let [dry_run, keep_others, allow_empty] =
            [Opt::DryRun, Opt::KeepOthers, Opt::AllowEmpty].map(|option| self.flag(option).then_some(option));
        let for_replace = [dry_run, keep_others, allow_empty].into_iter().flatten().next();
        if let (false, Some(option)) = (replace, for_replace) {
            return Err(Usage::NeedsReplace(option));
        }
        let replace = replace.then(|| Replace {
            dry_run: dry_run.is_some(),
            keep_others: keep_others.is_some(),
            allow_empty: allow_empty.is_some(),
        });
        Ok(Restore { file: file.filter(|file| file != "-"), check, replace })
    }
}
