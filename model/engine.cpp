// SPDX-License-Identifier: Apache-2.0
#include "model/engine.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include "base/error.h"
#include "model/blas_threads.h"
#include "model/cuda_driver.h"
#include "model/device_engine.h"
#include "model/fused_engine.h"
#include "model/torch_engine.h"

namespace fluxtile {
namespace {

/// "AVX2", "AVX512", ...: the instruction set that ATen's own kernels were chosen for.
std::string cpu_capability() {
  const std::string label = "CPU capability usage: ", config = at::show_config();
  const size_t begin = config.find(label);
  if (begin == std::string::npos) return "unknown";
  const size_t from = begin + label.size();
  return config.substr(from, config.find_first_of(" \n\r", from) - from);
}

bool is_cuda(const std::string& device) { return device.rfind("cuda", 0) == 0; }

int device_index(const std::string& device) {
  const size_t colon = device.find(':');
  return colon == std::string::npos ? 0 : std::stoi(device.substr(colon + 1));
}

Error lacking(const std::string& key, const std::string& message, const std::string& found,
              const std::string& expected) {
  return Error(Code::data, message).key(key).found(found).expected(expected);
}

std::string resolve_device(const std::string& wanted) {
  if (wanted == "cpu") return wanted;
  const bool available = torch::cuda::is_available();
  if (wanted == "auto") return available ? "cuda:0" : "cpu";
  const std::string digits = wanted.size() > 5 ? wanted.substr(5) : "";
  const bool known =
      wanted == "cuda" || (wanted.rfind("cuda:", 0) == 0 && !digits.empty() && digits.size() < 4 &&
                           digits.find_first_not_of("0123456789") == std::string::npos);
  if (!known) throw lacking("run.device", "unknown device", wanted, "auto, cpu, cuda or cuda:K");
  const size_t count = available ? torch::cuda::device_count() : 0;
  const std::string device =
      wanted == "cuda" ? "cuda:0" : "cuda:" + std::to_string(std::stoi(digits));
  if (static_cast<size_t>(device_index(device)) >= count)
    throw lacking(
        "run.device", "this machine or this LibTorch has no such device", wanted,
        count == 0 ? "auto or cpu" : "auto, cpu or cuda:0 to cuda:" + std::to_string(count - 1));
  return device;
}

}  // namespace

EngineOptions resolve_engine(EngineOptions wanted) {
  if (wanted.engine != "auto" && wanted.engine != "torch" && wanted.engine != "fused")
    throw lacking("run.engine", "unknown engine", wanted.engine, "auto, torch or fused");
  if (wanted.engine == "fused" && wanted.device == "auto") wanted.device = "cpu";
  wanted.device = resolve_device(wanted.device);
  const bool cuda = is_cuda(wanted.device);
  if (wanted.engine == "auto") wanted.engine = cuda ? "torch" : "fused";
  if (wanted.engine == "fused") {
    if (cuda)
      throw lacking("run.device", "the fused engine runs on the CPU", wanted.device, "auto or cpu");
    if (wanted.precision != "fp32" && wanted.precision != "bf16")
      throw lacking("run.precision", "the fused engine has no such precision", wanted.precision,
                    "fp32 or bf16");
    return wanted;
  }
  const bool known = wanted.precision == "fp32" ||
                     (cuda && (wanted.precision == "tf32" || wanted.precision == "bf16"));
  if (!known)
    throw lacking("run.precision", "the torch engine has no such precision on " + wanted.device,
                  wanted.precision, cuda ? "fp32, tf32 or bf16" : "fp32");
  return wanted;
}

std::string engine_identity(const EngineOptions& options) {
  const EngineOptions resolved = resolve_engine(options);
  if (resolved.engine == "fused") return fused_engine_identity(resolved.precision);
  const std::string torch_version = "torch/" TORCH_VERSION " ";
  if (is_cuda(resolved.device))
    return torch_version + "cuda " + resolved.precision + " " +
           cuda_device_name(device_index(resolved.device));
  return torch_version + "cpu " + resolved.precision + " " + cpu_capability() + " " +
         blas_identity();
}

std::unique_ptr<Engine> make_engine(const EngineOptions& options,
                                    std::shared_ptr<const Package> package) {
  if (!package) throw Error(Code::internal, "an engine needs a model package");
  (void)architecture_info(package->architecture);
  const EngineOptions resolved = resolve_engine(options);
  if (resolved.engine == "fused") return make_fused_engine(std::move(package), resolved.precision);
  if (!is_cuda(resolved.device)) return make_torch_engine(std::move(package));
  return make_device_engine({resolved.device, resolved.precision}, std::move(package));
}

}  // namespace fluxtile
