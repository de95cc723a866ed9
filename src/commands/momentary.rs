//! Reading the notes of momentary weights for those who only look at the table.

use super::folder;
use super::notes::Notes;
use crate::failure::{self, Failure};
use crate::momentary::MomentaryWeights;

/// Reads something of the table, and the weights in it that are momentary.
///
/// A weight is noted before it is set, and the note is removed after it was set back. So the notes are read twice: those
/// from before know the weights that are set back meanwhile, and those from after know the ones that are set.
pub(super) fn read_with<T>(
    read: impl FnOnce() -> Result<T, Failure>,
) -> Result<(T, MomentaryWeights), Failure> {
    // Those from after tell what is wrong.
    let before = read_silently();
    let read = read()?;
    match read_notes() {
        Ok(after) => Ok((read, before.and(after))),
        Err(failure) => {
            let what = "cannot tell which weights follow the load, and takes them as they are";
            failure::note(&match failure {
                Failure::Notes(path, why) => format!("{what}: {path}: {why}"),
                failure => format!("{what}: {failure}"),
            });
            Ok((read, before))
        }
    }
}

/// Reads the momentary weights if that is possible.
pub(super) fn read_silently() -> MomentaryWeights {
    read_notes().unwrap_or_default()
}

/// Reads the notes. On most machines there are none, which costs a look at the folder.
fn read_notes() -> Result<MomentaryWeights, Failure> {
    if folder::exists() { Ok(Notes::read()?.momentary()) } else { Ok(MomentaryWeights::default()) }
}
