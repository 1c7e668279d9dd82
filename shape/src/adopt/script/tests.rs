use super::*;

const LEADER: &str = r#"
if [ "$KSERVE_INFER_ROCE" = "true" ]; then
  echo "looking for NICs"
  active_hcas=()
  for hca_dir in /sys/class/infiniband/mlx5_*; do
    hca_name=$(basename "$hca_dir")   # one port each
    if grep -q "ACTIVE" "$hca_dir/ports/1/state" 2>/dev/null; then active_hcas+=("$hca_name"); fi
  done
  export NCCL_IB_HCA=${NCCL_IB_HCA:-${hcas}}
fi
START_RANK=0
eval "exec vllm serve \
  /mnt/models \
  --served-model-name "NAME" \
  --api-server-count ${VLLM_API_SERVER_COUNT:-8} \
  --data-parallel-start-rank $START_RANK \
  ${VLLM_ADDITIONAL_ARGS} \
  $@"
  # a note with "one quote
"#;

fn read_with(old: &str, new: &str) -> Result<Script, String> {
    assert!(LEADER.contains(old), "{old}");
    read(&LEADER.replacen(old, new, 1)).map_err(|problem| problem.detail)
}

fn refused(added: &str) -> String {
    read_with("START_RANK=0", &format!("{added}\nSTART_RANK=0"))
        .map_or_else(|detail| detail, |_| "read".to_owned())
}

#[test]
fn a_script_comes_to_its_last_command() {
    let script = read(LEADER).unwrap();
    let command = script.command.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        command,
        "exec vllm serve /mnt/models --served-model-name NAME --api-server-count \u{1}VLLM_API_SERVER_COUNT:8\u{1} \
         --data-parallel-start-rank \u{1}START_RANK\u{1} \u{1}VLLM_ADDITIONAL_ARGS\u{1} \u{1}@\u{1}"
    );
    assert!(script.reads_arguments);
}

#[test]
fn any_other_statement_is_named() {
    for statement in [
        "export FOO=1",
        "export NCCL_IB_HCA=mlx5_0",
        "export NCCL_IB_HCA=${NCCL_IB_HCA:-mlx5_0}",
        "pip install x",
        "ulimit -l unlimited",
        "sleep 30",
        "set -e",
        "cd /x",
        "echo x > /tmp/x",
        "echo `touch x`",
        "echo \"$(touch x)\"",
        "echo ${X:-$(touch x)}",
        "hcas=$(awk 'BEGIN{system(\"x\")}')",
        "hcas=mlx5_7",
        "hcas=$MINE",
        "export UCX_NET_DEVICES=${UCX_NET_DEVICES:-${hcas},eth0,lo}",
        "best_gid_index=\"3\"",
        "hca_port_pairs+=(\"${hca}:2\")",
        "hcas=$(echo mlx5_7)",
        "[ \"1\" = \"1\" ]",
        "[ \"$KSERVE_INFER_ROCE\" != \"true\" ]",
        "DP_ADDRESS=$(getent hosts ${LWS_LEADER_ADDRESS}.ib.example.com | cut -d' ' -f1)",
        "SHUTDOWN_TIMEOUT_ARGS=\"--shutdown-timeout 900\"",
        "export NCCL_IB_HCA=${NCCL_IB_HCA:-$MINE}",
        "echo ${hcas:=mlx5_7}",
        "[ \"$hca_name\" != mlx5_7 ]",
        "grep -q mlx5_7 \"$hca_dir\"",
        "active_hcas=(mlx5_0 mlx5_1)",
        "FOO=1 echo x",
        "echo x | tee /tmp/x",
        "echo x &",
        "for hca in a b; do echo x; done",
        "while true; do break; done",
        "f() { echo x; }",
        "[ -n \"$X\" ] && START_RANK=4",
        "KSERVE_INFER_IB_GID_INDEX_GREP=${KSERVE_INFER_IB_GID_INDEX_GREP:-\"RoCE v1\"}",
        "SHUTDOWN_TIMEOUT_ARGS=\"--shutdown-timeout 5 --enforce-eager\"",
        "exit 0",
        "vllm serve x",
        "fi",
    ] {
        let first = statement.split(" && ").last().unwrap().split("; ").next().unwrap();
        let detail = refused(statement);
        assert!(detail.starts_with("KServe's script has no statement `"), "{statement}: {detail}");
        assert!(detail.contains(first.split([' ', '=']).next().unwrap()), "{statement}: {detail}");
    }
}

#[test]
fn nothing_may_follow_or_be_left_open() {
    assert_eq!(read_with("  # a note", "  echo done\n#").unwrap_err(), "`echo done` follows `vllm serve`");
    assert!(read_with("\nfi\n", "\n").is_err());
    assert!(read_with("eval \"exec", "if true; then eval \"exec").is_err());
    assert!(read("echo x\n").is_err());
    assert!(read("").is_err());
    assert!(read("eval \"exec vllm serve").is_err());
    assert!(read("echo \\").is_err());
}

#[test]
fn the_command_expands_only_what_is_known() {
    assert!(read_with("/mnt/models", "$MODEL").unwrap_err().contains("$MODEL"));
    assert!(read_with("\"NAME\"", "\"a;b\"").unwrap_err().contains("follows `vllm serve`"));
    assert!(read_with("\"NAME\"", "\"*\"").unwrap_err().contains("would expand"));
    assert!(read_with("$@", "$(date)").is_err());
}

proptest::proptest! {
    #[test]
    fn any_text_gets_an_answer(text in "[a-z\"'$(){}\\\\;|&#>\\[= \n\u{e9}-]{0,40}", at in 0..LEADER.len()) {
        let _ = read(&text);
        // And in the midst of a script.
        if LEADER.is_char_boundary(at) {
            let _ = read(&format!("{}{text}{}", &LEADER[..at], &LEADER[at..]));
        }
    }
}
