//! Running the program: a command to its end, or a server until it is told to stop.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

/// Longer than any start should take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program in a folder of its own, with no settings of the caller's environment.
pub struct Program {
    command: Command,
    input: Option<String>,
}

impl Program {
    pub fn new(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agency"));
        command.args(arguments).current_dir(folder).env_remove("DATABASE_URL").env_remove("AGENCY_STATE");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AGENCY__") {
                command.env_remove(name);
            }
        }
        Self { command, input: None }
    }

    /// As on a full disk: no file may grow beyond so many blocks of 512 bytes; the write is refused.
    pub fn file_blocks_max(self, blocks: u32) -> Self {
        let mut command = Command::new("sh");
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        command.args(["-c", &limited]).arg(self.command.get_program()).args(self.command.get_args());
        if let Some(folder) = self.command.get_current_dir() {
            command.current_dir(folder);
        }
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Self { command, ..self }
    }

    /// More arguments.
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn input(mut self, text: &str) -> Self {
        self.input = Some(text.to_owned());
        self
    }

    /// Runs to the end.
    pub fn run(mut self) -> Ended {
        self.command.stdin(if self.input.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        if let Some(text) = self.input {
            // From a thread: the program answers before it has read everything.
            let mut pipe = child.stdin.take().unwrap();
            std::thread::spawn(move || pipe.write_all(text.as_bytes()));
        }
        let output: Output = child.wait_with_output().unwrap();
        Ended {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Starts a server and waits for the line that says it is ready; the rest of that line is its address.
    pub fn start(mut self, ready: &str) -> Server {
        let mut child =
            self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (lines, heard) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    break;
                }
            }
        });
        let mut err = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            drop(err.read_to_string(&mut text));
            text
        });
        let since = Instant::now();
        loop {
            match heard.recv_timeout(PATIENCE.saturating_sub(since.elapsed())) {
                Ok(line) => {
                    if let Some(rest) = line.strip_prefix(ready) {
                        let address = rest.trim().trim_start_matches("http://").to_owned();
                        return Server {
                            child: Some(child),
                            address,
                            log: Some(log),
                            took: since.elapsed(),
                            lines: heard,
                        };
                    }
                }
                Err(cause) => {
                    drop(child.kill());
                    drop(child.wait());
                    panic!("the program did not get ready ({cause}):\n{}", log.join().unwrap());
                }
            }
        }
    }
}

/// A command that ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn failed(self) -> Self {
        assert_eq!(self.code, Some(1), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text) || self.err.contains(text), "“{text}” is not in {self:#?}");
        self
    }

    #[track_caller]
    pub fn never_says(self, text: &str) -> Self {
        assert!(!self.out.contains(text) && !self.err.contains(text), "“{text}” is in {self:#?}");
        self
    }
}

/// A server that runs.
pub struct Server {
    child: Option<Child>,
    address: String,
    log: Option<std::thread::JoinHandle<String>>,
    lines: mpsc::Receiver<String>,
    pub took: Duration,
}

impl Server {
    /// Signs in; the cookie of the session.
    pub fn sign_in(&self, email: &str, password: &str) -> String {
        let form = format!("email={}&password={}", email.replace('@', "%40"), password.replace(' ', "+"));
        let head = format!("Host: {0}\r\nOrigin: http://{0}", self.address);
        let login = self.exchange(&format!(
            "POST /login HTTP/1.1\r\n{head}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ));
        let cookie = login.split("session=").nth(1).unwrap_or_else(|| panic!("no session in {login}"));
        cookie.split(';').next().unwrap().to_owned()
    }

    /// Sends one file with a form; the whole answer.
    pub fn upload(&self, cookie: &str, path: &str, name: &str, content: &str) -> String {
        let body = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n{content}\r\n--edge--\r\n"
        );
        self.exchange(&format!(
            "POST {path} HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nCookie: session={cookie}\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=edge\r\nContent-Length: {1}\r\n\r\n{body}",
            self.address,
            body.len()
        ))
    }

    /// Signs in and listens for live events: the connection, after the stream began.
    pub fn listen_as(&self, email: &str, password: &str) -> TcpStream {
        let cookie = self.sign_in(email, password);
        let head = format!("Host: {0}\r\nOrigin: http://{0}", self.address);
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET /live HTTP/1.1\r\n{head}\r\nCookie: session={cookie}\r\n\r\n").unwrap();
        let mut first = String::new();
        BufReader::new(stream.try_clone().unwrap()).read_line(&mut first).unwrap();
        assert!(first.contains("200"), "{first}");
        stream
    }

    /// Sends a whole request and reads to the end of the connection.
    fn exchange(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What the program holds of its own, and all that is resident, in megabytes.
    pub fn memory_mb(&self) -> (u64, u64) {
        let pid = self.child.as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let kb = |name: &str| -> u64 {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        ((kb("RssAnon:") + kb("RssShmem:")) / 1_024, kb("VmRSS:") / 1_024)
    }

    /// A plain GET over a connection of its own: status line, headers and body.
    pub fn get(&self, path: &str) -> String {
        let at = &self.address;
        self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n"))
    }

    /// A GET with a bearer key.
    pub fn get_as(&self, path: &str, key: &str) -> String {
        let at = &self.address;
        self.exchange(&format!(
            "GET {path} HTTP/1.1\r\nHost: {at}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
        ))
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends SIGTERM and waits for the end: exit code, what it printed since it was ready, its log.
    pub fn terminate(mut self) -> Ended {
        let mut child = self.child.take().unwrap();
        let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let since = Instant::now();
        let code = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status.code();
            }
            if since.elapsed() > PATIENCE {
                drop(child.kill());
                drop(child.wait());
                panic!("the program did not end:\n{}", self.log.take().unwrap().join().unwrap());
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let err = self.log.take().unwrap().join().unwrap();
        let out: Vec<String> = self.lines.iter().collect();
        Ended { code, out: out.join("\n"), err }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A failed test must not leave servers behind.
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// A folder for one test; open to the user that PostgreSQL runs as, like any ordinary folder.
pub fn folder() -> tempfile::TempDir {
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    tempfile::Builder::new().prefix("agency-it").permissions(open).tempdir().unwrap()
}

/// The state folder in it.
pub fn state(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join(".state")
}
