// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <fstream>
#include <netcdf>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace fluxtile::test {

/// A variable of a file of golden vectors, in its own shape.
inline at::Tensor read_golden(const netCDF::NcFile& file, const std::string& name,
                              at::ScalarType type = at::kFloat) {
  const netCDF::NcVar variable = file.getVar(name);
  std::vector<int64_t> shape;
  for (const auto& dimension : variable.getDims())
    shape.push_back(static_cast<int64_t>(dimension.getSize()));
  at::Tensor values = at::empty(shape, type);
  if (type == at::kDouble)
    variable.getVar(values.data_ptr<double>());
  else
    variable.getVar(values.data_ptr<float>());
  return values;
}
inline at::Tensor read_golden(const std::string& path, const std::string& name,
                              at::ScalarType type = at::kFloat) {
  return read_golden(netCDF::NcFile(path, netCDF::NcFile::read), name, type);
}

/// The same as a flat list.
inline std::vector<double> golden_values(const std::string& path, const std::string& name) {
  const at::Tensor values = read_golden(path, name, at::kDouble);
  return {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
}

inline nlohmann::json golden_json(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return nlohmann::json::parse(file);
}

}  // namespace fluxtile::test
