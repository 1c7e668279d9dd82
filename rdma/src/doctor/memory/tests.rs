use super::super::fixture::{Scene, codes, severity};
use super::*;

const NONE: &str = "0000000000000000";
const LOCK: &str = "0000000000004000";

fn limited_to(scene: &mut Scene, bytes: u64) {
    let limit = Limit::Bytes(bytes);
    scene.facts.memory_lock = Some(MemoryLock { soft: limit, hard: limit, raised: false });
}

fn refused(scene: &mut Scene, errno: i32) {
    let text = format!("`ibv_reg_mr` failed: errno ({errno})");
    scene.facts.registrations[0].failure = Some(Refusal { errno, text });
}

fn fix_of(scene: &Scene, code: Code) -> String {
    scene.diagnose().into_iter().find(|finding| finding.code == code).unwrap().fix
}

#[test]
fn a_refusal_is_an_error_with_all_circumstances() {
    let mut scene = Scene::two_rails();
    scene.inventory.process.capabilities = Some(NONE.to_owned());
    scene.facts.bounding_capabilities = Some(NONE.to_owned());
    limited_to(&mut scene, 64 << 10);
    refused(&mut scene, 12);
    let found = scene.diagnose();
    assert_eq!(codes(&found)[..1], [Code::MemoryRegistrationFailed]);
    assert_eq!(severity(&found, Code::MemlockLimited), None, "one cause, one finding");
    for part in [
        "`mlx5_0`: `ibv_reg_mr` failed",
        "soft 64 KiB, hard 64 KiB",
        "`CapEff` has no `IPC_LOCK`",
        "`/proc/self/uid_map` is the first user namespace",
    ] {
        assert!(found[0].evidence.contains(part), "{part}: {}", found[0].evidence);
    }
    assert!(found[0].fix.contains("LimitMEMLOCK"), "{}", found[0].fix);
}

#[test]
fn the_remedy_of_a_refusal_depends_on_what_counts() {
    let mut scene = Scene::two_rails();
    refused(&mut scene, 12);
    assert!(fix_of(&scene, Code::MemoryRegistrationFailed).contains("dmesg"), "the limit is not the reason");
    limited_to(&mut scene, 64 << 10);
    assert!(fix_of(&scene, Code::MemoryRegistrationFailed).contains("dmesg"), "`IPC_LOCK` is effective");
    scene.facts.first_user_namespace = Some(false);
    assert!(fix_of(&scene, Code::MemoryRegistrationFailed).contains("hostUsers"));
    refused(&mut scene, 22);
    assert!(fix_of(&scene, Code::MemoryRegistrationFailed).contains("provider library"));
    scene.facts = Facts { registrations: scene.facts.registrations.clone(), ..Facts::default() };
    refused(&mut scene, 12);
    assert!(fix_of(&scene, Code::MemoryRegistrationFailed).contains("dmesg"), "no limit is known");
}

#[test]
fn a_limit_counts_without_the_capability_or_outside_the_first_namespace() {
    let mut scene = Scene::two_rails();
    limited_to(&mut scene, 8 << 30);
    assert_eq!(severity(&scene.diagnose(), Code::MemlockLimited), None, "`IPC_LOCK` is effective");
    scene.facts.first_user_namespace = Some(false);
    let found = scene.diagnose();
    assert_eq!(codes(&found), [Code::MemlockLimited, Code::UserNamespace]);
    assert_eq!(severity(&found, Code::UserNamespace), Some(Severity::Warning));
    assert!(found[0].fix.contains("hostUsers"), "{found:?}");
    assert!(found[0].message.starts_with("64 MiB can be registered, but not more than 8 GiB"), "{found:?}");
    scene.facts.first_user_namespace = None;
    assert_eq!(codes(&scene.diagnose()), [] as [Code; 0], "unknown is no verdict");
    scene.inventory.process.capabilities = Some(NONE.to_owned());
    assert_eq!(severity(&scene.diagnose(), Code::MemlockLimited), Some(Severity::Warning));
    scene.inventory.devices.clear();
    assert_eq!(severity(&scene.diagnose(), Code::MemlockLimited), None, "there is no NIC");
}

#[test]
fn a_capability_that_was_given_in_vain_is_told() {
    let mut scene = Scene::two_rails();
    scene.inventory.process.capabilities = Some(NONE.to_owned());
    scene.inventory.process.user = Some(1000);
    scene.facts.bounding_capabilities = Some(LOCK.to_owned());
    assert_eq!(severity(&scene.diagnose(), Code::IpcLockNotEffective), None, "the limit is not missed");
    limited_to(&mut scene, 1 << 30);
    assert_eq!(severity(&scene.diagnose(), Code::IpcLockNotEffective), Some(Severity::Info));
    scene.facts.registrations.clear();
    assert_eq!(severity(&scene.diagnose(), Code::IpcLockNotEffective), Some(Severity::Warning));
    scene.facts.bounding_capabilities = Some(NONE.to_owned());
    assert_eq!(severity(&scene.diagnose(), Code::IpcLockNotEffective), None, "it was not given");
}

#[test]
fn a_raised_limit_is_said() {
    let mut scene = Scene::two_rails();
    scene.facts.memory_lock =
        Some(MemoryLock { soft: Limit::Bytes(64 << 10), hard: Limit::Unlimited, raised: true });
    assert_eq!(codes(&scene.diagnose()), [Code::MemlockRaised]);
}

#[test]
fn shared_memory_matters_more_where_there_are_several_gpus() {
    let mut scene = Scene::two_rails();
    for (bytes, wanted) in
        [(1_u64 << 30, None), (512 << 20, Some(Severity::Warning)), (64 << 20, Some(Severity::Error))]
    {
        scene.facts.shared_memory = Some(bytes);
        assert_eq!(severity(&scene.diagnose(), Code::SharedMemorySmall), wanted, "{bytes}");
    }
    scene.inventory.gpus = Some(vec!["0000:1b:00.0".to_owned()]);
    assert_eq!(severity(&scene.diagnose(), Code::SharedMemorySmall), Some(Severity::Warning));
    scene.inventory.gpus = None;
    assert_eq!(severity(&scene.diagnose(), Code::SharedMemorySmall), Some(Severity::Warning));
    scene.facts.shared_memory = None;
    assert_eq!(severity(&scene.diagnose(), Code::SharedMemorySmall), None);
}
