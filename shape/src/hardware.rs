//! Which accelerator a container is for, as far as its resources, image, variables and arguments say.
//! docs/shape.md has the lists with their sources.

use crate::json;
use prefill_core::flags;
use serde_json::Value;

/// What the device plugins of other vendors call their devices.
const DEVICES: [&str; 15] = [
    "amd.com/",
    "aws.amazon.com/neuron",
    "cambricon.com/",
    "enflame.com/",
    "furiosa.ai/",
    "google.com/tpu",
    "gpu.intel.com/",
    "habana.ai/",
    "huawei.com/",
    "ibm.com/aiu",
    "ibm.com/spyre",
    "metax-tech.com/",
    "mthreads.com/",
    "qualcomm.com/qaic",
    "rebellions.ai/",
];

/// Words in the names and tags of images for other accelerators.
const IMAGES: [&str; 13] = [
    "aiu",
    "ascend",
    "gaudi",
    "habana",
    "habanalabs",
    "hpu",
    "neuron",
    "neuronx",
    "npu",
    "rocm",
    "spyre",
    "tpu",
    "xpu",
];

/// What the variables begin with that only the runtimes of other accelerators read.
const VARIABLES: [&str; 13] = [
    "ASCEND_",
    "HABANA_",
    "HCCL_",
    "HIP_VISIBLE_DEVICES",
    "NEURON_",
    "ONEAPI_DEVICE_SELECTOR",
    "PT_HPU_",
    "ROCR_VISIBLE_DEVICES",
    "TPU_",
    "VLLM_ROCM_",
    "VLLM_SPYRE_",
    "VLLM_XPU_",
    "ZE_AFFINITY_MASK",
];

/// Says for which device vLLM was built (`vllm/envs.py`).
const TARGET: &str = "VLLM_TARGET_DEVICE";

/// What the labels of GKE's TPU nodes begin with.
const TPU_NODES: &str = "cloud.google.com/gke-tpu-";

/// Values of vLLM's `--device`, and of its build's target, for other accelerators.
const DEVICE_FLAG: [&str; 6] = ["hpu", "neuron", "npu", "rocm", "tpu", "xpu"];

/// Words in the names and tags of images for hardware, or networks, that llm-d-cuda is not built for.
const OTHER_BUILDS: [&str; 8] = ["aarch64", "arm64", "aws", "cpu", "efa", "gb200", "gh200", "sim"];

/// Why the container runs on an accelerator for which neither llm-d-cuda nor the launcher does
/// anything; `None` where nothing says so.
pub(crate) fn other(spec: &Value, serving: &Value) -> Option<String> {
    if let Some(device) = devices(serving).find(|name| DEVICES.iter().any(|other| name.starts_with(other))) {
        return Some(format!("{device} is no NVIDIA GPU"));
    }
    let image = json::text(serving, "image").unwrap_or_default();
    if crate::image::is_canonical(image) {
        return None;
    }
    if let Some(word) = image_word(image, &IMAGES) {
        return Some(format!("the image is for {word}"));
    }
    let mut variables = list(serving, "env").iter().filter_map(|item| json::text(item, "name"));
    if let Some(name) = variables.find(|name| VARIABLES.iter().any(|other| name.starts_with(other))) {
        return Some(format!("{name} is read on other accelerators"));
    }
    if let Some(target) = target(serving).filter(|target| DEVICE_FLAG.contains(target)) {
        return Some(format!("{TARGET} is {target}"));
    }
    let selector = spec["nodeSelector"].as_object();
    if selector.is_some_and(|labels| labels.keys().any(|name| name.starts_with(TPU_NODES))) {
        return Some(format!("the node selector has {TPU_NODES}"));
    }
    device_flag(serving).filter(|value| DEVICE_FLAG.contains(value)).map(|value| format!("--device {value}"))
}

/// Why llm-d-cuda would not run where the container's own image does.
pub(crate) fn not_for_llm_d_cuda(spec: &Value, serving: &Value) -> Option<String> {
    if let Some(device) = devices(serving).find(|name| name.starts_with("vpc.amazonaws.com/efa")) {
        return Some(format!("{device} needs an image with libfabric"));
    }
    if !list(&serving["resources"], "claims").is_empty() {
        return Some("which device a resource claim stands for is not known".to_owned());
    }
    let image = json::text(serving, "image").unwrap_or_default();
    if let Some(word) = image_word(image, &OTHER_BUILDS) {
        return Some(format!("the image is for {word}"));
    }
    if spec["nodeSelector"]["kubernetes.io/arch"].as_str().is_some_and(|arch| arch != "amd64") {
        return Some("the node selector asks for another architecture than amd64".to_owned());
    }
    if device_flag(serving) == Some("cpu") || target(serving) == Some("cpu") {
        return Some("--device cpu".to_owned());
    }
    (json::text(serving, "imagePullPolicy") == Some("Never")).then(|| "imagePullPolicy is Never".to_owned())
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[][..], Vec::as_slice)
}

