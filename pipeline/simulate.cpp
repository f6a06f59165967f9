// SPDX-License-Identifier: Apache-2.0
#include <spdlog/spdlog.h>

#include <filesystem>

#include "pipeline/verbs.h"
#include "pipeline/world/world_config.h"
#include "pipeline/world/world_writer.h"

namespace fluxtile {

int simulate_verb(const std::string& world, const std::vector<std::string>& overrides,
                  const std::string& directory, std::ostream& out) {
  const world::WorldConfig config = world::read_world_config(world, overrides);
  std::string folder = directory.empty() ? config.output : directory;
  if (folder.empty()) folder = std::filesystem::path(world).stem().string();
  world::write_world(world::World(config), folder,
                     [](const std::string& step) { spdlog::info("simulate: {}", step); });
  out << (std::filesystem::path(folder) / "run.yaml").string() << '\n';
  return 0;
}

}  // namespace fluxtile
