//! What we send against receivers of other makers: the programs of `docs/how-to/receive-webhooks.md`, exactly
//! as printed there, with the libraries that they name.

#[cfg(test)]
mod receiver;

use receiver::{NODE, PYTHON, Receiver, printed, succeeds, tools};
use std::process::Stdio;
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn w6_the_python_receiver_of_the_guide_accepts_what_we_sign_and_nothing_else() {
    let (folder, lock) = tools();
    tokio::task::block_in_place(|| lock.lock()).unwrap();
    let environment = folder.join("python");
    let python = environment.join("bin/python");
    let ready = Command::new(&python).args(["-c", "import standardwebhooks"]).output().await;
    if !ready.is_ok_and(|output| output.status.success()) {
        succeeds(Command::new("python3").args(["-m", "venv"]).arg(&environment)).await;
        let install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", PYTHON];
        succeeds(Command::new(&python).args(install)).await;
    }
    drop(lock);
    let program = folder.join("receiver.py");
    std::fs::write(&program, printed("python")).unwrap();
    let mut command = Command::new(python);
    command.arg(program).stderr(Stdio::null());
    Receiver::start(command).await.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn w6_the_node_receiver_of_the_guide_accepts_what_we_sign_and_nothing_else() {
    let (folder, lock) = tools();
    tokio::task::block_in_place(|| lock.lock()).unwrap();
    let folder = folder.join("node");
    std::fs::create_dir_all(&folder).unwrap();
    if !folder.join("node_modules/standardwebhooks/package.json").exists() {
        std::fs::write(folder.join("package.json"), r#"{"private": true, "type": "module"}"#).unwrap();
        let install = ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", NODE];
        succeeds(Command::new("npm").args(install).current_dir(&folder)).await;
    }
    drop(lock);
    std::fs::write(folder.join("receiver.mjs"), printed("js")).unwrap();
    let mut command = Command::new("node");
    command.arg("receiver.mjs").current_dir(&folder);
    Receiver::start(command).await.judge().await;
}
