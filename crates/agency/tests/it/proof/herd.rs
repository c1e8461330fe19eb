//! Processes of the program that are killed and started again while they work.

use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// One role and its place in the herd.
struct Member {
    role: &'static str,
    env: Vec<(String, String)>,
    child: Option<Child>,
    log: PathBuf,
}

/// Processes on one database.
pub struct Herd {
    folder: PathBuf,
    env: Vec<(String, String)>,
    members: Vec<Member>,
    pub kills: usize,
}

impl Herd {
    /// None yet; each gets this environment besides what is fixed for quick recovery.
    pub fn new(folder: &Path, database: &str, env: &[(&str, &str)]) -> Self {
        let quick = [
            ("DATABASE_URL", database),
            ("AGENCY__DATABASE__CONNECTIONS_MAX", "8"),
            ("AGENCY__WORK__CONCURRENCY", "8"),
            ("AGENCY__WORK__PREFETCH_MAX", "40"),
            ("AGENCY__WORK__HEARTBEAT_MS", "500"),
            ("AGENCY__WORK__SELF_STOP_MS", "3000"),
            ("AGENCY__WORK__LEASE_S", "4"),
            ("AGENCY__LOG__FILTER", "warn"),
        ];
        let env = quick.iter().chain(env).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Self { folder: folder.to_owned(), env, members: Vec::new(), kills: 0 }
    }

    /// Starts one more process of a role.
    pub fn add(&mut self, role: &'static str) {
        self.add_with(role, &[]);
    }

    /// Starts one more process of a role, with an environment of its own besides.
    pub fn add_with(&mut self, role: &'static str, env: &[(&str, &str)]) {
        let log = self.folder.join(format!("{role}-{}.log", self.members.len()));
        let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut member = Member { role, env, child: None, log };
        self.start(&mut member);
        self.members.push(member);
    }

    fn start(&self, member: &mut Member) {
        let log: File = OpenOptions::new().create(true).append(true).open(&member.log).expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_agency"));
        command.arg(member.role).current_dir(&self.folder).env_remove("AGENCY_STATE");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AGENCY__") {
                command.env_remove(name);
            }
        }
        command.envs(self.env.iter().chain(&member.env).map(|(k, v)| (k.as_str(), v.as_str())));
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::from(log))
            .spawn()
            .expect("the program starts");
        member.child = Some(child);
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Kills one at once (SIGKILL) and starts it again.
    pub fn kill(&mut self, which: usize) {
        let mut member = self.members.swap_remove(which);
        end(&mut member);
        self.start(&mut member);
        self.members.push(member);
        self.kills += 1;
    }

    /// Kills all of them at once; none runs until [`Self::rise`].
    pub fn fell(&mut self) {
        self.members.iter_mut().for_each(end);
        self.kills += self.members.len();
    }

    /// Starts all of them again.
    pub fn rise(&mut self) {
        let mut members = std::mem::take(&mut self.members);
        for member in &mut members {
            self.start(member);
        }
        self.members = members;
    }

    /// Sends a signal to one, by name.
    pub fn signal(&self, which: usize, name: &str) {
        let child = self.members[which].child.as_ref().expect("it runs");
        let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// What each process wrote, in the order in which they were added unless one was killed.
    pub fn logs(&self) -> Vec<String> {
        self.members.iter().map(|member| std::fs::read_to_string(&member.log).unwrap_or_default()).collect()
    }

    /// What the processes wrote as errors, for the message of a failed test.
    pub fn errors(&self) -> String {
        let mut text = String::new();
        for member in &self.members {
            let log = std::fs::read_to_string(&member.log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().rev().take(15).collect();
            text.push_str(&format!(
                "--- {}\n{}\n",
                member.log.display(),
                lines.into_iter().rev().collect::<Vec<_>>().join("\n")
            ));
        }
        text
    }
}

fn end(member: &mut Member) {
    if let Some(mut child) = member.child.take() {
        drop(child.kill());
        drop(child.wait());
    }
}

impl Drop for Herd {
    fn drop(&mut self) {
        self.members.iter_mut().for_each(end);
    }
}
