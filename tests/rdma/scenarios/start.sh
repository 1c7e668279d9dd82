# What `run` leaves to vLLM.

scenario run "run hands the plan's variables to vLLM, in the same process"
device mlx5_0 10.0.0.1/24
device mlx5_1 10.0.1.1/24
plan
exits 0
variable NCCL_IB_HCA =mlx5_0,mlx5_1
rm -f /tmp/vllm.*
# shellcheck disable=SC2086 # a list of words
PATH=/test/stub:$PATH $user "$launcher" run --model=m --rdma-include='*' >/tmp/run.out 2>/tmp/run.err &
started=$!
wait $started
is 'the exit code' $? 7
is 'the process' "$(cat /tmp/vllm.process)" $started
is 'the words' "$(head -n 1 /tmp/vllm.words)" serve
while read -r variable; do holds grep -qxF "$variable" /tmp/vllm.env; done </tmp/out
cp /tmp/run.err /tmp/err
says 'mlx5_1'

scenario run-required 'run under require starts nothing where nothing can be used'
device mlx5_0 10.0.0.1/24
view=only_nodes
rm -f /tmp/vllm.*
as_pod env PATH="/test/stub:$PATH" "$launcher" run --model=m --rdma-include='*' --rdma=require
exits 1
says '`mlx5_0`'
fails test -e /tmp/vllm.env
