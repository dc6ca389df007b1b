//! What killed processes leave behind: their names hold the process id, and the next one removes them.

use std::io;

use rand::TryRng as _;
use rand::rngs::SysRng;

use super::directory::{Directory, is_regular};

/// What stands before the tag in the name of a temporary file.
pub(super) const MARK: &str = ".envctl-";

/// `PID-RANDOM`, the end of a name that nobody else has.
pub(super) fn tag() -> io::Result<String> {
    let random = SysRng.try_next_u64().map_err(io::Error::other)?;
    Ok(format!("{}-{random:016x}", std::process::id()))
}

/// Whether `tag` is `PID-RANDOM` of a process that is no more.
pub(super) fn is_dead(tag: &str) -> bool {
    let Some((pid, random)) = tag.split_once('-') else { return false };
    let right = !random.is_empty() && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
    // No sign before the number: a negative one would ask for a group of processes.
    let pid = Some(pid).filter(|pid| right && pid.bytes().all(|byte| byte.is_ascii_digit()));
    let process = pid.and_then(|pid| pid.parse().ok()).and_then(rustix::process::Pid::from_raw);
    process.is_some_and(|process| rustix::process::test_kill_process(process) == Err(rustix::io::Errno::SRCH))
}

/// Removes the temporary files of writers that were killed: regular files named `.NAME.envctl-PID-RANDOM`.
pub(super) fn sweep(directory: &Directory) {
    // A directory that cannot be listed can still be written to.
    for name in directory.names().unwrap_or_default() {
        let tag = name.to_str().filter(|name| name.starts_with('.')).and_then(|name| name.rsplit_once(MARK));
        if tag.is_some_and(|(_, tag)| is_dead(tag))
            && directory.stat(&name).is_ok_and(|stat| stat.is_some_and(|stat| is_regular(&stat)))
        {
            // Another writer may be quicker: what counts is that it is gone.
            let _ = directory.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Directory, is_dead, sweep, tag};

    #[test]
    fn only_whole_tags_of_dead_processes_count() {
        let own = tag().unwrap();
        for (tag, dead) in [
            ("2147483646-abc", true),
            (own.as_str(), false),
            ("1-abc", false),
            ("0-abc", false),
            ("-1-abc", false),
            ("+2147483646-abc", false),
            ("2147483646", false),
            ("2147483646-", false),
            ("2147483646-a.b", false),
            ("99999999999999999999-abc", false),
        ] {
            assert_eq!(is_dead(tag), dead, "{tag}");
        }
    }

    #[test]
    fn sweeps_only_files_of_dead_writers() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let dead = path(".x.envctl-2147483646-abc");
        let kept = [
            path(&format!(".x.envctl-{}", tag().unwrap())),
            path("x.envctl-2147483646-abc"),
            path(".x.envctl-2147483646"),
            path(".x.toml"),
        ];
        let link = path(".link.envctl-2147483646-abc");
        for path in kept.iter().chain([&dead]) {
            std::fs::OpenOptions::new().write(true).create_new(true).open(path).unwrap();
        }
        std::fs::create_dir(path(".d.envctl-2147483646-abc")).unwrap();
        std::os::unix::fs::symlink(&kept[3], &link).unwrap();
        sweep(&Directory::open(directory.path()).unwrap());
        assert!(!dead.exists());
        assert!(kept.iter().all(|path| path.exists()));
        assert!(link.is_symlink() && path(".d.envctl-2147483646-abc").is_dir());
    }
}