/// The resources that the container asks for.
fn devices(serving: &Value) -> impl Iterator<Item = &str> {
    let resources =
        ["limits", "requests"].into_iter().filter_map(|key| serving["resources"][key].as_object());
    resources.flat_map(|resources| resources.keys()).map(String::as_str)
}

/// The first of `words` that stands in the image's name or tag, with or without a number behind it
/// (`gaudi3`, `rocm6`); neither its registry nor its digest counts.
fn image_word<'w>(image: &str, words: &[&'w str]) -> Option<&'w str> {
    let named = image.split('@').next().unwrap_or_default().to_ascii_lowercase();
    let named = named.as_str();
    let is_registry = |first: &str| first.contains(['.', ':']) || first == "localhost";
    let path = named.split_once('/').filter(|(first, _)| is_registry(first)).map_or(named, |(_, path)| path);
    path.split(['/', ':', '-', '_', '.']).find_map(|part| {
        let is = |word: &&&str| {
            let behind = part.strip_prefix(**word).map(str::as_bytes);
            behind.is_some_and(|behind| behind.first().is_none_or(u8::is_ascii_digit))
        };
        words.iter().find(is).copied()
    })
}

/// For which device vLLM was built, as its own builds have it in the environment.
fn target(serving: &Value) -> Option<&str> {
    let item = json::item(list(serving, "env"), "name", TARGET)?;
    json::text(item, "value")
}

/// What the last `--device` says.
fn device_flag(serving: &Value) -> Option<&str> {
    let words: Vec<&str> =
        ["command", "args"].iter().flat_map(|key| list(serving, key)).filter_map(Value::as_str).collect();
    let at = words.iter().rposition(|word| flags::names(word, "device"))?;
    words[at].split_once('=').map(|(_, value)| value).or_else(|| words.get(at + 1).copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn image(image: &str) -> Value {
        json!({ "image": image, "resources": { "limits": { "nvidia.com/gpu": "8" } } })
    }

    #[test]
    fn other_accelerators_by_image() {
        for name in [
            "vault.habana.ai/gaudi-docker/1.21.3/ubuntu22.04/habanalabs/pytorch-installer-2.6.0:latest",
            "intel/vllm:0.10-xpu",
            "rocm/vllm:latest",
            "quay.io/ibm-aiu/vllm-spyre:0.10.2",
            "vllm/vllm-tpu:nightly",
            "ghcr.io/llm-d/llm-d-hpu:v0.8.0",
            "quay.io/ascend/vllm-ascend:v0.11.0",
            "registry.example/vllm-gaudi3:1.22",
            "registry.example/vllm:rocm6.4.1",
            "intel/vllm:0.10-XPU",
            "public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:0.13",
        ] {
            assert!(other(&Value::Null, &image(name)).is_some(), "{name}");
        }
        for name in
            ["ghcr.io/llm-d/llm-d-cuda:v0.9.0", "vllm/vllm-openai:v0.30.0", "rocm.example/vllm-openai:1", "x"]
        {
            assert_eq!(other(&Value::Null, &image(name)), None, "{name}");
        }
    }

    #[test]
    fn other_accelerators_by_what_the_pod_says() {
        let with = |key: &str, value: Value| {
            let mut container = image("registry.example/vllm:1");
            container[key] = value;
            container
        };
        assert_eq!(
            other(&Value::Null, &with("resources", json!({ "requests": { "amd.com/gpu": "8" } }))).as_deref(),
            Some("amd.com/gpu is no NVIDIA GPU")
        );
        assert_eq!(
            other(&Value::Null, &with("env", json!([{ "name": "PT_HPU_LAZY_MODE", "value": "1" }])))
                .as_deref(),
            Some("PT_HPU_LAZY_MODE is read on other accelerators")
        );
        assert_eq!(
            other(&Value::Null, &with("args", json!(["--device", "cuda", "--device=hpu"]))).as_deref(),
            Some("--device hpu")
        );
        assert_eq!(other(&Value::Null, &with("args", json!(["--device", "cuda"]))), None);
    }

    #[test]
    fn nvidia_hardware_that_llm_d_cuda_is_not_for() {
        for name in [
            "ghcr.io/llm-d/llm-d-aws:v0.9.0",
            "ghcr.io/llm-d/llm-d-cuda-gb200:v0.3.0",
            "vllm/vllm-openai:v0.11.0-aarch64",
            "vllm/vllm-openai-cpu:v0.23.0",
            "ghcr.io/llm-d/llm-d-inference-sim:v0.6.1",
        ] {
            assert!(not_for_llm_d_cuda(&Value::Null, &image(name)).is_some(), "{name}");
        }
        assert_eq!(not_for_llm_d_cuda(&Value::Null, &image("vllm/vllm-openai:v0.11.0")), None);
        let mut efa = image("x");
        efa["resources"]["limits"]["vpc.amazonaws.com/efa"] = json!("4");
        assert!(not_for_llm_d_cuda(&Value::Null, &efa).is_some());
    }
}
