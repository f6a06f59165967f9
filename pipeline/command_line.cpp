// SPDX-License-Identifier: Apache-2.0
#include "pipeline/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "base/nearest_name.h"
#include "base/safe_text.h"
#include "base/stop.h"
#include "geo/raster_source.h"
#include "pipeline/config_values.h"
#include "pipeline/json_stderr.h"
#include "pipeline/log.h"
#include "pipeline/pixel_points.h"
#include "pipeline/run_watch.h"
#include "pipeline/status_line.h"
#include "pipeline/timeline.h"

#ifndef FLUXTILE_VERSION
#define FLUXTILE_VERSION "unknown"
#endif

namespace fluxtile {
namespace {

const char* const exit_codes =
    "Exit codes: 0 all done; 1 some tiles failed for good, the rest is done; 64 wrong command "
    "line;\n"
    "65 wrong configuration, input or model; 70 internal error; 73, 74 cannot write; 75 stopped "
    "by\n"
    "a signal or a passing fault: run the same command again.";

/// Everything that the options of one parse are bound to.
struct Words {
  std::vector<std::string> sets, points;
  std::string threads, memory, progress = "auto", shard, directory, out_directory;
  std::string lock_wait, older_than;
  std::vector<std::string> after_dashes;  // of submit: options of sbatch
};

CLI::App* add_verb(CLI::App& app, const std::string& name, const std::string& help,
                   const std::string& example) {
  CLI::App* verb = app.add_subcommand(name, help);
  verb->footer("Example:\n  " + example + "\n\n" + exit_codes);
  verb->set_help_flag("-h,--help", "Show this help");
  return verb;
}

void add_log_options(CLI::App* verb, Command& command) {
  verb->add_option("--log-level", command.log_level, "trace, debug, info, warn, error or off")
      ->type_name("LEVEL");
  verb->add_option("--log-format", command.log_format, "text or json (one object a line)")
      ->type_name("FORMAT");
}

void add_set(CLI::App* verb, Words& words) {
  verb->add_option("--set", words.sets,
                   "Override one key, e.g. --set grid.tile=128; may be repeated. Relative paths "
                   "given here are relative to the current directory")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void add_config_options(CLI::App* verb, Command& command, Words& words) {
  verb->add_option("CONFIG", command.config, "The run configuration (YAML)")
      ->required()
      ->type_name("");
  add_set(verb, words);
  verb->add_option("--threads", words.threads, "Threads to use, or auto (same as run.threads)")
      ->type_name("N");
  verb->add_option("--memory", words.memory, "Memory to keep to, e.g. 4GB (same as run.memory)")
      ->type_name("SIZE");
  verb->add_flag("--allow-synthetic-model", command.options.allow_synthetic_model,
                 "Accept a model that was trained on synthetic data");
  verb->add_option("--progress", words.progress, "auto, plain, json or off")->type_name("FORM");
  add_log_options(verb, command);
}

void add_training_options(CLI::App* verb, Command& command, Words& words) {
  verb->add_option("CONFIG", command.config, "The configuration (YAML)")->required()->type_name("");
  add_set(verb, words);
  verb->add_option("--threads", words.threads, "Threads to use, or auto (same as run.threads)")
      ->type_name("N");
  verb->add_option("--progress", words.progress, "auto, plain, json or off")->type_name("FORM");
  add_log_options(verb, command);
}

void add_metrics(CLI::App* verb, Command& command) {
  verb->add_option("--metrics", command.metrics,
                   "Write a text file for node_exporter's textfile collector (same as\n"
                   "run.metrics; here also for a configuration that cannot be read)")
      ->type_name("FILE");
}

void add_plan(CLI::App* verb, Command& command) {
  verb->add_option("--plan", command.options.plan,
                   "Go by this written plan; refuse if configuration or inputs are not its own any "
                   "more")
      ->type_name("ID");
}

void add_json(CLI::App* verb, Command& command) {
  verb->add_flag("--json", command.options.json, "Write JSON to stdout instead of text");
}

void add_lock_wait(CLI::App* verb, Words& words, const std::string& normally) {
  verb->add_option("--lock-wait", words.lock_wait,
                   "How long to wait while another process replaces products or cleans,\n"
                   "e.g. 30s, 10m, 2h; normally " +
                       normally)
      ->type_name("TIME");
}

void add_clean(CLI::App& app, Command& command, Words& words) {
  CLI::App* clean =
      add_verb(app, "clean",
               "Remove old plans, tile-years, states and leftovers under .fluxtile. What the\n"
               "current plan, the products or a running run need is kept in any case.",
               "fluxtile clean iowa.yaml --older-than 60d --dry-run");
  add_config_options(clean, command, words);
  clean
      ->add_option("--older-than", words.older_than,
                   "Keep what is younger, e.g. 12h, 30d, 8w; normally 30d, with --keep-plans 1d")
      ->type_name("TIME");
  clean
      ->add_option("--keep-plans", command.clean.keep_plans,
                   "Keep the newest N plans that are not needed as well, with their tiles")
      ->check(CLI::Range(0, 1000000))
      ->type_name("N");
  clean->add_flag("--dry-run", command.clean.dry_run, "List what would go, remove nothing");
  clean->add_flag("--all", command.clean.all,
                  "Remove everything but the products: the next run computes all again");
  add_lock_wait(clean, words, "0");
  add_json(clean, command);
}

void add_submit(CLI::App& app, Command& command, Words& words) {
  CLI::App* submit =
      add_verb(app, "submit",
               "Write the plan and batch scripts and hand the run to a cluster: an array of\n"
               "shards, and a merge that follows it. The jobs' ids go to stdout. Again after\n"
               "failures: only shards that miss tiles are submitted.\n"
               "Words after -- go to sbatch as they are.",
               "fluxtile submit iowa.yaml --engine slurm --shards 100 -- --time=2:00:00 "
               "--cpus-per-task=8");
  add_config_options(submit, command, words);
  submit->add_option("--engine", command.submit.engine, "Who runs the shards: slurm")
      ->required()
      ->type_name("NAME");
  submit->add_option("--shards", command.submit.shards, "How many shards to cut the tiles into")
      ->required()
      ->check(CLI::Range(1, 1000000))
      ->type_name("N");
  submit->add_option("--throttle", command.submit.throttle, "Run at most K shards at once")
      ->check(CLI::Range(1, 1000000))
      ->type_name("K");
  submit
      ->add_option("--restarts", command.submit.restarts,
                   "How often a shard may ask to be run again (default 10)")
      ->check(CLI::Range(0, 1000000))
      ->type_name("R");
  submit->add_flag("--dry-run", command.submit.dry_run,
                   "Show scripts and calls of sbatch; write and submit nothing");
  add_json(submit, command);
}

void add_verbs(CLI::App& app, Command& command, Words& words) {
  CLI::App* run = add_verb(app, "run",
                           "Plan, process every tile, merge, write products and the report.\n"
                           "Run it again after an interruption: finished tile-years are kept.",
                           "fluxtile run iowa.yaml --threads 8 --set period.spinup=2");
  add_config_options(run, command, words);
  run->add_flag("--fresh", command.options.fresh, "Forget earlier tile-years and start over");
  run->add_option("--shard", words.shard,
                  "Do only tiles I, I+N, ... of the plan (0 <= I < N) and do not merge")
      ->type_name("I/N");
  add_lock_wait(run, words, "10m");
  add_plan(run, command);
  run->add_option("--timeline", command.options.timeline,
                  "Note what each thread did and when: a picture (.svg), or a Chrome trace\n"
                  "(.json) for ui.perfetto.dev")
      ->type_name("FILE");
  add_metrics(run, command);

  CLI::App* plan =
      add_verb(app, "plan",
               "Read headers only and say what a run would do: regions, tiles, models,\n"
               "time coverage, PROJ operations, memory, disk. Writes nothing.",
               "fluxtile plan iowa.yaml --json");
  add_config_options(plan, command, words);
  plan->add_flag("--fresh", command.options.fresh, "Count every tile-year as not done");
  add_json(plan, command);

  CLI::App* merge =
      add_verb(app, "merge",
               "Check that all tiles of the plan are there and valid, then write the\n"
               "products and the report. For runs that were done in shards.",
               "fluxtile merge iowa.yaml");
  add_config_options(merge, command, words);
  add_lock_wait(merge, words, "10m");
  add_metrics(merge, command);
  add_plan(merge, command);

  CLI::App* status = add_verb(app, "status",
                              "Tell from files alone which tiles are done, missing or failed.\n"
                              "Safe while a run is going on, on any machine that sees the files.",
                              "fluxtile status iowa.yaml --json");
  add_config_options(status, command, words);
  add_plan(status, command);
  add_json(status, command);

  add_submit(app, command, words);

  CLI::App* verify = add_verb(app, "verify",
                              "Check that the products in a directory belong to one run and are\n"
                              "whole: sizes, SHA-256 sums and run.json agree.",
                              "fluxtile verify out");
  verify->add_option("DIR", words.directory, "The outputs.directory of a finished run")
      ->required()
      ->type_name("");
  add_json(verify, command);
  add_log_options(verify, command);

  add_clean(app, command, words);

  CLI::App* pixel =
      add_verb(app, "pixel",
               "Follow single cells through the same code as a run: every daily input\n"
               "with its source and z-score, every output and flag.",
               "fluxtile pixel iowa.yaml --lonlat --at -93.6,42.0 --output cell.csv");
  add_config_options(pixel, command, words);
  pixel->add_option("--at", words.points, "A point in the grid's CRS; may be repeated")
      ->type_name("X,Y")
      ->allow_extra_args(false);
  pixel
      ->add_option("--points", command.points_file,
                   "A CSV file with columns x,y (grid CRS) or lon,lat (degrees)")
      ->type_name("FILE.csv");
  pixel->add_flag("--lonlat", command.pixel.lonlat, "--at gives longitude,latitude in degrees");
  pixel->add_option("--output", command.pixel.output, "Write a CSV file instead of a table")
      ->type_name("FILE.csv");
  add_json(pixel, command);

  CLI::App* inspect =
      add_verb(app, "inspect",
               "Show what fluxtile sees in rasters, NetCDF files, vector files, towers' files and\n"
               "model packages: CRS, lattice, dates, units, nodata, attributes.",
               "fluxtile inspect gpp/gpp_2018001.tif models/global");
  inspect->add_option("PATH", command.paths, "Files or model packages")->required()->type_name("");
  add_json(inspect, command);
  add_log_options(inspect, command);

  CLI::App* train =
      add_verb(app, "train",
               "Train one global model, then fine-tune one model a region from it, and\n"
               "write their packages. Run it again after an interruption: it goes on.",
               "fluxtile train configs/train/midwest.yaml");
  add_training_options(train, command, words);

  CLI::App* evaluate =
      add_verb(app, "evaluate",
               "Score global, pooled, regional and other models on held-out site-years:\n"
               "a table on stdout; CSV, JSON and a page with charts in the output folder.",
               "fluxtile evaluate configs/train/midwest.yaml");
  add_training_options(evaluate, command, words);
  add_json(evaluate, command);

  CLI::App* study =
      add_verb(app, "study",
               "Fine-tune and score in many synthetic worlds of several kinds: where does a\n"
               "model a region help? Worlds that are done are not done again.",
               "fluxtile study configs/study/ftbsc.yaml");
  add_training_options(study, command, words);
  add_json(study, command);

  CLI::App* simulate =
      add_verb(app, "simulate",
               "Write a synthetic world with the process model: inputs in the real\n"
               "formats, the truth, training data, and a run.yaml to map it.",
               "fluxtile simulate world.yaml --out world");
  simulate->add_option("WORLD", command.config, "The description of the world (YAML)")
      ->required()
      ->type_name("");
  simulate
      ->add_option("--out", words.out_directory,
                   "Directory to write to (default: the description's `output`, else\n"
                   "its file name)")
      ->type_name("DIR");
  add_set(simulate, words);
  add_log_options(simulate, command);
}

std::vector<std::string> verb_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* verb : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(verb->get_name());
  return names;
}

/// The message for words that no option takes, with the nearest option of the verb.
Error unexpected(const CLI::App& verb) {
  std::vector<std::string> options;
  for (const auto* option : verb.get_options()) {
    for (const auto& name : option->get_lnames()) options.push_back("--" + name);
  }
  const std::string help = "fluxtile " + verb.get_name() + " --help shows what it takes";
  for (const auto& word : verb.remaining()) {
    if (word.size() < 2 || word.front() != '-') continue;
    const std::string name = word.substr(0, word.find('='));
    const auto near = nearest_names(name, options);
    return Error(Code::usage, "`" + verb.get_name() + "` has no option `" + name + "`")
        .found(word)
        .hint(near.empty() ? help : suggestion(name, near) + " " + help);
  }
  const auto rest = verb.remaining();
  return Error(Code::usage, "too many words for `" + verb.get_name() + "`")
      .found(rest.empty() ? "" : rest.front())
      .hint(help);
}

void parse_shard(const std::string& text, VerbOptions& options) {
  const size_t slash = text.find('/');
  if (slash != std::string::npos) {
    const auto shard = whole_number_in(text.substr(0, slash));
    const auto shards = whole_number_in(text.substr(slash + 1));
    constexpr int64_t most = 1000000;
    if (shard && shards && *shard >= 0 && *shard < *shards && *shards <= most) {
      options.shard = static_cast<int>(*shard);
      options.shards = static_cast<int>(*shards);
      return;
    }
  }
  throw Error(Code::usage, "not a shard")
      .found("--shard " + text)
      .expected("I/N with 0 <= I < N, for example --shard 0/8 to --shard 7/8");
}

std::chrono::seconds parse_time(const std::string& option, const std::string& text) {
  const auto seconds = seconds_in(text);
  if (seconds) return std::chrono::seconds(*seconds);
  throw Error(Code::usage, "not a time")
      .found(option + " " + text)
      .expected("a number and s, m, h, d or w, for example 90s, 10m, 12h, 30d, 2w");
}

void check_plan_id(const Command& command) {
  const std::string& id = command.options.plan;
  if (id.empty()) return;
  if (id.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw Error(Code::usage, "not a plan")
        .found("--plan " + id)
        .expected("the id of a plan, as `fluxtile plan` shows it");
  }
  if (command.verb == "run" && !command.options.shard) {
    throw Error(Code::usage, "`run` takes --plan only with --shard")
        .hint("without --shard a run plans anew; what was done before is kept");
  }
}

void finish_submit(Command& command, const Words& words, const CLI::App& verb) {
  if (command.submit.engine != "slurm") {
    throw Error(Code::usage, "`submit` knows no such engine")
        .found("--engine " + command.submit.engine)
        .expected("slurm")
        .hint(
            "other schedulers run `fluxtile run CONFIG --shard I/N`, then `fluxtile merge "
            "CONFIG`");
  }
  command.submit.sets = words.sets;
  command.submit.sbatch = words.after_dashes;
  for (const char* name : {"--log-level", "--log-format", "--progress"}) {
    const auto* option = verb.get_option_no_throw(name);
    if (option == nullptr || option->count() == 0) continue;
    command.submit.log_words.emplace_back(name);
    command.submit.log_words.push_back(option->as<std::string>());
  }
}

/// Checks and converts what the options hold as text.
void finish(Command& command, const Words& words, const CLI::App& verb) {
  command.overrides = words.sets;
  if (!words.threads.empty()) command.overrides.push_back("run.threads=" + words.threads);
  if (!words.memory.empty()) command.overrides.push_back("run.memory=" + words.memory);
  for (const auto& assignment : words.sets) {
    if (assignment.find('=') == std::string::npos) {
      throw Error(Code::usage, "cannot read the override: no `=`")
          .found("--set " + assignment)
          .expected("--set key.path=value, for example --set grid.tile=128");
    }
  }
  command.options.progress = parse_progress_mode(words.progress);
  const auto* progress = verb.get_option_no_throw("--progress");
  // Lines for people would spoil a log that a program reads.
  if (command.log_format == "json" && progress != nullptr && progress->count() == 0)
    command.options.progress = ProgressMode::json;
  if (!words.shard.empty()) parse_shard(words.shard, command.options);
  const bool by_count = verb.get_option_no_throw("--keep-plans") != nullptr &&
                        verb.get_option("--keep-plans")->count() > 0;
  command.options.lock_wait = parse_time("--lock-wait", !words.lock_wait.empty()  ? words.lock_wait
                                                        : command.verb == "clean" ? "0"
                                                                                  : "10m");
  command.clean.older_than = parse_time(
      "--older-than", !words.older_than.empty() ? words.older_than : (by_count ? "1d" : "30d"));
  check_plan_id(command);
  if (command.verb == "submit") finish_submit(command, words, verb);
  if (!command.options.timeline.empty()) require_timeline_name(command.options.timeline);
  if (!words.directory.empty()) command.paths = {words.directory};
  for (const auto& point : words.points) command.pixel.points.push_back(parse_point(point));
  if (command.verb == "pixel" && words.points.empty() && command.points_file.empty()) {
    throw Error(Code::usage, "`pixel` needs points")
        .expected("--at X,Y or --points FILE.csv")
        .hint("fluxtile pixel --help shows an example");
  }
  if (command.verb == "simulate") command.paths = {words.out_directory};
}

void add_points_of_file(Command& command) {
  if (command.points_file.empty()) return;
  const PointList list = read_points(command.points_file);
  if (!command.pixel.points.empty() && list.lonlat != command.pixel.lonlat) {
    throw Error(Code::usage, "--at and --points are in different coordinates")
        .file(command.points_file)
        .hint(list.lonlat ? "add --lonlat, and give --at longitude,latitude" : "drop --lonlat");
  }
  if (list.lonlat) command.pixel.lonlat = true;
  command.pixel.points.insert(command.pixel.points.end(), list.points.begin(), list.points.end());
}

int run_command(Command& command, std::ostream& out) {
  static const std::set<std::string> without_run = {"verify", "inspect",  "simulate",
                                                    "train",  "evaluate", "study"};
  if (without_run.count(command.verb) != 0) {
    constexpr uint64_t enough = 512ULL << 20;
    initialise_gdal(gdal_cache_bytes(enough), false);
    if (command.verb == "train")
      return train_verb(command.config, command.overrides, command.options, out);
    if (command.verb == "evaluate")
      return evaluate_verb(command.config, command.overrides, command.options, out);
    if (command.verb == "study")
      return study_verb(command.config, command.overrides, command.options, out);
    if (command.verb == "verify")
      return verify_verb(command.paths.front(), command.options.json, out);
    if (command.verb == "inspect") return inspect_verb(command.paths, command.options.json, out);
    return simulate_verb(command.config, command.overrides, command.paths.front(), out);
  }
  if (command.verb == "pixel") add_points_of_file(command);
  const Config config = read_config(command.config, command.overrides, recipe_directories());
  if (command.options.watch != nullptr) command.options.watch->configured(config);
  initialise_gdal(gdal_cache_bytes(config.run.memory), config.run.allow_remote);
  if (command.verb == "plan") return plan_verb(config, command.options, out);
  if (command.verb == "merge") return merge_verb(config, command.options, out);
  if (command.verb == "status") return status_verb(config, command.options, out);
  if (command.verb == "clean") return clean_verb(config, command.options, command.clean, out);
  if (command.verb == "pixel") return pixel_verb(config, command.options, command.pixel, out);
  if (command.verb == "submit") return submit_verb(config, command.options, command.submit, out);
  return run_verb(config, command.options, out);
}

/// A run or merge is watched from here on.
std::unique_ptr<RunWatch> watch_of(const Command& command) {
  if (command.verb != "run" && command.verb != "merge") return nullptr;
  const auto& shard = command.options.shard;
  return std::make_unique<RunWatch>(
      command.verb, command.config, command.metrics,
      shard ? std::to_string(*shard) + "/" + std::to_string(*command.options.shards) : "");
}

}  // namespace

Command parse_command_line(const std::vector<std::string>& words) {
  Command command;
  Words values;
  CLI::App app(
      "fluxtile turns GPP rasters, climate grids and soil maps into gridded carbon fluxes\n"
      "(Ra, Rh, Reco, NEE) with knowledge-guided models.",
      "fluxtile");
  app.set_help_flag("-h,--help", "Show this help");
  app.set_version_flag("--version", "fluxtile " FLUXTILE_VERSION, "Show the version");
  app.get_formatter()->label("SUBCOMMAND", "VERB");
  app.get_formatter()->label("Subcommands", "Verbs");
  app.require_subcommand(1);
  app.footer(
      "Start with:\n"
      "  fluxtile inspect gpp/*.tif        what is in my files?\n"
      "  fluxtile plan iowa.yaml           is the configuration right, how long will it take?\n"
      "  fluxtile run iowa.yaml            make the maps\n"
      "fluxtile VERB --help shows the options of a verb and an example.\n\n" +
      std::string(exit_codes));
  add_verbs(app, command, values);

  const auto verbs = verb_names(app);
  if (words.empty()) {
    throw Error(Code::usage, "no verb")
        .expected("fluxtile VERB ...: one of " +
                  [&verbs] {
                    std::string all;
                    for (const auto& name : verbs) all += (all.empty() ? "" : ", ") + name;
                    return all;
                  }())
        .hint("fluxtile --help");
  }
  const std::string& first = words.front();
  const bool about = first == "--help" || first == "-h" || first == "--version";
  if (!about && std::find(verbs.begin(), verbs.end(), first) == verbs.end()) {
    const bool option = first.front() == '-';
    throw Error(Code::usage, (option ? "unknown option `" : "unknown verb `") + first + "`")
        .expected("fluxtile VERB ...")
        .hint(option ? "options come after the verb; fluxtile --help" : suggestion(first, verbs));
  }

  CLI::App* verb = about ? nullptr : app.get_subcommand(first);
  std::vector<std::string> own = words;
  if (first == "submit") {
    const auto dashes = std::find(own.begin(), own.end(), "--");
    if (dashes != own.end()) values.after_dashes.assign(dashes + 1, own.end());
    own.erase(dashes, own.end());
  }
  try {
    app.parse(std::vector<std::string>(own.rbegin(), own.rend()));
  } catch (const CLI::CallForHelp&) {
    command.text = verb != nullptr ? verb->help("fluxtile") : app.help();
    return command;
  } catch (const CLI::CallForVersion& version) {
    command.text = std::string(version.what()) + "\n";
    return command;
  } catch (const CLI::ExtrasError&) {
    throw unexpected(*verb);
  } catch (const CLI::ParseError& error) {
    throw Error(Code::usage, error.what())
        .hint("fluxtile " + (verb != nullptr ? first + " " : "") + "--help");
  }
  command.verb = first;
  finish(command, values, *verb);
  return command;
}

std::string error_text(const Error& error, bool json) {
  if (!json) return "fluxtile: error: " + log_lines(error.what());
  nlohmann::ordered_json object;
  object["time"] = utc_text(std::chrono::system_clock::now());
  object["level"] = "error";
  object["code"] = static_cast<int>(error.code());
  object["message"] = error.message();
  const auto add = [&object](const char* name, const std::string& value) {
    if (!value.empty()) object[name] = value;
  };
  add("file", error.file());
  add("key", error.key());
  if (error.line() > 0) object["line"] = error.line();
  add("tile", error.tile());
  add("stage", error.stage());
  add("found", error.found());
  add("expected", error.expected());
  add("hint", error.hint());
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

bool wants_json_log(const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--log-format=json") return true;
    if (words[i] == "--log-format" && i + 1 < words.size() && words[i + 1] == "json") return true;
  }
  return false;
}

int command_line(const std::vector<std::string>& words, std::ostream& out) {
  const bool json = wants_json_log(words);
  const auto every_line = json ? std::make_unique<JsonStderr>() : nullptr;
  std::unique_ptr<RunWatch> watch;
  int code = 0;
  std::string cause;
  try {
    std::signal(SIGPIPE, SIG_IGN);
    Command command = parse_command_line(words);
    if (command.verb.empty()) {
      out << command.text << std::flush;
      return 0;
    }
    initialise_log(command.log_level, command.log_format);
    Stop::install_handlers();
    watch = watch_of(command);
    command.options.watch = watch.get();
    code = run_command(command, out);
  } catch (...) {
    const Error error = current_error();
    StatusLine::standard_error().set_bar("");
    StatusLine::standard_error().write_line(error_text(error, json));
    code = static_cast<int>(error.code());
    cause = error.message() + (error.file().empty() ? "" : " (" + error.file() + ")");
  }
  if (watch) {
    const auto told = attempt([&] {
      say_summary(watch->conclude(code, cause), json);
      return true;
    });
    static_cast<void>(told);
  }
  return code;
}

}  // namespace fluxtile
