
# Only where the deployment asks for it: find the NICs that speak RoCE, and the GID to use on them.
if [ "${KSERVE_INFER_ROCE}" = "true" ]; then
  echo "nic-scan: looking at the RDMA devices of this pod"
  # Every entry of every table goes to the log first: support asks for these lines anyway.
  grep -H . /sys/class/infiniband/*/ports/*/gids/* /sys/class/infiniband/*/ports/*/gid_attrs/types/* 2>/dev/null

  # Which table entries count; a pattern for grep.
  KSERVE_INFER_IB_GID_INDEX_GREP=${KSERVE_INFER_IB_GID_INDEX_GREP:-"RoCE v2"}

  active_hcas=()
  for hca_dir in /sys/class/infiniband/mlx5_*; do
      # Without any device the pattern stays as it is written, and names no folder.
      if [ -d "${hca_dir}" ]; then
          hca_name=$(basename "${hca_dir}")
          port_state_file="${hca_dir}/ports/1/state" # these adapters have one port each
          type_file="${hca_dir}/ports/1/gid_attrs/types/*"
          echo "nic-scan: ${hca_name}: is its link up ('ACTIVE' in ${port_state_file})?"
          if [ -f "${port_state_file}" ] && grep -q ACTIVE "${port_state_file}" && grep -q "${KSERVE_INFER_IB_GID_INDEX_GREP}" ${type_file} 2>/dev/null; then
              active_hcas+=("${hca_name}")
              echo "nic-scan: ${hca_name}: taken"
          else
              echo "nic-scan: ${hca_name}: left out, no link or no such GID"
          fi
      fi
  done

  # The same devices with their port, as UCX writes them.
  ucx_hcas=()
  for hca in "${active_hcas[@]}"; do
    ucx_hcas+=("${hca}:1")
  done

  if [ "${#active_hcas[@]}" -gt 0 ]; then
      hcas=$(IFS=,; echo "${active_hcas[*]}")
      echo "nic-scan: will use ${hcas}"
      # Whoever deploys may have named devices; then the scan only fills what is left open.
      export NCCL_IB_HCA=${NCCL_IB_HCA:-${hcas}}
      export NVSHMEM_HCA_LIST=${NVSHMEM_HCA_LIST:-${hcas}}
      export UCX_NET_DEVICES=${UCX_NET_DEVICES:-${ucx_hcas}}
      echo "nic-scan: NCCL is given ${NCCL_IB_HCA}, NVSHMEM ${NVSHMEM_HCA_LIST}"
  else
      echo "nic-scan: no device with RoCE found; the libraries are told nothing and may fall back to TCP"
  fi

  if [ "${#active_hcas[@]}" -gt 0 ]; then
      echo "gid-scan: which index holds an IPv4 address, on each device?"
      # Virtual functions do not all have the same table. Each device votes for its index, and the
      # index with most votes is the one that every device is told to use.
      declare -A gid_index_count
      declare -A hca_gid_index

      for hca_name in "${active_hcas[@]}"; do
          echo "gid-scan: ${hca_name}"
          for tpath in /sys/class/infiniband/${hca_name}/ports/1/gid_attrs/types/*; do
              # Entries of another type, and empty ones, are passed over.
              if grep -q "${KSERVE_INFER_IB_GID_INDEX_GREP}" "${tpath}" 2>/dev/null; then
                  idx=$(basename "${tpath}")
                  gid_file="/sys/class/infiniband/${hca_name}/ports/1/gids/${idx}"
                  # An IPv4 address shows as ffff: and eight digits.
                  if [ -f "${gid_file}" ] && grep -q 'ffff:' "${gid_file}"; then
                      gid_value=$(cat "${gid_file}" 2>/dev/null || echo "")
                      echo "gid-scan: ${hca_name} votes for index ${idx} (${gid_value})"
                      gid_index_count["${idx}"]=$((${gid_index_count["${idx}"]} + 1))
                      hca_gid_index["${hca_name}"]="${idx}"
                      break # one vote each
                  fi
              fi
          done
      done

      # Count the votes.
      max_count=0
      best_gid_index=""
      for idx in "${!gid_index_count[@]}"; do
          count=${gid_index_count["${idx}"]}
          echo "gid-scan: index ${idx} has ${count} votes"
          if [ "${count}" -gt "${max_count}" ]; then
              best_gid_index="${idx}"
              max_count=${count}
          fi
      done

      # With a draw, 3 is the likely one: that is where most operators put the routed address.
      if [ "${#gid_index_count[@]}" -gt 1 ]; then
          echo "gid-scan: the devices do not agree; ahead is ${best_gid_index}"
          if [ -n "${gid_index_count['3']}" ] && [ "${gid_index_count['3']}" -eq "${max_count}" ]; then
              echo "gid-scan: 3 has as many votes, so 3 it is"
              best_gid_index="3"
          fi
      fi

      # An index from outside counts more than any vote.
      if [ "${NCCL_IB_GID_INDEX}" != "" ]; then
          echo "gid-scan: index ${NCCL_IB_GID_INDEX} is given, the votes do not matter"
          export NVSHMEM_IB_GID_INDEX=${NVSHMEM_IB_GID_INDEX:-$NCCL_IB_GID_INDEX}
          export UCX_IB_GID_INDEX=${UCX_IB_GID_INDEX:-$NCCL_IB_GID_INDEX}
      elif [ -n "${best_gid_index}" ]; then
          echo "gid-scan: index ${best_gid_index} wins with ${max_count} votes"
          export NCCL_IB_GID_INDEX=${NCCL_IB_GID_INDEX:-$best_gid_index}
          export NVSHMEM_IB_GID_INDEX=${NVSHMEM_IB_GID_INDEX:-$best_gid_index}
          export UCX_IB_GID_INDEX=${UCX_IB_GID_INDEX:-$best_gid_index}
          echo "gid-scan: told to NCCL, NVSHMEM and UCX"
      else
          echo "gid-scan: no device has an IPv4 address of type ${KSERVE_INFER_IB_GID_INDEX_GREP}; no index is set"
      fi
  else
      echo "gid-scan: nothing to do without devices"
  fi
fi

# The leader holds the first ranks.
START_RANK=0
eval "vllm serve \
  /mnt/models \
  --served-model-name "deepseek-ai/DeepSeek-R1-0528" \
  --port 8000 \
  --api-server-count ${VLLM_API_SERVER_COUNT:-8} \
--enable-expert-parallel \
--tensor-parallel-size 1 \
  --data-parallel-size 16 \
  --data-parallel-size-local 8 \
  --data-parallel-address $(LWS_LEADER_ADDRESS) \
  --data-parallel-rpc-port 5555 \
  --data-parallel-start-rank $START_RANK \
  ${VLLM_ADDITIONAL_ARGS} \
  --trust-remote-code"
  # Serving over TLS waits for the gateway. The flags would be:
  #   --enable-ssl-refresh --ssl-certfile /etc/ssl/certs/tls.crt \
  #   --ssl-keyfile /etc/ssl/certs/tls.key"
