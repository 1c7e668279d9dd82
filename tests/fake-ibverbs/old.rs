//! `libfake_ibverbs_old.so`: the same as of before rdma-core 32, without `_ibv_query_gid_table`.

mod library;
