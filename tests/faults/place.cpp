// SPDX-License-Identifier: Apache-2.0
#include "place.h"

#include <gmock/gmock.h>

#include <csignal>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "base/error.h"

namespace fluxtile::faults {
namespace {

using testing::HasSubstr;

const Words old_options = {
    "--set",
    "outputs.products=[{variables: [nee], period: annual, statistic: sum, format: [geotiff, "
    "netcdf]}, {variables: [gpp], period: annual, statistic: sum, format: geotiff}]"};
const Words new_options = {
    "--set", "inputs.gpp.fill=linear", "--set",
    "outputs.products=[{variables: [nee], period: annual, statistic: sum, format: [geotiff, "
    "netcdf]}, {variables: [rh], period: monthly, statistic: mean, format: [geotiff, netcdf]}]"};
const Words both = {"--set", "region.select=[South]", "--set", "state.within_year=2", "--threads",
                    "2"};

Words joined(Words first, const Words& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

void copy_folder(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  const Outcome copied = end_to_end::execute({"cp", "-a", from.string(), to.string()});
  if (copied.code != 0) throw std::runtime_error("cannot copy " + from.string() + copied.err);
}

bool ends_with(const std::string& text, const std::string& ending) {
  return text.size() >= ending.size() &&
         text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

bool leftover(const std::string& name) { return name.find(".part") != std::string::npos; }

/// Folders with outputs to start from.
struct Templates {
  end_to_end::Folder folder;
  fs::path old_outputs = folder.path() / "old", ready = folder.path() / "ready";
  Contents of_old, of_new;
};

}  // namespace

const fs::path& Place::world() {
  static const end_to_end::Folder folder;
  static const fs::path path = [] {
    const fs::path made = folder.path() / "world";
    const Outcome outcome =
        end_to_end::fluxtile({"simulate", FLUXTILE_FAULT_WORLD, "--out", made.string()});
    if (outcome.code != 0) throw std::runtime_error("fluxtile simulate failed: " + outcome.err);
    return made;
  }();
  return path;
}

Words Place::new_run_of(const fs::path& inputs, const fs::path& outputs, const Words& more) {
  return end_to_end::fluxtile_words(
      words("run", inputs, outputs, joined(joined(both, new_options), more)));
}

Words Place::new_run(const fs::path& outputs, const Words& more) {
  return new_run_of(world(), outputs, more);
}

Words Place::old_run(const fs::path& outputs) {
  return end_to_end::fluxtile_words(words("run", world(), outputs, joined(both, old_options)));
}

namespace {
Templates& templates() {
  static Templates all;
  return all;
}
}  // namespace

const Contents& Place::old_products() {
  Templates& all = templates();
  if (all.of_old.empty()) {
    const Outcome outcome = end_to_end::execute(old_run(all.old_outputs));
    if (outcome.code != 0) throw std::runtime_error("the old run failed: " + outcome.err);
    all.of_old = visible(all.old_outputs);
  }
  return all.of_old;
}

const Contents& Place::new_products() {
  Templates& all = templates();
  if (all.of_new.empty()) {
    const end_to_end::Folder folder;
    const Outcome outcome = end_to_end::execute(new_run(folder.path() / "out"));
    if (outcome.code != 0) throw std::runtime_error("the new run failed: " + outcome.err);
    all.of_new = visible(folder.path() / "out");
  }
  return all.of_new;
}

void Place::take_old(const fs::path& outputs) {
  old_products();
  copy_folder(templates().old_outputs, outputs);
}

void Place::take_ready(const fs::path& outputs) {
  Templates& all = templates();
  if (!fs::exists(all.ready)) {
    take_old(all.ready);
    const Outcome outcome = end_to_end::execute(new_run(all.ready, {"--shard", "0/1"}));
    if (outcome.code != 0) throw std::runtime_error("the new shard failed: " + outcome.err);
  }
  copy_folder(all.ready, outputs);
}

Contents Place::visible(const fs::path& outputs) {
  Contents files = end_to_end::contents(outputs), result;
  for (auto& [name, bytes] : files) {
    if (!leftover(name) && name != "run.json" && name != "report.html")
      result[name] = std::move(bytes);
  }
  return result;
}

void Place::expect_whole(const fs::path& outputs, const std::string& what) {
  if (!fs::exists(outputs)) return;
  const Contents there = visible(outputs);
  for (const auto& [name, bytes] : there) {
    const auto is_of = [&, &n = name, &b = bytes](const Contents& products) {
      const auto found = products.find(n);
      return found != products.end() && found->second == b;
    };
    EXPECT_TRUE(is_of(old_products()) || is_of(new_products())) << what << ": " << name;
  }
  if (fs::exists(outputs / "report.html")) {
    const std::string page = read_file((outputs / "report.html").string());
    EXPECT_TRUE(ends_with(page, "</html>\n")) << what;
  }
  const bool recorded = fs::exists(outputs / "run.json");
  const bool together = recorded && (there == old_products() || there == new_products());
  bool listed = recorded;  // run.json is of this set
  if (recorded) {
    const auto record = end_to_end::run_record(outputs);
    for (const auto& product : record.at("products")) {
      const auto found = there.find(product.at("file").get<std::string>());
      if (found != there.end()) {
        listed = listed && sha256(found->second) == product.at("sha256").get<std::string>();
      } else if (product.at("file").get<std::string>() != "report.html") {
        listed = false;
      }
    }
  }
  const Outcome verified = end_to_end::fluxtile({"verify", outputs.string(), "--json"});
  if (verified.code == 0) {
    EXPECT_TRUE(together && listed) << what << ": verify is content with a mixture";
  } else {
    EXPECT_EQ(65, verified.code) << what << verified.err;
    if (together && listed) {
      EXPECT_THAT(verified.out,
                  testing::AnyOf(HasSubstr("leftover"), HasSubstr("begun and not ended")))
          << what << ": verify complains about whole products: " << verified.err;
    }
  }
}

void Place::expect_old(const fs::path& outputs, const std::string& what) {
  EXPECT_EQ("", end_to_end::differences(old_products(), visible(outputs))) << what;
}

void Place::expect_rerun(const fs::path& outputs, const std::string& what, const Words& more) {
  const Outcome again = end_to_end::execute(new_run(outputs, more));
  EXPECT_EQ(0, again.code) << what << again.signal << again.err;
  EXPECT_EQ("", end_to_end::differences(new_products(), visible(outputs))) << what;
  for (const auto& entry : fs::recursive_directory_iterator(outputs))
    EXPECT_FALSE(leftover(entry.path().filename().string())) << what << entry.path();
  for (const char* temporary : {"products", "replacement.json"})
    EXPECT_FALSE(fs::exists(outputs / ".fluxtile" / temporary)) << what;
  const Outcome verified = end_to_end::fluxtile({"verify", outputs.string()});
  EXPECT_EQ(0, verified.code) << what << verified.err;
}

Outcome Place::halted_run(const Words& words, const Fault& fault,
                          const std::function<void()>& deed) {
  end_to_end::Program program(words, with({fault}));
  const fs::path stat = "/proc/" + std::to_string(program.process()) + "/stat";
  const bool halted = program.wait_until([&] {
    const auto text = attempt([&] { return read_file(stat.string()); });
    return text.ok() && text.value().find(") T ") != std::string::npos;
  });
  EXPECT_TRUE(halted) << "the run ended before the fault";
  if (halted) deed();
  program.signal(SIGCONT);
  return program.wait();
}

void Place::expect_told(const Outcome& outcome, int code, const Words& parts,
                        const std::string& what) {
  EXPECT_EQ(code, outcome.code) << what << ": signal " << outcome.signal << "\n" << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("fluxtile: error:")) << what;
  for (const auto& part : parts) EXPECT_THAT(outcome.err, HasSubstr(part)) << what;
}

}  // namespace fluxtile::faults
