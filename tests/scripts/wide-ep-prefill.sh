# Start of a wide expert-parallel prefill pod: every pod of the group serves its own ranks.
# DP_SIZE_LOCAL is how many GPUs this pod has.
DP_SIZE_LOCAL=${DP_SIZE_LOCAL:-8}
START_RANK=$(( ${LWS_WORKER_INDEX:-0} * DP_SIZE_LOCAL ))
DP_SIZE=$(( ${LWS_GROUP_SIZE:-1} * DP_SIZE_LOCAL ))
echo "ranks ${START_RANK} to $(( START_RANK + DP_SIZE_LOCAL - 1 )) of ${DP_SIZE}"

# Compiled kernels go to the node's disk, so that a restart finds them again.
mkdir -p /var/cache/vllm

# shellcheck disable=SC1091
source /opt/vllm/bin/activate
exec vllm serve deepseek-ai/DeepSeek-R1-0528 \
  --port 8000 \
  --trust-remote-code \
  --disable-uvicorn-access-log \
  --enable-expert-parallel \
  --data-parallel-hybrid-lb \
  --data-parallel-size $DP_SIZE \
  --data-parallel-size-local $DP_SIZE_LOCAL \
  --data-parallel-address ${LWS_LEADER_ADDRESS} \
  --data-parallel-rpc-port 5555 \
  --data-parallel-start-rank $START_RANK \
  --kv_transfer_config '{"kv_connector":"NixlConnector","kv_role":"kv_both"}'
