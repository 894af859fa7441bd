//! Folders of secrets as operators and Kubernetes make them.

use super::SecretKind;
use super::store::Secrets;
use crate::account::Account;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn account(name: &str) -> Account {
    name.parse().unwrap()
}

#[test]
fn files_are_read_again_when_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("shop-1.api-key", "pk_one\n");
    write("shop-1.signing-secret", SECRET);
    write("shop-2.api-key", "  \n");
    write("notes.txt", "not a secret");
    let secrets = Secrets::folder(folder.path()).unwrap();
    let changes = secrets.changes();
    let key = |name: &str| secrets.get(&account(name), SecretKind::ApiKey).map(|text| text.to_string());
    assert_eq!(key("shop-1").as_deref(), Some("pk_one"));
    assert_eq!(key("shop-2"), None);
    assert_eq!(secrets.accounts(SecretKind::ApiKey), [account("shop-1")].into());

    secrets.reload().unwrap();
    assert!(!changes.has_changed().unwrap());
    write("shop-1.api-key", "pk_another");
    write("shop-2.api-key", "pk_two");
    assert!(secrets.mac_keys(&account("shop-1"), SecretKind::SigningSecret).is_some());
    std::fs::remove_file(folder.path().join("shop-1.signing-secret")).unwrap();
    secrets.reload().unwrap();
    assert!(changes.has_changed().unwrap());
    assert_eq!(key("shop-1").as_deref(), Some("pk_another"));
    assert_eq!(key("shop-2").as_deref(), Some("pk_two"));
    assert_eq!(secrets.mac_keys(&account("shop-1"), SecretKind::SigningSecret), None);
}

/// Stores with fixed times, and archives that are unpacked with theirs, replace a file by one of the same
/// length.
#[test]
fn a_secret_of_the_same_length_and_time_is_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop-1.api-key");
    let write = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1)).unwrap();
    };
    write("pk_one");
    let secrets = Secrets::folder(folder.path()).unwrap();
    write("pk_two");
    secrets.reload().unwrap();
    assert_eq!(secrets.get(&account("shop-1"), SecretKind::ApiKey).unwrap().as_str(), "pk_two");
}

#[test]
fn one_that_cannot_work_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("shop-1.signing-secret", "whsec_");
    write("shop-2.signing-secret", "hunter2");
    write("shop-3.signing-secret", SECRET);
    std::fs::create_dir(folder.path().join("shop-4.signing-secret")).unwrap();
    let secrets = Secrets::folder(folder.path()).unwrap();
    assert_eq!(secrets.accounts(SecretKind::SigningSecret), [account("shop-3")].into());
    write("shop-1.signing-secret", SECRET);
    write("shop-3.signing-secret", "whsec_AAAA");
    secrets.reload().unwrap();
    assert_eq!(secrets.accounts(SecretKind::SigningSecret), [account("shop-1")].into());
    assert!(!secrets.is_shared(&account("shop-1"), SecretKind::SigningSecret));
    write("shop-3.signing-secret", SECRET);
    secrets.reload().unwrap();
    assert!(secrets.is_shared(&account("shop-1"), SecretKind::SigningSecret));
}

#[test]
fn numbers_that_cannot_be_told_close_the_webhook() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("shop-1.whatsapp-app-secret", "0123456789abcdef0123456789abcdef");
    let secrets = Secrets::folder(folder.path()).unwrap();
    let is_open = || secrets.mac_keys(&account("shop-1"), SecretKind::WhatsappAppSecret).is_some();
    assert!(is_open());
    for (ids, open) in [("+1 555 078 3881", false), ("106540352242922", true), ("", false)] {
        write("shop-1.whatsapp-phone-number-id", ids);
        secrets.reload().unwrap();
        assert_eq!(is_open(), open, "{ids}");
    }
}

/// Here another reader holds up the reading.
#[test]
fn a_reading_that_does_not_end_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = Arc::new(Secrets::folder(folder.path()).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let held = secrets.logged.lock();
    runtime.block_on(async {
        tokio::select! {
            () = secrets.keep_fresh() => {}
            () = sleep(Secrets::EVERY + Duration::from_secs(1)) => {}
        }
    });
    drop(held);
}

/// A file in the folder holds up no reading.
#[cfg(unix)]
#[tokio::test]
async fn a_fifo_among_them_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop-1.api-key"), "pk_one").unwrap();
    let fifo = folder.path().join("shop-2.api-key");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let secrets = Arc::new(Secrets::folder(folder.path()).unwrap());
    assert_eq!(secrets.accounts(SecretKind::ApiKey), [account("shop-1")].into());
    std::fs::write(folder.path().join("shop-1.api-key"), "pk_another").unwrap();
    let mut changes = secrets.changes();
    tokio::select! {
        changed = changes.changed() => changed.unwrap(),
        () = secrets.keep_fresh() => {}
    }
    assert_eq!(secrets.get(&account("shop-1"), SecretKind::ApiKey).unwrap().as_str(), "pk_another");
}

/// Kubernetes mounts a link to a folder with the time in its name, and replaces the link.
#[cfg(unix)]
#[test]
fn a_mounted_secret_is_read_through_its_links() {
    use std::os::unix::fs::symlink;
    let mount = tempfile::tempdir().unwrap();
    let place = |name: &str| mount.path().join(name);
    for (version, key) in [("..1", "pk_one"), ("..2", "pk_another")] {
        std::fs::create_dir(place(version)).unwrap();
        std::fs::write(place(version).join("shop-1.api-key"), key).unwrap();
    }
    symlink("..1", place("..data")).unwrap();
    symlink("..data/shop-1.api-key", place("shop-1.api-key")).unwrap();
    let secrets = Secrets::folder(mount.path()).unwrap();
    let key = || secrets.get(&account("shop-1"), SecretKind::ApiKey).map(|text| text.to_string());
    assert_eq!(key().as_deref(), Some("pk_one"));
    symlink("..2", place("..next")).unwrap();
    std::fs::rename(place("..next"), place("..data")).unwrap();
    secrets.reload().unwrap();
    assert_eq!(key().as_deref(), Some("pk_another"));
}

#[test]
fn a_folder_that_is_gone_leaves_what_was_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop-1.api-key"), "pk_one").unwrap();
    let secrets = Secrets::folder(folder.path()).unwrap();
    folder.close().unwrap();
    assert!(secrets.reload().is_err());
    assert!(secrets.get(&account("shop-1"), SecretKind::ApiKey).is_some());
}

#[test]
fn nothing_of_a_secret_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop-1.api-key"), "pk_canary").unwrap();
    assert!(!format!("{:?}", Secrets::folder(folder.path()).unwrap()).contains("pk_canary"));
}
